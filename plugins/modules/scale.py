#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scale
short_description: Scale the services of an app
version_added: 0.1.0
description:
  - Sets the replica counts of replicated services without a new release, and waits until the
    replicas are healthy.
  - If the new replicas do not become healthy, the module sets the former counts again.
  - The next release keeps the count if its spec has no C(deploy.replicas), and otherwise sets it
    back.
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
      - The replica count by the name of the service in the Compose file, each at least 0.
    type: dict
    required: true
seealso:
  - module: shipping.code.release
"""

EXAMPLES = r"""
- name: Run five replicas of the web service
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
  description: The replica counts before and after.
  returned: always
  type: dict
  sample: {"before": {"web": 2}, "after": {"web": 5}}
outcome:
  description: V(live) if all replicas are healthy, else V(failed).
  returned: if there were changes
  type: str
  sample: live
reason:
  description: The failures as short data, as with M(shipping.code.release).
  returned: on failure, after the change began
  type: str
  sample: "web: no_resources"
failures:
  description: Each service that failed, as with M(shipping.code.release).
  returned: on failure, after the change began
  type: list
  elements: dict
  sample: []
seconds:
  description: The duration of the change.
  returned: if there were changes
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
