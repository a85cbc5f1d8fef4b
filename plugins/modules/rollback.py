#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._release import arguments, drafts, module


def main() -> None:
    module.run(AnsibleModule(arguments.for_module(arguments.ROLLBACK), supports_check_mode=True), drafts.rollback)


if __name__ == "__main__":
    main()
