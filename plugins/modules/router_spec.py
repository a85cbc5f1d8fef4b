#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: router_spec
short_description: Return the spec of the router for the routes of all apps
version_added: 0.1.0
description:
  - Reads the routes of the live releases of all apps, renders the configuration of HAProxy, and
    returns the router as a Compose file for M(shipping.code.release). The role
    P(shipping.code.router#role) does both.
  - The same routes and options give the same spec.
  - If the configuration differs from that of the running router, HAProxy itself checks it, on Swarm
    in a container of O(image) on the manager's engine, on Kubernetes in a pod. Both are removed
    afterwards.
  - On Kubernetes it copies the certificates of routes into the namespace C(shipping-router), and
    removes copies that no release of the router needs. Nothing else is changed.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.action_group
  - shipping.code.platform.connection
attributes:
  check_mode:
    support: full
    details: Copies no certificates.
  diff_mode:
    support: full
    details: Shows the hash of the running and of the new configuration.
  idempotent:
    support: full
options:
  image:
    description:
      - The image of the router, with C(haproxy) 2.6 or newer on its path.
    type: str
    required: true
  replicas:
    description:
      - "Swarm: number of replicas, at most one on a node. By default one on each node."
      - "Kubernetes: number of replicas, by default 2."
    type: int
  servers:
    description:
      - The largest number of replicas of a service or variant, from 10 to 500. A release or a
        scaling that needs more is an error.
    type: int
    default: 10
  variant_slots:
    description:
      - The largest number of variants of a service that have replicas of their own, from 1 to 16.
        Variants that only set request headers take no slot.
      - Each slot of each route is a backend of HAProxy. A change restarts the router.
    type: int
    default: 4
  constraints:
    description:
      - The nodes that may run a replica, as in C(deploy.placement.constraints).
    type: list
    elements: str
    default: []
  http_port:
    description:
      - "Swarm: the port for HTTP on the nodes."
      - "Kubernetes: the port of the Service C(router-published), of type LoadBalancer. If all
        ports are from 30000 to 32767, it is of type NodePort."
    type: int
    default: 80
  https_port:
    description:
      - The port for HTTPS, as O(http_port), published if a route has a certificate.
    type: int
    default: 443
  metrics_port:
    description:
      - The port on the nodes for Prometheus (C(/metrics)) and checks (C(/healthz)). By default it
        is not published.
    type: int
  drain:
    description:
      - Seconds that connections have to end when a replica stops.
    type: int
    default: 60
  testers:
    description:
      - Whether a request with the header C(X-Shipping-Tester), whose value is the content of
        C(tester.key) in O(pki), may choose its variant by the header C(X-Shipping-Variant).
    type: bool
    default: false
  bots:
    description:
      - Words in the header C(User-Agent) of clients that always get C(stable).
    type: list
    elements: str
    default: []
  extra:
    description:
      - Lines of HAProxy's configuration that are added at its end. They are returned.
    type: list
    elements: str
    default: []
  pki:
    description:
      - The folder of the control node with the router's keys, which M(shipping.code.router_pki)
        makes.
    type: path
    required: true
  _pki:
    description: For the action plugin of the same name; not for use in playbooks.
    type: dict
seealso:
  - module: shipping.code.router_info
"""

EXAMPLES = r"""
- name: Describe the router
  shipping.code.router_spec:
    image: registry.example.com/haproxy:3.0
    pki: router-pki
  register: router

- name: Deploy the router
  shipping.code.release:
    app: "{{ router.app }}"
    version: "{{ router.version }}"
    spec: "{{ router.spec }}"
"""

RETURN = r"""
app:
  description: The name of the router's app.
  returned: success
  type: str
  sample: router
version:
  description: The version of the router's release, which follows from the spec.
  returned: success
  type: str
  sample: router-8fb97762cf6d902d
routes:
  description: The routes of all apps, as with M(shipping.code.router_info).
  returned: success
  type: list
  elements: dict
  sample: [{"app": "shop", "service": "web", "host": "shop.example.com", "path": "/", "port": 8080}]
spec:
  description: The router as a Compose file. The keys are paths of the control node.
  returned: success
  type: dict
  sample: {"services": {"router": {"image": "registry.example.com/haproxy:3.0"}}}
placement:
  description: The options of M(shipping.code.release) for the place of the router.
  returned: success
  type: dict
  sample: {"namespace": "shipping-router", "create_namespace": true}
extra:
  description: The lines of O(extra).
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    router_spec,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    module = AnsibleModule(
        argument_specs.for_module(PLATFORMS.argument_spec(argument_specs.ROUTER_SPEC)),
        supports_check_mode=True,
    )
    answer(
        module,
        lambda options: router_spec.describe_router(options, PLATFORMS, check=module.check_mode),
    )


if __name__ == "__main__":
    main()
