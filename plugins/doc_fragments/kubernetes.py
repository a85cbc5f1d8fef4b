# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  platform:
    description:
      - V(kubernetes) is one namespace of a Kubernetes cluster.
  kubeconfig:
    description:
      - "Kubernetes: the path of a kubeconfig on the host that runs the module; several are
        separated by C(:), and the first one that sets a value takes precedence."
      - By default E(K8S_AUTH_KUBECONFIG), then E(KUBECONFIG), then C(~/.kube/config). Inside a pod
        without any of them, the module uses the pod's service account.
      - Exec plugins and OpenID Connect in it are used as the official client does.
    type: path
  context:
    description:
      - "Kubernetes: the context of the kubeconfig, by default its current one."
      - E(K8S_AUTH_CONTEXT) is used if the option is not set.
    type: str
  host:
    description:
      - "Kubernetes: the address of the API server, such as V(https://cluster.example.com:6443). No
        kubeconfig is read then."
      - E(K8S_AUTH_HOST) is used if the option is not set.
    type: str
  api_key:
    description:
      - "Kubernetes: the token to log in with, such as that of a service account."
      - E(K8S_AUTH_API_KEY) is used if the option is not set.
    type: str
  proxy:
    description:
      - "Kubernetes: the address of a proxy to the API server. E(K8S_AUTH_PROXY) is used if the
        option is not set, then the C(proxy-url) of the kubeconfig; E(HTTPS_PROXY) is not."
    type: str
  no_proxy:
    description:
      - "Kubernetes: host names and domains, separated by commas, to reach without O(proxy)."
      - E(K8S_AUTH_NO_PROXY) is used if the option is not set.
    type: str
  impersonate_user:
    description:
      - "Kubernetes: the user to act as. E(K8S_AUTH_IMPERSONATE_USER) is used if the option is
        not set."
    type: str
  impersonate_groups:
    description:
      - "Kubernetes: the groups to act as a member of. E(K8S_AUTH_IMPERSONATE_GROUPS) is used if
        the option is not set."
    type: list
    elements: str
  namespace:
    description:
      - "Kubernetes: the namespace of the app, by default that of the kubeconfig's context, else
        V(default)."
    type: str
requirements:
  - "Kubernetes: the Python package C(kubernetes), at least 34 and below 38, on that host, which
    then needs Python 3.10; for Python 3.9 the last one is 35"
  - "Kubernetes: 1.31 or newer; tested with 1.36"
"""

    RELEASE = r"""
options:
  create_namespace:
    description:
      - "Kubernetes: whether to create the namespace if it does not exist. Namespaces are never
        removed."
    type: bool
    default: false
  conflicts:
    description:
      - "Kubernetes: how to treat a field of the spec that another field manager owns."
      - V(overwrite) sets fields back that users changed with C(kubectl), Helm and similar clients.
        It fails if a controller owns the field, such as an autoscaler.
      - V(fail) fails in both cases.
    type: str
    choices: [overwrite, fail]
    default: overwrite
  pod_security:
    description:
      - "Kubernetes: the restrictions of the pods."
      - V(auto) sets no API token, the runtime's default seccomp profile and no privilege
        escalation; if C(user) is not root also C(runAsNonRoot) and no capabilities. In a namespace
        that enforces the Pod Security Standard C(restricted) it is the same as V(restricted).
      - V(restricted) sets all of it for every service.
      - V(none) sets only what the spec declares.
    type: str
    choices: [auto, restricted, none]
    default: auto
"""
