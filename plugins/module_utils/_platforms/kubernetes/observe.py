# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the API's objects to the states that all platforms share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..._core.cause import Cause
from ..._deploy import state as words
from ..._deploy.resolution import Resolved
from ..._deploy.state import ServiceState, States, Task
from . import causes, kstatus
from .api_kinds import (
    APP,
    CLAIM,
    CONTENT,
    DAEMON_SET,
    DEPLOYMENT,
    HASH,
    KIND,
    NAMESPACED_BY,
    NETWORK_POLICY,
    POLICY,
    RECORD,
    REGISTRY,
    SERVICE,
)
from .compare import annotation, key_of, label
from .render import service_hash

Body = dict[str, Any]
Key = tuple[str, str]
_RUNNERS = ("Deployment", "DaemonSet", "StatefulSet")
# Set by the Deployment controller on a Deployment and its ReplicaSets.
REVISION = "deployment.kubernetes.io/revision"
# For so many seconds a kubelet may not have noticed that a container has ended (it looks once a
# second).
_UNNOTICED = 1.5
# apps/v1 has no spec.templateGeneration any more: the controller keeps it in this annotation, and
# in the label pod-template-generation of each pod.
_TEMPLATE = "deprecated.daemonset.template.generation"


@dataclass(frozen=True)
class Snapshot:
    """What one look at the cluster shows of an app.

    ``objects`` has the app's own by kind and name, ``unmanaged`` others' of the names that it
    needs; ``applied`` the generation of each workload that was written last, which a look must have
    reached. What another look finds goes into another one of these.
    """

    objects: dict[Key, Body] = field(default_factory=dict)
    replica_sets: list[Body] = field(default_factory=list)
    pods: list[Body] = field(default_factory=list)
    events: list[Body] = field(default_factory=list)
    namespace: Body | None = None
    clock: float = 0.0
    unmanaged: dict[Key, Body] = field(default_factory=dict)
    applied: Mapping[str, int] = field(default_factory=dict)
    nodes: list[Body] | None = None

    @property
    def workloads(self) -> dict[str, Body]:
        """Return what runs a service, by the service's name: a Deployment or DaemonSet.

        Of manifests each object is a service.
        """
        workloads = {}
        for (kind, _name), body in self.objects.items():
            name = annotation(body, SERVICE) or (
                label(body, SERVICE) if kind in (DEPLOYMENT.name, DAEMON_SET.name) else ""
            )
            if name:
                workloads[name] = body
        return workloads

    def names(self, kind: str, *roles: str) -> set[str]:
        """Return the names of the app's objects of a kind, of ``roles`` only if there are any."""
        return {
            name
            for (of, name), body in self.objects.items()
            if of == kind and (not roles or label(body, KIND) in roles)
        }

    def belongings(self) -> dict[str, list[str]]:
        """Return the names of everything that is removed with the app, by kind."""
        return {
            "services": sorted(self.workloads),
            "networks": sorted(self.names(NETWORK_POLICY.name, POLICY)),
            "secrets": sorted(self.names("Secret", RECORD, CONTENT, REGISTRY)),
            "configs": sorted(self.names("ConfigMap", CONTENT)),
        }

    @property
    def claims(self) -> set[str]:
        """Return the names of the app's volumes."""
        return self.names(CLAIM.name)


def own(app: str, namespace: str, bodies: Iterable[Body]) -> dict[Key, Body]:
    """Return the app's objects by kind and name."""
    return {
        key_of(body): body
        for body in bodies
        if label(body, APP) == app
        # Lists of objects without a namespace, and of other namespaces, have those of other apps of
        # this name, too.
        and namespace == (annotation(body, NAMESPACED_BY) or body["metadata"].get("namespace"))
    }


def states(app: str, snapshot: Snapshot, resolved: Resolved, monitor: float) -> States:
    """Return every service of the app that exists."""
    return {
        name: (
            _running(app, name, snapshot, resolved, monitor)
            if body["kind"] in _RUNNERS
            else _passive(name, body, snapshot)
        )
        for name, body in snapshot.workloads.items()
    }


def _running(
    app: str, name: str, snapshot: Snapshot, resolved: Resolved, monitor: float
) -> ServiceState:
    """Return the state of a service whose workload keeps pods running."""
    body = snapshot.workloads[name]
    everywhere = body["kind"] == DAEMON_SET.name
    metadata, status = body["metadata"], body.get("status", {})
    # A status of an older generation, or a look from before the write, shows nothing of what was
    # sent.
    is_observed = status.get("observedGeneration", 0) >= max(
        metadata.get("generation", 0), snapshot.applied.get(name, 0)
    )
    tasks = _tasks_of_service(app, name, snapshot, resolved, is_observed=is_observed)
    # Only the controller knows how many nodes fit a DaemonSet.
    wanted = (
        status.get("desiredNumberScheduled", 0) if everywhere else body["spec"].get("replicas", 1)
    )
    return ServiceState(
        name=name,
        wanted=wanted,
        tasks=(*tasks, *(_refused(name, body) if is_observed else ())),
        update="" if is_observed else words.UPDATING,
        update_id=str(metadata.get("generation", "")),
        checked=any(
            "readinessProbe" in container
            for container in body["spec"]["template"]["spec"]["containers"]
        ),
        monitor=monitor + _UNNOTICED,
        everywhere=everywhere,
    )


def _tasks_of_service(
    app: str, name: str, snapshot: Snapshot, resolved: Resolved, *, is_observed: bool
) -> list[Task]:
    body, declared = snapshot.workloads[name], resolved.services.get(name)
    sent = service_hash(app, name, resolved) if declared is not None else ""
    is_current = _currency(body, snapshot) if is_observed else (lambda _pod: False)
    tasks: list[Task] = []
    for pod in snapshot.pods:
        if label(pod, SERVICE) == name or _is_of(pod, body, snapshot):
            tasks += _tasks(pod, is_current, sent, snapshot, declared or {})
    return tasks


# What stands for the phase of an object that runs nothing itself.
_PASSIVE_STATES = {kstatus.FAILED: words.ENDED, kstatus.CURRENT: words.RUNNING}


def _passive(name: str, body: Body, snapshot: Snapshot) -> ServiceState:
    """Return the state of an object that runs nothing itself, or runs something to its end.

    One task stands for it.
    """
    state, why = kstatus.status(body)
    failed = state == kstatus.FAILED
    cause = Cause("timeout", why) if why else None
    if failed:
        cause = Cause("object_failed", f"{name} {why}", final=True)
    task = Task(
        id=body["metadata"].get("uid", name),
        name="",
        slot=name,
        machine="",
        state=_PASSIVE_STATES.get(state, words.STARTING),
        current=True,
        sent=True,
        wanted=not failed,
        failed=failed,
        cause=cause,
    )
    pod = _failed_pod(body, snapshot)
    if pod is not None:
        task = replace(
            task,
            id=pod["metadata"]["uid"],
            name=pod["metadata"]["name"],
            machine=pod["spec"].get("nodeName", ""),
        )
    return ServiceState(
        name=name,
        wanted=1,
        tasks=(task,),
        update_id=str(body["metadata"].get("generation", "")),
        checked=True,
        passive=True,
    )


def _failed_pod(owner: Body, snapshot: Snapshot) -> Body | None:
    failed = (pod for pod in snapshot.pods if pod.get("status", {}).get("phase") == "Failed")
    return next((pod for pod in failed if _owned_by(pod, owner)), None)


def _is_of(pod: Body, workload: Body, snapshot: Snapshot) -> bool:
    """Return whether a pod without our labels belongs to a workload.

    Pods of a workload that was taken over lack them.
    """
    sets = {body["metadata"]["uid"] for body in snapshot.replica_sets if _owned_by(body, workload)}
    return bool(_owners(pod) & {*sets, workload["metadata"].get("uid")})


def _owned_by(body: Body, owner: Body) -> bool:
    return any(
        entry["uid"] == owner["metadata"].get("uid")
        for entry in body["metadata"].get("ownerReferences") or []
    )


def _currency(body: Body, snapshot: Snapshot) -> Callable[[Body], bool]:
    """Return a test for pods: whether they are of the workload's template as it is now.

    The template may have been edited by hand.
    """
    if body["kind"] == "StatefulSet":
        update = body.get("status", {}).get("updateRevision")
        return lambda pod: _pod_label(pod, "controller-revision-hash") == update
    if body["kind"] == DAEMON_SET.name:
        generation = annotation(body, _TEMPLATE)
        return lambda pod: _pod_label(pod, "pod-template-generation") == generation
    newest = _newest_replica_sets(body, snapshot)
    return lambda pod: not newest.isdisjoint(_owners(pod))


def _pod_label(pod: Body, key: str) -> Any:
    return (pod["metadata"].get("labels") or {}).get(key)


def _newest_replica_sets(deployment: Body, snapshot: Snapshot) -> set[str]:
    # A template that comes back reuses its ReplicaSet, which gets the newest revision: its age
    # shows nothing.
    revision = annotation(deployment, REVISION)
    return {
        body["metadata"]["uid"]
        for body in snapshot.replica_sets
        if _owned_by(body, deployment) and annotation(body, REVISION) == revision
    }


def _owners(body: Body) -> set[str]:
    return {owner["uid"] for owner in body["metadata"].get("ownerReferences") or []}


def _refused(name: str, body: Body) -> Iterator[Task]:
    """Yield a task in place of the pods that the API server rejected."""
    # Only Deployments have this condition: StatefulSets, DaemonSets and Jobs report quotas and
    # admission by FailedCreate events alone.
    for condition in body.get("status", {}).get("conditions") or []:
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            cause = causes.refused(condition.get("message", ""))
            yield Task(
                f"{name}/refused",
                "",
                "",
                "",
                words.WAITING,
                current=True,
                sent=True,
                wanted=True,
                cause=cause,
            )


def _tasks(
    pod: Body,
    is_current: Callable[[Body], bool],
    sent: str,
    snapshot: Snapshot,
    declared: Mapping[str, Any],
) -> Iterator[Task]:
    """Yield the pod itself, and each of its containers' ends as an attempt that failed."""
    metadata = pod["metadata"]
    containers = pod.get("status", {}).get("containerStatuses") or []
    is_ending = "deletionTimestamp" in metadata
    state, cause = _state(pod, containers, snapshot, declared)
    current = is_current(pod)
    task = Task(
        id=metadata["uid"],
        name=metadata["name"],
        slot=metadata["name"],
        machine=pod["spec"].get("nodeName", ""),
        state=state,
        current=current,
        sent=current or (bool(sent) and label(pod, HASH) == sent),
        wanted=not is_ending and state != words.ENDED,
        age=_age(pod, containers, snapshot.clock),
        cause=cause,
        created=metadata["creationTimestamp"],
    )
    attempt = replace(
        task, state=words.ENDED, current=False, wanted=False, failed=not is_ending, age=0.0
    )
    for container in containers:
        yield from _ended_attempts(container, attempt)
    # What cannot recover may have no container that ended: it counts as a failed attempt, too.
    if cause and cause.final:
        yield replace(attempt, id=f"{task.id}//0", created=f"{task.created} 0000")
    yield task


def _ended_attempts(container: Body, attempt: Task) -> Iterator[Task]:
    # Only the last end of a container is kept: earlier ones get the same cause.
    known = (
        container.get("state", {}).get("terminated")
        or container.get("lastState", {}).get("terminated")
        or {}
    )
    for number in range(1, _ends(container) + 1):
        yield replace(
            attempt,
            id=f"{attempt.id}/{container['name']}/{number}",
            exit_code=known.get("exitCode"),
            cause=causes.terminated(known),
            created=f"{attempt.created} {number:04}",
        )


def _ends(container: Body) -> int:
    """Return how often a container has ended.

    It was started again so often, and once more where it does not run now.
    """
    state = container.get("state", {})
    ended = "terminated" in state or state.get("waiting", {}).get("reason") == "CrashLoopBackOff"
    return int(container.get("restartCount", 0)) + int(ended)


def _state(
    pod: Body, containers: list[Body], snapshot: Snapshot, declared: Mapping[str, Any]
) -> tuple[str, Cause | None]:
    status = pod.get("status", {})
    running = ["running" in container.get("state", {}) for container in containers]
    if status.get("phase") in ("Failed", "Succeeded"):
        return words.ENDED, causes.gone(pod)
    if "deletionTimestamp" in pod["metadata"]:
        return (words.RUNNING if any(running) else words.ENDED), None
    if not pod["spec"].get("nodeName"):
        return words.WAITING, _unscheduled(status, declared)
    if containers and all(running):
        is_ready = all(container.get("ready") for container in containers)
        return (words.RUNNING if is_ready else words.STARTING), None
    return words.PREPARING, _unprepared(pod, containers, snapshot)


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


def _unprepared(pod: Body, containers: list[Body], snapshot: Snapshot) -> Cause | None:
    for container in containers:
        waiting = container.get("state", {}).get("waiting") or {}
        reason, message = waiting.get("reason", ""), waiting.get("message", "")
        if reason in causes.IMAGE_REASONS:
            return (
                _no_image(pod, reason, message, container["name"], snapshot)
                if message or reason == "InvalidImageName"
                else None
            )
        cause = causes.not_started(reason, message)
        if cause:
            return cause
    # The kubelet sets startTime when it acknowledges a pod.
    if not containers and "startTime" not in pod.get("status", {}):
        return Cause(
            "timeout", "the kubelet of its machine has not taken it up; it may be down, or cut off"
        )
    return _from_events(_events(pod, snapshot))


def _no_image(pod: Body, reason: str, message: str, container: str, snapshot: Snapshot) -> Cause:
    cause = causes.image(reason, message, _image(pod, container))
    if cause.kind != "image_denied" or not pod["spec"].get("imagePullSecrets"):
        return cause
    return causes.denied(
        cause,
        unread=any(
            event.get("reason") in causes.PULL_SECRET_REASONS for event in _events(pod, snapshot)
        ),
    )


def _image(pod: Body, container: str) -> str:
    return next(
        (str(entry["image"]) for entry in pod["spec"]["containers"] if entry["name"] == container),
        "its image",
    )


def _events(pod: Body, snapshot: Snapshot) -> list[Body]:
    return [
        event
        for event in snapshot.events
        if event.get("involvedObject", {}).get("uid") == pod["metadata"]["uid"]
    ]


def _from_events(events: list[Body]) -> Cause | None:
    """Return what only an event reports: a mount or a network that cannot be made."""
    for event in sorted(events, key=moment, reverse=True):
        if event.get("reason") in causes.MOUNT_REASONS:
            return causes.mount(event.get("message", ""))
        if event.get("reason") in causes.SANDBOX_REASONS:
            return causes.sandbox(event.get("message", ""))
    return None


def moment(event: Body) -> str:
    """Return when an event happened last."""
    return str(
        # Clients of events.k8s.io/v1, such as the scheduler, set eventTime and leave lastTimestamp
        # empty.
        event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or ""
    )


def _age(pod: Body, containers: list[Body], clock: float) -> float:
    """Return for how many seconds all containers have run at least.

    The API's times are whole seconds, so one is taken off.
    """
    started = [
        container.get("state", {}).get("running", {}).get("startedAt") for container in containers
    ]
    ready = [
        condition.get("lastTransitionTime")
        for condition in pod.get("status", {}).get("conditions") or []
        if condition["type"] == "Ready"
    ]
    moments = [_seconds(text) for text in (*started, *ready)]
    return max(0.0, clock - max(moments, default=clock) - 1.0)


def _seconds(timestamp: str | None) -> float:
    """Return the seconds since the epoch of an RFC 3339 time in UTC."""
    return (
        # Before Python 3.11 fromisoformat takes no Z.
        datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp() if timestamp else 0.0
    )
