# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The brake: a directory that has gone wrong must not take everybody's tools away. Pure.

What everybody had is compared with what they are to have, over the whole fleet and over each whole
project, however few machines this run is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Pairs = frozenset[tuple[str, str]]
"""Who (by id) is in which project."""
Fleet = Mapping[str, Pairs]
"""That, for each machine."""
Lost = tuple[str, str, str]
"""Machine, id, project."""


@dataclass(frozen=True)
class Limits:
    """How much may leave at once."""

    max_shrink: float = 20
    """Per cent of all memberships."""
    always: int = 10
    """So many may leave in any case."""
    members: int = 3
    """A project of so many members does not lose all of them."""
    may_empty: frozenset[str] = frozenset()
    """Projects that may lose all of their members."""


@dataclass(frozen=True)
class Judgement:
    """Whether removals may be done, and if not, why, and what would go."""

    reasons: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()

    @property
    def stop(self) -> bool:
        """Whether nothing may be removed."""
        return bool(self.reasons)


def judge(before: Fleet, after: Fleet, limits: Limits) -> Judgement:
    """Whether it is likely that all these people have really left."""
    lost = tuple(
        sorted(
            (machine, *pair)
            for machine, pairs in before.items()
            for pair in pairs - after.get(machine, frozenset())
        )
    )
    total = sum(map(len, before.values()))
    return Judgement(
        (*in_total(total, len(lost), limits), *emptied(members(before), members(after), limits)),
        lost,
    )


def in_total(total: int, lost: int, limits: Limits) -> list[str]:
    """Why so many of all memberships may not go; nothing where they may."""
    if lost <= limits.always or lost * 100 <= limits.max_shrink * total:
        return []
    share = lost * 100 / total
    return [
        f"{lost} of {total} memberships on machines would go, which is {share:.0f} %, and"
        f" {limits.max_shrink:g} % may (delivery_max_shrink)"
    ]


def emptied(had: Mapping[str, set[str]], have: Mapping[str, set[str]], limits: Limits) -> list[str]:
    """Why projects with these members may not lose all of them; nothing where they keep some."""
    names = [
        name
        for name, ids in sorted(had.items())
        if len(ids) >= limits.members and not have.get(name) and name not in limits.may_empty
    ]
    return [
        f"{name} would lose all of its {len(had[name])} members (delivery_may_empty: [{name}])"
        for name in names
    ]


def members(fleet: Fleet) -> dict[str, set[str]]:
    """The ids of each project's members."""
    found: dict[str, set[str]] = {}
    for pairs in fleet.values():
        for identity, project in pairs:
            found.setdefault(project, set()).add(identity)
    return found
