# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events that rulebooks receive. Pure.

One event holds all simultaneous changes of one type in one project, regardless of their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from .blocked_removals import BlockedRemovals
from .membership_diff import MembershipChange

Event = dict[str, Any]


def changed(changes: Iterable[MembershipChange], facts: Mapping[str, Any]) -> Iterator[Event]:
    """Yield one event for each project and type of change.

    ``facts`` applies to all of them, for example the revision.
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
    """Return the event that these hosts are pending.

    It does not limit a play: hosts that an earlier play served are no longer in the inventory.
    """
    return {**event("pending", sorted(hosts), **facts), "meta": {}}


def blocked(removals: BlockedRemovals, folder: str, facts: Mapping[str, Any]) -> Event:
    """Return the event that removals exceed the limit and wait for an operator's approval."""
    lost = [
        {"host": host, "id": user_id, "project": project}
        for host, user_id, project in removals.removals
    ]
    hint = (
        "Check the directory. If it is right, approve the removals: touch"
        f" {folder}/approve-{removals.id}"
    )
    return event(
        "blocked",
        [],
        reasons=list(removals.reasons),
        removals=lost,
        approval=removals.id,
        hint=hint,
        **facts,
    )


def event(kind: str, hosts: list[str], **more: Any) -> Event:
    """Return an event; ``meta.hosts`` limits a play."""
    return {
        "type": kind,
        "hosts": hosts,
        **more,
        "meta": {"hosts": hosts} if hosts else {},
    }
