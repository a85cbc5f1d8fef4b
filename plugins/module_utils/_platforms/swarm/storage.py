# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store an app's records, lease, secrets and configs in the Swarm.

Records and the lease are config objects: making one is atomic by its name, labels change with a
version, data never changes. The lease is never removed, since removing would ask for no version.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..._core.errors import NotFound, Outdated, PlatformError
from ..._core.parallel import side_by_side
from ..._deploy.history import Record, read_record
from ..._deploy.lease import Lease
from ..._deploy.naming import lease_name, record_name
from ..._deploy.ports import Contents, Fence
from ..._deploy.resolution import Resolved
from ..._deploy.service_diff import objects_to_create
from .engine import Engine
from .observe import APP, CONTENT, KIND, LEASE, RECORD

# Creating is atomic by name: of two runs at once, one gets this status.
_CONFLICT = 409


def records(configs: Iterable[Mapping[str, Any]]) -> tuple[Record, ...]:
    """Return the records among an app's config objects, the newest first."""
    found = [
        read_record(
            config["ID"],
            config["Version"]["Index"],
            config["Spec"]["Labels"],
            config["Spec"]["Data"],
        )
        for config in configs
        if config["Spec"]["Labels"].get(KIND) == RECORD
    ]
    return tuple(sorted(found, key=lambda record: record.number, reverse=True))


def lease_among(configs: Iterable[Mapping[str, Any]]) -> Lease | None:
    """Return the lease among an app's config objects."""
    return next(
        (_as_lease(config) for config in configs if config["Spec"]["Labels"].get(KIND) == LEASE),
        None,
    )


def _as_lease(config: Mapping[str, Any]) -> Lease:
    return Lease.from_labels(config["ID"], config["Version"]["Index"], config["Spec"]["Labels"])


def read_lease(engine: Engine, app: str, identity: str = "") -> Lease | None:
    """Return the lease as it is now; ``identity`` is the id of its object, where it is known."""
    if not identity:
        return lease_among(
            engine.get("/configs", filters={"label": [f"{APP}={app}", f"{KIND}={LEASE}"]})
        )
    try:
        return _as_lease(engine.get(f"/configs/{identity}"))
    except NotFound:
        return None


def write_lease(engine: Engine, app: str, lease: Lease) -> Lease:
    """Make the lease (without an id) or write it.

    Raises :class:`Outdated` if another client was faster.
    """
    labels = {**lease.labels(), APP: app, KIND: LEASE}
    if not lease.id:
        try:
            identity = create(engine, "configs", lease_name(app), b"shipping.code lease", labels)
        except Outdated:
            _check_case(engine, app)
            raise
        # The answer has the id alone; the version is read before the next write, as before each
        # one.
        return replace(lease, id=identity, version=-1)
    name = lease_name(app)
    # Only labels of a config can change; all other fields must be sent as they are (API,
    # ConfigUpdate).
    data = base64.b64encode(b"shipping.code lease").decode()
    engine.post(
        f"/configs/{lease.id}/update",
        {"Name": name, "Labels": labels, "Data": data},
        version=lease.version,
    )
    return lease


def _check_case(engine: Engine, app: str) -> None:
    """Raise where the lease belongs to an app whose name differs in case only."""
    # swarmkit compares names in lower case (manager/state/store/configs.go).
    for config in engine.get("/configs", filters={"label": [f"{KIND}={LEASE}"]}):
        other = config["Spec"]["Labels"].get(APP, app)
        if other != app and other.lower() == app.lower():
            raise PlatformError(
                f"the app {app} cannot be released",
                f"this Swarm has the app {other}, and names on a Swarm differ in more than case",
                f"Set app to {other}, or to another name",
            )


def create(
    engine: Engine,
    kind: str,
    name: str,
    data: bytes,
    labels: Mapping[str, str],
    *,
    template_driver: str = "",
) -> str:
    body: dict[str, Any] = {
        "Name": name,
        "Labels": dict(labels),
        "Data": base64.b64encode(data).decode(),
    }
    if template_driver:
        body["Templating"] = {"Name": template_driver}
    try:
        return str(engine.post(f"/{kind}/create", body)["ID"])
    except PlatformError as error:
        if error.facts.get("status") == _CONFLICT:
            raise Outdated(error.what, error.why) from error
        raise


def write_record(engine: Engine, app: str, record: Record) -> Record:
    """Make a record, or write the labels of one that exists."""
    labels = {**record.labels(), APP: app, KIND: RECORD}
    if not record.id:
        return replace(
            record,
            id=create(engine, "configs", record_name(app, record.number), record.data(), labels),
        )
    # The data must be sent unchanged beside the new labels.
    now = engine.get(f"/configs/{record.id}")
    engine.post(
        f"/configs/{record.id}/update",
        {**now["Spec"], "Labels": labels},
        version=now["Version"]["Index"],
    )
    return record


def make_objects(
    engine: Engine,
    app: str,
    resolved: Resolved,
    contents: Contents,
    *,
    existing: Mapping[str, Mapping[str, Any]],
    fence: Fence,
) -> None:
    """Make the secrets and configs that are missing, side by side."""
    missing: list[tuple[str, str]] = []
    for kind in ("secrets", "configs"):
        names = objects_to_create(getattr(resolved, kind), existing[kind])
        missing += [(kind, name) for name in names]

    def make(item: tuple[str, str]) -> None:
        kind, name = item
        entry = getattr(resolved, kind)[name]
        fence.check()
        labels = {**entry.get("labels", {}), APP: app, KIND: CONTENT}
        try:
            content = getattr(contents, kind)[entry["source"]]
            driver = entry.get("template_driver", "")
            create(engine, kind, name, content, labels, template_driver=driver)
        except Outdated:
            return  # made by a former run: the name follows the content, so it holds the same

    side_by_side(make, missing)


def label_objects(
    engine: Engine,
    app: str,
    resolved: Resolved,
    existing: Mapping[str, Mapping[str, Any]],
    fence: Fence,
) -> None:
    """Give the secrets and configs that exist their declared labels, and those of the app.

    A stack's objects are taken over so: they are removed with the last release that needs them.
    """
    for kind in ("secrets", "configs"):
        for name, entry in getattr(resolved, kind).items():
            found = existing[kind].get(name)
            if not found or entry.get("external"):
                continue
            former = found["Spec"].get("Labels") or {}
            labels = {**former, **entry.get("labels", {}), APP: app, KIND: CONTENT}
            if labels != former and former.get(APP, app) == app:
                fence.check()
                # The API never returns a secret's data; an update of labels may leave it out.
                engine.post(
                    f"/{kind}/{found['ID']}/update",
                    {**found["Spec"], "Labels": labels},
                    version=found["Version"]["Index"],
                )


def sweep(engine: Engine, app: str, needed: Sequence[Resolved], fence: Fence) -> None:
    """Remove the app's secrets and configs that no release in the history refers to."""
    for kind in ("secrets", "configs"):
        names: set[str] = set()
        for resolved in needed:
            names.update(getattr(resolved, kind))
        for found in engine.get(
            f"/{kind}", filters={"label": [f"{APP}={app}", f"{KIND}={CONTENT}"]}
        ):
            if found["Spec"]["Name"] not in names:
                fence.check()
                _delete_unused(engine, f"/{kind}/{found['ID']}")


def _delete_unused(engine: Engine, path: str) -> None:
    """Delete an object, unless a task that is just going still uses it.

    The next run takes it then.
    """
    try:
        engine.delete(path)
    except PlatformError as error:
        # Tasks end after their service is removed, and the next sweep finds the object again.
        if "in use" not in error.why:
            raise


class Storage:
    """Keep records and leases in the Swarm; see ports.RecordStore and ports.LeaseStore."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # A lease is never removed, so its id never changes. By its id it is read from the manager's
        # memory, while a list is filtered; it is read before every write.
        self._lease_ids: dict[str, str] = {}

    def write_record(self, app: str, record: Record) -> Record:
        """Make the record, or write its changed labels."""
        return write_record(self._engine, app, record)

    def read_records(self, app: str) -> tuple[Record, ...]:
        """Return the records of an app."""
        return records(self._engine.get("/configs", filters={"label": [f"{APP}={app}"]}))

    def remove_record(self, record: Record) -> None:
        """Remove a record."""
        self._engine.delete(f"/configs/{record.id}")

    def read_lease(self, app: str) -> Lease | None:
        """Return the lease as it is now."""
        lease = read_lease(self._engine, app, self._lease_ids.get(app, ""))
        if lease:
            self._lease_ids[app] = lease.id
        return lease

    def write_lease(self, app: str, lease: Lease) -> Lease:
        """Make the lease or write it."""
        return write_lease(self._engine, app, lease)
