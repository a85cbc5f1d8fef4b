# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules that do not depend on a platform, in one place.

The documentation's fragments say the same. A platform's own options are with its code.
"""

from __future__ import annotations

from typing import Any

from .run_request import INTERNAL_OPTIONS

Spec = dict[str, dict[str, Any]]

# The options of a connection that all platforms share.
# The aliases are the names of these options in community.docker and kubernetes.core.
CONNECTION: Spec = {
    "validate_certs": {"type": "bool", "default": True, "aliases": ["tls_verify", "verify_ssl"]},
    "ca_path": {
        "type": "path",
        "aliases": ["ca_cert", "tls_ca_cert", "cacert_path", "ssl_ca_cert"],
    },
    "client_cert": {"type": "path", "aliases": ["tls_client_cert", "cert_path", "cert_file"]},
    "client_key": {"type": "path", "aliases": ["tls_client_key", "key_path", "key_file"]},
    "timeout": {"type": "int", "default": 60},
}
APP: Spec = {
    "app": {"type": "str", "required": True},
}
REGISTRY: Spec = {
    "registry_auths": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "registry": {"type": "str", "required": True},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "identity_token": {"type": "str", "no_log": True},
        },
    },
    "docker_config": {"type": "path"},
    "insecure_registries": {"type": "list", "elements": "str", "default": []},
}
ROLLOUT: Spec = {
    "rollout_timeout": {"type": "int", "default": 600},
    "max_crashes": {"type": "int", "default": 3},
    "monitor": {"type": "float", "default": 5.0},
    "lease_ttl": {"type": "float", "default": 30.0},
    "lease_timeout": {"type": "int", "default": 600},
    "progress": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
}
RECORD: Spec = {
    "rollback_timeout": {"type": "int", "default": 300},
    "keep": {"type": "int", "default": 10},
    "by": {"type": "str"},
    "commit": {"type": "str"},
}

# The router's keys, of which a canary and its end need those of the client.
_RAMP_KEYS: Spec = {
    "pki": {"type": "path"},
    "_pki": {"type": "dict", "no_log": True},
    "node_addresses": {"type": "dict", "default": {}},
}
RELEASE: Spec = {
    **APP,
    "version": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "compose": {"type": "list", "elements": "path"},
    "spec": {"type": "dict"},
    "manifests": {"type": "list", "elements": "path"},
    "helm_values": {"type": "dict", "default": {}},
    "helm_values_files": {"type": "list", "elements": "path", "default": []},
    "hooks": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
    "manifests_labels": {"type": "str", "choices": ["hash", "none"], "default": "hash"},
    "values": {"type": "dict", "default": {}},
    "values_from_environment": {"type": "bool", "default": False},
    "secret_values": {"type": "dict", "default": {}, "no_log": True},
    "allow_secret_environment": {"type": "bool", "default": False},
    "env_file": {"type": "list", "elements": "path", "default": []},
    "bind_mounts": {
        "type": "str",
        "choices": ["one_node", "everywhere", "as_configs"],
        "default": "one_node",
    },
    "loopback_ports": {
        "type": "str",
        "choices": ["rejected", "unpublished"],
        "default": "rejected",
    },
    "images": {"type": "dict", "default": {}},
    "resolve_image": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "adopt": {"type": "bool", "default": False},
    "recreate": {"type": "list", "elements": "str", "default": []},
    "immutable_versions": {"type": "bool", "default": False},
    "branch": {"type": "str"},
    "preview_of": {"type": "str"},
    "after_release": {"type": "int"},
    "release_notes": {"type": "list", "elements": "str", "default": []},
    "strategy": {
        "type": "str",
        "choices": ["rolling", "blue_green", "canary"],
        "default": "rolling",
    },
    "canary": {"type": "dict"},
    "keep_warm": {"type": "int", "default": 0},
    "abort_canary": {"type": "bool", "default": False},
    **_RAMP_KEYS,
    **RECORD,
    **ROLLOUT,
    **REGISTRY,
    **CONNECTION,
    **INTERNAL_OPTIONS,
}
RELEASE_RULES: dict[str, Any] = {"mutually_exclusive": [("compose", "spec", "manifests")]}
ROLLBACK: Spec = {
    **APP,
    "release": {"type": "int"},
    "recreate": {"type": "list", "elements": "str", "default": []},
    **_RAMP_KEYS,
    **RECORD,
    **ROLLOUT,
    **REGISTRY,
    **CONNECTION,
    **INTERNAL_OPTIONS,
}
PROGRESS: Spec = {
    **APP,
    "decision": {
        "type": "str",
        "choices": ["advance", "promote", "abort"],
        "default": "advance",
    },
    **_RAMP_KEYS,
    **RECORD,
    **ROLLOUT,
    **REGISTRY,
    **CONNECTION,
    **INTERNAL_OPTIONS,
}
SCALE: Spec = {
    **APP,
    "replicas": {"type": "dict", "required": True},
    **ROLLOUT,
    **REGISTRY,
    **CONNECTION,
    **INTERNAL_OPTIONS,
}
CI_ACCESS: Spec = {
    "name": {"type": "str", "default": "deployer"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "rules": {"type": "list", "elements": "dict"},
    "path": {"type": "path"},
    "expires_in": {"type": "int", "default": 7776000},
    **CONNECTION,
}
CI_ACCESS_RULES: dict[str, Any] = {"required_if": [("state", "present", ["rules"])]}
APPS_INFO: Spec = {**REGISTRY, **CONNECTION}
INFO: Spec = {**APP, "show": {"type": "bool", "default": False}, **REGISTRY, **CONNECTION}
_KEYS: Spec = {
    "pki": {"type": "path", "required": True},
    "_pki": {"type": "dict", "no_log": True},
}
_CONTROL: Spec = {**_KEYS, "node_addresses": {"type": "dict", "default": {}}}
TRAFFIC: Spec = {
    "app": {"type": "str"},
    "service": {"type": "str"},
    "weights": {"type": "dict"},
    "by": {"type": "str"},
    "lease_ttl": ROLLOUT["lease_ttl"],
    "lease_timeout": ROLLOUT["lease_timeout"],
    **_CONTROL,
    **REGISTRY,
    **CONNECTION,
}
TRAFFIC_RULES: dict[str, Any] = {
    "required_together": [("app", "service")],
    "required_by": {"weights": ["service"]},
}
ROUTER_INFO: Spec = {
    "window": {"type": "int", "default": 60},
    "show": {"type": "bool", "default": False},
    **_CONTROL,
    **REGISTRY,
    **CONNECTION,
}
_EXPERIMENT: Spec = {
    "path": {"type": "path", "required": True},
    "data": {"type": "path", "default": "experiments"},
    "report": {"type": "path"},
    "_experiment": {"type": "dict"},
    **_CONTROL,
    **REGISTRY,
    **CONNECTION,
}
EXPERIMENT: Spec = {
    "state": {
        "type": "str",
        "choices": ["planned", "running", "stopped", "promoted", "absent"],
        "default": "running",
    },
    "cell": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "by": {"type": "str"},
    "lease_ttl": ROLLOUT["lease_ttl"],
    "lease_timeout": ROLLOUT["lease_timeout"],
    **_EXPERIMENT,
}
EXPERIMENT_INFO: Spec = _EXPERIMENT
ROUTER_SPEC: Spec = {
    "image": {"type": "str", "required": True},
    "replicas": {"type": "int"},
    "servers": {"type": "int", "default": 10},
    "variant_slots": {"type": "int", "default": 4},
    "constraints": {"type": "list", "elements": "str", "default": []},
    "http_port": {"type": "int", "default": 80},
    "https_port": {"type": "int", "default": 443},
    "metrics_port": {"type": "int"},
    "drain": {"type": "int", "default": 60},
    "testers": {"type": "bool", "default": False},
    "bots": {"type": "list", "elements": "str", "default": []},
    "extra": {"type": "list", "elements": "str", "default": []},
    **_KEYS,
    **REGISTRY,
    **CONNECTION,
}


def for_module(spec: Spec) -> dict[str, Any]:
    """Return an argument spec with its fallbacks, as AnsibleModule takes it."""
    from ansible.module_utils.basic import env_fallback

    result = {}
    for name, option in spec.items():
        option = dict(option)
        variables = option.pop("fallback_env", None)
        result[name] = {**option, "fallback": (env_fallback, variables)} if variables else option
    return result
