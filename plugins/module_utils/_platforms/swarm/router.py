# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router's place on a Swarm; see ports.RouterPlace."""

from __future__ import annotations

import base64
import contextlib
import io
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._core.errors import NotFound, PlatformError
from ..._core.image_references import Reference, is_image_id
from ..._core.spare_capacity import NodeSpace, SpareCapacity
from ..._deploy.health import LIVE
from ..._deploy.history import FailedPreview, Record, failed_previews, newest
from ..._deploy.naming import LABEL, Naming
from ..._deploy.ports import ControlPoint, RouterShape, StoredTraffic
from . import lookup, planning, storage
from .diagnoser import frames
from .engine import Engine
from .image_digests import EngineCredentials
from .observe import APP, KIND, RECORD, RELEASE, TRAFFIC, Snapshot
from .service_names import service_name
from .spec_fields import get

_REVISION = f"{LABEL}revision"
_STATE = f"{LABEL}state"
# How many tables are kept: the newest one, and those before it, for a look back.
_KEPT = 3
_ROOT_ONLY = 0o600


class RouterPlace:
    """Read what the router is made of, and where its replicas are."""

    # The DNS server of each container (https://docs.docker.com/engine/network/#dns-services).
    shape = RouterShape("{{.Task.ID}}", "127.0.0.11:53")

    def __init__(
        self, engine: Engine, credentials: EngineCredentials, storage: storage.Storage
    ) -> None:
        self.records = self.leases = storage
        self._engine = engine
        self._credentials = credentials

    def live_releases(self) -> Mapping[str, Record]:
        """Return the live release of each app by one list."""
        labels = [f"{KIND}={RECORD}", f"{_STATE}={LIVE}"]
        by_app: dict[str, list[Mapping[str, Any]]] = {}
        configs = lookup.of_manager(
            self._engine, lambda: self._engine.get("/configs", filters={"label": labels})
        )
        for config in configs:
            by_app.setdefault(config["Spec"]["Labels"].get(APP, ""), []).append(config)
        live = {app: newest(storage.records(_newest_of(found))) for app, found in by_app.items()}
        return {app: record for app, record in sorted(live.items()) if record}

    def failed_previews(self) -> Mapping[str, FailedPreview]:
        """Return the previews without a live record, by one list."""
        labels = [f"{KIND}={RECORD}", f"{LABEL}preview_of"]
        configs = lookup.of_manager(
            self._engine, lambda: self._engine.get("/configs", filters={"label": labels})
        )
        found = (config["Spec"]["Labels"] for config in configs)
        return failed_previews((labels.get(APP, ""), labels) for labels in found)

    def control_points(
        self, app: str, service: str, port: int, addresses: Mapping[str, str]
    ) -> tuple[ControlPoint, ...]:
        """Return the host ports of the running tasks, by the tasks' own status."""
        filters = {"service": [service_name(app, service)], "desired-state": ["running"]}
        try:
            tasks = self._engine.get("/tasks", filters=filters)
        # The engine answers so where there is no such service.
        except NotFound:
            return ()
        nodes = {node["ID"]: node for node in self._engine.get("/nodes")}
        found = [
            _control_point(task, nodes.get(task.get("NodeID", ""), {}), port, addresses)
            for task in tasks
            if get(task, "Status.State") == "running"
        ]
        return tuple(sorted(filter(None, found), key=lambda point: point.replica))

    def slot_name(self, app: str, service: str, slot: int) -> str:
        """Return the name whose A records are the tasks, whatever endpoint mode they have."""
        return f"tasks.{Naming(app).slot(service, slot)}"

    def free_nodes(self, constraints: Sequence[str]) -> int:
        """Return how many nodes are ready and match the constraints."""
        nodes = lookup.of_manager(self._engine, lambda: self._engine.get("/nodes"))
        service = {"deploy": {"placement": {"constraints": list(constraints)}}}
        return planning.eligible(service, Snapshot(nodes=nodes))

    def spare_capacity(self) -> SpareCapacity:
        """Return what the tasks of the ready nodes have not reserved."""
        nodes = lookup.of_manager(self._engine, lambda: self._engine.get("/nodes"))
        tasks = self._engine.get("/tasks", filters={"desired-state": ["running"]})
        return SpareCapacity(tuple(_space(node, tasks) for node in nodes if _is_ready(node)))

    def share_secrets(self, owners: Mapping[str, str], *, check: bool) -> bool:
        """Change nothing: any service of a Swarm may mount any secret."""
        return False

    def check(self, image: str, command: Sequence[str], files: Mapping[str, bytes]) -> str:
        """Run the command in a container on the manager's engine, which is removed again."""
        body = {
            "Image": image,
            "Entrypoint": [command[0]],
            "Cmd": list(command[1:]),
            "User": "0",
            "HostConfig": {"NetworkMode": "none"},
        }
        identity = self._created(image, body)
        path = f"/containers/{identity}"
        try:
            self._engine.put_archive(f"{path}/archive", "/", _archive(files))
            self._engine.post(f"{path}/start")
            status = self._engine.post(f"{path}/wait")["StatusCode"]
            if status == 0:
                return ""
            logs = self._engine.raw(f"{path}/logs", stdout="true", stderr="true")
            return _text(logs) or f"{command[0]} exited with code {status}"
        finally:
            # The files have keys, and the container is of no further use.
            with contextlib.suppress(PlatformError):
                self._engine.delete(f"{path}?force=true&v=true")

    def _created(self, image: str, body: Mapping[str, Any]) -> str:
        try:
            return str(self._engine.post("/containers/create", body)["Id"])
        except NotFound:
            self._pull(image)
        return str(self._engine.post("/containers/create", body)["Id"])

    def _pull(self, image: str) -> None:
        if is_image_id(image):
            return
        reference = Reference.parse(image)
        # The answer is a stream of JSON that may end with an error: the next create shows it.
        name = reference.pinned(reference.digest) if reference.digest else reference.familiar
        self._engine.pull(name, self._credentials.header(reference.registry))

    def read_traffic(self) -> StoredTraffic:
        """Return the table of the highest revision."""
        found = [_stored(config) for config in self._tables()]
        return max(found, key=lambda stored: stored.revision, default=StoredTraffic())

    def write_traffic(self, traffic: StoredTraffic) -> None:
        """Make a config of the revision, and remove those that are too old."""
        labels = {KIND: TRAFFIC, _REVISION: str(traffic.revision)}
        name = f"{LABEL}traffic.{traffic.revision}"
        storage.create(self._engine, "configs", name, traffic.content, labels)
        for config in self._tables():
            if _stored(config).revision <= traffic.revision - _KEPT:
                self._engine.delete(f"/configs/{config['ID']}")

    def forget_traffic(self, revision: int) -> None:
        """Remove the config of the revision."""
        for config in self._tables():
            if _stored(config).revision == revision:
                self._engine.delete(f"/configs/{config['ID']}")

    def log_lines(self, app: str, service: str, since: float, most: int) -> list[str]:
        """Return the newest lines that all tasks have written to stdout, also those that ended."""
        # By task: the log of a service whose task was killed does not end, and lacks lines
        # (20.10.24, two tasks with 6,000 lines each: 11,974 lines after 100 s).
        filters = {"service": [service_name(app, service)]}
        lines: list[str] = []
        for task in self._engine.get("/tasks", filters=filters):
            # Without a container, the engine would wait for one.
            if get(task, "Status.ContainerStatus.ContainerID"):
                lines += self._task_lines(task["ID"], since, most)
        return lines

    def _task_lines(self, task: str, since: float, most: int) -> list[str]:
        try:
            content = self._engine.raw(f"/tasks/{task}/logs", stdout=1, since=int(since), tail=most)
        # It was removed meanwhile.
        except NotFound:
            return []
        return b"".join(frames(content)).decode("utf-8", "replace").splitlines()

    def _tables(self) -> list[dict[str, Any]]:
        filters = {"label": [f"{KIND}={TRAFFIC}"]}
        configs: list[dict[str, Any]] = lookup.of_manager(
            self._engine, lambda: self._engine.get("/configs", filters=filters)
        )
        return configs


def _newest_of(configs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the newest record alone: each costs the time to unpack it."""
    return [max(configs, key=lambda config: int(config["Spec"]["Labels"].get(RELEASE, "0")))]


def _stored(config: Mapping[str, Any]) -> StoredTraffic:
    spec = config["Spec"]
    return StoredTraffic(
        int(spec["Labels"].get(_REVISION, "0")), base64.b64decode(spec.get("Data") or "")
    )


def _is_ready(node: Mapping[str, Any]) -> bool:
    found = (get(node, "Spec.Availability"), get(node, "Status.State"))
    return found == ("active", "ready")


def _space(node: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> NodeSpace:
    own = [
        get(task, "Spec.Resources.Reservations") or {}
        for task in tasks
        if task.get("NodeID") == node["ID"]
    ]
    cpus, memory = (
        int(get(node, f"Description.Resources.{name}") or 0)
        - sum(int(reserved.get(name) or 0) for reserved in own)
        for name in ("NanoCPUs", "MemoryBytes")
    )
    return NodeSpace(cpus, memory)


def _control_point(
    task: Mapping[str, Any], node: Mapping[str, Any], port: int, addresses: Mapping[str, str]
) -> ControlPoint | None:
    """Return where a task takes commands; None where the engine has published nothing yet."""
    published = get(task, "Status.PortStatus.Ports") or []
    for entry in published:
        if entry.get("TargetPort") == port and entry.get("PublishedPort"):
            name = get(node, "Description.Hostname") or task.get("NodeID", "")
            address = addresses.get(name) or get(node, "Status.Addr") or ""
            return ControlPoint(task["ID"], name, address, entry["PublishedPort"])
    return None


def _archive(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(content), _ROOT_ONLY
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _text(stream: bytes) -> str:
    """Return a container's log without the headers of its parts."""
    return b"".join(frames(stream)).decode(errors="replace").strip()
