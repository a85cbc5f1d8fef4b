# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that a controller could not create, since quota, policy or webhook reject them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._core.cause import Cause
from ..._deploy import state as words
from ..._deploy.state import Task
from . import causes, pod_health
from .update_strategy import STATEFUL_SET

Body = dict[str, Any]
# Only these report it by a condition. StatefulSets, DaemonSets and Jobs do by events alone, as
# seen on Kubernetes 1.36.
_WITH_CONDITION = ("Deployment", "ReplicaSet")
FAILED_CREATE = "FailedCreate"


@dataclass(frozen=True)
class Watched:
    """The context of a workload: its pods, events, the time, and when looks began."""

    pods: Sequence[Body]
    events: Sequence[Body]
    clock: float
    begun: float


def tasks(body: Body, watched: Watched) -> Iterator[Task]:
    """Yield a task in place of the pods that the API server rejected."""
    found = cause(body, watched)
    if found:
        yield Task(
            f"{body['metadata'].get('uid')}/rejected",
            "",
            "",
            "",
            words.WAITING,
            current=True,
            sent=True,
            wanted=True,
            cause=found,
        )


def cause(body: Body, watched: Watched) -> Cause | None:
    """Return why the API server rejects the pods of a workload; None where it does not."""
    if body["kind"] in _WITH_CONDITION:
        return _by_condition(body)
    living = sum(pod_health.is_living(pod) for pod in watched.pods)
    return None if _has_all(body, living) else _by_event(body, watched)


def _by_condition(body: Body) -> Cause | None:
    for condition in (body.get("status") or {}).get("conditions") or []:
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return causes.rejected(condition.get("message", ""))
    return None


def _has_all(body: Body, living: int) -> bool:
    status = body.get("status") or {}
    if body["kind"] == STATEFUL_SET:
        return bool(living >= body["spec"].get("replicas", 1))
    if body["kind"] == "DaemonSet":
        return bool(living >= status.get("desiredNumberScheduled", 0))
    # A Job may have had all the pods that it needs.
    return living > 0


def _by_event(body: Body, watched: Watched) -> Cause | None:
    events = [
        event
        for event in pod_health.events_of(body, watched.events)
        if event.get("reason") == FAILED_CREATE
    ]
    last = max(events, key=pod_health.moment, default=None)
    newest = max((pod["metadata"]["creationTimestamp"] for pod in watched.pods), default="")
    if last is None or pod_health.moment(last) < newest:
        return None
    found = causes.rejected(last.get("message", ""))
    # An event stays for an hour, and controllers try again after up to a quarter of one: what they
    # have not met again in this run is named only when its time is over. Times are whole seconds.
    is_old = pod_health.seconds_of(last) < watched.begun - 1.0
    return replace(found, patience=None) if is_old else found
