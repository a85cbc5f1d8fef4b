# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to change on a machine: what it has against what it must have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .generation_model import Generation, Tool, View, ordered
from .wanted_tools import Wish

Pairs = frozenset[tuple[str, str]]
"""Who (by id) is in which project."""


class People(NamedTuple):
    """What the machine itself says of accounts: the uid of a login name, the login name of a uid.

    None for nobody.
    """

    uids: Mapping[str, int | None]
    names: Mapping[int, str | None]

    def is_still(self, view: View) -> bool:
        """Whether the uid of a view does not belong to somebody else now."""
        return self.names.get(view.uid) in (None, view.name)


class Removal(NamedTuple):
    """Somebody who has tools of a project and is to lose them."""

    id: str
    name: str
    project: str
    tools: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "id": self.id,
            "name": self.name,
            "project": self.project,
            "tools": list(self.tools),
        }


class Target(NamedTuple):
    """What a machine is to have, what leaves or would leave, and what people should know."""

    views: tuple[View, ...]
    removals: tuple[Removal, ...]
    held: tuple[Removal, ...] = ()
    """Those of the removals that are not to be done yet."""
    unknown: tuple[str, ...] = ()
    """Users that the machine does not know."""
    notes: tuple[str, ...] = ()


def target(
    have: Generation,
    wishes: Iterable[Wish],
    people: People,
    now: str,
    hold: bool = False,
    may_remove: Pairs = frozenset(),
) -> Target:
    """What the machine is to have.

    With ``hold`` whoever would lose a project keeps it for now, unless ``may_remove`` has it.
    """
    views: list[View] = []
    unknown, notes = [], []
    taken = set()
    for wish in wishes:
        former = have.view(wish.id)
        taken.add(wish.name)
        uid = people.uids.get(wish.name)
        if uid is not None:
            views.append(
                View(
                    wish.id,
                    wish.name,
                    uid,
                    tuple(_carried(tool, former, now) for tool in wish.tools),
                )
            )
        elif former and people.is_still(former):
            projects = {tool.project for tool in wish.tools}
            views.append(
                former._replace(
                    tools=tuple(tool for tool in former.tools if tool.project in projects)
                )
            )
            notes.append(f"{wish.name} is not known to this machine now, and keeps what is there")
        else:
            unknown.append(wish.name)
    removals = _removals(have, views)
    held = tuple(
        removal for removal in removals if hold and (removal.id, removal.project) not in may_remove
    )
    if hold:
        views = _with_held(have, views, people, taken, may_remove)
    return Target(ordered(views), removals, held, tuple(unknown), tuple(notes))


def _carried(tool: Tool, former: View | None, now: str) -> Tool:
    """A tool that was there in the same form keeps its receipt."""
    old = former.find(tool.project, tool.name) if former else None
    if old is None:
        return tool._replace(asked=now)
    if old.asked_for == tool:
        return tool._replace(place=old.place, asked=old.asked, ready=old.ready)
    if old.object == tool.object and old.self_test == tool.self_test:
        return tool._replace(place=old.place, asked=old.asked, ready=old.ready)
    return tool._replace(asked=now)


def _removals(have: Generation, views: Iterable[View]) -> tuple[Removal, ...]:
    kept = {(view.id, tool.project) for view in views for tool in view.tools}
    found = []
    for view in have.views:
        for project in view.projects:
            if (view.id, project) not in kept:
                found.append(
                    Removal(
                        view.id,
                        view.name,
                        project,
                        tuple(tool.name for tool in view.tools if tool.project == project),
                    )
                )
    return tuple(found)


def _with_held(
    have: Generation, views: list[View], people: People, taken: set[str], may_remove: Pairs
) -> list[View]:
    """The views with what they would lose and may not yet.

    An account that is somebody else's now loses it in any case.
    """
    result = {view.id: view for view in views}
    for former in have.views:
        held = tuple(tool for tool in former.tools if (former.id, tool.project) not in may_remove)
        if former.id in result:
            mine = result[former.id]
            kept = tuple(tool for tool in held if tool.project not in mine.projects)
            result[former.id] = mine._replace(tools=(*mine.tools, *kept))
        elif former.name not in taken and people.is_still(former) and (held or not former.tools):
            uid = people.uids.get(former.name)
            result[former.id] = former._replace(tools=held, uid=former.uid if uid is None else uid)
    return list(result.values())


def without(
    views: Iterable[View], failed: set[tuple[str, str, str]], have: Generation
) -> tuple[View, ...]:
    """The views where each failed tool (id, project, name) is as it was before, or is left out."""
    result = []
    for view in views:
        tools = []
        for tool in view.tools:
            if (view.id, tool.project, tool.name) not in failed:
                tools.append(tool)
                continue
            former = have.view(view.id)
            old = former.find(tool.project, tool.name) if former else None
            if old:
                tools.append(old)
        result.append(view._replace(tools=tuple(tools)))
    return ordered(result)


def back(have: Generation, old: Generation) -> tuple[View, ...]:
    """What users had in ``old``, for the projects that they still have.

    What they have joined since stays as it is.
    """
    views = []
    for view in have.views:
        former = old.view(view.id)
        known = set(former.projects) if former else set()
        before = [tool for tool in former.tools if tool.project in view.projects] if former else []
        views.append(
            view._replace(
                tools=(*before, *(tool for tool in view.tools if tool.project not in known))
            )
        )
    return ordered(views)


def lines(views: Iterable[View]) -> list[str]:
    """A line for each tool of each user, for diffs."""
    return [
        f"{view.name}: {tool.project} {tool.name} {tool.version}".rstrip()
        for view in views
        for tool in view.tools
    ]


def same(left: Iterable[View], right: Iterable[View]) -> bool:
    """Whether two sets of views are the same, but for when their tools became ready."""
    return [_bare(view) for view in left] == [_bare(view) for view in right]


def _bare(view: View) -> View:
    return view._replace(tools=tuple(tool._replace(ready="", asked="") for tool in view.tools))
