# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the tools that a host has with those that it must have. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from . import tool_needs
from .generation_model import Generation, Tool, View, ordered
from .wanted_tools import WantedUser

Pairs = frozenset[tuple[str, str]]
"""Ids of users, each with a project."""


class Accounts(NamedTuple):
    """The host's accounts: the uid of a login name, the login name of a uid.

    None if there is no such account.
    """

    uids: Mapping[str, int | None]
    names: Mapping[int, str | None]

    def still_owns(self, view: View) -> bool:
        """Return whether the uid of a view does not belong to another user now."""
        return self.names.get(view.uid) in (None, view.name)

    def uid_of(self, view: View) -> int:
        """Return the uid of a view's login name now, or that of the view if no account has it."""
        uid = self.uids.get(view.name)
        return view.uid if uid is None else uid


LEFT, DROPPED, DECLARED, OTHER_PLATFORM = "left", "dropped", "declared", "platform"
"""Why tools are removed.

The user has left the project; the catalog has them no more, declares them under ``removed``, or has
them for other platforms only.
"""


class ToolRemoval(NamedTuple):
    """Tools of a project that a user loses, and why."""

    id: str
    name: str
    project: str
    tools: tuple[str, ...]
    cause: str = LEFT

    def as_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {**self._asdict(), "tools": list(self.tools)}

    def may_be_done(self, approved_removals: Pairs) -> bool:
        """Return whether it may be done before all workstations have answered."""
        if self.cause == LEFT:
            return (self.id, self.project) in approved_removals
        return self.cause == DECLARED


class ToolboxTarget(NamedTuple):
    """The views that a host must have, the removals, and notes for operators."""

    views: tuple[View, ...]
    removals: tuple[ToolRemoval, ...]
    blocked: tuple[ToolRemoval, ...] = ()
    """Those of the removals that are blocked."""
    unknown: tuple[str, ...] = ()
    """Users without an account on the host."""
    notes: tuple[str, ...] = ()


def target(
    current: Generation,
    users: Collection[WantedUser],
    accounts: Accounts,
    now: str,
    *,
    block_removals: bool = False,
    approved_removals: Pairs = frozenset(),
) -> ToolboxTarget:
    """Return the views that the host must have.

    With ``block_removals`` users that would lose a project keep it for now, unless
    ``approved_removals`` has it.
    """
    views: list[View] = []
    unknown, notes = [], []
    logins = set()
    for user in users:
        former = current.view(user.id)
        logins.add(user.name)
        uid = accounts.uids.get(user.name)
        if uid is not None:
            views.append(View(user.id, user.name, uid, _wanted_tools(user, former, now)))
        # The account may be unknown only because the directory client is down. No user loses tools
        # for that.
        elif former and accounts.still_owns(former):
            views.append(former.only(user.projects))
            notes.append(
                f"{user.name} has no account on this host now, and keeps the installed tools"
            )
        else:
            unknown.append(user.name)
    views = _with_needs(views, current)
    removals = tuple(_removals(current, views, {user.id: user for user in users}))
    blocked: tuple[ToolRemoval, ...] = ()
    if block_removals:
        blocked = tuple(
            removal for removal in removals if not removal.may_be_done(approved_removals)
        )
        views = _with_needs(_with_blocked(current, views, accounts, logins, blocked), current)
    return ToolboxTarget(ordered(views), removals, blocked, tuple(unknown), tuple(notes))


def _with_needs(views: Iterable[View], current: Generation) -> list[View]:
    return [tool_needs.with_needs(view, current.view(view.id)) for view in views]


def _wanted_tools(user: WantedUser, former: View | None, now: str) -> tuple[Tool, ...]:
    former = former or View(user.id, user.name, 0)
    tools = tool_needs.to_test_again(
        _with_state(tool, former, now, user.held) for tool in user.tools
    )
    names = {(tool.project, tool.name) for tool in tools}
    kept = user.undescribed(former.tools)
    return (*tools, *(tool for tool in kept if (tool.project, tool.name) not in names))


def _with_state(tool: Tool, former: View, now: str, held: Pairs) -> Tool:
    """Return the tool with its installed state, if it was installed in the same form.

    One that the catalog holds stays as it was.
    """
    old = former.find(tool.project, tool.name)
    if old is None:
        return tool._replace(requested=now)
    if (tool.project, tool.name) in held:
        return old
    # The same object with the same test: another difference, such as a priority, needs no new test.
    if old.as_wanted == tool or _what_is_tested(old) == _what_is_tested(tool):
        return tool._replace(place=old.place, requested=old.requested, ready=old.ready)
    return tool._replace(requested=now)


def _what_is_tested(tool: Tool) -> tuple[object, ...]:
    return tool.object, tool.packages, tool.self_test


def _removals(
    current: Generation, views: Iterable[View], users: Mapping[str, WantedUser]
) -> Iterator[ToolRemoval]:
    new = Generation(views=tuple(views))
    kept = {(view.id, tool.project, tool.name) for view, tool in new.tools}
    for view in current.views:
        lost: dict[tuple[str, str], list[str]] = {}
        for tool in view.tools:
            if (view.id, tool.project, tool.name) not in kept:
                cause = _cause(tool, users.get(view.id))
                lost.setdefault((tool.project, cause), []).append(tool.name)
        for (project, cause), names in sorted(lost.items()):
            yield ToolRemoval(view.id, view.name, project, tuple(names), cause)


def _cause(tool: Tool, user: WantedUser | None) -> str:
    if user is None or tool.project not in user.memberships:
        return LEFT
    name = (tool.project, tool.name)
    if name in user.removed:
        return DECLARED
    return OTHER_PLATFORM if name in user.for_other_platforms else DROPPED


def _with_blocked(
    current: Generation,
    views: list[View],
    accounts: Accounts,
    logins: set[str],
    removals: Iterable[ToolRemoval],
) -> list[View]:
    """Return the views with the tools whose removal is blocked.

    An account that belongs to another user now loses them in any case.
    """
    blocked = _names_by_user(removals)
    result = {view.id: view for view in views}
    for former in current.views:
        names = blocked.get(former.id, set())
        kept = tuple(tool for tool in former.tools if (tool.project, tool.name) in names)
        if former.id in result:
            view = result[former.id]
            result[former.id] = view._replace(tools=(*view.tools, *kept))
        elif (kept or not former.tools) and _is_free(former, accounts, logins):
            result[former.id] = former._replace(tools=kept, uid=accounts.uid_of(former))
    return list(result.values())


def _is_free(former: View, accounts: Accounts, logins: set[str]) -> bool:
    """Return whether neither the login name nor the uid is another user's now.

    The other user must not get these tools.
    """
    return former.name not in logins and accounts.still_owns(former)


def _names_by_user(removals: Iterable[ToolRemoval]) -> dict[str, set[tuple[str, str]]]:
    """Return projects and names of the tools by the user's id."""
    names: dict[str, set[tuple[str, str]]] = {}
    for removal in removals:
        of_user = names.setdefault(removal.id, set())
        of_user.update((removal.project, tool) for tool in removal.tools)
    return names


def without(
    views: Iterable[View], failed: set[tuple[str, str, str]], current: Generation
) -> tuple[View, ...]:
    """Return the views with each failed tool (id, project, name) as before, or without it."""
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
    """Return the views of ``old``, for the projects that users still have.

    Tools of projects that they have joined since stay as they are.
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
    return view.map_tools(lambda tool: tool._replace(ready="", requested=""))
