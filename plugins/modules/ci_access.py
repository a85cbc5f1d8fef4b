#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ci_access
short_description: Let a CI deploy to one namespace of a cluster
version_added: 0.1.0
description:
  - Creates a ServiceAccount, a Role and a RoleBinding in a namespace of Kubernetes, and writes a
    kubeconfig with a token that expires.
  - The module renews the token once half of its time is over, so run it regularly.
  - Kubernetes cannot limit these rights to one app of a namespace. Give each app its own namespace.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
  - shipping.code.platform.access
options:
  namespace:
    description: The namespace, which must exist.
    type: str
    required: true
  name:
    description: The name of the three objects.
    type: str
    default: deployer
  state:
    description:
      - V(present) creates or updates the objects and the kubeconfig.
      - V(absent) removes them, which also ends the validity of all tokens of the account.
    type: str
    choices: [present, absent]
    default: present
  rules:
    description: The rules of the Role, as in Kubernetes. Required with O(state=present).
    type: list
    elements: dict
  path:
    description: The path of the kubeconfig to write, on the host that runs the module. Only its
      owner can read the file (mode 0600). Without this option, no token is requested.
    type: path
  expires_in:
    description: The seconds after which a new token expires, at least 600. The cluster may have a
      lower maximum.
    type: int
    default: 7776000
  validate_certs:
    description: Whether the certificate of the API server must be valid. V(false) is an error,
      because the kubeconfig would have the same setting.
    type: bool
    default: true
    aliases: [tls_verify, verify_ssl]
  ca_path:
    description: The path of the certificate authority of the API server. By default
      E(K8S_AUTH_SSL_CA_CERT), else that of the kubeconfig, else the system's authorities.
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path, ssl_ca_cert]
seealso:
  - module: shipping.code.release
"""

EXAMPLES = r"""
- name: Let the CI deploy the shop
  shipping.code.ci_access:
    namespace: shop
    path: /etc/ship/shop.kubeconfig
    rules:
      - apiGroups: [apps]
        resources: [deployments]
        verbs: [get, list, watch, create, patch, update, delete]
"""

RETURN = r"""
objects:
  description: The objects that the module created, updated or removed.
  returned: success
  type: list
  elements: str
  sample: ["ServiceAccount deployer", "Role deployer", "RoleBinding deployer"]
path:
  description: The path of the kubeconfig.
  returned: if O(path) is set and O(state=present)
  type: str
  sample: /etc/ship/shop.kubeconfig
renewed:
  description: Whether the kubeconfig has a new token.
  returned: if O(path) is set and O(state=present)
  type: bool
  sample: true
expires_at:
  description: The time at which the token expires; empty in check mode if it would be new.
  returned: if O(path) is set and O(state=present)
  type: str
  sample: "2027-03-01T00:00:00+00:00"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._deploy import argument_specs
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    module = AnsibleModule(
        argument_specs.for_module(PLATFORMS.access_argument_spec(argument_specs.CI_ACCESS)),
        supports_check_mode=True,
        **argument_specs.CI_ACCESS_RULES,
    )
    answer(
        module, lambda options: PLATFORMS.give_access({**options, "check_mode": module.check_mode})
    )


if __name__ == "__main__":
    main()
