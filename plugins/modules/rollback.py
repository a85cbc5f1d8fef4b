#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Brings an app back to an older release
version_added: 0.1.0
description:
  - Brings all services of an app back to the spec of an older release, with its images, secrets and
    configs, and judges that as any release.
  - The rollback is a release of its own, so the history only grows.
  - A release whose secrets, configs or images are gone is refused before anything is touched.
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
  - shipping.code.platform.release
options:
  release:
    description:
      - The number of the release to go back to, see M(shipping.code.release_info).
      - By default the newest one that was live, is older than what runs, and differs from it. Where
        what runs is a rollback already, nothing changes.
    type: int
  recreate:
    description:
      - Names of services and networks that may be removed and created again where they cannot
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
- name: Back to what ran before
  shipping.code.rollback:
    app: shop

- name: Back to release 7
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
  description: The version that was brought back.
  returned: when there was something to do
  type: str
  sample: 1.4.2
verdict:
  description: What it came to, as with M(shipping.code.release).
  returned: when there was something to do
  type: str
  sample: live
reason:
  description: Why it failed, and what runs now.
  returned: when it failed
  type: str
  sample: ""
failures:
  description: Each service that failed, as with M(shipping.code.release).
  returned: when it failed after it had begun
  type: list
  elements: dict
  sample: []
plan:
  description: What is to be done, as with M(shipping.code.release).
  returned: when there was something to do
  type: dict
  sample:
    services:
      - {"name": "web", "action": "update", "restarts": true, "interruption": "without
        interruption", "changes": []}
    create: {}
    remove: {}
release:
  description: The release that runs now, as with M(shipping.code.release).
  returned: always
  type: dict
  sample: {"number": 9, "version": "1.4.2", "verdict": "live", "rollback_of": 7}
seconds:
  description: How long it took.
  returned: when there was something to do
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
