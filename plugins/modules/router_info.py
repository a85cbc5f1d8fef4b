#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: router_info
short_description: Return the routes, weights and counters of the router
version_added: 0.1.0
description:
  - Returns the routes of all apps, the weights of their variants, the replicas of the router with
    the revisions of their tables, and the requests, latency and losses of each variant.
  - A replica that cannot be reached is part of the result and no failure.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.action_group
  - shipping.code.platform.connection
  - shipping.code.platform.keys
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
  window:
    description:
      - The latency and the lost requests are those of the last seconds of the router's log, of at
        most 100,000 lines of each replica. V(0) does not read the log.
      - On Swarm the log driver of the nodes must be one that Docker reads back, such as
        C(json-file), C(local) or C(journald). Else the module warns.
    type: int
    default: 60
  show:
    description:
      - Whether to print the weights and counters of each variant as a table. Each line begins with
        the name of the host. Requests and responses are those since the start of the replicas,
        losses and latencies those of O(window).
    type: bool
    default: false
seealso:
  - module: shipping.code.traffic
"""

EXAMPLES = r"""
- name: Read the state of the router
  shipping.code.router_info:
    pki: router-pki
    show: true
  register: router

- name: Show the weights
  ansible.builtin.debug:
    msg: "{{ router.weights }}"
"""

RETURN = r"""
routes:
  description: The routes of the live releases of all apps, sorted by host and path. Settings with
    their default are left out.
  returned: always
  type: list
  elements: dict
  sample: [{"app": "shop", "service": "web", "host": "shop.example.com", "path": "/", "port": 8080}]
outdated:
  description: Whether the router has other routes than the live releases, such as after the removal
    of an app. P(shipping.code.router#role) gives it these.
  returned: always
  type: bool
  sample: false
weights:
  description: The share of each variant in percent, by service.
  returned: always
  type: list
  elements: dict
  sample: [{"app": "shop", "service": "web", "revision": 3, "weights": {"stable": 90.0, "green":
    10.0}}]
replicas:
  description: The replicas of the router.
  returned: always
  type: list
  elements: dict
  contains:
    replica:
      description: The id of the replica on the platform.
      type: str
      sample: k2v9d0gq7m4n
    node:
      description: The host name of its node.
      type: str
      sample: node-b
    reached:
      description: Whether it answered.
      type: bool
      sample: true
    error:
      description: Why it did not answer; empty if it did.
      type: str
      sample: ""
    version:
      description: The version of HAProxy.
      type: str
      returned: if it answered
      sample: 2.6.12
    uptime:
      description: Seconds since its start.
      type: int
      returned: if it answered
      sample: 86400
    dropped_logs:
      description: Lines of its log that were lost, so that exposures are incomplete.
      type: int
      returned: if it answered
      sample: 0
    revisions:
      description: The revision of the table of each service.
      type: dict
      returned: if it answered
      sample: {"shop/web": 3}
    drift:
      description: The services whose table differs from the stored one.
      type: list
      elements: str
      returned: if it answered
      sample: []
exposures:
  description: The requests of the last O(window) seconds, by service and variant, also those of
    replicas that have ended.
  returned: always
  type: list
  elements: dict
  contains:
    app:
      description: The app.
      type: str
      sample: shop
    service:
      description: The service.
      type: str
      sample: web
    variant:
      description: The variant.
      type: str
      sample: green
    requests:
      description: The number of requests.
      type: int
      sample: 102
    lost:
      description: The requests whose client got no complete response.
      type: int
      sample: 0
    p50:
      description: The milliseconds in which half of the requests were answered, at most a tenth
        too high.
      type: int
      sample: 4
    p95:
      description: The same of 95 percent of the requests.
      type: int
      sample: 13
    p99:
      description: The same of 99 percent of the requests.
      type: int
      sample: 29
counters:
  description: Sums over all replicas since their start, by service and variant. The module warns of
    replicas that did not answer, whose requests are missing.
  returned: always
  type: list
  elements: dict
  sample: [{"app": "shop", "service": "web", "route": "shop.example.com/", "variant": "green",
    "requests": 102, "responses_4xx": 0, "responses_5xx": 0, "bytes_in": 20400, "bytes_out": 51000}]
drift:
  description: The ids of the replicas that answered and whose tables differ from the stored ones.
    M(shipping.code.traffic) mends it.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    router_info,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    answer(
        AnsibleModule(
            argument_specs.for_module(PLATFORMS.argument_spec(argument_specs.ROUTER_INFO)),
            supports_check_mode=True,
        ),
        lambda options: router_info.read_router(options, PLATFORMS),
    )


if __name__ == "__main__":
    main()
