# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removals that are blocked: too many at once stay wanted until a user has approved them. Pure.

Removals of the last hour count together, so that a group emptied by thirty single changes is seen
as well as one emptied at once.
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
    """What is not removed yet, and why."""

    reasons: tuple[str, ...] = ()
    removals: tuple[Removal, ...] = ()

    @property
    def id(self) -> str:
        """Return a name for exactly these; nothing where none is blocked."""
        if not self.removals:
            return ""
        return hashlib.sha256(repr(self.removals).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class RecentRemovals:
    """What was removed within the last hour, each with its second, and what the limits are."""

    limits: RemovalLimits = field(default_factory=RemovalLimits)
    recent: tuple[tuple[float, Removal], ...] = ()

    def apply(
        self, wanted: Fleet, seen: Fleet, now: float, approved: str = ""
    ) -> tuple[Fleet, BlockedRemovals, RecentRemovals]:
        """Return what is wanted from now on; ``approved`` is the id of what may be removed."""
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
        # The id is a hash of these very removals: an approval of fewer, or of others, is none.
        if blocked.id != approved:
            return keep(wanted, seen, removals), blocked, replace(self, recent=recent)
        # What was approved was meant: it does not count against what is removed next.
        return seen, BlockedRemovals(), replace(self, recent=())

    def as_data(self) -> list[list[Any]]:
        """Return plain data, to go on after a restart."""
        return [[second, *removal] for second, removal in self.recent]


def recent_removals_from(data: Any, limits: RemovalLimits) -> RecentRemovals:
    """Return what as_data() gave; what has another shape counts as nothing."""
    items = data if isinstance(data, list) else []
    recent = (
        (float(second), (str(host), str(user_id), str(project)))
        for second, host, user_id, project in filter(_is_removal, items)
    )
    return RecentRemovals(limits, tuple(recent))


def _is_removal(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 4 and isinstance(item[0], (int, float))


def losses(before: Fleet, after: Fleet) -> tuple[Removal, ...]:
    """Return who would lose what, and where."""
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
    """Return why these may not all be removed; who was removed and is back does not count."""
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
    """Return how many memberships there are on hosts, and who is in these projects."""
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
    """Return what is seen now, and what is blocked with it."""
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
