# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods a workload replaces by itself when its template changes. Pure.

https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#update-strategies
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = Mapping[str, Any]
STATEFUL_SET = "StatefulSet"
_WITH_UPDATE_STRATEGY = (STATEFUL_SET, "DaemonSet")


def is_on_delete(body: Body) -> bool:
    """Return whether pods keep their template until they are deleted by hand."""
    return body["kind"] in _WITH_UPDATE_STRATEGY and _strategy(body).get("type") == "OnDelete"


def is_sequential(body: Body) -> bool:
    """Return whether the controller handles one pod after the other, in their order."""
    return (body.get("spec") or {}).get("podManagementPolicy") != "Parallel"


def partition(body: Body) -> int:
    """Return how many of the first pods of a StatefulSet an update leaves as they are."""
    if body["kind"] != STATEFUL_SET:
        return 0
    # Before the server has seen it, a manifest may have anything here.
    rolling = _strategy(body).get("rollingUpdate")
    number = rolling.get("partition") if isinstance(rolling, Mapping) else None
    return number if isinstance(number, int) else 0


def index_of(pod: Body, body: Body) -> int:
    """Return the place of a pod among those of its StatefulSet, the first being 0."""
    start = ((body.get("spec") or {}).get("ordinals") or {}).get("start") or 0
    # Pods are called by the set and their ordinal, such as web-0.
    ordinal = str(pod["metadata"]["name"]).rpartition("-")[2]
    return int(ordinal) - start if ordinal.isdecimal() else -1


def kept(body: Body, replicas: int) -> str:
    """Return which of the pods keep their template in an update; empty where none does."""
    if is_on_delete(body):
        return "any pod until it is deleted (updateStrategy: OnDelete)"
    first = min(partition(body), replicas)
    if first > 0:
        of = "its first pod" if first == 1 else f"its first {first} pods"
        return f"{of} (updateStrategy.rollingUpdate.partition: {partition(body)})"
    if _is_paused(body):
        return "any pod until the Deployment is resumed (paused: true)"
    return ""


def replaces_pods(body: Body, replicas: int) -> bool:
    """Return whether a new template replaces any pod."""
    is_kept_whole = body["kind"] == STATEFUL_SET and 0 < replicas <= partition(body)
    return not (is_on_delete(body) or _is_paused(body) or is_kept_whole)


def _is_paused(body: Body) -> bool:
    return body["kind"] == "Deployment" and (body.get("spec") or {}).get("paused") is True


def _strategy(body: Body) -> Mapping[str, Any]:
    strategy = (body.get("spec") or {}).get("updateStrategy")
    return strategy if isinstance(strategy, Mapping) else {}
