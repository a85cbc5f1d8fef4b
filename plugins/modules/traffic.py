#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic
short_description: Share the traffic of a service between its variants
version_added: 0.1.0
description:
  - Sets which share of the units (visitors, values of a header, or requests) of a routed service
    each of its variants gets, on all replicas of the router.
  - A change moves the fewest units. A unit keeps its variant until a change moves it.
  - If a replica cannot be changed, the module puts all other replicas back and fails.
  - It also gives the stored table to replicas that have another one, such as after a change by
    hand. Without O(service) it does that alone.
  - No service is restarted and no configuration is reloaded.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
  - shipping.code.attributes.action_group
  - shipping.code.platform.connection
  - shipping.code.platform.keys
options:
  app:
    description:
      - The name of the app. Required with O(service).
    type: str
  service:
    description:
      - The name of a service with C(x-shipping.routes) in the live release of O(app).
    type: str
  weights:
    description:
      - The share of each variant in percent, with up to two decimal places. C(stable) is the
        service itself, and gets the rest if it is left out. Other variants that are left out get 0.
      - They must sum to 100 if C(stable) is among them.
      - By default the weights that C(x-shipping.variants) of the live release declares.
    type: dict
  by:
    description:
      - The user of the run, for runs that wait for this one. By default the account and the host
        name of the host that runs the module.
    type: str
  lease_ttl:
    description:
      - Seconds without a renewal of the lease of the table after which another run may take over.
    type: float
    default: 30.0
  lease_timeout:
    description:
      - Seconds to wait for another run that changes weights.
    type: int
    default: 600
seealso:
  - module: shipping.code.router_info
  - module: shipping.code.release
"""

EXAMPLES = r"""
- name: Give a tenth of the visitors the new version
  shipping.code.traffic:
    app: shop
    service: web
    weights:
      green: 10
    pki: router-pki

- name: Give everything to stable
  shipping.code.traffic:
    app: shop
    service: web
    weights:
      stable: 100
    pki: router-pki

- name: Give all replicas the stored table
  shipping.code.traffic:
    pki: router-pki
"""

RETURN = r"""
app:
  description: The app.
  returned: with O(service)
  type: str
  sample: shop
service:
  description: The service.
  returned: with O(service)
  type: str
  sample: web
revision:
  description: The revision of the table of the service. Each change raises it by one.
  returned: with O(service)
  type: int
  sample: 3
weights:
  description: The share of each variant in percent, before and after.
  returned: with O(service)
  type: dict
  sample: {"before": {"stable": 100.0, "green": 0.0}, "after": {"stable": 90.0, "green": 10.0}}
moved:
  description: The share of the units in percent that has another variant afterwards.
  returned: with O(service)
  type: float
  sample: 10.0
drift:
  description: The replicas that had another table than the stored one.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    traffic,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    module = AnsibleModule(
        argument_specs.for_module(PLATFORMS.argument_spec(argument_specs.TRAFFIC)),
        supports_check_mode=True,
        **argument_specs.TRAFFIC_RULES,
    )
    answer(
        module,
        lambda options: traffic.change_traffic(options, PLATFORMS, check=module.check_mode),
    )


if __name__ == "__main__":
    main()
