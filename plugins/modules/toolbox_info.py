#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: toolbox_info
short_description: Tells which tools a machine has, for whom, and since when
version_added: 0.1.0
description:
  - Reads the receipts of a machine, its generations, and where what is there differs from what was
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
- name: Look what the machine has
  shipping.code.toolbox_info:
  register: found

- name: Show who has what
  ansible.builtin.debug:
    msg: "{{ found.users }}"
"""

RETURN = r"""
host:
  description: The name of the host in the last assignment; empty if nothing was ever delivered.
  returned: always
  type: str
  sample: pc1.example.com
revision:
  description: The revision of the last record.
  returned: always
  type: str
  sample: csn:dc=example,dc=com:20261124120000.000000Z#000000#000#000000
generation:
  description: The number of the generation that users see; 0 where there is none.
  returned: always
  type: int
  sample: 7
generations:
  description: The generations that can be gone back to.
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
  description: Who has which tools, when they were asked for, and since when they are ready.
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
  description: Tools that stay as they are since a rollback, whatever the catalog has. One without a
    version stays away.
  returned: always
  type: list
  elements: dict
  sample: []
drift:
  description: What is not as it was delivered. The next delivery brings it back.
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
