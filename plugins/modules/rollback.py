#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Roll an app back to an earlier release
version_added: 0.1.0
description:
  - Restores all services of an app to the spec of an earlier release, with its images, secrets and
    configs, and watches their health as for any release.
  - The rollback is a release of its own in the history.
  - If a secret, config or image of the release does not exist any more, the task fails before any
    change.
  - If a canary or a blue-green release has not ended, the module ends it. All traffic returns to
    the former version first, which takes about a second.
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
  - shipping.code.platform.release
options:
  release:
    description:
      - The number of the release to restore, see M(shipping.code.release_info).
      - By default the newest release that was live, is older than the running one and differs from
        it. If the running release is a rollback already, nothing changes.
    type: int
  recreate:
    description:
      - Names of services and networks that the module may remove and create again if they cannot
        change in place, as with M(shipping.code.release).
      - On Kubernetes, a rollback runs no Job of manifests again; the Job of the newer release is
        removed.
    type: list
    elements: str
    default: []
seealso:
  - module: shipping.code.release
  - module: shipping.code.release_info
"""

EXAMPLES = r"""
- name: Roll back to the previous release
  shipping.code.rollback:
    app: shop

- name: Roll back to release 7
  shipping.code.rollback:
    app: shop
    release: 7
    by: "{{ lookup('env', 'USER') }}"
"""

RETURN = r"""
app:
  description: The app.
  returned: always
  type: str
  sample: shop
version:
  description: The version that was restored.
  returned: if there were changes
  type: str
  sample: 1.4.2
outcome:
  description: The outcome of the rollout, as with M(shipping.code.release).
  returned: if there were changes
  type: str
  sample: live
reason:
  description: The failures as short data, as with M(shipping.code.release).
  returned: on failure, after the rollout began
  type: str
  sample: "web: crash"
failures:
  description: Each service that failed, as with M(shipping.code.release).
  returned: on failure, after the rollout began
  type: list
  elements: dict
  sample: []
rollback:
  description: The release that was restored after a failure, as with M(shipping.code.release).
  returned: on failure, if there was an earlier release
  type: dict
  sample: {"number": 8, "version": "1.5.0", "healthy": true, "failures": []}
plan:
  description: The changes of the run, as with M(shipping.code.release).
  returned: if there were changes
  type: dict
  sample:
    services:
      - {"name": "web", "action": "update", "restarts": true, "interruption": "without
        interruption", "changes": []}
    create: {}
    remove: {}
release:
  description: The release of this run, as with M(shipping.code.release).
  returned: always
  type: dict
  sample: {"number": 9, "version": "1.4.2", "outcome": "live", "rollback_of": 7}
seconds:
  description: The duration of the rollout.
  returned: if there were changes
  type: float
  sample: 6.4
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
            argument_specs.for_module(
                PLATFORMS.argument_spec(argument_specs.ROLLBACK, releases=True)
            ),
            supports_check_mode=True,
        ),
        operations.rollback,
        PLATFORMS,
    )


if __name__ == "__main__":
    main()
