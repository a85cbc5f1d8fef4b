# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of objects that run nothing all along: by kstatus, and by the pods of Jobs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..._core.cause import Cause
from ..._deploy import state as words
from ..._deploy.state import ServiceState, Task
from . import kstatus, pod_containers, pod_health, pod_revisions, rejected_pods
from .pod_containers import Container
from .rejected_pods import Watched

Body = dict[str, Any]
_STATES = {kstatus.FAILED: words.ENDED, kstatus.CURRENT: words.RUNNING}
_JOB, _POD = "Job", "Pod"
_UNSEEN = "its controller has not seen the change yet"


def state(
    name: str, body: Body, watched: Watched, *, applied: int, is_standard: bool
) -> ServiceState:
    """Return the state of an object, represented by one task.

    ``applied`` is the generation that was written last; ``is_standard`` where every cluster has
    its kind.
    """
    phase, why = kstatus.status(body, is_standard=is_standard)
    # A look from before the write shows nothing of this write.
    if body["metadata"].get("generation", 0) < applied:
        phase, why = kstatus.IN_PROGRESS, _UNSEEN
    task = _task(name, body, phase, why)
    tasks = (
        tuple(_with_pods(task, body, phase, watched))
        if is_standard and body["kind"] in (_JOB, _POD)
        else (task,)
    )
    return ServiceState(
        name=name,
        wanted=1,
        tasks=tasks,
        update_id=str(body["metadata"].get("generation", "")),
        checked=True,
        passive=True,
        job=is_standard and body["kind"] == _JOB,
    )


def _task(name: str, body: Body, phase: str, why: str) -> Task:
    failed = phase == kstatus.FAILED
    cause = Cause("timeout", why) if why else None
    if failed:
        cause = Cause("object_failed", f"failed ({why})", final=True)
    return Task(
        id=body["metadata"].get("uid", name),
        name="",
        slot=name,
        node="",
        state=_STATES.get(phase, words.STARTING),
        current=True,
        sent=True,
        wanted=not failed,
        failed=failed,
        cause=cause,
    )


def _with_pods(task: Task, body: Body, phase: str, watched: Watched) -> Iterator[Task]:
    """Yield the task with what its pods show, and attempts of them that count."""
    pods = _pods(body, watched.pods)
    if phase == kstatus.FAILED:
        yield _failed(task, pods)
    elif phase == kstatus.IN_PROGRESS:
        yield from _unfinished(task, body, pods, watched)
    else:
        yield task


def _pods(body: Body, pods: Sequence[Body]) -> list[Body]:
    """Return the pods of a Job, the oldest first; a bare Pod is its own."""
    if body["kind"] == _POD:
        return [body]
    own = [pod for pod in pods if pod_revisions.owned_by(pod, body)]
    return sorted(own, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))


def _failed(task: Task, pods: Sequence[Body]) -> Task:
    """Return the task with the end of the last pod that failed."""
    failed = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Failed"]
    if not failed:
        return task
    pod = failed[-1]
    task = replace(
        task,
        id=pod["metadata"]["uid"],
        name=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName", ""),
    )
    container = _last_failure(pod)
    if container is None or task.cause is None:
        return task
    end = pod_health.end_of(container, pod)
    return replace(
        task,
        id=f"{task.id}/{container.name}/{container.ends}",
        exit_code=container.last_end.get("exitCode"),
        cause=replace(task.cause, text=f"{task.cause.text}, because its pod {end.text}"),
    )


def _last_failure(pod: Body) -> Container | None:
    ended = [entry for entry in pod_containers.of(pod) if entry.last_end.get("exitCode")]
    return max(ended, key=lambda entry: str(entry.last_end.get("finishedAt") or ""), default=None)


def _unfinished(task: Task, body: Body, pods: Sequence[Body], watched: Watched) -> Iterator[Task]:
    """Yield what a running pod waits for, or why there is no pod."""
    living = [pod for pod in pods if pod_health.is_living(pod)]
    if not living:
        cause = rejected_pods.cause(body, replace(watched, pods=pods))
        yield replace(task, state=words.WAITING, cause=cause) if cause else task
        return
    pod = living[-1]
    around = pod_health.Surroundings(watched.events, watched.clock, declared={})
    *attempts, shown = pod_health.tasks(pod, around, current=True, sent=True)
    for attempt in attempts:
        if _counts(attempt, body):
            yield replace(attempt, slot=task.slot)
    is_held_up = shown.state in (words.WAITING, words.PREPARING)
    yield replace(
        task,
        id=shown.id,
        name=shown.name,
        node=shown.node,
        state=shown.state if is_held_up else task.state,
        cause=shown.cause or task.cause,
    )


def _counts(attempt: Task, body: Body) -> bool:
    """Return whether the end of a container is a failure by the spec."""
    # How often a Job tries is its own: backoffLimit, podFailurePolicy. What cannot recover need
    # not be waited for.
    if body["kind"] == _JOB:
        return attempt.cause is not None and attempt.cause.final
    is_kept_running = (body.get("spec") or {}).get("restartPolicy", "Always") == "Always"
    return is_kept_running or attempt.exit_code != 0
