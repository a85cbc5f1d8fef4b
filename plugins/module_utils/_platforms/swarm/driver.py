# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an app's services to a Swarm."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._core.errors import LeaseLost, NotFound, Outdated, PlatformError
from ..._core.image_references import Reference, is_image_id
from ..._core.parallel import side_by_side
from ..._deploy.history import Record
from ..._deploy.ports import Contents, Fence, Observation
from ..._deploy.resolution import Resolved
from ..._deploy.service_diff import objects_to_create
from . import image_digests, job_mode, lookup, network_addresses, planning, storage
from .compare import HASH, render, service_hash, updated
from .engine import Engine
from .observe import APP, RELEASE, SERVICE, STACK, TOKEN, VERSION
from .service_names import service_name
from .spec_fields import Names, get
from .write_rejections import PORT_IN_USE

_ATTEMPTS = 8
_PAUSE = 0.3
_REFERENCE = "shipping.code.image"
# The managers agree on each write before they answer, so every later read shows it.
_SHOWN_AT_ONCE = 0


class Driver:
    """Write an app's services; see ports.Driver."""

    def __init__(self, engine: Engine, credentials: image_digests.EngineCredentials) -> None:
        self._engine = engine
        self._credentials = credentials

    def make_objects(self, app: str, resolved: Resolved, contents: Contents, fence: Fence) -> None:
        """Make the secrets and configs that are missing, and label those that exist."""
        existing = {
            kind: {
                body["Spec"]["Name"]: body
                # Names that the user gives begin otherwise than those of the app.
                for body in self._engine.get(
                    f"/{kind}", filters={"name": [f"{app}_", *sorted(getattr(resolved, kind))]}
                )
            }
            for kind in ("secrets", "configs")
        }
        storage.make_objects(self._engine, app, resolved, contents, existing=existing, fence=fence)
        storage.label_objects(self._engine, app, resolved, existing, fence)

    def make_networks(self, app: str, resolved: Resolved, fence: Fence) -> None:
        """Make the networks that are missing, side by side."""
        existing = {network["Name"] for network in self._engine.get("/networks")}

        def make(name: str) -> None:
            fence.check()
            entry = resolved.networks[name]
            body = {
                "Name": name,
                "Driver": entry.get("driver", "overlay"),
                # Names of networks are not unique; before API 1.44 an engine makes a second one
                # without this.
                "CheckDuplicate": True,
                "Attachable": bool(entry.get("attachable")),
                "Internal": bool(entry.get("internal")),
                "Options": entry.get("driver_opts", {}),
                "Labels": {**entry.get("labels", {}), APP: app, STACK: app},
            }
            if "ipam" in entry:
                body["IPAM"] = network_addresses.body(entry["ipam"])
            self._engine.post("/networks/create", body)

        side_by_side(make, objects_to_create(resolved.networks, existing))

    def apply(self, app: str, name: str, record: Record, seen: Observation, fence: Fence) -> int:
        """Write one service from a fresh read, until no other client was faster."""
        names = lookup.names_for_all(self._engine, record, seen.inner)
        for attempt in range(_ATTEMPTS):
            try:
                self._write(app, name, record, seen, fence, names=names)
                return _SHOWN_AT_ONCE
            # The stale body is never sent again: the next attempt reads and compares again.
            except Outdated:
                time.sleep(_PAUSE)
            # A service that was just written gives its port up a moment later (swarmkit's
            # allocator), or another service has it.
            except PlatformError as error:
                if PORT_IN_USE not in error.why or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_PAUSE)
        raise PlatformError(
            f"service {name} could not be written",
            f"another client changed it {_ATTEMPTS} times meanwhile",
            "Find that client, then run the task again",
        )

    def _write(
        self,
        app: str,
        name: str,
        record: Record,
        seen: Observation,
        fence: Fence,
        *,
        names: Names,
    ) -> None:
        """Create the service or change what differs; raise Outdated if another was faster."""
        declared = record.resolved.services[name]
        hashed = service_hash(declared)
        # On the service and not in its template, where any change, also of a label, replaces every
        # task.
        labels = {
            APP: app,
            SERVICE: name,
            STACK: app,
            HASH: hashed,
            RELEASE: str(record.number),
            VERSION: record.version,
            TOKEN: str(fence.token),
            _REFERENCE: declared["reference"],
        }
        header = self._auth(declared["image"])
        body = self._service(app, name)
        if body is None:
            fence.check()
            spec = render(service_name(app, name), declared, names, labels, hashed)
            self._engine.post("/services/create", spec, header)
            return
        if job_mode.is_job(body["Spec"]):
            if _is_written(body, labels):
                return
            # From nothing: a former run has no bearing on this one, and any update, also of the
            # same spec, runs it again.
            spec = render(service_name(app, name), declared, names, labels, hashed)
            self._update(body, spec, fence, header)
            return
        former = planning.former(name, body["Spec"], seen.records, names)
        spec = updated(body["Spec"], declared, former, names, labels=labels, hashed=hashed)
        # A paused update stays paused until the next update, which may be of the same spec.
        if spec != body["Spec"] or get(body, "UpdateStatus.State") == "paused":
            self._update(body, spec, fence, header)

    def _service(self, app: str, name: str) -> dict[str, Any] | None:
        try:
            body: dict[str, Any] = self._engine.get(f"/services/{service_name(app, name)}")
        except NotFound:
            return None
        return body

    def _update(
        self,
        body: Mapping[str, Any],
        spec: Mapping[str, Any],
        fence: Fence,
        header: Mapping[str, str] | None = None,
    ) -> None:
        """Write a service that was read as ``body``.

        Raise LeaseLost where a later holder of the lease wrote it.
        """
        # The token that was just read and the version that the write names belong together: a later
        # holder of the lease changes both.
        token = int((body["Spec"].get("Labels") or {}).get(TOKEN, "0"))
        if token > fence.token:
            name = body["Spec"]["Name"]
            raise LeaseLost(
                f"this run lost the lease of {name}",
                f"a later run wrote it (token {token}, this run has {fence.token})",
                "Nothing more was written",
            )
        fence.check()
        self._engine.post(
            f"/services/{body['ID']}/update", dict(spec), header, version=body["Version"]["Index"]
        )

    def _auth(self, image: str) -> dict[str, str]:
        # An image by its bare id is local; no registry is queried for it.
        if is_image_id(image):
            return {}
        return self._credentials.header(Reference.parse(image).registry)

    def set_replicas(self, app: str, name: str, replicas: int, fence: Fence) -> int:
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
            # A label of the service restarts nothing, and without X-Registry-Auth the engine keeps
            # the spec's credentials (registryAuthFrom, default: spec).
            spec["Labels"] = {**(spec.get("Labels") or {}), TOKEN: str(fence.token)}
            try:
                self._update(body, spec, fence)
                return _SHOWN_AT_ONCE
            except Outdated:
                time.sleep(_PAUSE)
        raise PlatformError(
            f"service {name} could not be scaled",
            f"another client changed it {_ATTEMPTS} times meanwhile",
            "Find that client, then run the task again",
        )

    def remove_services(
        self,
        app: str,
        names: Iterable[str],
        fence: Fence,
        deadline: float,
        *,
        originals: Sequence[Any] = (),
        keeping: bool = False,
    ) -> list[str]:
        """Remove services and wait until their tasks are removed.

        Nothing is put back: a stack's service that is taken over keeps what the stack declared.
        """
        bodies = [body for body in (self._service(app, name) for name in names) if body]
        for body in bodies:
            # DELETE takes no version (API 1.41), so only a fresh look at the lease guards it.
            fence.check()
            self._engine.delete(f"/services/{body['ID']}")
        self._wait_for_tasks(app, {body["ID"] for body in bodies}, deadline)
        return []

    def _wait_for_tasks(self, app: str, removed: set[str], deadline: float) -> None:
        """Wait until the tasks of removed services have stopped."""
        # The engine answers DELETE while tasks still stop, and their networks cannot be removed
        # before they have.
        while removed:
            left = [
                task
                for task in self._engine.get("/tasks", filters={"label": [f"{STACK}={app}"]})
                if task["ServiceID"] in removed and not job_mode.has_ended(task)
            ]
            if not left:
                return
            _wait(
                deadline,
                f"{len(left)} tasks of removed services of {app} are still there",
                str(left[0].get("Status", {}).get("State")),
            )

    def remove_networks(
        self, app: str, names: Iterable[str], fence: Fence, deadline: float
    ) -> None:
        """Remove networks and wait until they are removed; retry those still in use."""
        for name in names:
            while True:
                body = self._network(name)
                if body is None:
                    break
                fence.check()
                why = self._try_remove(body["Id"])
                if why:
                    _wait(deadline, f"the network {name} is still there", why)

    def _network(self, name: str) -> dict[str, Any] | None:
        # The engine's filter also lets names pass that only contain this one.
        listed = self._engine.get("/networks", filters={"name": [name]})
        return next((network for network in listed if network["Name"] == name), None)

    def _try_remove(self, identity: str) -> str:
        try:
            self._engine.delete(f"/networks/{identity}")
        except PlatformError as error:
            return error.why
        return ""

    def sweep(self, app: str, needed: Sequence[Resolved], fence: Fence) -> None:
        """Remove the secrets and configs that no release needs any more."""
        storage.sweep(self._engine, app, needed, fence)

    def stamp(self, app: str, fence: Fence) -> None:
        """Put the token on all services, so that no former holder of the app can write them."""
        # Each stamp also raises the version of a service, so a write that a former holder has
        # already prepared fails as out of sequence.
        services = self._engine.get("/services", filters={"label": [f"{APP}={app}"]})
        stamped = side_by_side(lambda body: self._stamp(body, fence), services)
        left = sorted(body["Spec"]["Name"] for body, done in zip(services, stamped) if not done)
        if left:
            raise PlatformError(
                f"service {', '.join(left)} could not be fenced from the former run",
                f"another client changed it {_ATTEMPTS} times meanwhile",
                "Find that client, then run the task again",
            )

    def _stamp(self, body: dict[str, Any], fence: Fence) -> bool:
        """Put the token on one service; return whether it has it, or is removed."""
        for _attempt in range(_ATTEMPTS):
            spec = dict(body["Spec"])
            # A job runs again at any update; its writer reads the lease before each write.
            if job_mode.is_job(spec):
                return True
            spec["Labels"] = {**(spec.get("Labels") or {}), TOKEN: str(fence.token)}
            try:
                # It reads the lease before the write.
                self._update(body, spec, fence)
                return True
            except Outdated:
                time.sleep(_PAUSE)
            except NotFound:
                return True
            try:
                body = self._engine.get(f"/services/{body['ID']}")
            except NotFound:
                return True
        return False


def _is_written(body: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether this very run has written a service, whose answer may have been lost."""
    have = body["Spec"].get("Labels") or {}
    return all(have.get(key) == labels[key] for key in (TOKEN, RELEASE, HASH))


def _wait(deadline: float, what: str, why: str) -> None:
    if time.monotonic() > deadline:
        raise PlatformError(
            what, why, "Check docker service ps and docker network inspect, then run the task again"
        )
    time.sleep(_PAUSE)
