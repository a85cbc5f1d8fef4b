# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The removal limit: a fault of the directory or the catalog must not remove everybody's tools.

Pure. What everybody had is compared with what they are to have, over the whole fleet and over each
whole project, however few machines this run is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Memberships = frozenset[tuple[str, str]]
"""Ids of users, each with a project."""
FleetMemberships = Mapping[str, Memberships]
"""The memberships of each machine."""
LostMembership = tuple[str, str, str]
"""Machine, id, project."""
ToolUsers = Mapping[tuple[str, str], set[str]]
"""The ids of the users of each tool, by project and name."""


@dataclass(frozen=True)
class RemovalLimits:
    """How much may be removed at once."""

    max_shrink: float = 20
    """Per cent of all memberships."""
    always: int = 10
    """So many may be removed in any case."""
    members: int = 3
    """A project of so many members does not lose all of them."""
    may_empty: frozenset[str] = frozenset()
    """Projects that may lose all of their members."""


@dataclass(frozen=True)
class RemovalCheck:
    """Why removals are blocked, if they are, and all that would be removed."""

    reasons: tuple[str, ...] = ()
    lost: tuple[LostMembership, ...] = ()

    @property
    def blocked(self) -> bool:
        """Return whether nothing may be removed."""
        return bool(self.reasons)


def check_removals(
    before: FleetMemberships, after: FleetMemberships, limits: RemovalLimits
) -> RemovalCheck:
    """Return whether it is likely that all these users have really left."""
    lost = tuple(sorted(_lost(before, after)))
    total = sum(map(len, before.values()))
    return RemovalCheck(
        (*in_total(total, len(lost), limits), *emptied(members(before), members(after), limits)),
        lost,
    )


def _lost(before: FleetMemberships, after: FleetMemberships) -> Iterable[LostMembership]:
    for machine, memberships in before.items():
        # A host that has left the inventory counts with all that its users had.
        for user_id, project in memberships - after.get(machine, frozenset()):
            yield machine, user_id, project


def in_total(total: int, lost: int, limits: RemovalLimits) -> list[str]:
    """Return why so many of all memberships may not be removed; nothing where they may."""
    # Without ``always`` a fleet of a few hosts could never lose anybody.
    if lost <= limits.always or lost * 100 <= limits.max_shrink * total:
        return []
    share = lost * 100 / total
    return [
        f"{lost} of {total} memberships on machines would go, which is {share:.0f} %, and"
        f" {limits.max_shrink:g} % may (delivery_max_shrink)"
    ]


def emptied(
    had: Mapping[str, set[str]], have: Mapping[str, set[str]], limits: RemovalLimits
) -> list[str]:
    """Return why projects may not lose all of their members; nothing where they keep some."""
    # By users over the whole fleet: a host that changes hands is no end of a project.
    names = [
        name
        for name, ids in sorted(had.items())
        if len(ids) >= limits.members and not have.get(name) and name not in limits.may_empty
    ]
    return [
        f"{name} would lose all of its {len(had[name])} members (delivery_may_empty: [{name}])"
        for name in names
    ]


def check_dropped_tools(had: ToolUsers, dropped: ToolUsers, limits: RemovalLimits) -> list[str]:
    """Return why tools that the catalog has no more may not be removed; nothing where they may.

    ``dropped`` has the users that would lose a tool although they stay in its project.
    """
    lost = sum(map(len, dropped.values()))
    return [
        *_tools_in_total(sum(map(len, had.values())), lost, limits),
        *_vanished(had, dropped, limits),
    ]


def _tools_in_total(total: int, lost: int, limits: RemovalLimits) -> Iterator[str]:
    if lost > limits.always and lost * 100 > limits.max_shrink * total:
        yield (
            f"{lost} of {total} tools of users would be removed, which is {lost * 100 / total:.0f}"
            f" %; the limit is {limits.max_shrink:g} % (delivery_max_shrink)"
        )


def _vanished(had: ToolUsers, dropped: ToolUsers, limits: RemovalLimits) -> Iterator[str]:
    vanished: dict[str, list[str]] = {}
    for (project, tool), ids in sorted(dropped.items()):
        is_last = not had.get((project, tool), set()) - ids
        if is_last and len(ids) >= limits.members and project not in limits.may_empty:
            vanished.setdefault(project, []).append(tool)
    for project, tools in vanished.items():
        names = ", ".join(tools)
        yield (
            f"all users of {project} would lose {names} (removed: [{names}] in {project}.yml, or"
            f" delivery_may_empty: [{project}])"
        )


def members(fleet: FleetMemberships) -> dict[str, set[str]]:
    """Return the ids of each project's members."""
    ids: dict[str, set[str]] = {}
    for memberships in fleet.values():
        for user_id, project in memberships:
            ids.setdefault(project, set()).add(user_id)
    return ids
