#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apps_info
short_description: Return the live releases of all apps
version_added: 0.1.0
description:
  - Returns the live release of each app that this collection deployed to a platform.
  - The history, state and drift of one app are the result of M(shipping.code.release_info).
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.action_group
  - shipping.code.platform.connection
attributes:
  check_mode:
    support: full
    details: Changes nothing.
  diff_mode:
    support: N/A
    details: Changes nothing.
  idempotent:
    support: full
seealso:
  - module: shipping.code.release_info
"""

EXAMPLES = r"""
- name: Read which apps are live
  shipping.code.apps_info:
  register: live

- name: Show the previews of the shop
  ansible.builtin.debug:
    msg: "{{ live.apps | selectattr('preview_of', 'eq', 'shop') | map(attribute='app') | list }}"
"""

RETURN = r"""
apps:
  description: The live release of each app, sorted by the name of the app.
  returned: always
  type: list
  elements: dict
  contains:
    app:
      description: The app.
      type: str
      sample: shop-mr-17
    number:
      description: The number of the release.
      type: int
      sample: 2
    version:
      description: Its version.
      type: str
      sample: 9f2b1c7d3a5e
    by:
      description: The user who deployed it.
      type: str
      sample: Ada Lovelace <ada@example.com>
    commit:
      description: Its commit.
      type: str
      sample: 9f2b1c7d3a5e8f60b4c2d1e0f9a8b7c6d5e4f3a2
    branch:
      description: The branch of the commit.
      type: str
      sample: feature/prices
    preview_of:
      description: The app that this one is a preview of; empty if it is not a preview.
      type: str
      sample: shop
    started:
      description: The time of its start, in UTC.
      type: str
      sample: "2026-11-23T09:10:18Z"
    ended:
      description: The time of its outcome, in UTC.
      type: str
      sample: "2026-11-23T09:10:23Z"
    services:
      description: The names of its services.
      type: list
      elements: str
      sample: [web, worker]
failed_previews:
  description: The previews without a live release, sorted by the name of the app. Their only
    releases failed, or are being deployed.
  returned: always
  type: list
  elements: dict
  contains:
    app:
      description: The app of the preview.
      type: str
      sample: shop-mr-18
    branch:
      description: The branch of the preview.
      type: str
      sample: feature/discounts
    preview_of:
      description: The app that it is a preview of.
      type: str
      sample: shop
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    apps_info,
    argument_specs,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    module = AnsibleModule(
        argument_specs.for_module(PLATFORMS.argument_spec(argument_specs.APPS_INFO)),
        supports_check_mode=True,
    )
    answer(module, lambda options: apps_info.read_apps(options, PLATFORMS))


if __name__ == "__main__":
    main()
