# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events go out. Pure.

One event tells everything of one kind that happened in one project at once, however much that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from .blocked_removals import Held
from .membership_diff import Change

Event = dict[str, Any]


def changed(changes: Iterable[Change], facts: Mapping[str, Any]) -> Iterator[Event]:
    """The changes by project, and in it by what they are.

    ``facts`` is what is true of all of them, such as the serial.
    """
    for (project, kind, why, has), found in groupby(sorted(changes, key=_kind), _kind):
        members = list(found)
        users = [
            {
                "id": one.id,
                "name": one.name,
                "machines": list(one.machines),
                **({"former": one.former} if one.former else {}),
            }
            for one in members
        ]
        machines = sorted({machine for one in members for machine in one.machines})
        yield event(kind, machines, project=project, why=str(why), has=has, users=users, **facts)


def _kind(change: Change) -> tuple[str, str, str, bool]:
    return change.project, change.type, change.why, change.has


def pending(machines: Iterable[str], facts: Mapping[str, Any]) -> Event:
    """These machines have to be delivered to.

    It limits no play: whom an earlier one has served is in the inventory no more.
    """
    return {**event("pending", sorted(machines), **facts), "meta": {}}


def held(found: Held, folder: str, facts: Mapping[str, Any]) -> Event:
    """So much would leave that somebody is to look at it first."""
    lost = [
        {"machine": machine, "id": one, "project": project} for machine, one, project in found.lost
    ]
    remedy = (
        "Look whether the directory is right; if it is, let them go: touch"
        f" {folder}/let-go-{found.id}"
    )
    return event(
        "held",
        [],
        reasons=list(found.reasons),
        removals=lost,
        let_go=found.id,
        remedy=remedy,
        **facts,
    )


def event(kind: str, machines: list[str], **more: Any) -> Event:
    """An event as rulebooks get it; ``meta.hosts`` is what limits a play."""
    return {
        "type": kind,
        "machines": machines,
        **more,
        "meta": {"hosts": machines} if machines else {},
    }
