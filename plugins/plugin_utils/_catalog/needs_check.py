# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what tools of a project need of each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._core.errors import suggestion
from .document_reader import DocumentNode

Tools = Mapping[str, Mapping[str, Any]]


def check_needs(places: Mapping[str, DocumentNode], tools: Iterable[Mapping[str, Any]]) -> None:
    """Note a problem for each need that no tool can meet; ``places`` are those of all tools."""
    # With the names of tools that have problems of their own, so that one slip is one problem.
    names = list(places)
    by_name = {tool["name"]: tool for tool in tools}
    for name, tool in by_name.items():
        needs = places[name].get("needs") if tool["needs"] else None
        for element in needs.elements() if needs else ():
            problem = _problem(name, str(element.value), names, by_name)
            if problem:
                element.problem(problem)


def _problem(name: str, need: str, names: list[str], tools: Tools) -> str:
    if need not in names:
        hint = suggestion(need, names) or ". Add it to tools"
        return f"{name} needs {need}, which is not a tool of this project{hint}"
    if need not in tools:
        return ""
    circle = _circle(name, need, tools)
    # Once for all tools of the circle.
    if circle and name == min(circle):
        return f"needs lead in a circle: {' needs '.join(circle)}. Remove one of them"
    for command, path in _commands(tools[need]).items():
        if path.rpartition("/")[2] != command:
            return (
                f"{name} cannot find the command {command} of {need} by its PATH: its file is"
                f" {path}. Give the command the name of its file"
            )
    return ""


def _circle(name: str, need: str, tools: Tools) -> list[str]:
    """Return the way from a tool over this need back to it; nothing if there is not any."""
    ways = [[name, need]]
    seen = set()
    while ways:
        way = ways.pop()
        if way[-1] == name:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [[*way, further] for further in tools.get(way[-1], {}).get("needs", ())]
    return []


def _commands(tool: Mapping[str, Any]) -> dict[str, str]:
    """Return the paths by command, also those of single platforms."""
    commands = dict(tool["commands"])
    for variant in tool["variants"]:
        own = variant.get("commands")
        commands.update(own if isinstance(own, dict) else {})
    return commands
