#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: progress
short_description: Continue or end the canary of an app
version_added: 0.1.0
description:
  - Looks once at a canary or blue-green release that has not ended, and does what is due. It sets
    the next weight, promotes the new version, rolls it back, or removes a former version that was
    kept warm.
  - It also continues a release whose run was killed.
  - Without such a release, it changes nothing.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
  - shipping.code.attributes.action_group
  - shipping.code.platform
  - shipping.code.platform.internal
  - shipping.code.platform.rollout
  - shipping.code.platform.record
  - shipping.code.platform.ramp
options:
  decision:
    description:
      - V(advance) does what is due by the steps and the checks.
      - V(promote) promotes the new version now. It is the end of a step with C(hold=until
        promoted).
      - V(abort) returns all traffic to the former version and removes the new one.
    type: str
    choices: [advance, promote, abort]
    default: advance
seealso:
  - module: shipping.code.release
  - module: shipping.code.rollback
"""

EXAMPLES = r"""
- name: Do what is due of the canary of the shop
  shipping.code.progress:
    app: shop
    pki: router-pki

- name: Promote the canary of the shop
  shipping.code.progress:
    app: shop
    decision: promote
    pki: router-pki
"""

RETURN = r"""
app:
  description: The app.
  returned: always
  type: str
  sample: shop
version:
  description: The version of the canary.
  returned: if a canary has not ended
  type: str
  sample: 1.5.0
outcome:
  description:
    - V(live) if the canary was promoted, or was aborted by O(decision=abort).
    - V(standing) if it continues.
    - V(rolled_back) if its checks or its health rolled it back, which fails the task.
  returned: if a canary has not ended
  type: str
  sample: standing
reason:
  description: The reason of the outcome.
  returned: if a canary has not ended
  type: str
  sample: canary 1.5.0 of web at 10 % (holding)
release:
  description: The release, as with M(shipping.code.release).
  returned: always
  type: dict
  sample: {"number": 9, "version": "1.5.0", "outcome": "pending"}
seconds:
  description: The duration of the run.
  returned: if a canary has not ended
  type: float
  sample: 1.2
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    ramp_plan,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.run import run_module
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    run_module(
        AnsibleModule(
            argument_specs.for_module(PLATFORMS.argument_spec(argument_specs.PROGRESS)),
            supports_check_mode=True,
        ),
        ramp_plan.progress,
        PLATFORMS,
    )


if __name__ == "__main__":
    main()
