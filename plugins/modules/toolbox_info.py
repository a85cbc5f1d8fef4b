#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: toolbox_info
short_description: List the tools of a host, with their users and times
version_added: 0.1.0
description:
  - Reads the installed state of a host and its generations, and compares the host with what was
    delivered.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.reading
  - shipping.code.toolbox
seealso:
  - module: shipping.code.toolbox
"""

EXAMPLES = r"""
- name: List the tools of the host
  shipping.code.toolbox_info:
  register: tools

- name: Show the users with their tools
  ansible.builtin.debug:
    msg: "{{ tools.users }}"
"""

RETURN = r"""
host:
  description: The name of the host in the last assignment; empty if nothing was ever delivered.
  returned: always
  type: str
  sample: pc1.example.com
revision:
  description: The revision of the last host assignment.
  returned: always
  type: str
  sample: csn:dc=example,dc=com:20261124120000.000000Z#000000#000#000000
generation:
  description: The number of the generation that users see; 0 before the first delivery.
  returned: always
  type: int
  sample: 7
generations:
  description: The generations that you can roll back to.
  returned: always
  type: list
  elements: dict
  sample:
    - number: 6
      created: "2026-11-23T09:10:18Z"
      rolled_back_to: null
      tools: 3
    - number: 7
      created: "2026-11-24T12:00:02Z"
      rolled_back_to: null
      tools: 4
users:
  description: The users with their tools, each with the times when it was requested and ready.
  returned: always
  type: list
  elements: dict
  sample:
    - id: 14eb5412-286a-412a-9a34-6e5b2bb830d5
      name: ada
      tools:
        - project: atlas
          name: atlas
          type: script
          version: "1.0"
          description: Prints a map
          commands: [atlas]
          requested: "2026-11-24T12:00:00Z"
          ready: "2026-11-24T12:00:02Z"
holds:
  description: Tools that a rollback holds, whatever the catalog has. A tool without a version is
    not installed.
  returned: always
  type: list
  elements: dict
  sample: []
drift:
  description: Tools and views that differ from what was delivered. The next delivery repairs
    them.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._toolbox import toolbox_calls as calls
from ansible_collections.shipping.code.plugins.module_utils._toolbox.toolbox_options import WHERE


def main() -> None:
    answer(AnsibleModule(WHERE, supports_check_mode=True), calls.info)


if __name__ == "__main__":
    main()
