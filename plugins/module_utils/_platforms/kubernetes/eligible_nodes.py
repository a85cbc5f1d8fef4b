# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the nodes that may run a workload. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .observe import Body

# Nodes may be hidden from us; then no count may keep a service from being released.
UNKNOWN = 1000


def eligible(workload: Body, nodes: list[Body] | None) -> int:
    """Return how many nodes may run a workload, as far as is known.

    Many where nodes may not be read.
    """
    if nodes is None:
        return UNKNOWN
    pod = workload["spec"]["template"]["spec"]
    required = ((pod.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    terms = required.get("nodeSelectorTerms") or [{}]
    return sum(_may_run(node, pod.get("nodeSelector") or {}, terms) for node in nodes)


def _may_run(node: Body, wanted: Mapping[str, str], terms: list[Mapping[str, Any]]) -> bool:
    labels = node["metadata"].get("labels") or {}
    spec = node.get("spec", {})
    closed = spec.get("unschedulable") or any(
        taint.get("effect") in ("NoSchedule", "NoExecute") for taint in spec.get("taints") or []
    )
    fits = all(labels.get(key) == value for key, value in wanted.items())
    return (
        not closed
        and fits
        and any(_matches(node["metadata"]["name"], labels, term) for term in terms)
    )


def _matches(name: str, labels: Mapping[str, str], term: Mapping[str, Any]) -> bool:
    fields = [({"metadata.name": name}, entry) for entry in term.get("matchFields", [])]
    return all(
        _holds(known, entry)
        for known, entry in [
            *fields,
            *((labels, entry) for entry in term.get("matchExpressions", [])),
        ]
    )


def _holds(known: Mapping[str, str], entry: Mapping[str, Any]) -> bool:
    there, value = entry["key"] in known, known.get(entry["key"])
    return {
        "In": value in entry.get("values", []),
        "NotIn": value not in entry.get("values", []),
        "Exists": there,
        "DoesNotExist": not there,
    }.get(entry["operator"], True)
