# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events as rulebooks get them. Pure.

One event has everything of one type that happened in one project at once, however much that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from .blocked_removals import BlockedRemovals
from .membership_diff import MembershipChange

Event = dict[str, Any]


def changed(changes: Iterable[MembershipChange], facts: Mapping[str, Any]) -> Iterator[Event]:
    """Yield the changes by project, and in it by what they are.

    ``facts`` is what is true of all of them, such as the revision.
    """
    for (project, kind, why, has), same in groupby(sorted(changes, key=_kind), _kind):
        members = list(same)
        users = [_user(change) for change in members]
        hosts = sorted(set[str]().union(*(change.hosts for change in members)))
        yield event(kind, hosts, project=project, why=str(why), has=has, users=users, **facts)


def _kind(change: MembershipChange) -> tuple[str, str, str, bool]:
    return change.project, change.type, change.why, change.has


def _user(change: MembershipChange) -> dict[str, Any]:
    user: dict[str, Any] = {
        "id": change.id,
        "name": change.name,
        "hosts": list(change.hosts),
    }
    return {**user, "former": change.former} if change.former else user


def pending(hosts: Iterable[str], facts: Mapping[str, Any]) -> Event:
    """Return the event that these hosts have to be delivered to.

    It limits no play: whom an earlier one has served is in the inventory no more.
    """
    return {**event("pending", sorted(hosts), **facts), "meta": {}}


def held(blocked: BlockedRemovals, folder: str, facts: Mapping[str, Any]) -> Event:
    """Return the event that so much would be removed that a user has to look at it first."""
    removals = [
        {"host": host, "id": user_id, "project": project}
        for host, user_id, project in blocked.removals
    ]
    remedy = (
        "Look whether the directory is right; if it is, let them go: touch"
        f" {folder}/let-go-{blocked.id}"
    )
    return event(
        "held",
        [],
        reasons=list(blocked.reasons),
        removals=removals,
        let_go=blocked.id,
        remedy=remedy,
        **facts,
    )


def event(kind: str, hosts: list[str], **more: Any) -> Event:
    """Return an event; ``meta.hosts`` is what limits a play."""
    return {
        "type": kind,
        "hosts": hosts,
        **more,
        "meta": {"hosts": hosts} if hosts else {},
    }
