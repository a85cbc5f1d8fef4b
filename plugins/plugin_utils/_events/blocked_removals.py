# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block removals that exceed the limit until an operator approves them. Pure.

Removals of the last hour count together, so that thirty single changes that empty a group are
blocked like one change that empties it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .._delivery.removal_limit import RemovalLimits, emptied, in_total
from .._membership.assignments import Host, User
from .membership_diff import Fleet, differing

WINDOW = 3600.0
Removal = tuple[str, str, str]
"""Host, id, project."""


@dataclass(frozen=True)
class BlockedRemovals:
    """The removals that are blocked, and the reasons."""

    reasons: tuple[str, ...] = ()
    removals: tuple[Removal, ...] = ()

    @property
    def id(self) -> str:
        """Return the id of exactly these removals; empty if none is blocked."""
        if not self.removals:
            return ""
        return hashlib.sha256(repr(self.removals).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class RecentRemovals:
    """The removals of the last hour with their times, and the limits."""

    limits: RemovalLimits = field(default_factory=RemovalLimits)
    recent: tuple[tuple[float, Removal], ...] = ()

    def apply(
        self, wanted: Fleet, seen: Fleet, now: float, approved: str = ""
    ) -> tuple[Fleet, BlockedRemovals, RecentRemovals]:
        """Return what is wanted now; ``approved`` is the id of approved removals."""
        removals = losses(wanted, seen)
        recent = tuple(item for item in self.recent if item[0] > now - WINDOW)
        if not removals:
            return seen, BlockedRemovals(), replace(self, recent=recent)
        earlier = {item for _second, item in recent}
        reasons = _reasons(wanted, seen, removals, earlier, self.limits)
        if not reasons:
            recent += tuple((now, item) for item in removals)
            return seen, BlockedRemovals(), replace(self, recent=recent)
        blocked = BlockedRemovals(reasons, removals)
        # The id is a hash of exactly these removals: an approval of other removals does not match.
        if blocked.id != approved:
            return keep(wanted, seen, removals), blocked, replace(self, recent=recent)
        # Approved removals do not count against the next ones.
        return seen, BlockedRemovals(), replace(self, recent=())

    def as_data(self) -> list[list[Any]]:
        """Return plain data, to resume from after a restart."""
        return [[second, *removal] for second, removal in self.recent]


def recent_removals_from(data: Any, limits: RemovalLimits) -> RecentRemovals:
    """Return the removals from plain data; data of another shape counts as empty."""
    items = data if isinstance(data, list) else []
    recent = (
        (float(second), (str(host), str(user_id), str(project)))
        for second, host, user_id, project in filter(_is_removal, items)
    )
    return RecentRemovals(limits, tuple(recent))


def _is_removal(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 4 and isinstance(item[0], (int, float))


def losses(before: Fleet, after: Fleet) -> tuple[Removal, ...]:
    """Return the memberships that would be removed, by host."""
    removals: list[Removal] = []
    for name in differing(before, after) & before.keys():
        lost = _memberships(before[name]) - _memberships(after.get(name, Host(name)))
        removals += ((name, user_id, project) for user_id, project in lost)
    return tuple(sorted(removals))


def _reasons(
    wanted: Fleet,
    seen: Fleet,
    removals: Iterable[Removal],
    recent: set[Removal],
    limits: RemovalLimits,
) -> tuple[str, ...]:
    """Return the reasons to block these removals; reverted removals do not count."""
    away = {
        item for item in recent if item[1:] not in _memberships(wanted.get(item[0], Host(item[0])))
    }
    removed = away.union(removals)
    projects = {project for _host, _id, project in removed}
    (total, had), (_total, have) = _census(wanted, projects), _census(seen, projects)
    for _host, user_id, project in away:
        had[project].add(user_id)
    return (*in_total(total + len(away), len(removed), limits), *emptied(had, have, limits))


def _census(fleet: Fleet, projects: set[str]) -> tuple[int, dict[str, set[str]]]:
    """Return the number of memberships on hosts, and the members of these projects."""
    members: dict[str, set[str]] = {project: set() for project in projects}
    total = 0
    for host in fleet.values():
        for user in host.users:
            total += len(user.projects)
            for project in user.projects:
                if project in members:
                    members[project].add(user.id)
    return total, members


def keep(before: Fleet, after: Fleet, removals: Iterable[Removal]) -> Fleet:
    """Return what is seen now, with the blocked removals undone."""
    kept = dict(after)
    for name, user_id, project in removals:
        host = kept.get(name) or Host(name)
        former = next(user for user in before[name].users if user.id == user_id)
        user = next(
            (user for user in host.users if user.id == user_id), replace(former, projects=())
        )
        others = [other for other in host.users if other.id != user_id]
        more = User(user.name, user.id, tuple(sorted({*user.projects, project})), user.hints)
        kept[name] = Host(name, tuple(sorted([*others, more])))
    return kept


def _memberships(host: Host) -> set[tuple[str, str]]:
    """Return the ids of a host's users, each with each of its projects."""
    memberships: set[tuple[str, str]] = set()
    for user in host.users:
        memberships.update((user.id, project) for project in user.projects)
    return memberships
