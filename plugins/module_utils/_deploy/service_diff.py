# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the services that are declared with those that exist. Pure.

A platform hands over what differs per platform: what exists of a service, in which fields it
differs, and whether its tasks are replaced. What follows from that is the same on all platforms.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._core.errors import PlanError, Problem, suggestion
from .plan import (
    CREATE,
    KEEP,
    RECREATE,
    REMOVE,
    UNINTERRUPTED,
    UPDATE,
    Change,
    ServicePlan,
    interruption,
    start_first_on_host_port,
)

REPLICATED, GLOBAL = "replicated", "global"


@dataclass(frozen=True)
class Declared:
    """A service as the spec has it.

    ``eligible`` is the number of nodes that may run it. ``interruption`` is for a platform that
    knows better than the spec whether replacing the tasks interrupts the service.
    """

    name: str
    service: Mapping[str, Any]
    mode: str = REPLICATED
    eligible: int = 0
    interruption: str = ""


@dataclass(frozen=True)
class Existing:
    """The same service as the platform has it.

    ``restarts``: the changes replace its tasks. ``is_written``: something is written, also where no
    declared thing changes.
    """

    mode: str = REPLICATED
    replicas: int = 1
    changes: tuple[Change, ...] = ()
    restarts: bool = False
    is_written: bool = False


def unknown_recreate(recreate: Iterable[str], names: Collection[str]) -> tuple[str, ...]:
    """Return a warning for each name in ``recreate`` that the app does not have.

    Objects of manifests, named by kind and name, may be others than those with a plan.
    """
    return tuple(
        f"recreate has {name}, which is no service or network of the app{suggestion(name, names)}"
        for name in sorted(recreate)
        if name not in names and "/" not in name
    )


def service_plan(
    declared: Declared, existing: Existing | None, recreate: Iterable[str], problems: list[Problem]
) -> ServicePlan:
    """Return the plan of one service; add what prevents it to ``problems``."""
    if existing is None:
        return _created(declared, problems)
    name = declared.name
    if existing.mode != declared.mode:
        # Engines reject it: a Swarm answers a change of the mode in place with 501.
        if name not in recreate:
            problems.append(_mode_problem(name, existing.mode, declared.mode))
        return _recreated_for_mode(name, existing.mode, declared.mode)
    if existing.restarts:
        _check_start_first(declared, existing.replicas, problems)
    if not existing.changes and not existing.is_written:
        return ServicePlan(name, KEEP)
    text = UNINTERRUPTED
    if existing.restarts:
        text = declared.interruption or interruption(
            name, declared.service, existing.replicas, declared.eligible
        )
    return ServicePlan(name, UPDATE, existing.changes, existing.restarts, text)


def _created(declared: Declared, problems: list[Problem]) -> ServicePlan:
    # 0 where nothing is known of the nodes: then nothing is known of a port either.
    if declared.eligible:
        replicas = declared.service.get("deploy", {}).get("replicas", 1)
        _check_start_first(declared, replicas, problems)
    image = declared.service["image"]
    return ServicePlan(
        declared.name,
        CREATE,
        (Change("image", None, image),) if image else (),
        restarts=True,
        interruption="new",
    )


def _check_start_first(declared: Declared, replicas: int, problems: list[Problem]) -> None:
    text = start_first_on_host_port(declared.name, declared.service, replicas, declared.eligible)
    if text:
        problems.append(Problem("", text))


def _mode_problem(name: str, mode: str, declared_mode: str) -> Problem:
    return Problem(
        f"services.{name}.deploy.mode",
        f"cannot change in place from {mode} to {declared_mode}; give the service another name, or"
        f" set recreate: [{name}], which interrupts it",
    )


def _recreated_for_mode(name: str, mode: str, declared_mode: str) -> ServicePlan:
    return ServicePlan(
        name,
        RECREATE,
        (Change("deploy.mode", mode, declared_mode),),
        True,
        f"interrupted, because a change from {mode} to {declared_mode} recreates it",
    )


def removed_services(
    existing_ports: Mapping[str, set[int]], services: Mapping[str, Mapping[str, Any]]
) -> list[ServicePlan]:
    """Return what happens to existing services that the spec does not have.

    ``existing_ports`` has the ports that each existing service takes. A service is removed last, or
    first where another one needs one of its ports.
    """
    return [
        _removed(name, ports, services)
        for name, ports in existing_ports.items()
        if name not in services
    ]


def _removed(name: str, ports: set[int], services: Mapping[str, Mapping[str, Any]]) -> ServicePlan:
    heirs = sorted(other for other, service in services.items() if ports & _published(service))
    if heirs:
        text = f"interrupted, because {heirs[0]} takes its port, so {name} is removed first"
        return ServicePlan(name, REMOVE, (), True, text, early=True)
    text = f"interrupted, because {name} is no longer in the spec"
    return ServicePlan(name, REMOVE, (), True, text)


def _published(service: Mapping[str, Any]) -> set[int]:
    return {port["published"] for port in service.get("ports", []) if "published" in port}


def objects_to_create(
    objects: Mapping[str, Mapping[str, Any]], existing: Iterable[str]
) -> tuple[str, ...]:
    """Return the names of declared objects of the app's own that do not exist yet."""
    known = set(existing)
    return tuple(
        name for name, entry in objects.items() if not (entry.get("external") or name in known)
    )


def raise_problems(app: str, problems: Iterable[Problem]) -> None:
    """Raise PlanError with all problems, if there are any."""
    listed = list(problems)
    if listed:
        raise PlanError(
            f"{app} cannot be released as it is described; nothing was changed",
            "\n" + "\n".join(f"  {problem}" for problem in listed),
            problems=[{"path": problem.path, "text": problem.text} for problem in listed],
        )
