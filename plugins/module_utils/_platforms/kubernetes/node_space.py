# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute what the pods of each node have not requested. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._core.spare_capacity import NodeSpace, SpareCapacity
from .quantities import billionths

_ENDED = ("Succeeded", "Failed")
_REPELLING = ("NoSchedule", "NoExecute")


def of_nodes(
    nodes: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]
) -> SpareCapacity:
    """Return the space of the nodes that take pods without tolerations."""
    by_node: dict[str, list[Mapping[str, Any]]] = {}
    for pod in pods:
        if pod.get("status", {}).get("phase") not in _ENDED:
            by_node.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)
    spaces = (_space(node, by_node.get(node["metadata"]["name"], [])) for node in _usable(nodes))
    return SpareCapacity(tuple(spaces), limits_reserve=True)


def _usable(nodes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [node for node in nodes if _takes_pods(node.get("spec") or {})]


def _takes_pods(spec: Mapping[str, Any]) -> bool:
    # A node that is not ready has a taint, too.
    taints = spec.get("taints") or []
    return not spec.get("unschedulable") and not any(
        taint.get("effect") in _REPELLING for taint in taints
    )


def _space(node: Mapping[str, Any], pods: list[Mapping[str, Any]]) -> NodeSpace:
    allocatable = node["status"].get("allocatable") or {}
    free = {
        name: billionths(allocatable.get(name, "0"))
        - sum(_requested(pod["spec"], name) for pod in pods)
        for name in ("cpu", "memory")
    }
    slots = billionths(allocatable.get("pods", "110")) // 1_000_000_000
    return NodeSpace(free["cpu"], free["memory"] // 1_000_000_000, slots - len(pods))


def _requested(spec: Mapping[str, Any], name: str) -> int:
    containers = spec.get("containers") or []
    listed = [container.get("resources", {}).get("requests", {}) for container in containers]
    return sum(billionths(requests.get(name, "0")) for requests in listed)
