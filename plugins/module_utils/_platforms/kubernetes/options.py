# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules that concern only Kubernetes, as in its doc fragment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONNECTION: dict[str, dict[str, Any]] = {
    "kubeconfig": {"type": "path", "fallback_env": ["K8S_AUTH_KUBECONFIG"]},
    "context": {"type": "str", "fallback_env": ["K8S_AUTH_CONTEXT"]},
    "host": {"type": "str", "fallback_env": ["K8S_AUTH_HOST"]},
    "api_key": {"type": "str", "no_log": True, "fallback_env": ["K8S_AUTH_API_KEY"]},
    "proxy": {"type": "str", "fallback_env": ["K8S_AUTH_PROXY"]},
    "no_proxy": {"type": "str", "fallback_env": ["K8S_AUTH_NO_PROXY"]},
    "impersonate_user": {"type": "str", "fallback_env": ["K8S_AUTH_IMPERSONATE_USER"]},
    "impersonate_groups": {
        "type": "list",
        "elements": "str",
        "fallback_env": ["K8S_AUTH_IMPERSONATE_GROUPS"],
    },
    "namespace": {"type": "str"},
}
# Of the modules that make releases.
RELEASE: dict[str, dict[str, Any]] = {
    "create_namespace": {"type": "bool", "default": False},
    "conflicts": {"type": "str", "choices": ["overwrite", "fail"], "default": "overwrite"},
    "pod_security": {"type": "str", "choices": ["auto", "restricted", "none"], "default": "auto"},
}


@dataclass(frozen=True)
class KubernetesOptions:
    """The options of a release."""

    monitor: float = 5.0
    create_namespace: bool = False
    conflicts: str = "overwrite"
    pod_security: str = "auto"
