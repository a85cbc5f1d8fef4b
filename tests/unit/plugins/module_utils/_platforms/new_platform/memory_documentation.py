# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  platform:
    description:
      - V(memory) is the memory of the module's process.
  memory_place:
    description:
      - "Memory: what the place is called."
    type: str
    default: here
requirements:
  - "Memory: none"
"""
