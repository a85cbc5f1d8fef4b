# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Swarm as a platform."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ..._core.cause import Cause
from ..._core.errors import (
    LeaseLost,
    NotFound,
    Outdated,
    PlanError,
    PlatformError,
    Problem,
    SpecError,
)
from ..._core.image_references import Reference, is_image_id
from ..._core.parallel import side_by_side
from ..._deploy.history import Record
from ..._deploy.lease import Lease
from ..._deploy.naming import Naming, service_name
from ..._deploy.plan import Plan
from ..._deploy.ports import Contents, Fence, Observation, Wishes
from ..._deploy.resolution import Resolved
from ..._deploy.state import Evidence, States, Task
from . import compose_view, diagnoser, image_digests, planning, storage
from .compare import HASH, render, service_hash, updated
from .engine import Engine
from .observe import (
    APP,
    RELEASE,
    SERVICE,
    STACK,
    TOKEN,
    VERSION,
    Found,
    split_services,
    states,
)
from .spec_fields import Names, get

_ATTEMPTS = 8
_PAUSE = 0.3
_REFERENCE = "shipping.code.image"


class Swarm:
    """An app's services on one Swarm, through any of its managers."""

    name = "swarm"

    def __init__(
        self, engine: Engine, credentials: image_digests.Credentials, monitor: float = 5.0
    ) -> None:
        self.engine = engine
        self.credentials = credentials
        self.monitor = monitor
        self._lease: Lease | None = None
        self._nodes: tuple[float, list[dict[str, Any]]] = (0.0, [])

    def naming(self, app: str) -> Naming:
        """As ``docker stack deploy`` calls them."""
        return Naming(app, volume_labels={STACK: app})

    def observe(self, app: str) -> Observation:
        """Everything of an app, in eight calls for any number of services."""
        found, configs = self._find(app)
        self._lease = storage.lease_among(configs) or self._lease
        records = storage.records(configs)
        resolved = records[0].resolved if records else Resolved()
        return Observation(
            records, storage.lease_among(configs), states(app, found, resolved, self.monitor), found
        )

    def _find(self, app: str) -> tuple[Found, list[dict[str, Any]]]:
        ask = self.engine.get
        label = {"label": [f"{APP}={app}"]}
        calls = (
            partial(ask, "/services", filters={"name": [f"{app}_"]}),
            partial(ask, "/tasks", filters={"label": [f"{STACK}={app}"]}),
            partial(ask, "/networks"),
            partial(ask, "/secrets"),
            partial(ask, "/configs", filters=label),
            partial(ask, "/configs", filters={"name": [f"{app}_"]}),
            partial(ask, "/nodes"),
        )
        services, tasks, networks, secrets, configs, named, nodes = self._manager(
            lambda: side_by_side(lambda call: call(), calls)
        )
        own, strangers = split_services(app, services)
        self._nodes = (time.monotonic(), nodes)
        networks.sort(key=lambda network: network.get("Scope") == "swarm")
        networks += self._host_network([*own.values(), *strangers.values()], networks)
        everything = {config["ID"]: config for config in [*named, *configs]}
        return (
            Found(
                own,
                strangers,
                tasks,
                networks,
                secrets,
                list(everything.values()),
                nodes,
                self.engine.clock,
            ),
            configs,
        )

    def _host_network(
        self, services: list[dict[str, Any]], networks: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """The Swarm's own network ``host``, which lists leave out, where a service uses it."""
        used = {
            entry.get("Target")
            for body in services
            for entry in get(body, "Spec.TaskTemplate.Networks") or []
        }
        if used <= {network["Id"] for network in networks} | {
            network["Name"] for network in networks
        }:
            return []
        return [self.engine.get("/networks/host", scope="swarm")]

    def _manager(self, work: Any) -> Any:
        """Do ``work``, with the engine's answer in words where it manages no Swarm."""
        try:
            return work()
        except PlatformError as error:
            if "not a swarm manager" in error.why.lower():
                raise PlanError(
                    f"the engine at {self.engine.connection.docker_host} manages no Swarm",
                    error.why.rstrip("."),
                    "Connect to a manager, or make one by docker swarm init",
                ) from error
            raise

    def check(self, resolved: Resolved) -> None:
        """Refuse keys that are newer than the engine's API."""
        planning.check_version(resolved, self.engine.api)

    def from_manifests(
        self, app: str, given: Mapping[str, Any], seen: Observation, mode: str, wishes: Wishes
    ) -> tuple[Resolved, Contents, list[str]]:
        """A Swarm has none."""
        raise SpecError(
            [
                Problem(
                    "manifests",
                    "are for platform: kubernetes; give a Swarm a Compose file by compose",
                )
            ],
            "the options",
        )

    def complete(self, app: str, resolved: Resolved, seen: Observation, wishes: Wishes) -> Resolved:
        """Nothing to add."""
        return resolved

    def pause(self, seconds: float) -> None:
        """There are no events of tasks, so the time is waited for."""
        time.sleep(seconds)

    def salt(self, app: str) -> bytes:
        """From the Swarm's own id, so that it is the same for every run."""
        return hashlib.sha256(f"{self.engine.get('/swarm')['ID']} {app}".encode()).digest()

    def resolve_images(self, references: list[str], mode: str, seen: Observation) -> dict[str, str]:
        """One registry call for each distinct image, side by side."""
        return image_digests.resolve(
            self.engine, references, mode, self.credentials, planning.eligible({}, seen.inner)
        )

    def plan(self, app: str, resolved: Resolved, seen: Observation, wishes: Wishes) -> Plan:
        """Compare with what was observed."""
        found = self._with_external(resolved, seen.inner)
        planned = planning.plan(app, resolved, seen.records, found, wishes)
        return replace(
            planned,
            before=compose_view.before(app, resolved, found),
            after=compose_view.after(resolved),
        )

    def drift(self, app: str, resolved: Resolved, seen: Observation) -> Plan:
        """The same, since planning writes nothing on a Swarm."""
        return self.plan(app, resolved, seen, Wishes())

    def belongings(self, app: str, seen: Observation) -> dict[str, list[str]]:
        """Services, networks, secrets and configs with the app's label."""
        found: Found = seen.inner
        return found.belongings(app, adopted=bool(seen.records))

    def _with_external(self, resolved: Resolved, found: Found) -> Found:
        """External configs are looked up by name.

        Since a full list would bring all data of all apps.
        """
        missing = [
            name
            for name, entry in resolved.configs.items()
            if entry.get("external") and name not in found.names.configs
        ]
        if not missing:
            return found
        return replace(
            found, configs=[*found.configs, *self.engine.get("/configs", filters={"name": missing})]
        )

    def adoptable(
        self, app: str, contents: Contents, seen: Observation
    ) -> dict[str, dict[str, str]]:
        """A stack's configs with the same data, and its secrets, whose data nobody can read."""
        found: Found = seen.inner
        of_stack = {
            kind: {
                entry["Spec"]["Name"]: entry["Spec"]
                for entry in getattr(found, kind)
                if (entry["Spec"].get("Labels") or {}).get(STACK) == app
            }
            for kind in ("secrets", "configs")
        }
        configs = {
            name: f"{app}_{name}"
            for name, data in contents.configs.items()
            if f"{app}_{name}" in of_stack["configs"]
        }
        same = {
            name: full
            for name, full in configs.items()
            if base64.b64decode(of_stack["configs"][full]["Data"]) == contents.configs[name]
        }
        return {
            "secrets": {
                name: f"{app}_{name}"
                for name in contents.secrets
                if f"{app}_{name}" in of_stack["secrets"]
            },
            "configs": same,
        }

    def look(self, app: str, resolved: Resolved) -> States:
        """Services and tasks only; the machines every few seconds."""
        services, tasks = side_by_side(
            lambda call: self.engine.get(call[0], filters={"label": [call[1]]}),
            [("/services", f"{APP}={app}"), ("/tasks", f"{STACK}={app}")],
        )
        if time.monotonic() - self._nodes[0] > 5:
            self._nodes = (time.monotonic(), self.engine.get("/nodes"))
        own, _strangers = split_services(app, services)
        found = Found(services=own, tasks=tasks, nodes=self._nodes[1], clock=self.engine.clock)
        return states(app, found, resolved, self.monitor)

    def evidence(self, task: Task, cause: Cause, reference: str) -> Evidence:
        """What the engine, the registry and the log say of a failed task."""
        return diagnoser.examine(self.engine, task, cause, reference, self.credentials)

    def make_objects(self, app: str, resolved: Resolved, contents: Contents, fence: Fence) -> None:
        """Make the secrets and configs that are missing."""
        near = {"name": [f"{app}_"]}
        existing = {
            kind: {
                found["Spec"]["Name"]: found for found in self.engine.get(f"/{kind}", filters=near)
            }
            for kind in ("secrets", "configs")
        }
        storage.make_objects(self.engine, app, resolved, contents, existing, fence)
        storage.take_over(self.engine, app, resolved, existing, fence)

    def make_networks(self, app: str, resolved: Resolved, fence: Fence) -> None:
        """Make the networks that are missing, side by side."""
        existing = {network["Name"] for network in self.engine.get("/networks")}

        def make(name: str) -> None:
            fence.check()
            entry = resolved.networks[name]
            body = {
                "Name": name,
                "Driver": entry.get("driver", "overlay"),
                "CheckDuplicate": True,
                "Attachable": bool(entry.get("attachable")),
                "Internal": bool(entry.get("internal")),
                "Options": entry.get("driver_opts", {}),
                "Labels": {**entry.get("labels", {}), APP: app, STACK: app},
            }
            self.engine.post("/networks/create", body)

        side_by_side(
            make,
            [
                name
                for name, entry in resolved.networks.items()
                if not entry.get("external") and name not in existing
            ],
        )

    def apply(self, app: str, name: str, record: Record, seen: Observation, fence: Fence) -> None:
        """Make one service what is declared, from a fresh read, until nobody else was faster."""
        want = record.resolved.services[name]
        labels = {
            APP: app,
            SERVICE: name,
            STACK: app,
            HASH: service_hash(want),
            RELEASE: str(record.number),
            VERSION: record.version,
            TOKEN: str(fence.token),
            _REFERENCE: want["reference"],
        }
        header = self._auth(want["image"])
        names = self._names(record.resolved)
        for _attempt in range(_ATTEMPTS):
            body = self._service(app, name)
            try:
                if body is None:
                    fence.check()
                    self.engine.post(
                        "/services/create",
                        render(service_name(app, name), want, names, labels, labels[HASH]),
                        header,
                    )
                else:
                    former = planning.former(name, body["Spec"], seen.records, names)
                    spec = updated(body["Spec"], want, former, names, labels, labels[HASH])
                    paused = get(body, "UpdateStatus.State") == "paused"
                    if spec != body["Spec"] or paused:
                        self._update(body, spec, fence, header)
                return
            except Outdated:
                time.sleep(_PAUSE)
        raise PlatformError(
            f"service {name} could not be written",
            f"somebody else changed it {_ATTEMPTS} times meanwhile",
            "Find out who does, then run again",
        )

    def _service(self, app: str, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.engine.get(f"/services/{service_name(app, name)}")
        except NotFound:
            return None
        return found

    def _update(
        self,
        body: Mapping[str, Any],
        spec: Mapping[str, Any],
        fence: Fence,
        header: Mapping[str, str] | None = None,
    ) -> None:
        """Write a service that was read as ``body``.

        Refuse where a later holder of the lease wrote it.
        """
        token = int((body["Spec"].get("Labels") or {}).get(TOKEN, "0"))
        if token > fence.token:
            name = body["Spec"]["Name"]
            raise LeaseLost(
                f"this run no longer holds {name}",
                f"a later run wrote it (token {token}, this run has {fence.token})",
                "Nothing more was written",
            )
        fence.check()
        self.engine.post(
            f"/services/{body['ID']}/update", dict(spec), header, version=body["Version"]["Index"]
        )

    def _auth(self, image: str) -> dict[str, str]:
        return (
            {} if is_image_id(image) else self.credentials.header(Reference.parse(image).registry)
        )

    def _names(self, resolved: Resolved) -> Names:
        """Names and ids, read anew where an object that is needed has been made since."""
        needed = {
            "networks": set(resolved.networks),
            "secrets": set(resolved.secrets),
            "configs": set(resolved.configs),
        }
        known = getattr(self, "_known_names", None)
        if known is None or any(needed[kind] - set(getattr(known, kind)) for kind in needed):
            networks = [
                *self.engine.get("/networks"),
                self.engine.get("/networks/host", scope="swarm"),
            ]
            networks.sort(key=lambda network: network.get("Scope") == "swarm")
            secrets = self.engine.get("/secrets") if needed["secrets"] else []
            configs = (
                self.engine.get("/configs", filters={"name": sorted(needed["configs"])})
                if needed["configs"]
                else []
            )
            known = self._known_names = Found(
                networks=networks, secrets=secrets, configs=configs
            ).names
        return known

    def set_replicas(self, app: str, name: str, replicas: int, fence: Fence) -> None:
        """Set one service's number of tasks, and nothing else."""
        for _attempt in range(_ATTEMPTS):
            body = self._service(app, name)
            if body is None:
                raise NotFound(
                    f"there is no service {name} in {app}",
                    "the Swarm does not have it",
                    "Release the app first",
                )
            spec = dict(body["Spec"], Mode={"Replicated": {"Replicas": replicas}})
            spec["Labels"] = {**(spec.get("Labels") or {}), TOKEN: str(fence.token)}
            try:
                self._update(body, spec, fence)
                return
            except Outdated:
                time.sleep(_PAUSE)
        raise PlatformError(
            f"service {name} could not be scaled",
            f"somebody else changed it {_ATTEMPTS} times meanwhile",
            "Find out who does, then run again",
        )

    def remove_services(
        self, app: str, names: Iterable[str], fence: Fence, deadline: float
    ) -> list[str]:
        """Remove services and wait until their tasks are gone."""
        bodies = [body for body in (self._service(app, name) for name in names) if body]
        for body in bodies:
            fence.check()
            self.engine.delete(f"/services/{body['ID']}")
        going = {body["ID"] for body in bodies}
        while going:
            left = [
                task
                for task in self.engine.get("/tasks", filters={"label": [f"{STACK}={app}"]})
                if task["ServiceID"] in going
            ]
            if not left:
                return []
            _wait(
                deadline,
                f"{len(left)} tasks of removed services of {app} are still there",
                str(left[0].get("Status", {}).get("State")),
            )
        return []

    def remove_networks(
        self, app: str, names: Iterable[str], fence: Fence, deadline: float
    ) -> None:
        """Remove networks and wait until they are gone; one that is in use yet is tried again."""
        for name in names:
            while True:
                found = [
                    network
                    for network in self.engine.get("/networks", filters={"name": [name]})
                    if network["Name"] == name
                ]
                if not found:
                    break
                fence.check()
                why = self._try_remove(found[0]["Id"])
                if why:
                    _wait(deadline, f"the network {name} is still there", why)

    def _try_remove(self, identity: str) -> str:
        try:
            self.engine.delete(f"/networks/{identity}")
        except PlatformError as error:
            return error.why
        return ""

    def sweep(self, app: str, needed: list[Resolved], fence: Fence) -> None:
        """Remove the secrets and configs that no release needs any more."""
        storage.sweep(self.engine, app, needed, fence)

    def missing(self, record: Record, seen: Observation, thorough: bool = False) -> list[str]:
        """Secrets, configs and images that are gone. Only ``thorough`` asks registries."""
        names = self._with_external(record.resolved, seen.inner).names
        gone = [f"secret {name}" for name in record.resolved.secrets if name not in names.secrets]
        gone += [f"config {name}" for name in record.resolved.configs if name not in names.configs]
        wanted = {
            service["image"]: service["reference"] for service in record.resolved.services.values()
        }
        return gone + [
            f"image {wanted[image]}"
            for image in image_digests.gone(self.engine, wanted, self.credentials, thorough)
        ]

    def stamp(self, app: str, fence: Fence) -> None:
        """Put the token on all services, so that whoever held the app before cannot write them."""
        services = self.engine.get("/services", filters={"label": [f"{APP}={app}"]})

        def write(body: dict[str, Any]) -> None:
            spec = dict(body["Spec"])
            spec["Labels"] = {**spec["Labels"], TOKEN: str(fence.token)}
            self._update(body, spec, fence)

        side_by_side(write, services)

    def write_record(self, app: str, record: Record) -> Record:
        """Make the record, or write its changed labels."""
        return storage.write_record(self.engine, app, record)

    def remove_record(self, record: Record) -> None:
        """Remove a record."""
        self.engine.delete(f"/configs/{record.id}")

    def read_lease(self, app: str) -> Lease | None:
        """The lease as it is now."""
        self._lease = storage.read_lease(self.engine, app, self._lease)
        return self._lease

    def write_lease(self, app: str, lease: Lease) -> Lease:
        """Make the lease or write it."""
        return storage.write_lease(self.engine, app, lease)


def _wait(deadline: float, what: str, why: str) -> None:
    if time.monotonic() > deadline:
        raise PlatformError(
            what, why, "Look at docker service ps and docker network inspect, then run again"
        )
    time.sleep(_PAUSE)
