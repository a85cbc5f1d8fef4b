#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: Return the live release, history and drift of an app
version_added: 0.1.0
description:
  - Returns the live release of an app, its history, the current state of its services, and the
    drift of their settings from the release.
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
      - Whether to print the result as a table. Each line begins with the name of the host.
    type: bool
    default: false
seealso:
  - module: shipping.code.release
  - module: shipping.code.rollback
"""

EXAMPLES = r"""
- name: Read the state of the shop
  shipping.code.release_info:
    app: shop
  register: shop

- name: Show the live release
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
  description: The live release, as in RV(history); empty without one.
  returned: always
  type: dict
  sample: {"number": 8, "version": "1.5.0", "outcome": "live", "by": "alice@ci-7"}
history:
  description: All releases in the history, the newest first.
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
    outcome:
      description: V(live) if it is or was live, V(rolled_back), V(failed), or V(pending) while its
        rollout runs or after its run was killed.
      type: str
      sample: live
    reason:
      description: The failures of the release as text, each with the end of its log.
      type: str
      sample: |-
        web: replica web.1 on node node-b exited with code 1 (the engine paused the update)
          | DATABASE_URL is missing: cannot start
        Fix the application or its settings, then deploy again.
    by:
      description: The user who deployed it.
      type: str
      sample: alice@ci-7
    commit:
      description: The commit of its spec.
      type: str
      sample: 9f2b1c7
    branch:
      description: The branch of the commit.
      type: str
      sample: main
    preview_of:
      description: The app that this one is a preview of; empty if it is not a preview.
      type: str
      sample: ""
    release_notes:
      description: Its notes.
      type: list
      elements: str
      sample: ["9f2b1c7 Show prices with taxes"]
    started:
      description: The time of its start, in UTC.
      type: str
      sample: "2026-11-23T09:10:18Z"
    ended:
      description: The time of its outcome, in UTC.
      type: str
      sample: "2026-11-23T09:10:23Z"
    rollback_of:
      description: The number of the release that it restored, if it is a rollback.
      type: int
      sample: 5
    services:
      description: The image of each service, pinned and as written.
      type: dict
      sample: {"web": {"image": "registry.example.com/shop-web:1.5.0@sha256:a2606…", "reference":
        "registry.example.com/shop-web:1.5.0"}}
    not_restorable:
      description: Objects that it needs and that do not exist any more, so that
        M(shipping.code.rollback) fails. Registries are not queried here.
      type: list
      elements: str
      sample: ["secret shop_database_1f0c8a44b9d2"]
services:
  description: The current state of the services, by name.
  returned: always
  type: dict
  contains:
    desired:
      description: The desired number of replicas.
      type: int
      sample: 2
    healthy:
      description: The number of replicas that run the current spec and are healthy.
      type: int
      sample: 2
    rollout:
      description: The platform's state of the last update; may be empty.
      type: str
      sample: done
    problems:
      description: The causes of replicas that do not run.
      type: list
      elements: str
      sample: []
drift:
  description: Settings that differ from the release, as C(service), C(path), C(before) (the running
    setting) and C(after) (the setting of the release).
  returned: always
  type: list
  elements: dict
  sample:
    - service: web
      path: deploy.replicas
      before: 5
      after: 2
held_by:
  description: The run that holds the lease of the app; empty without one.
  returned: always
  type: str
  sample: "alice@ci-7 (deploying 1.5.0)"
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
