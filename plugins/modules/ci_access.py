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
  kubeconfig:
    description: The path of the kubeconfig of the administrator. By default E(K8S_AUTH_KUBECONFIG),
      then E(KUBECONFIG), then C(~/.kube/config).
    type: path
  context:
    description: The context of that kubeconfig, by default its current one.
    type: str
  host:
    description: The address of the API server. No kubeconfig is read then.
    type: str
  api_key:
    description: The token to log in with.
    type: str
  ca_path:
    description: The path of the certificate authority of the API server.
    type: path
  validate_certs:
    description: Whether the certificate of the API server must be valid. V(false) is an error,
      because the kubeconfig would have the same setting.
    type: bool
    default: true
  timeout:
    description: Timeout in seconds for one answer of the API server.
    type: int
    default: 60
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

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "namespace": {"type": "str", "required": True},
            "name": {"type": "str", "default": "deployer"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "rules": {"type": "list", "elements": "dict"},
            "path": {"type": "path"},
            "expires_in": {"type": "int", "default": 7776000},
            "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
            "context": {"type": "str"},
            "host": {"type": "str"},
            "api_key": {"type": "str", "no_log": True},
            "ca_path": {"type": "path"},
            "validate_certs": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 60},
        },
        required_if=[("state", "present", ["rules"])],
        supports_check_mode=True,
    )
    answer(
        module, lambda options: PLATFORMS.give_access({**options, "check_mode": module.check_mode})
    )


if __name__ == "__main__":
    main()
