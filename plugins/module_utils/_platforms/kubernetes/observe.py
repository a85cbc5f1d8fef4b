# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the API's objects to the states that all platforms share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..._deploy import state as words
from ..._deploy.resolution import Resolved
from ..._deploy.state import ServiceState, States, Task
from . import lasting, passive_objects, pod_health, pod_revisions, rejected_pods
from .api_kinds import (
    APP,
    CLAIM,
    CONTENT,
    DAEMON_SET,
    DEPLOYMENT,
    HASH,
    JOB,
    KIND,
    NAMESPACED_BY,
    NETWORK_POLICY,
    POD,
    POLICY,
    RECORD,
    REGISTRY,
    REPLICA_SET,
    SERVICE,
    STANDARD,
)
from .compare import annotation, key_of, label
from .pod_health import Surroundings
from .rejected_pods import Watched
from .render import service_hash

Body = dict[str, Any]
Key = tuple[str, str]
# The workloads of Compose services.
_LABELLED = (DEPLOYMENT.name, DAEMON_SET.name, JOB.name)
# The kinds that keep pods running, all of apps/v1.
_RUNNERS = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")
# For so many seconds a kubelet may not have noticed that a container has ended (it looks once a
# second).
_UNNOTICED = 1.5


class Around:
    """The pods, ReplicaSets and events of a look, by what they belong to.

    Built once a look: each service would have to search all of them otherwise.
    """

    def __init__(
        self, replica_sets: Iterable[Body], pods: Iterable[Body], events: Iterable[Body]
    ) -> None:
        self._sets = _by_owner(replica_sets)
        self._pods = _by_owner(pods)
        self._labelled: dict[str, list[Body]] = {}
        for pod in pods:
            self._labelled.setdefault(label(pod, SERVICE), []).append(pod)
        self._order = {id(pod): number for number, pod in enumerate(pods)}
        self._events: dict[str, list[Body]] = {}
        for event in events:
            uid = (event.get("involvedObject") or {}).get("uid", "")
            self._events.setdefault(uid, []).append(event)

    def sets_of(self, body: Body) -> list[Body]:
        """Return the ReplicaSets of a workload."""
        return self._sets.get(_uid(body), [])

    def owned_pods(self, body: Body) -> list[Body]:
        """Return the pods that an object has created itself."""
        return self._pods.get(_uid(body), [])

    def pods_of(self, name: str, body: Body) -> list[Body]:
        """Return the pods of a workload; those of one that was taken over lack our labels."""
        found = [*self._labelled.get(name, ()), *self.owned_pods(body)]
        for entry in self.sets_of(body):
            found += self.owned_pods(entry)
        # In the order of the list, each once.
        return [pod for _id, pod in sorted({self._order[id(pod)]: pod for pod in found}.items())]

    def events_of(self, *bodies: Body) -> list[Body]:
        """Return the events on these objects."""
        found: list[Body] = []
        for body in bodies:
            found += self._events.get(_uid(body), ())
        return found


def _uid(body: Body) -> str:
    return str(body["metadata"].get("uid", ""))


def _by_owner(bodies: Iterable[Body]) -> dict[str, list[Body]]:
    result: dict[str, list[Body]] = {}
    for body in bodies:
        for uid in pod_revisions.owners(body):
            result.setdefault(uid, []).append(body)
    return result


@dataclass(frozen=True)
class Snapshot:
    """The state of an app by one look at the cluster.

    ``objects`` has the app's own by kind and name, ``unmanaged`` others' of the names that it
    needs; ``applied`` the generation of each workload that was written last, which a look must have
    reached; ``begun`` when the cluster was first looked at. Another look's findings are in
    another one of these.
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
    begun: float = 0.0

    @cached_property
    def workloads(self) -> dict[str, Body]:
        """Return what runs a service, by the service's name: a Deployment or DaemonSet.

        Of manifests each object is a service.
        """
        workloads = {}
        for (kind, _name), body in self.objects.items():
            name = annotation(body, SERVICE) or (label(body, SERVICE) if kind in _LABELLED else "")
            if name and not _is_made_by_another(kind, body):
                workloads[name] = body
        return workloads

    @cached_property
    def around(self) -> Around:
        """Return the pods, ReplicaSets and events by what they belong to."""
        return Around(self.replica_sets, self.pods, self.events)

    @cached_property
    def of_services(self) -> dict[str, list[Key]]:
        """Return the keys of the app's objects by the service in their label."""
        result: dict[str, list[Key]] = {}
        for key, body in self.objects.items():
            result.setdefault(label(body, SERVICE), []).append(key)
        return result

    @property
    def kept(self) -> tuple[str, ...]:
        """Return the services that stay when they leave the app, or when it is removed."""
        bodies = self.workloads.items()
        return tuple(sorted(name for name, body in bodies if lasting.is_kept(body)))

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
            "services": sorted(set(self.workloads) - set(self.kept)),
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


def is_standard(body: Body) -> bool:
    """Return whether an object is of a kind that every cluster has.

    Other API groups may have kinds of the same names, such as the Service of Knative.
    """
    # Items of a typed list may come without apiVersion.
    api = body.get("apiVersion")
    return api is None or (api, body["kind"]) in STANDARD


def _is_made_by_another(kind: str, body: Body) -> bool:
    """Return whether an object bears our notes only because its maker copied its own ones.

    The Deployment controller gives its annotations and labels to its ReplicaSets.
    """
    owners = body["metadata"].get("ownerReferences") or []
    return kind in (REPLICA_SET.name, POD.name) and any(owner.get("controller") for owner in owners)


def states(app: str, snapshot: Snapshot, resolved: Resolved, monitor: float) -> States:
    """Return every service of the app that exists."""
    return {
        name: (
            _running(app, name, snapshot, resolved, monitor)
            if body["kind"] in _RUNNERS and is_standard(body)
            else _passive(name, body, snapshot)
        )
        for name, body in snapshot.workloads.items()
    }


def _passive(name: str, body: Body, snapshot: Snapshot) -> ServiceState:
    pods = snapshot.around.owned_pods(body)
    events = snapshot.around.events_of(body, *pods)
    return passive_objects.state(
        name,
        body,
        Watched(pods, events, snapshot.clock, snapshot.begun),
        applied=snapshot.applied.get(name, 0),
        is_standard=is_standard(body),
    )


def _running(
    app: str, name: str, snapshot: Snapshot, resolved: Resolved, monitor: float
) -> ServiceState:
    """Return the state of a service whose workload keeps pods running."""
    body = snapshot.workloads[name]
    everywhere = body["kind"] == DAEMON_SET.name
    metadata, status = body["metadata"], body.get("status") or {}
    # A status of an older generation, or a look from before the write, shows nothing of this
    # write.
    is_observed = status.get("observedGeneration", 0) >= max(
        metadata.get("generation", 0), snapshot.applied.get(name, 0)
    )
    # Only the controller knows how many nodes fit a DaemonSet.
    wanted = (
        status.get("desiredNumberScheduled", 0) if everywhere else body["spec"].get("replicas", 1)
    )
    tasks = _tasks_of_service(app, name, snapshot, resolved, is_observed=is_observed)
    return ServiceState(
        name=name,
        wanted=wanted,
        tasks=tuple(tasks),
        update="" if is_observed else words.UPDATING,
        update_id=str(metadata.get("generation", "")),
        checked=any(
            "readinessProbe" in container
            for container in body["spec"]["template"]["spec"]["containers"]
        ),
        monitor=monitor + _UNNOTICED,
        everywhere=everywhere,
        may_be_empty=everywhere and "manifest" in resolved.services.get(name, {}),
    )


def _tasks_of_service(
    app: str, name: str, snapshot: Snapshot, resolved: Resolved, *, is_observed: bool
) -> list[Task]:
    body, declared = snapshot.workloads[name], resolved.services.get(name)
    pods = snapshot.around.pods_of(name, body)
    events = snapshot.around.events_of(body, *pods)
    is_newest = pod_revisions.newest(body, snapshot.around.sets_of(body))
    is_as_asked = pod_revisions.as_asked(body, is_newest)

    def is_sent(pod: Body) -> bool:
        # The hash comes second: it is a rendering of the service, and only pods of another
        # template need it.
        if is_observed and is_newest(pod):
            return True
        found = label(pod, HASH)
        return bool(found) and declared is not None and found == service_hash(app, name, resolved)

    around = Surroundings(events, snapshot.clock, declared or {})
    tasks: list[Task] = []
    for pod in pods:
        current = is_observed and is_as_asked(pod)
        tasks += pod_health.tasks(pod, around, current=current, sent=is_sent(pod))
    if not is_observed:
        return tasks
    watched = Watched(pods, events, snapshot.clock, snapshot.begun)
    return [*_with_blocking(body, pods, tasks, snapshot.clock), *rejected_pods.tasks(body, watched)]


def _with_blocking(body: Body, pods: list[Body], tasks: list[Task], clock: float) -> list[Task]:
    """Return the tasks, with the version of the pod that is to be removed."""
    uid = pod_revisions.blocking(body, pods, {task.id: task for task in tasks}, clock)
    if not uid:
        return tasks
    versions = {pod["metadata"]["uid"]: pod["metadata"].get("resourceVersion", "") for pod in pods}
    return [replace(task, blocking=versions[uid]) if task.id == uid else task for task in tasks]
