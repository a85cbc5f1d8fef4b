#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: Tells what of an app runs, and how it came to be
version_added: 0.1.0
description:
  - Returns the history of an app, what is live, its services as they are now, and where what runs
    differs from what was released.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.action_group
  - shipping.code.platform
attributes:
  check_mode:
    support: full
    details: Changes nothing.
  diff_mode:
    support: N/A
    details: Changes nothing.
  idempotent:
    support: full
options:
  show:
    description:
      - Whether to print the answer as a table, each line beginning with the name of the host.
    type: bool
    default: false
seealso:
  - module: shipping.code.release
  - module: shipping.code.rollback
"""

EXAMPLES = r"""
- name: Look at the shop
  shipping.code.release_info:
    app: shop
  register: shop

- name: Show what is live
  ansible.builtin.debug:
    msg: "{{ shop.live.version }} by {{ shop.live.by }}, drift: {{ shop.drift | length }}"
  when: shop.live | length > 0
"""

RETURN = r"""
app:
  description: The app.
  returned: always
  type: str
  sample: shop
live:
  description: The release that runs, as in RV(history); empty where none is live.
  returned: always
  type: dict
  sample: {"number": 8, "version": "1.5.0", "verdict": "live", "by": "alice@ci-7"}
history:
  description: All releases that are kept, the newest first.
  returned: always
  type: list
  elements: dict
  contains:
    number:
      description: Its number.
      type: int
      sample: 8
    version:
      description: Its version.
      type: str
      sample: 1.5.0
    verdict:
      description: V(live) where it was or is live, V(rolled_back), V(failed), or V(pending) while
        it is under way or after its run was killed.
      type: str
      sample: live
    reason:
      description: Why it failed.
      type: str
      sample: ""
    by:
      description: Who released it.
      type: str
      sample: alice@ci-7
    commit:
      description: The commit it was made from.
      type: str
      sample: 9f2b1c7
    started:
      description: When it was begun, in UTC.
      type: str
      sample: "2026-11-23T09:10:18Z"
    ended:
      description: When its verdict was given, in UTC.
      type: str
      sample: "2026-11-23T09:10:23Z"
    rollback_of:
      description: The number of the release that it brought back, if it is a rollback.
      type: int
      sample: 5
    services:
      description: The image of each service, as it is pinned and as it was written.
      type: dict
      sample: {"web": {"image": "registry.example.com/shop-web:1.5.0@sha256:a2606…", "reference":
        "registry.example.com/shop-web:1.5.0"}}
    not_restorable:
      description: What is gone of what it needs, so that M(shipping.code.rollback) would refuse it;
        registries are not asked here.
      type: list
      elements: str
      sample: ["secret shop_database_1f0c8a44b9d2"]
services:
  description: The services as they are now, by name.
  returned: always
  type: dict
  contains:
    wanted:
      description: How many tasks shall run.
      type: int
      sample: 2
    healthy:
      description: How many run what the service says and are healthy.
      type: int
      sample: 2
    rollout:
      description: What the engine says of an update that is or was under way; may be empty.
      type: str
      sample: done
    problems:
      description: Why tasks do not run.
      type: list
      elements: str
      sample: []
drift:
  description: Where what runs differs from what was released, as C(service), C(path), C(before)
    (what runs) and C(after) (what was released).
  returned: always
  type: list
  elements: dict
  sample:
    - service: web
      path: deploy.replicas
      before: 5
      after: 2
held_by:
  description: Who works on the app now; empty where nobody does.
  returned: always
  type: str
  sample: "alice@ci-7, who releases 1.5.0"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    app_info,
    argument_specs,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    answer(
        AnsibleModule(
            argument_specs.for_module(PLATFORMS.argument_spec(argument_specs.INFO)),
            supports_check_mode=True,
        ),
        lambda options: app_info.read_app(options, PLATFORMS),
    )


if __name__ == "__main__":
    main()
