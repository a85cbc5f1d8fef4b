# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold tools on a workstation as they are, whatever the catalog has.

A rollback holds what it changes, so that the next delivery does not undo it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Optional

from .atomic_files import read_json, write_json
from .generation_model import Generation, Tool, View
from .wanted_tools import WantedUser

_FILE = "holds.json"
Holds = Mapping[tuple[str, str], Optional[Tool]]
"""Held tools by project and name; None for a tool that must not be installed."""


class Unheld(NamedTuple):
    """The holds that remain, and the names without a hold."""

    holds: Holds
    unknown: tuple[str, ...] = ()


def read(root: str) -> Holds:
    """Return the holds of a workstation."""
    saved = read_json(os.path.join(root, _FILE)) or []
    return {
        (hold["project"], hold["name"]): Tool.from_data(hold["tool"]) if hold["tool"] else None
        for hold in saved
    }


def write(root: str, holds: Holds) -> None:
    """Replace the holds of a workstation."""
    write_json(
        os.path.join(root, _FILE),
        [
            {"project": project, "name": name, "tool": tool.as_data() if tool else None}
            for (project, name), tool in sorted(holds.items())
        ],
    )


def of_rollback(
    before: Iterable[View], after: Iterable[View]
) -> dict[tuple[str, str], Tool | None]:
    """Return the tools that a rollback has changed, as they are after it. Pure."""
    former, present = _by_name(before), _by_name(after)
    return {
        key: present.get(key)
        for key in former.keys() | present.keys()
        if former.get(key) != present.get(key)
    }


def _by_name(views: Iterable[View]) -> dict[tuple[str, str], Tool]:
    return {
        (tool.project, tool.name): tool.as_wanted
        for _view, tool in Generation(views=tuple(views)).tools
    }


def unheld(holds: Holds, names: Collection[str]) -> Unheld:
    """Return the holds without those of these names: ``PROJECT`` or ``PROJECT/TOOL``. Pure."""
    kept = {
        (project, name): tool
        for (project, name), tool in holds.items()
        if not {project, f"{project}/{name}"}.intersection(names)
    }
    known = {project for project, _name in holds} | {"/".join(key) for key in holds}
    return Unheld(kept, tuple(sorted(set(names) - known)))


def in_store(holds: Holds, places: Mapping[str, str]) -> Holds:
    """Return the holds whose tools are in the store; ``places`` has each object's place. Pure."""
    return {
        key: tool
        for key, tool in holds.items()
        if not (tool and tool.object) or places[tool.object]
    }


def lost_notes(holds: Holds, present: Holds) -> Iterator[str]:
    """Yield a sentence for each hold that has ended, such as after the store was edited. Pure."""
    for key in sorted(holds.keys() - present.keys()):
        yield f"{' '.join(key)} is not held any more: the store has lost its version"


def apply(users: Iterable[WantedUser], holds: Holds) -> tuple[WantedUser, ...]:
    """Return the users with held tools in place of those of the catalog. Pure."""
    return tuple(_with_holds(user, holds) for user in users)


def _with_holds(user: WantedUser, holds: Holds) -> WantedUser:
    others = [tool for tool in user.tools if (tool.project, tool.name) not in holds]
    held = [
        tool for (project, _name), tool in holds.items() if tool and project in user.memberships
    ]
    return user._replace(tools=(*others, *held))


def as_data(holds: Holds) -> list[dict[str, Any]]:
    """Return the holds as plain data; a tool that must not be installed has no version."""
    return [
        {"project": project, "name": name, "version": tool.version if tool else ""}
        for (project, name), tool in sorted(holds.items())
    ]


def notes(holds: Holds, users: Iterable[WantedUser]) -> Iterator[str]:
    """Yield a sentence for each hold that differs from what the catalog has. Pure."""
    catalog: dict[tuple[str, str], Tool] = {}
    for user in users:
        catalog.update(((tool.project, tool.name), tool) for tool in user.tools)
    for key, tool in sorted(holds.items()):
        offered = catalog.get(key)
        if offered != tool:
            state = f"is held at {tool.version}".rstrip() if tool else "is held back"
            other = f"has {offered.version}" if offered else "does not have it"
            yield f"{' '.join(key)} {state}, and the catalog {other}; unhold: [{'/'.join(key)}]"
