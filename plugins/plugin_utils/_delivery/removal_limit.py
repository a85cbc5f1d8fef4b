# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limit removals, so that an error of the directory or the catalog cannot remove all tools.

Pure. The memberships that users had are compared with those that they must have, over the whole
fleet and over each whole project, also in a run for some hosts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

Memberships = frozenset[tuple[str, str]]
"""Ids of users, each with a project."""
FleetMemberships = Mapping[str, Memberships]
"""The memberships of each host."""
LostMembership = tuple[str, str, str]
"""Host, id of a user, project."""
ToolKey = tuple[str, str, str]
"""Project, tool, platform."""
ToolUsers = Mapping[ToolKey, set[str]]
"""The ids of the users of each tool."""


@dataclass(frozen=True)
class ToolDrops:
    """The tools of the whole fleet, and those that the catalog removes."""

    had: ToolUsers
    dropped: ToolUsers
    """Users that lose a tool although they stay in its project, since the last delivery to all."""
    current: frozenset[ToolKey]
    """The tools that the catalog of this run drops."""
    for_other_platforms: frozenset[ToolKey] = frozenset()
    """The tools that the catalog still has for other platforms."""


@dataclass(frozen=True)
class RemovalLimits:
    """The limits of removals in one delivery."""

    max_shrink: float = 20
    """Per cent of all memberships."""
    always: int = 10
    """The number that may be removed in any case."""
    members: int = 3
    """A project with at least as many members must not lose all of them."""
    may_empty: frozenset[str] = frozenset()
    """Projects that may lose all of their members."""


@dataclass(frozen=True)
class RemovalCheck:
    """The reasons why removals are blocked, and all memberships that would be removed."""

    reasons: tuple[str, ...] = ()
    lost: tuple[LostMembership, ...] = ()

    @property
    def blocked(self) -> bool:
        """Return whether removals are blocked."""
        return bool(self.reasons)


def check_removals(
    before: FleetMemberships, after: FleetMemberships, limits: RemovalLimits
) -> RemovalCheck:
    """Compare the memberships before and after with the limits."""
    lost = tuple(sorted(_lost(before, after)))
    total = sum(map(len, before.values()))
    return RemovalCheck(
        (*in_total(total, len(lost), limits), *emptied(members(before), members(after), limits)),
        lost,
    )


def _lost(before: FleetMemberships, after: FleetMemberships) -> Iterable[LostMembership]:
    for host, memberships in before.items():
        # A host that has left the inventory counts with all that its users had.
        for user_id, project in memberships - after.get(host, frozenset()):
            yield host, user_id, project


def in_total(
    total: int, lost: int, limits: RemovalLimits, things: str = "memberships on hosts"
) -> list[str]:
    """Return why so many memberships or tools must not be removed; empty if they may."""
    if not _is_too_much(lost, total, limits):
        return []
    return [f"{_share(lost, total, limits, things)} (delivery_max_shrink)"]


def emptied(
    had: Mapping[str, set[str]], have: Mapping[str, set[str]], limits: RemovalLimits
) -> list[str]:
    """Return why projects must not lose all of their members; empty if they keep some."""
    # By users over the whole fleet: a host that changes its user does not end a project.
    names = [
        name
        for name, ids in sorted(had.items())
        if len(ids) >= limits.members and not have.get(name) and name not in limits.may_empty
    ]
    return [
        f"{name} would lose all of its {len(had[name])} members (delivery_may_empty: [{name}])"
        for name in names
    ]


def check_dropped_tools(drops: ToolDrops, limits: RemovalLimits) -> list[str]:
    """Return why tools that the catalog drops must not be removed; empty if they may."""
    if not drops.current:
        return []
    counted = {key: users for key, users in drops.dropped.items() if key[0] not in limits.may_empty}
    reasons = []
    for project in sorted({key[0] for key in drops.current} - limits.may_empty):
        vanished = list(_vanished(project, drops, limits))
        reasons += vanished or list(_share_of_project(project, drops, limits))
    return [*in_total(_count(drops.had), _count(counted), limits, "tools of users"), *reasons]


def _count(users: ToolUsers) -> int:
    return sum(map(len, users.values()))


def _is_too_much(lost: int, total: int, limits: RemovalLimits) -> bool:
    # Without ``always``, a fleet of a few hosts could never lose a membership.
    return lost > limits.always and lost * 100 > limits.max_shrink * total


def _share_of_project(project: str, drops: ToolDrops, limits: RemovalLimits) -> Iterator[str]:
    lost, total = (
        _count({key: ids for key, ids in users.items() if key[0] == project})
        for users in (drops.dropped, drops.had)
    )
    if _is_too_much(lost, total, limits):
        keys = [key for key in drops.current if key[0] == project]
        yield (
            f"{_share(lost, total, limits, f'tools of the users of {project}')}"
            f" ({_approval(project, keys, drops)})"
        )


def _share(lost: int, total: int, limits: RemovalLimits, things: str) -> str:
    return (
        f"{lost} of {total} {things} would be removed, which is {lost * 100 / total:.0f} %; the"
        f" limit is {limits.max_shrink:g} %"
    )


def _vanished(project: str, drops: ToolDrops, limits: RemovalLimits) -> Iterator[str]:
    """Yield a reason for the tools that all of their users on a platform would lose."""
    by_place: dict[str, list[ToolKey]] = {}
    for key in sorted(key for key in drops.current if key[0] == project):
        ids = drops.dropped.get(key, set())
        if len(ids) >= limits.members and not drops.had.get(key, set()) - ids:
            place = f" on {key[2]}" if key in drops.for_other_platforms else ""
            by_place.setdefault(place, []).append(key)
    for place, keys in by_place.items():
        yield (
            f"all users of {project}{place} would lose {_names(keys)}"
            f" ({_approval(project, keys, drops)})"
        )


def _names(keys: Iterable[ToolKey]) -> str:
    return ", ".join(sorted({tool for _project, tool, _platform in keys}))


def _approval(project: str, keys: Collection[ToolKey], drops: ToolDrops) -> str:
    """Return the setting that approves; a tool of the catalog cannot also be in ``removed``."""
    empty = f"delivery_may_empty: [{project}]"
    if not drops.for_other_platforms.isdisjoint(keys):
        return empty
    return f"removed: [{_names(keys)}] in {project}.yml, or {empty}"


def members(fleet: FleetMemberships) -> dict[str, set[str]]:
    """Return the ids of each project's members."""
    ids: dict[str, set[str]] = {}
    for memberships in fleet.values():
        for user_id, project in memberships:
            ids.setdefault(project, set()).add(user_id)
    return ids
