# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one pod to the task that it is, and to its attempts that failed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..._core.cause import Cause
from ..._deploy import state as words
from ..._deploy.state import Task
from . import causes, pod_containers
from .pod_containers import INIT, MAIN, Container

Body = dict[str, Any]


@dataclass(frozen=True)
class Surroundings:
    """The context of a pod's health: events, the cluster's time, its service's spec.

    ``events`` may be those of other objects, too.
    """

    events: Sequence[Body] = ()
    clock: float = 0.0
    declared: Mapping[str, Any] = field(default_factory=dict)


def tasks(pod: Body, around: Surroundings, *, current: bool, sent: bool) -> Iterator[Task]:
    """Yield each end of each container as an attempt that failed, and last the pod itself."""
    metadata = pod["metadata"]
    containers = pod_containers.of(pod)
    is_ending = "deletionTimestamp" in metadata
    state, cause = _state(pod, containers, around)
    task = Task(
        id=metadata["uid"],
        name=metadata["name"],
        slot=metadata["name"],
        node=pod["spec"].get("nodeName", ""),
        state=state,
        current=current,
        sent=sent,
        wanted=not is_ending and state != words.ENDED,
        age=_age(pod, containers, around.clock),
        cause=cause,
        created=metadata["creationTimestamp"],
    )
    attempt = replace(
        task, state=words.ENDED, current=False, wanted=False, failed=not is_ending, age=0.0
    )
    for container in containers:
        yield from _ended_attempts(container, pod, attempt)
    # What cannot recover may have no container that ended: it counts as a failed attempt, too.
    if cause and cause.final:
        yield replace(attempt, id=f"{task.id}//0", created=f"{task.created} 0000")
    yield task


def end_of(container: Container, pod: Body) -> Cause:
    """Return why a container ended, with its name where the pod has several."""
    return named(causes.terminated(container.last_end), container, pod)


def _ended_attempts(container: Container, pod: Body, attempt: Task) -> Iterator[Task]:
    # Only the last end of a container is kept: earlier ones get the same cause.
    for number in range(1, container.ends + 1):
        yield replace(
            attempt,
            id=f"{attempt.id}/{container.name}/{number}",
            exit_code=container.last_end.get("exitCode"),
            cause=end_of(container, pod),
            created=f"{attempt.created} {number:04}",
        )


def named(cause: Cause, container: Container, pod: Body) -> Cause:
    """Return a cause with the name of its container where the pod has several."""
    title = pod_containers.title(container, pod)
    return replace(cause, text=f"{cause.text} ({title})") if title else cause


def _state(
    pod: Body, containers: Sequence[Container], around: Surroundings
) -> tuple[str, Cause | None]:
    serving = [container for container in containers if container.role != INIT]
    if not is_living(pod):
        return _state_at_end(pod, serving)
    if not pod["spec"].get("nodeName"):
        return words.WAITING, _unscheduled(pod.get("status") or {}, around.declared)
    if not _all_run(serving):
        return words.PREPARING, _unprepared(pod, containers, events_of(pod, around.events))
    return (words.RUNNING if _all_ready(serving) else words.STARTING), None


def _state_at_end(pod: Body, serving: Iterable[Container]) -> tuple[str, Cause | None]:
    if _has_ended(pod):
        return words.ENDED, causes.gone(pod)
    runs = any(container.running is not None for container in serving)
    return (words.RUNNING if runs else words.ENDED), None


def _all_ready(serving: Iterable[Container]) -> bool:
    return all(container.status.get("ready") for container in serving)


def _all_run(serving: Sequence[Container]) -> bool:
    # The statuses of sidecars may come before those of the main containers.
    return any(container.role == MAIN for container in serving) and all(
        container.running is not None for container in serving
    )


def _unscheduled(status: Body, declared: Mapping[str, Any]) -> Cause | None:
    only_architecture = "platform" in declared and not declared.get("deploy", {}).get(
        "placement", {}
    ).get("constraints")
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return causes.unschedulable(
                condition.get("message", ""), other_architecture=only_architecture
            )
    return None


def _unprepared(pod: Body, containers: Sequence[Container], events: Sequence[Body]) -> Cause | None:
    for container in containers:
        reason = container.waiting.get("reason", "")
        message = container.waiting.get("message", "")
        if reason in causes.IMAGE_REASONS:
            return _no_image(pod, reason, message, container, events)
        cause = causes.not_started(reason, message)
        if cause:
            return named(cause, container, pod)
    # The kubelet sets startTime when it acknowledges a pod.
    if not containers and "startTime" not in (pod.get("status") or {}):
        return Cause("timeout", "was not accepted by the kubelet of its node, which may be down")
    return _from_events(events) or _unfinished(containers)


def _no_image(
    pod: Body, reason: str, message: str, container: Container, events: Iterable[Body]
) -> Cause | None:
    # The message comes a moment after the reason.
    if not message and reason != "InvalidImageName":
        return None
    cause = named(causes.image(reason, message, container.image), container, pod)
    if cause.kind != "image_denied" or not pod["spec"].get("imagePullSecrets"):
        return cause
    return causes.denied(
        cause,
        unread=any(event.get("reason") in causes.PULL_SECRET_REASONS for event in events),
    )


def _from_events(events: Iterable[Body]) -> Cause | None:
    """Return what only an event reports: a mount or a network that cannot be made."""
    for event in sorted(events, key=moment, reverse=True):
        if event.get("reason") in causes.MOUNT_REASONS:
            return causes.mount(event.get("message", ""))
        if event.get("reason") in causes.SANDBOX_REASONS:
            return causes.sandbox(event.get("message", ""))
    return None


def _unfinished(containers: Iterable[Container]) -> Cause | None:
    """Return the init container that is at work, for which a pod waits however long it takes."""
    for container in containers:
        if container.role == INIT and container.running is not None:
            return Cause("timeout", f"waits for its init container {container.name}")
    return None


def events_of(body: Body, events: Iterable[Body]) -> list[Body]:
    """Return the events on an object."""
    uid = body["metadata"].get("uid")
    return [event for event in events if (event.get("involvedObject") or {}).get("uid") == uid]


def moment(event: Body) -> str:
    """Return when an event happened last."""
    return str(
        # Clients of events.k8s.io/v1, such as the scheduler, set eventTime and leave lastTimestamp
        # empty; where it happens again, they count in a series.
        event.get("lastTimestamp")
        or (event.get("series") or {}).get("lastObservedTime")
        or event.get("eventTime")
        or event.get("firstTimestamp")
        or ""
    )


def is_living(pod: Body) -> bool:
    """Return whether a pod has neither ended nor been deleted."""
    return not _has_ended(pod) and "deletionTimestamp" not in pod["metadata"]


def _has_ended(pod: Body) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded")


def is_ready(pod: Body) -> bool:
    """Return whether a pod serves."""
    return any(condition["status"] == "True" for condition in _readiness(pod))


def has_failed(pod: Body) -> bool:
    """Return whether a container of a pod has failed."""
    return any(container.ends for container in pod_containers.of(pod))


def unready_for(pod: Body, clock: float) -> float:
    """Return for how many seconds a pod has not served; 0 where that is not known."""
    since = [condition.get("lastTransitionTime") for condition in _readiness(pod)]
    return _least_since([text for text in since if text], clock)


def _readiness(pod: Body) -> list[Body]:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return [condition for condition in conditions if condition["type"] == "Ready"]


def _age(pod: Body, containers: Iterable[Container], clock: float) -> float:
    """Return for how many seconds all containers have run at least."""
    started = [
        (container.running or {}).get("startedAt")
        for container in containers
        if container.role != INIT
    ]
    ready = [condition.get("lastTransitionTime") for condition in _readiness(pod)]
    return _least_since([*started, *ready], clock)


def _least_since(timestamps: Iterable[str | None], clock: float) -> float:
    """Return how many seconds ago the last of these moments was at least; 0 without any.

    The API's times are whole seconds, so one is taken off.
    """
    return max(0.0, clock - max(map(_seconds, timestamps), default=clock) - 1.0)


def _seconds(timestamp: str | None) -> float:
    """Return the seconds since the epoch of an RFC 3339 time in UTC."""
    return (
        # Before Python 3.11 fromisoformat takes no Z.
        datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp() if timestamp else 0.0
    )


def seconds_of(event: Body) -> float:
    """Return when an event happened last, in seconds since the epoch."""
    return _seconds(moment(event))
