#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scale
short_description: Sets how many tasks the services of an app run
version_added: 0.1.0
description:
  - Sets the number of tasks of replicated services, without a new release, and waits until they are
    healthy.
  - Where the new tasks do not become healthy, the former numbers are set again.
  - The next release leaves the number as it is where its spec has no C(deploy.replicas), and sets
    it back where it has.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
  - shipping.code.attributes.action_group
  - shipping.code.platform
  - shipping.code.platform.internal
  - shipping.code.platform.rollout
options:
  replicas:
    description:
      - The number of tasks by the name of the service in the Compose file, each at least 0.
    type: dict
    required: true
seealso:
  - module: shipping.code.release
"""

EXAMPLES = r"""
- name: Five tasks for the web service
  shipping.code.scale:
    app: shop
    replicas:
      web: 5
"""

RETURN = r"""
app:
  description: The app.
  returned: always
  type: str
  sample: shop
replicas:
  description: The number of tasks before and after.
  returned: always
  type: dict
  sample: {"before": {"web": 2}, "after": {"web": 5}}
verdict:
  description: V(live) where all tasks are healthy, else V(failed).
  returned: when there was something to do
  type: str
  sample: live
reason:
  description: Why it failed, and what runs now.
  returned: when it failed
  type: str
  sample: "scaled back, web to 2. task web.4: no node has the CPU or memory it reserves
    (insufficient resources on 3 nodes)"
failures:
  description: Each service that failed, as with M(shipping.code.release).
  returned: when it failed after it had begun
  type: list
  elements: dict
  sample: []
seconds:
  description: How long it took.
  returned: when there was something to do
  type: float
  sample: 2.1
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    operations,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.run import run_module
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    run_module(
        AnsibleModule(
            argument_specs.for_module(PLATFORMS.argument_spec(argument_specs.SCALE)),
            supports_check_mode=True,
        ),
        operations.scale,
        PLATFORMS,
    )


if __name__ == "__main__":
    main()
