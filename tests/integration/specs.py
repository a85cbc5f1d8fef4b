# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app that the rollout suite ships, in small variations."""

from __future__ import annotations

import copy
from typing import Any

from tests.testbed.images import EXAMPLE

PORT = 8099
Spec = dict[str, Any]


def shop(platform: Any, version: str = "1.0.0", port: int = PORT) -> Spec:
    """A front that finds ``web`` by name, and ``web``, which drains when stopped.

    Both have a health check.
    """
    check = {"interval": "500ms", "timeout": "2s", "retries": 2, "start_period": "10s"}
    return {
        "services": {
            "front": {
                "image": platform.image("shop-front:1"),
                "networks": ["inside"],
                "ports": [{"target": 8080, "published": port, "mode": "host"}],
                "configs": [{"source": "haproxy", "target": "/etc/haproxy/haproxy.cfg"}],
                "stop_signal": "SIGUSR1",
                "stop_grace_period": "3s",
                "healthcheck": {
                    "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/alive"],
                    **check,
                },
                "deploy": {"endpoint_mode": "dnsrr"},
            },
            "web": {
                "image": platform.image(f"shop-web:{version}"),
                "networks": ["inside"],
                "environment": {"DRAIN_SECONDS": "2"},
                "stop_grace_period": "8s",
                "healthcheck": {
                    "test": [
                        "CMD",
                        "wget",
                        "-q",
                        "-O",
                        "/dev/null",
                        "http://127.0.0.1:8000/health",
                    ],
                    **check,
                },
                "deploy": {
                    "replicas": 1,
                    "endpoint_mode": "dnsrr",
                    "restart_policy": {"delay": "500ms"},
                    "update_config": {"order": "start-first", "monitor": platform.hold},
                },
            },
        },
        "configs": {
            "haproxy": {
                "content": (EXAMPLE / "front" / "haproxy.cfg").read_text().replace("$", "$$")
            }
        },
        "networks": {"inside": {}},
    }


def tool(platform: Any, /, *command: str, **keys: Any) -> dict[str, Any]:
    """A service that runs a command of a small image."""
    return {
        "image": platform.image("tool:1"),
        "command": list(command) or ["sleep", "100000"],
        "stop_grace_period": "500ms",
        "init": True,
        "deploy": {"restart_policy": {"delay": "300ms"}, "update_config": {"monitor": "1s"}},
        **keys,
    }


def changed(spec: Spec, service: str, **keys: Any) -> Spec:
    """The spec with keys of one service replaced; those of ``deploy`` are merged."""
    result = copy.deepcopy(spec)
    target = result["services"].setdefault(service, {})
    deploy = keys.pop("deploy", {})
    target.update(keys)
    if deploy:
        target["deploy"] = {**target.get("deploy", {}), **deploy}
    return result


def with_service(spec: Spec, name: str, service: dict[str, Any]) -> Spec:
    """The spec with one service more."""
    return {**copy.deepcopy(spec), "services": {**copy.deepcopy(spec["services"]), name: service}}


def simple(platform: Any, *command: str, **keys: Any) -> Spec:
    """An app of a single small service."""
    return {"services": {"app": tool(platform, *command, **keys)}}
