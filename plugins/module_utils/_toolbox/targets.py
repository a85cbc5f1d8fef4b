# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to change on a machine: what it has against what it must have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .generation_model import Generation, Tool, View, ordered
from .wanted_tools import WantedUser

Pairs = frozenset[tuple[str, str]]
"""Who (by id) is in which project."""


class Accounts(NamedTuple):
    """What the machine itself says of accounts: the uid of a login name, the login name of a uid.

    None for nobody.
    """

    uids: Mapping[str, int | None]
    names: Mapping[int, str | None]

    def still_owns(self, view: View) -> bool:
        """Return whether the uid of a view does not belong to somebody else now."""
        return self.names.get(view.uid) in (None, view.name)


class ToolRemoval(NamedTuple):
    """Somebody who has tools of a project and is to lose them."""

    id: str
    name: str
    project: str
    tools: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "id": self.id,
            "name": self.name,
            "project": self.project,
            "tools": list(self.tools),
        }


class ToolboxTarget(NamedTuple):
    """What a machine is to have, what leaves or would leave, and what users should know."""

    views: tuple[View, ...]
    removals: tuple[ToolRemoval, ...]
    blocked: tuple[ToolRemoval, ...] = ()
    """Those of the removals that are not to be done yet."""
    unknown: tuple[str, ...] = ()
    """Users that the machine does not know."""
    notes: tuple[str, ...] = ()


def target(
    current: Generation,
    users: Iterable[WantedUser],
    accounts: Accounts,
    now: str,
    *,
    block_removals: bool = False,
    may_remove: Pairs = frozenset(),
) -> ToolboxTarget:
    """Return what the machine is to have.

    With ``block_removals`` users that would lose a project keep it for now, unless ``may_remove``
    has it.
    """
    views: list[View] = []
    unknown, notes = [], []
    logins = set()
    for user in users:
        former = current.view(user.id)
        logins.add(user.name)
        uid = accounts.uids.get(user.name)
        if uid is not None:
            tools = tuple(_with_state(tool, former, now) for tool in user.tools)
            views.append(View(user.id, user.name, uid, tools))
        # The account may be unknown only because the client of the directory is down: nobody loses
        # tools for that.
        elif former and accounts.still_owns(former):
            views.append(former.only({tool.project for tool in user.tools}))
            notes.append(f"{user.name} is not known to this machine now, and keeps what is there")
        else:
            unknown.append(user.name)
    removals = _removals(current, views)
    blocked: tuple[ToolRemoval, ...] = ()
    if block_removals:
        blocked = tuple(
            removal for removal in removals if (removal.id, removal.project) not in may_remove
        )
        views = _with_blocked(current, views, accounts, logins, may_remove)
    return ToolboxTarget(ordered(views), removals, blocked, tuple(unknown), tuple(notes))


def _with_state(tool: Tool, former: View | None, now: str) -> Tool:
    """Return the tool with what is known of it; one that was there in the same form keeps it."""
    old = former.find(tool.project, tool.name) if former else None
    if old is None:
        return tool._replace(asked=now)
    # The same object with the same test: what else differs, such as a priority, needs no new test.
    if old.as_wanted == tool or (old.object == tool.object and old.self_test == tool.self_test):
        return tool._replace(place=old.place, asked=old.asked, ready=old.ready)
    return tool._replace(asked=now)


def _removals(current: Generation, views: Iterable[View]) -> tuple[ToolRemoval, ...]:
    kept = Generation(views=tuple(views)).pairs
    removals = []
    for view in current.views:
        for project in view.projects:
            if (view.id, project) not in kept:
                names = tuple(tool.name for tool in view.only({project}).tools)
                removals.append(ToolRemoval(view.id, view.name, project, names))
    return tuple(removals)


def _with_blocked(
    current: Generation, views: list[View], accounts: Accounts, logins: set[str], may_remove: Pairs
) -> list[View]:
    """Return the views with what they would lose and may not yet.

    An account that is somebody else's now loses it in any case.
    """
    result = {view.id: view for view in views}
    for former in current.views:
        blocked = _blocked(former, may_remove)
        if former.id in result:
            view = result[former.id]
            kept = blocked.only(set(blocked.projects).difference(view.projects)).tools
            result[former.id] = view._replace(tools=(*view.tools, *kept))
        # The login name or the uid is another person's now, who must not find these tools.
        elif former.name in logins or not accounts.still_owns(former):
            continue
        elif blocked.tools or not former.tools:
            uid = accounts.uids.get(former.name)
            result[former.id] = blocked if uid is None else blocked._replace(uid=uid)
    return list(result.values())


def _blocked(view: View, may_remove: Pairs) -> View:
    """Return the view with the tools that may not be removed."""
    return view.only([name for name in view.projects if (view.id, name) not in may_remove])


def without(
    views: Iterable[View], failed: set[tuple[str, str, str]], current: Generation
) -> tuple[View, ...]:
    """Return the views where each failed tool (id, project, name) is as before, or left out."""
    result = []
    for view in views:
        former = current.view(view.id)
        tools = []
        for tool in view.tools:
            if (view.id, tool.project, tool.name) not in failed:
                tools.append(tool)
                continue
            old = former.find(tool.project, tool.name) if former else None
            if old:
                tools.append(old)
        result.append(view._replace(tools=tuple(tools)))
    return ordered(result)


def rolled_back(current: Generation, old: Generation) -> tuple[View, ...]:
    """Return what users had in ``old``, for the projects that they still have.

    What they have joined since stays as it is.
    """
    views = []
    for view in current.views:
        former = old.view(view.id)
        if former is None:
            views.append(view)
            continue
        joined = tuple(tool for tool in view.tools if tool.project not in former.projects)
        views.append(view._replace(tools=(*former.only(set(view.projects)).tools, *joined)))
    return ordered(views)


def lines(views: Iterable[View]) -> list[str]:
    """Return a line for each tool of each user, for diffs."""
    return [
        f"{view.name}: {tool.project} {tool.name} {tool.version}".rstrip()
        for view, tool in Generation(views=tuple(views)).tools
    ]


def same(left: Iterable[View], right: Iterable[View]) -> bool:
    """Return whether two sets of views are equal, except when their tools became ready."""
    return [_without_times(view) for view in left] == [_without_times(view) for view in right]


def _without_times(view: View) -> View:
    return view.map_tools(lambda tool: tool._replace(ready="", asked=""))
