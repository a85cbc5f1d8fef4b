# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  path:
    description:
      - Where tools are on the machine. Every folder down to it must belong to root alone.
      - Its file system must have POSIX ACLs, by which users see their own projects only.
    type: path
    default: /opt/shipping
requirements:
  - Python 3.9 or newer on the machine, and nothing else
  - root on the machine, by C(become)
  - Linux
"""
