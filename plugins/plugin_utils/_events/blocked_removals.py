# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The brake on removals: who leaves all at once stays wanted until a person has said that it is meant. Pure.

Removals of the last hour count together, so that a group emptied by thirty single changes is seen
as well as one emptied at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .._delivery.removal_limit import RemovalLimits, emptied, in_total
from .._membership.assignments import Machine, User
from .membership_diff import Fleet, differing

WINDOW = 3600.0
Lost = tuple[str, str, str]
"""Machine, id, project."""


@dataclass(frozen=True)
class Held:
    """What does not leave yet, and why."""

    reasons: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()

    @property
    def id(self) -> str:
        """A name for exactly this; nothing where nothing is held."""
        return hashlib.sha256(repr(self.lost).encode()).hexdigest()[:12] if self.lost else ""


@dataclass(frozen=True)
class Brake:
    """What has left lately: the second, and what."""

    limits: RemovalLimits = field(default_factory=RemovalLimits)
    lately: tuple[tuple[float, Lost], ...] = ()

    def apply(
        self, wanted: Fleet, seen: Fleet, now: float, let_go: str = ""
    ) -> tuple[Fleet, Held, Brake]:
        """What is to be wanted from now on; ``let_go`` is the id of what may leave."""
        lost = losses(wanted, seen)
        lately = tuple(item for item in self.lately if item[0] > now - WINDOW)
        if not lost:
            return seen, Held(), replace(self, lately=lately)
        reasons = _reasons(wanted, seen, lost, {item for _second, item in lately}, self.limits)
        held = Held(reasons, lost if reasons else ())
        if held.lost and held.id != let_go:
            return keep(wanted, seen, lost), held, replace(self, lately=lately)
        # What was let go was meant: it does not count against what leaves next.
        gone = () if held.lost else tuple((now, item) for item in lost)
        return seen, Held(), replace(self, lately=() if held.lost else (*lately, *gone))

    def as_data(self) -> list[list[Any]]:
        """As plain data, to go on after a restart."""
        return [[second, *lost] for second, lost in self.lately]


def brake_from(data: Any, limits: RemovalLimits) -> Brake:
    """What as_data() gave; what is none counts as nothing."""
    items = data if isinstance(data, list) else []
    good = (
        item
        for item in items
        if isinstance(item, list) and len(item) == 4 and isinstance(item[0], (int, float))
    )
    return Brake(
        limits,
        tuple(
            (float(second), (str(machine), str(one), str(project)))
            for second, machine, one, project in good
        ),
    )


def losses(before: Fleet, after: Fleet) -> tuple[Lost, ...]:
    """Who would lose what, and where."""
    names = differing(before, after) & before.keys()
    return tuple(
        sorted(
            (name, *pair)
            for name in names
            for pair in _of(before[name]) - _of(after.get(name, Machine(name)))
        )
    )


def _reasons(
    wanted: Fleet, seen: Fleet, lost: Iterable[Lost], lately: set[Lost], limits: RemovalLimits
) -> tuple[str, ...]:
    """Why these may not all leave; whoever left lately and has come back does not count."""
    away = {item for item in lately if item[1:] not in _of(wanted.get(item[0], Machine(item[0])))}
    gone = away.union(lost)
    projects = {project for _machine, _id, project in gone}
    (total, had), (_total, have) = _census(wanted, projects), _census(seen, projects)
    for _machine, one, project in away:
        had[project].add(one)
    return (*in_total(total + len(away), len(gone), limits), *emptied(had, have, limits))


def _census(fleet: Fleet, projects: set[str]) -> tuple[int, dict[str, set[str]]]:
    """How many memberships there are on machines, and who is in these projects."""
    found: dict[str, set[str]] = {project: set() for project in projects}
    total = 0
    for machine in fleet.values():
        for user in machine.users:
            total += len(user.projects)
            for project in user.projects:
                if project in found:
                    found[project].add(user.id)
    return total, found


def keep(before: Fleet, after: Fleet, lost: Iterable[Lost]) -> Fleet:
    """What is seen, and what is held besides."""
    kept = dict(after)
    for name, one, project in lost:
        machine = kept.get(name) or Machine(name)
        former = next(user for user in before[name].users if user.id == one)
        user = next(
            (user for user in machine.users if user.id == one), replace(former, projects=())
        )
        others = [other for other in machine.users if other.id != one]
        more = User(user.name, user.id, tuple(sorted({*user.projects, project})), user.hints)
        kept[name] = Machine(name, tuple(sorted([*others, more])))
    return kept


def _of(machine: Machine) -> set[tuple[str, str]]:
    return {(user.id, project) for user in machine.users for project in user.projects}
