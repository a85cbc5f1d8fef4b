# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the router has slots and the nodes have space for the cells of an experiment. Pure.

Constraints of placement, ports and volumes are not considered: the release reports those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils._core import units
from ...module_utils._core.errors import PlanError
from ...module_utils._core.spare_capacity import NodeSpace
from .cells import Cell, ExperimentLayout


@dataclass(frozen=True)
class Capacity:
    """The slots of the router for a service, and the space of the nodes, None if it is unknown."""

    slots: int
    nodes: tuple[NodeSpace, ...] | None = None
    limits_reserve: bool = False

    @classmethod
    def of_data(cls, slots: int, data: Mapping[str, Any] | None) -> Capacity:
        """Return the capacity as the module reads it from the platform."""
        if data is None:
            return cls(slots)
        nodes = tuple(NodeSpace(**node) for node in data["nodes"])
        return cls(slots, nodes, data["limits_reserve"])


def check_capacity(layout: ExperimentLayout, capacity: Capacity, live: Mapping[str, Any]) -> None:
    """Raise PlanError where a cell would have no slot of the router or no space on a node.

    ``live`` is the service in its live release. Cells that it has already need nothing more.
    """
    _check_slots(layout, capacity.slots, live.get("with_replicas", ()))
    if capacity.nodes is None:
        return
    spaces = list(capacity.nodes)
    needed = replicas_needed(layout, capacity, live)
    for placed, space in enumerate(needed):
        if not _place(spaces, space):
            raise PlanError(
                f"{layout.experiment.name} cannot run",
                f"its cells need {len(needed)} more replicas of {layout.experiment.service}, and"
                f" the nodes have space for {placed}",
                "Add a node, lower what a replica reserves, or hand levels to the application in"
                " request headers",
            )


def replicas_needed(
    layout: ExperimentLayout, capacity: Capacity, live: Mapping[str, Any]
) -> list[NodeSpace]:
    """Return what each replica of the cells reserves that the live release does not have yet."""
    present = {*live.get("with_replicas", ())}
    missing = [cell for cell in layout.cells if cell.overlay and cell.name not in present]
    needed: list[NodeSpace] = []
    for cell in missing:
        space = _reserved(cell, live, limits_reserve=capacity.limits_reserve)
        needed += [space] * _replicas(cell, live)
    return needed


def _check_slots(layout: ExperimentLayout, slots: int, present: Iterable[str]) -> None:
    own = {cell.name for cell in layout.cells if cell.overlay}
    others = sorted({*present} - own)
    if len(own) + len(others) <= slots:
        return
    service = layout.experiment.service
    besides = f" beside {', '.join(others)}" if others else ""
    raise PlanError(
        f"{layout.experiment.name} cannot run",
        f"{len(own)} of its cells have settings of their own{besides}, and the router has {slots}"
        f" slots for variants of {service}",
        f"Set router_variant_slots to {len(own) + len(others)} and run the playbook"
        " shipping.code.router, or hand levels to the application in request headers",
    )


def _replicas(cell: Cell, live: Mapping[str, Any]) -> int:
    return int(cell.overlay.get("deploy", {}).get("replicas", live.get("replicas", 1)))


def _reserved(cell: Cell, live: Mapping[str, Any], *, limits_reserve: bool) -> NodeSpace:
    declared = live.get("resources", {})
    own = cell.overlay.get("deploy", {}).get("resources", {})
    kinds = ("limits", "reservations") if limits_reserve else ("reservations",)
    wanted: dict[str, Any] = {}
    for kind in kinds:
        wanted |= {**(declared.get(kind) or {}), **(own.get(kind) or {})}
    return NodeSpace(units.nanocpus(wanted.get("cpus", 0)), units.octets(wanted.get("memory", 0)))


def _place(spaces: list[NodeSpace], needed: NodeSpace) -> bool:
    """Take the space from the node with the most memory, as far as one has enough."""
    fitting = [number for number, space in enumerate(spaces) if _fits(space, needed)]
    if not fitting:
        return False
    best = max(fitting, key=lambda number: spaces[number].memory)
    spaces[best] = _rest(spaces[best], needed)
    return True


def _fits(space: NodeSpace, needed: NodeSpace) -> bool:
    has_slot = space.replicas is None or space.replicas > 0
    # A node whose space is overcommitted still takes what reserves nothing.
    has_cpus = not needed.cpus or needed.cpus <= space.cpus
    return has_slot and has_cpus and (not needed.memory or needed.memory <= space.memory)


def _rest(space: NodeSpace, needed: NodeSpace) -> NodeSpace:
    replicas = None if space.replicas is None else space.replicas - 1
    return replace(
        space,
        cpus=space.cpus - needed.cpus,
        memory=space.memory - needed.memory,
        replicas=replicas,
    )
