# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the engine's JSON to the states that all platforms share."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from ..._compose.job_services import GLOBAL_JOB
from ..._core.cause import Cause
from ..._deploy import state as words
from ..._deploy.naming import LABEL
from ..._deploy.resolution import Resolved
from ..._deploy.state import ServiceState, States, Task
from . import causes, job_mode
from .compare import HASH, same_template, service_hash
from .spec_fields import CONTAINER_LABELS, Names, get

APP, SERVICE, TOKEN, RELEASE, VERSION = (
    f"{LABEL}{name}" for name in ("app", "service", "token", "release", "version")
)
STACK = "com.docker.stack.namespace"
KIND = f"{LABEL}kind"
RECORD, LEASE, CONTENT, TRAFFIC = "release", "lease", "content", "traffic"
EXPERIMENT = "experiment"

_STATES = {
    "new": words.WAITING,
    "pending": words.WAITING,
    "allocated": words.WAITING,
    "assigned": words.PREPARING,
    "accepted": words.PREPARING,
    "preparing": words.PREPARING,
    "ready": words.PREPARING,
    "starting": words.STARTING,
    "running": words.RUNNING,
}
_JOB_STATES = {"complete": words.RUNNING, "running": words.STARTING}
# A task of a job that is to be started again waits at ready.
_JOB_WANTED = ("complete", "running", "ready", "accepted")
_UPDATE_KEYS = ("State", "Message", "StartedAt")
# complete (exit code 0) is among them: tasks of services run until they are stopped.
_FAILED = ("failed", "rejected", "complete")
# A rollback that is paused is as final as one that has completed: the engine does no more.
_UPDATES = {
    "updating": words.UPDATING,
    "completed": words.DONE,
    "paused": words.PAUSED,
    "rollback_started": words.ROLLING_BACK,
    "rollback_completed": words.ROLLED_BACK,
    "rollback_paused": words.ROLLED_BACK,
}


class NamesOfReleases:
    """Names and ids by the number of the release that is written, for one writer at a time."""

    def __init__(self) -> None:
        self._known: dict[int, Names] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> dict[int, Names]:
        self._lock.acquire()
        return self._known

    def __exit__(self, *_error: object) -> None:
        self._lock.release()


@dataclass
class Snapshot:
    """The state of an app by one look. ``services`` maps the spec's names to bodies."""

    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    unmanaged: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    networks: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[dict[str, Any]] = field(default_factory=list)
    configs: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    clock: float = 0.0
    # Read for a plan that needs them only; the volumes are those of the connected engine.
    volumes: list[dict[str, Any]] = field(default_factory=list)
    node_id: str = ""
    all_services: list[dict[str, Any]] = field(default_factory=list)
    # Read when the networks of the release are made, after this look.
    names_of_releases: NamesOfReleases = field(
        default_factory=NamesOfReleases, compare=False, repr=False
    )

    @property
    def node_name(self) -> str:
        """Return the name of the node whose engine is connected to."""
        here = (node for node in self.nodes if node["ID"] == self.node_id)
        return get(next(here, {}), "Description.Hostname") or self.node_id

    @cached_property
    def names(self) -> Names:
        """Return names and ids of all objects."""
        return Names(
            {network["Name"]: network["Id"] for network in self.networks},
            {secret["Spec"]["Name"]: secret["ID"] for secret in self.secrets},
            {config["Spec"]["Name"]: config["ID"] for config in self.configs},
        )

    def belongings(self, app: str, *, adopted: bool) -> dict[str, list[str]]:
        """Return the names of the app's own objects, by kind; the lease is not one of them.

        A network cannot be labeled afterwards, so those of an ``adopted`` stack are found by its
        label.
        """

        def names(objects: list[dict[str, Any]]) -> list[str]:
            specs = [entry.get("Spec", entry) for entry in objects]
            own = [
                spec
                for spec in specs
                if (spec.get("Labels") or {}).get(APP) == app
                and (spec["Labels"]).get(KIND) != LEASE
            ]
            return sorted(spec["Name"] for spec in own)

        return {
            "services": sorted(body["Spec"]["Name"] for body in self.services.values()),
            "networks": sorted(
                network["Name"]
                for network in self.networks
                if is_own_network(app, network, adopted=adopted)
            ),
            "secrets": names(self.secrets),
            "configs": names(self.configs),
        }


def is_own_network(app: str, network: Mapping[str, Any], *, adopted: bool) -> bool:
    """Return whether a network was made for the app, by this collection or an adopted stack."""
    labels = network.get("Labels") or {}
    return labels.get(APP) == app or (adopted and labels.get(STACK) == app)


def split_services(
    app: str, services: list[dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the app's own services by their names in the spec, and those named alike."""
    own, unmanaged = {}, {}
    for service in services:
        labels = service["Spec"].get("Labels") or {}
        # Long names are shortened, so that the label comes first; an adopted service may not have
        # it.
        name = labels.get(SERVICE) or service["Spec"]["Name"][len(app) + 1 :]
        if labels.get(APP) == app:
            own[name] = service
        elif APP not in labels:
            unmanaged[service["Spec"]["Name"]] = service
    return own, unmanaged


@dataclass(frozen=True)
class _View:
    """The data from which the states of an app's services are built."""

    app: str
    snapshot: Snapshot
    names: Names
    resolved: Resolved
    hosts: Mapping[str, str]
    monitor: float


def states(app: str, snapshot: Snapshot, resolved: Resolved, monitor: float) -> States:
    """Return every service of the app that exists."""
    tasks: dict[str, list[dict[str, Any]]] = {}
    for task in snapshot.tasks:
        tasks.setdefault(task["ServiceID"], []).append(task)
    hosts = {node["ID"]: get(node, "Description.Hostname") or node["ID"] for node in snapshot.nodes}
    view = _View(app, snapshot, snapshot.names, resolved, hosts, monitor)
    return {
        name: _service(view, name, body, tasks.get(body["ID"], []))
        for name, body in snapshot.services.items()
    }


def _service(
    view: _View, name: str, body: Mapping[str, Any], bodies: list[dict[str, Any]]
) -> ServiceState:
    spec = body["Spec"]
    if job_mode.is_job(spec):
        return _job(view, name, body, bodies)
    tasks = tuple(_task(view, name, body, task) for task in bodies)
    everywhere = "Global" in spec.get("Mode", {})
    replicas = get(spec, "Mode.Replicated.Replicas") or 0
    # UpdateStatus is absent at the first creation and stale afterwards; StartedAt distinguishes two
    # updates.
    update = {key: get(body, f"UpdateStatus.{key}") or "" for key in _UPDATE_KEYS}
    return ServiceState(
        name=name,
        # The spec of a global service has no number: it is one task for each node that fits.
        wanted=sum(task.wanted for task in tasks) if everywhere else replicas,
        tasks=tasks,
        update=_UPDATES.get(update["State"], ""),
        update_text=update["Message"],
        update_id=update["StartedAt"],
        checked=_has_check(spec),
        monitor=view.monitor,
        everywhere=everywhere,
    )


def _job(
    view: _View, name: str, body: Mapping[str, Any], bodies: list[dict[str, Any]]
) -> ServiceState:
    """Return the state of a job by the tasks of its last iteration."""
    spec, iteration = body["Spec"], job_mode.iteration(body)
    tasks = tuple(_job_task(view, name, body, task, iteration=iteration) for task in bodies)
    everywhere = job_mode.mode(spec) == GLOBAL_JOB
    return ServiceState(
        name=name,
        wanted=(
            len({task.slot for task in tasks if task.current})
            if everywhere
            else job_mode.completions(spec)
        ),
        tasks=tasks,
        # Nothing has to last once a task has completed.
        checked=True,
        monitor=view.monitor,
        max_attempts=get(spec, "TaskTemplate.RestartPolicy.MaxAttempts") or 0,
        everywhere=everywhere,
        job=True,
    )


def _job_task(
    view: _View, name: str, body: Mapping[str, Any], task: dict[str, Any], *, iteration: int
) -> Task:
    """Return a task of a job: running is on the way, and completed is what it shall be."""
    state = task.get("Status", {}).get("State", "new")
    current = job_mode.task_iteration(task) == iteration
    as_usual = _task(view, name, body, task)
    completed = state == "complete"
    slot = as_usual.slot if job_mode.mode(body["Spec"]) == GLOBAL_JOB else _job_slot(task)
    return replace(
        as_usual,
        name=f"{name}.{slot}",
        slot=slot,
        # What a former iteration has completed is over.
        state=words.ENDED if completed and not current else _JOB_STATES.get(state, as_usual.state),
        current=current,
        sent=current,
        wanted=current and task.get("DesiredState") in _JOB_WANTED,
        failed=as_usual.failed and not completed,
        cause=None if completed else as_usual.cause,
        exit_code=None if completed else as_usual.exit_code,
    )


def _job_slot(task: Mapping[str, Any]) -> str:
    # The slots of jobs begin with 0, which the engine leaves out of its JSON.
    return str((task.get("Slot") or 0) + 1)


def _has_check(spec: Mapping[str, Any]) -> bool:
    test = get(spec, "TaskTemplate.ContainerSpec.Healthcheck.Test") or []
    # ["NONE"] switches off the health check of an image.
    return bool(test) and test[0] != "NONE"


def _task(view: _View, service: str, body: Mapping[str, Any], task: dict[str, Any]) -> Task:
    status = task.get("Status", {})
    current = same_template(task, body, view.names)
    node = view.hosts.get(task.get("NodeID", ""), task.get("NodeID", ""))
    # Tasks of global services have no slot; each node has one of them.
    slot = str(task.get("Slot") or node)
    failed = status.get("State", "new") in _FAILED
    return Task(
        id=task["ID"],
        name=f"{service}.{slot}",
        slot=slot,
        node=node,
        state=_STATES.get(status.get("State", "new"), words.ENDED),
        current=current,
        sent=current or _is_sent(view, service, task),
        # A replacement waits at the desired state ready for the restart delay (swarmkit's restart
        # supervisor).
        wanted=task.get("DesiredState") in ("running", "ready", "accepted"),
        # The task's node sets the timestamp and a manager sends the Date header: their clocks may
        # differ.
        age=max(0.0, view.snapshot.clock - _seconds(status.get("Timestamp"))),
        failed=failed,
        exit_code=causes.exit_code(status) if failed else None,
        cause=_cause(status),
        created=task.get("CreatedAt", ""),
    )


def _is_sent(view: _View, service: str, task: dict[str, Any]) -> bool:
    """Return whether a task was made for the spec that this run sent."""
    if service not in view.resolved.services:
        return False
    # A task does not carry the version of the spec that it was made for, so the hash in its own
    # labels decides.
    labels = get({"TaskTemplate": task.get("Spec", {})}, CONTAINER_LABELS.place) or {}
    return bool(labels.get(HASH) == service_hash(view.resolved.services[service]))


def _cause(status: Mapping[str, Any]) -> Cause | None:
    state = status.get("State", "new")
    if state in _FAILED:
        return causes.failed(status)
    if _STATES.get(state) == words.WAITING:
        return causes.waiting(str(status.get("Err") or ""))
    return None


def _seconds(timestamp: str | None) -> float:
    """Return the seconds since the epoch of an RFC 3339 time in UTC, with nanoseconds."""
    if not timestamp:
        return 0.0
    # Before Python 3.11 fromisoformat takes neither Z nor nine digits of a second.
    whole, _point, fraction = timestamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")
