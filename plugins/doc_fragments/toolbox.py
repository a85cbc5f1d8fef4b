# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  path:
    description:
      - The folder of the tools on the host. Only root may be able to write to it and to the folders
        above it.
      - Its file system must have POSIX ACLs. Users see tools of their own projects only.
    type: path
    default: /opt/shipping
requirements:
  - Python 3.9 or newer on the host, and no other software
  - root on the host, by C(become)
  - Linux
"""
