# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read objects of the Swarm that lists of an app leave out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from ..._core.errors import PlanError, PlatformError
from ..._deploy.history import Record
from ..._deploy.resolution import Resolved
from .engine import Engine
from .observe import Snapshot
from .published_ports import declared_ports
from .spec_fields import Names, get
from .support import SUPPORT
from .volume_changes import declares_volumes

Result = TypeVar("Result")


def of_manager(engine: Engine, read: Callable[[], Result]) -> Result:
    """Return what is read, or raise PlanError where the engine manages no Swarm."""
    try:
        return read()
    except PlatformError as error:
        if "not a swarm manager" in error.why.lower():
            raise PlanError(
                f"the engine at {engine.connection.docker_host} manages no Swarm",
                error.why.rstrip("."),
                "Connect to a manager, or create one with docker swarm init",
            ) from error
        raise


def with_external(engine: Engine, snapshot: Snapshot, apps: Iterable[Resolved]) -> Snapshot:
    """Return what was found, with external configs, which are looked up by name.

    A full list would return all data of all apps.
    """
    known = snapshot.names.configs
    missing: set[str] = set()
    for resolved in apps:
        external = (name for name, entry in resolved.configs.items() if entry.get("external"))
        missing.update(name for name in external if name not in known)
    if not missing:
        return snapshot
    # 100 configs of 150 kB are 15 MB, since a list returns their data.
    configs = engine.get("/configs", filters={"name": sorted(missing)})
    return replace(snapshot, configs=[*snapshot.configs, *configs])


def with_volumes(engine: Engine, snapshot: Snapshot, resolved: Resolved) -> Snapshot:
    """Return what was found, with the volumes of this engine, where the app declares any."""
    if not declares_volumes(resolved):
        return snapshot
    volumes = engine.get("/volumes", filters={"name": sorted(resolved.volumes)})
    node_id = get(engine.get("/info"), "Swarm.NodeID") or ""
    return replace(snapshot, volumes=volumes["Volumes"] or [], node_id=node_id)


def with_all_services(engine: Engine, snapshot: Snapshot, resolved: Resolved) -> Snapshot:
    """Return what was found, with all services of the Swarm, where the app publishes ports."""
    if not any(map(declared_ports, resolved.services.values())):
        return snapshot
    return replace(snapshot, all_services=engine.get("/services"))


def node_networks(
    engine: Engine, services: Iterable[dict[str, Any]], networks: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the Swarm's own networks of nodes, which lists leave out, where a service uses one."""
    known: set[Any] = set()
    for network in networks:
        known |= {network["Id"], network["Name"]}
    for body in services:
        attached = get(body, "Spec.TaskTemplate.Networks") or []
        if any(entry.get("Target") not in known for entry in attached):
            return _node_networks(engine)
    return []


def _node_networks(engine: Engine) -> list[dict[str, Any]]:
    # Each node has a local network of this name, too; scope selects the Swarm's.
    return [engine.get(f"/networks/{name}", scope="swarm") for name in SUPPORT.node_networks]


def names_for_all(engine: Engine, record: Record, snapshot: Snapshot) -> Names:
    """Return the same for all services of a release that are written from one look, read once."""
    # Services are written side by side; each would take three calls of its own.
    with snapshot.names_of_releases as known:
        if record.number not in known:
            known[record.number] = names_for(engine, record.resolved)
        return known[record.number]


def names_for(engine: Engine, resolved: Resolved) -> Names:
    """Return names and ids of everything that an app's services may refer to, as it is now.

    They are read after the networks were made, since one that was recreated has another id.
    """
    networks = [*engine.get("/networks"), *_node_networks(engine)]
    # The last network of a name counts: a local one must not hide the Swarm's.
    networks.sort(key=lambda network: network.get("Scope") == "swarm")
    secrets = engine.get("/secrets") if resolved.secrets else []
    configs = []
    if resolved.configs:
        configs = engine.get("/configs", filters={"name": sorted(resolved.configs)})
    return Snapshot(networks=networks, secrets=secrets, configs=configs).names
