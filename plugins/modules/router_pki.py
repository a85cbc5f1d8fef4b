#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: router_pki
short_description: Create or rotate the keys of the router
version_added: 0.1.0
description:
  - Creates the keys of the router's control channel in a folder of the control node, if they are
    missing or expire within 60 days. Each file has the mode 0600.
  - An authority signs a key of the router and a key of the client, which M(shipping.code.traffic)
    and M(shipping.code.router_info) use. The authority's own key is not kept.
  - Also creates the key by which the router's log names visitors, and the key of testers. These two
    are never rotated.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: The files are keys.
  idempotent:
    support: partial
    details: After O(state=next), another run with O(rotate=true) makes new keys.
options:
  path:
    description:
      - The folder. A relative path is below the folder of the playbook.
      - Files that Ansible Vault encrypts are read, and written again only when they are rotated.
    type: path
    required: true
  state:
    description:
      - V(present) creates what is missing.
      - V(next) ends a rotation. The keys in the folder C(next) replace the current ones, which
        move to the folder C(former).
      - V(former) puts the keys before the last change back, which a router that was rolled back
        still has.
    type: str
    choices: [present, next, former]
    default: present
  rotate:
    description:
      - Whether to begin a rotation. New keys are created in the folder C(next). After a release of
        the router, all replicas trust them, too. Then O(state=next) makes them the current keys,
        and another release gives them to the replicas. The role P(shipping.code.router#role) does
        all of it.
    type: bool
    default: false
seealso:
  - module: shipping.code.router_spec
"""

EXAMPLES = r"""
- name: Create the keys of the router
  shipping.code.router_pki:
    path: router-pki
"""

RETURN = r"""
path:
  description: The absolute path of the folder.
  returned: success
  type: str
  sample: /srv/deploy/router-pki
rotating:
  description: Whether the folder has keys that wait for O(state=next).
  returned: success
  type: bool
  sample: false
"""
