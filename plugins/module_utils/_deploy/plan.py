# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run, independent of the platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .state import States

CREATE, UPDATE, RECREATE, REMOVE, KEEP = "create", "update", "recreate", "remove", "keep"
UNINTERRUPTED = "without interruption"
RUN, LEFT = "run", "left"


@dataclass(frozen=True)
class Change:
    """One declared thing that would be different afterwards."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class ServicePlan:
    """The plan of one service. ``restarts``: its replicas are replaced.

    ``early``: it is removed before the others change, since one of them takes what it holds.
    ``after``: services that are written before it, since they give up what it takes.
    ``done``: it is a job that has RUN already, as the platform shows, or is LEFT alone, so that
    nothing is waited for.
    """

    name: str
    action: str
    changes: tuple[Change, ...] = ()
    restarts: bool = False
    interruption: str = UNINTERRUPTED
    early: bool = False
    after: tuple[str, ...] = ()
    done: str = ""

    @property
    def changed(self) -> bool:
        """Return whether anything is done at all."""
        return self.action != KEEP


@dataclass(frozen=True)
class Plan:
    """The plan of an app: its services, and the objects that are created or removed.

    ``before`` and ``after`` are the declared things, for a diff. ``unmanaged`` has the states of
    services that are taken over by this plan, and ``originals`` what they are now; only the
    platform knows what is in them.
    """

    services: tuple[ServicePlan, ...] = ()
    create: dict[str, tuple[str, ...]] = field(default_factory=dict)
    remove: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    unmanaged: States = field(default_factory=dict)
    originals: tuple[Any, ...] = field(default=(), repr=False)

    @property
    def changed(self) -> bool:
        """Return whether the platform would be changed."""
        return (
            any(service.changed for service in self.services)
            or any(self.create.values())
            or any(self.remove.values())
        )

    def as_data(self) -> dict[str, Any]:
        """Return the plan as a result of a module."""
        return {
            "services": [
                {
                    "name": service.name,
                    "action": service.action,
                    "restarts": service.restarts,
                    "interruption": service.interruption,
                    "changes": [
                        {"path": change.path, "before": change.before, "after": change.after}
                        for change in service.changes
                    ],
                }
                for service in self.services
            ],
            "create": {kind: list(names) for kind, names in self.create.items() if names},
            "remove": {kind: list(names) for kind, names in self.remove.items() if names},
        }


def interruption(name: str, service: Mapping[str, Any], replicas: int, nodes: int) -> str:
    """Return whether replacing a service's tasks leaves it serving all along, and why not.

    ``replicas`` is the number that serves now, ``nodes`` how many may run it.
    """
    update = service.get("deploy", {}).get("update_config", {})
    at_once = update.get("parallelism", 1)
    everywhere = service.get("deploy", {}).get("mode") == "global"
    if update.get("order", "stop-first") == "start-first":
        return UNINTERRUPTED
    if everywhere and nodes == 1:
        return (
            f"interrupted, because {name} has one node, and its task there stops before the new"
            " one starts (order: stop-first)"
        )
    if everywhere and host_ports(service):
        return (
            f"interrupted on each node in turn, because {name} publishes on the node and"
            " stops before the new task starts"
        )
    # stop-first with one replica stops the good task before the new one has shown that it runs.
    if replicas <= 1:
        return (
            f"interrupted, because the only task of {name} stops before the new one starts (order:"
            " stop-first)"
        )
    # UpdateConfig of the engine: a parallelism of 0 means all tasks at once.
    if at_once == 0 or at_once >= replicas:
        return (
            f"interrupted, because all {replicas} tasks of {name} stop at once (parallelism:"
            f" {at_once}, order: stop-first)"
        )
    return UNINTERRUPTED


def host_ports(service: Mapping[str, Any]) -> list[int]:
    """Return the ports that a service takes on its nodes themselves."""
    return [
        port["published"]
        for port in service.get("ports", [])
        if port["mode"] == "host" and "published" in port
    ]


def start_first_on_host_port(
    name: str, service: Mapping[str, Any], replicas: int, nodes: int
) -> str:
    """Return why a start-first update with a host port can never fit; empty where it can."""
    # Such a task waits forever: no node is free, and the old task stays until the new one runs.
    ports = host_ports(service)
    update = service.get("deploy", {}).get("update_config", {})
    everywhere = service.get("deploy", {}).get("mode") == "global"
    if not ports or update.get("order") != "start-first" or (not everywhere and nodes > replicas):
        return ""
    return (
        f"services.{name}.deploy.update_config.order: start-first cannot work, since port"
        f" {ports[0]} is taken by the running task on each of the {nodes} nodes that may run"
        f" {name}; write stop-first, or publish the port on a router in front"
    )
