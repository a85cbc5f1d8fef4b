# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an app on a Swarm."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from ..._core.answer_shape import reading_answers_of
from ..._core.parallel import side_by_side
from ..._core.tested_versions import newer_than_tested
from ..._deploy.history import Record
from ..._deploy.naming import Naming
from ..._deploy.ports import Observation
from ..._deploy.resolution import Resolved
from . import image_digests, lookup, storage
from .engine import Engine
from .observe import APP, STACK, Snapshot, split_services, states
from .spec_fields import Names
from .state_watch import StateWatch


class Reader:
    """Read an app on a Swarm, through any of its managers; see ports.Reader."""

    def __init__(
        self, engine: Engine, credentials: image_digests.EngineCredentials, monitor: float
    ) -> None:
        self._engine = engine
        self._credentials = credentials
        self._monitor = monitor

    def naming(self, app: str) -> Naming:
        """Return names as ``docker stack deploy`` gives them."""
        return Naming(app, volume_labels={STACK: app})

    def salt(self, app: str) -> bytes:
        """Return a salt made of the Swarm's own id, so that it is the same for every run."""
        return hashlib.sha256(f"{self._engine.get('/swarm')['ID']} {app}".encode()).digest()

    @reading_answers_of("the engine")
    def observe(self, app: str) -> Observation:
        """Read everything of an app, in eight calls for any number of services."""
        snapshot, configs = self._find(app)
        records = storage.records(configs)
        resolved = records[0].resolved if records else Resolved()
        return Observation(
            records,
            storage.lease_among(configs),
            states(app, snapshot, resolved, self._monitor),
            inner=snapshot,
            warnings=newer_than_tested("engine", "Docker Engine", self._engine.version),
        )

    def _find(self, app: str) -> tuple[Snapshot, list[dict[str, Any]]]:
        get = self._engine.get
        # Lists of configs return their data (100 of 150 kB: 15 MB, 0.2 s), so both are filtered.
        label = {"label": [f"{APP}={app}"]}
        calls = (
            # The name filter matches prefixes, so objects of our names that are unmanaged are
            # found, too.
            partial(get, "/services", filters={"name": [f"{app}_"]}),
            # By the stack's label: the running tasks of an adopted stack have no other one.
            partial(get, "/tasks", filters={"label": [f"{STACK}={app}"]}),
            partial(get, "/networks"),
            partial(get, "/secrets"),
            partial(get, "/configs", filters=label),
            # Configs of a stack lack our label; records and the lease are named otherwise.
            partial(get, "/configs", filters={"name": [f"{app}_"]}),
            partial(get, "/nodes"),
        )
        services, tasks, networks, secrets, configs, named, nodes = lookup.of_manager(
            self._engine, lambda: side_by_side(lambda call: call(), calls)
        )
        own, unmanaged = split_services(app, services)
        # A local network may have the name of a Swarm's; the last one of a name counts.
        networks.sort(key=lambda network: network.get("Scope") == "swarm")
        bodies = [*own.values(), *unmanaged.values()]
        networks += lookup.node_networks(self._engine, bodies, networks)
        everything = {config["ID"]: config for config in [*named, *configs]}
        snapshot = Snapshot(
            own,
            unmanaged,
            tasks,
            networks,
            secrets,
            list(everything.values()),
            nodes,
            self._engine.clock,
        )
        return snapshot, configs

    def belongings(self, app: str, seen: Observation) -> dict[str, list[str]]:
        """Return services, networks, secrets and configs with the app's label."""
        snapshot: Snapshot = seen.inner
        return snapshot.belongings(app, adopted=bool(seen.records))

    def missing(
        self, records: Sequence[Record], seen: Observation, *, thorough: bool = False
    ) -> list[list[str]]:
        """Return the secrets, configs and images that do not exist any more."""
        apps = [record.resolved for record in records]
        names = lookup.with_external(self._engine, seen.inner, apps).names
        return [
            [*_missing_objects(resolved, names), *self._missing_images(resolved, thorough=thorough)]
            for resolved in apps
        ]

    def _missing_images(self, resolved: Resolved, *, thorough: bool) -> list[str]:
        references = {
            service["image"]: service["reference"] for service in resolved.services.values()
        }
        gone = image_digests.gone(self._engine, references, self._credentials, thorough=thorough)
        return [f"image {references[image]}" for image in gone]

    def watch(self, app: str, resolved: Resolved) -> StateWatch:
        """Return a watch of the app's services and tasks."""
        return StateWatch(self._engine, app, resolved, self._monitor)


def _missing_objects(resolved: Resolved, names: Names) -> list[str]:
    return [
        *(f"secret {name}" for name in resolved.secrets if name not in names.secrets),
        *(f"config {name}" for name in resolved.configs if name not in names.configs),
    ]
