# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Needs: tools of a project that another tool of it runs, such as the node of an npm tool. Pure."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator

from .failed_tool import FailedTool, Key
from .generation_model import Tool, View


def closure(view: View, tool: Tool) -> list[Tool]:
    """Return the tools that a tool needs and those that they need, nearest first."""
    needed: dict[str, Tool] = {}
    names = list(tool.needs)
    while names:
        name = names.pop(0)
        candidate = view.find(tool.project, name)
        if candidate and name not in needed:
            needed[name] = candidate
            names += candidate.needs
    return list(needed.values())


def folders(view: View, tool: Tool) -> list[str]:
    """Return the folders below the store that have the commands of what a tool needs."""
    unique: dict[str, None] = {}
    for needed in closure(view, tool):
        if needed.place:
            unique.update((os.path.join(needed.place, folder), None) for folder in _paths(needed))
    return list(unique)


def _paths(tool: Tool) -> list[str]:
    return sorted({os.path.dirname(f"files/{path}") for path in tool.commands.values()})


def with_needs(view: View, former: View | None) -> View:
    """Return the view with the needs that it lacks as the user has them now.

    Such as those of a tool that is held, after the catalog has dropped its needs.
    """
    if former is None:
        return view
    for tool in view.tools:
        # From what the user has now, since the need of a need may be lacking, too.
        for needed in closure(former, tool):
            if view.find(needed.project, needed.name) is None:
                view = view._replace(tools=(*view.tools, needed))
    return view


def to_test_again(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """Return the tools, those without their time of readiness that need one that is not ready."""
    view = View("", "", 0, tuple(tools))
    return tuple(
        tool if all(needed.ready for needed in closure(view, tool)) else tool._replace(ready="")
        for tool in view.tools
    )


def not_ready(views: Iterable[View], failed: Collection[Key]) -> Iterator[FailedTool]:
    """Yield the tools that cannot be ready, since what they need failed or is not there."""
    for view in views:
        yield from _not_ready_of(view, {key for key in failed if key[0] == view.id})


def that_need(unsent: Collection[Key], not_ready: Iterable[FailedTool]) -> list[FailedTool]:
    """Return those of the tools that need an unsent one, or one that needs it."""
    keys, found = set(unsent), []
    # A need comes before what needs it.
    for failure in not_ready:
        user, project, _name = failure.key
        if not keys.isdisjoint((user, project, name) for name in failure.tool.needs):
            keys.add(failure.key)
            found.append(failure)
    return found


def _not_ready_of(view: View, failed: set[Key]) -> Iterator[FailedTool]:
    before = -1
    while before != len(failed):
        before = len(failed)
        for tool in view.tools:
            reason = _problem(view, tool, failed)
            if reason:
                not_ready = FailedTool(view, tool, reason)
                failed.add(not_ready.key)
                yield not_ready


def _problem(view: View, tool: Tool, failed: set[Key]) -> str:
    if (view.id, tool.project, tool.name) in failed:
        return ""
    for name in tool.needs:
        is_there = view.find(tool.project, name) is not None
        # A tool that is ready works with the version of its need that stays.
        if (view.id, tool.project, name) in failed and not (is_there and tool.ready):
            return f"it needs {name}, which is not ready"
        if not is_there:
            return f"it needs {name}, which this user does not have on this host"
    return ""


def broken_by(view: View, tool: Tool) -> Iterator[FailedTool]:
    """Yield the needs that are new, for a tool whose self-test fails with them.

    The user keeps the tool with what it worked with before.
    """
    for needed in closure(view, tool):
        if not needed.ready:
            yield FailedTool(view, needed, f"{tool.name}, which needs it, fails with it")
