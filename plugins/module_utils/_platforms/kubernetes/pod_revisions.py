# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods have their workload's template as it is now, and which block their replacement. Pure.

A template may have been edited by hand, so the sent one shows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..._deploy import state as words
from ..._deploy.state import Task
from . import pod_health, update_strategy
from .api_kinds import DAEMON_SET, REPLICA_SET
from .compare import annotation, label
from .update_strategy import STATEFUL_SET

Body = dict[str, Any]
IsOf = Callable[[Body], bool]
# Set by the Deployment controller on a Deployment and its ReplicaSets.
REVISION = "deployment.kubernetes.io/revision"
# apps/v1 has no spec.templateGeneration any more: the controller keeps it in this annotation, and
# in the label pod-template-generation of each pod.
_TEMPLATE = "deprecated.daemonset.template.generation"
_SET_REVISION = "controller-revision-hash"
# Seconds: a pod that starts or recovers has no cause, and needs a while.
_UNREADY = 10.0


def newest(body: Body, replica_sets: Iterable[Body]) -> IsOf:
    """Return a test for pods: whether they have the workload's newest template."""
    if body["kind"] == STATEFUL_SET:
        update = (body.get("status") or {}).get("updateRevision")
        return lambda pod: bool(update) and label(pod, _SET_REVISION) == update
    if body["kind"] == DAEMON_SET.name:
        generation = annotation(body, _TEMPLATE)
        return lambda pod: bool(generation) and label(pod, "pod-template-generation") == generation
    # A ReplicaSet replaces no pod when its template changes.
    if body["kind"] == REPLICA_SET.name:
        return lambda _pod: True
    sets = _newest_replica_sets(body, replica_sets)
    return lambda pod: not sets.isdisjoint(owners(pod))


def as_asked(body: Body, is_newest: IsOf) -> IsOf:
    """Return a test for pods: whether they have the template that the update strategy wants.

    Below a partition, and with OnDelete, that may be a former one.
    """
    if update_strategy.is_on_delete(body):
        return lambda _pod: True
    first = update_strategy.partition(body)
    return lambda pod: is_newest(pod) or 0 <= update_strategy.index_of(pod, body) < first


def _newest_replica_sets(deployment: Body, replica_sets: Iterable[Body]) -> set[str]:
    # A template that comes back reuses its ReplicaSet, which gets the newest revision: its age
    # shows nothing.
    revision = annotation(deployment, REVISION)
    return {
        body["metadata"]["uid"]
        for body in replica_sets
        if owned_by(body, deployment) and annotation(body, REVISION) == revision
    }


def owners(body: Body) -> set[str]:
    """Return the uids of what an object belongs to."""
    return {owner["uid"] for owner in body["metadata"].get("ownerReferences") or []}


def owned_by(body: Body, owner: Body) -> bool:
    """Return whether an object belongs to another one."""
    return owner["metadata"].get("uid") in owners(body)


def blocking(body: Body, pods: Sequence[Body], tasks: Mapping[str, Task], clock: float) -> str:
    """Return the uid of the broken pod that a StatefulSet waits for; empty without one.

    It waits until each pod is ready before it replaces one, also where the pod has a former
    template and can never be ready (kubernetes/kubernetes#67250, seen on 1.36). ``tasks`` are by
    uid.
    """
    if (
        body["kind"] != STATEFUL_SET
        or update_strategy.is_on_delete(body)
        or not update_strategy.is_sequential(body)
    ):
        return ""
    unready = [pod for pod in _in_order(body, pods) if not pod_health.is_ready(pod)]
    # Only the first one that is not ready holds the controller up: the next ones have their turn.
    if not unready or not _is_of_wrong_revision(body, unready[0]):
        return ""
    task = tasks[unready[0]["metadata"]["uid"]]
    return task.id if _is_broken(unready[0], task, clock) else ""


def _in_order(body: Body, pods: Sequence[Body]) -> list[Body]:
    """Return the pods that a StatefulSet shall have, the first one first."""
    indexed = {update_strategy.index_of(pod, body): pod for pod in pods if owned_by(pod, body)}
    return [indexed[index] for index in range(body["spec"].get("replicas", 1)) if index in indexed]


def _is_of_wrong_revision(body: Body, pod: Body) -> bool:
    status = body.get("status") or {}
    right = {status.get("updateRevision")}
    if update_strategy.index_of(pod, body) < update_strategy.partition(body):
        right.add(status.get("currentRevision"))
    return None not in right and label(pod, _SET_REVISION) not in right


def _is_broken(pod: Body, task: Task, clock: float) -> bool:
    """Return whether a pod that is not ready will not become so by itself."""
    # The controller recreates one that has ended, and one that is ending is on its way.
    if not task.wanted:
        return False
    if task.state in (words.WAITING, words.PREPARING) and _shows_trouble(task, pod):
        return True
    return pod_health.unready_for(pod, clock) >= _UNREADY


def _shows_trouble(task: Task, pod: Body) -> bool:
    has_cause = task.cause is not None and (task.cause.final or task.cause.patience is not None)
    return has_cause or pod_health.has_failed(pod)
