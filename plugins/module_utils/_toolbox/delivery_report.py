# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report a delivery: users with their tools, changes, and the content that the host lacks.

Pure.
"""

from __future__ import annotations

from typing import Any

from . import targets
from .generation_model import Generation, Tool, View
from .installer_registry import INSTALLERS
from .installers.installer import SystemFacts
from .wanted_tools import Source


def installed_state(generation: Generation) -> list[dict[str, Any]]:
    """Return the users with the projects of their tools, as in a host assignment."""
    return [
        {"id": view.id, "name": view.name, "projects": view.projects} for view in generation.views
    ]


def users(views: tuple[View, ...]) -> list[dict[str, Any]]:
    """Return the users with their tools, and when each was requested and ready."""
    return [
        {"id": view.id, "name": view.name, "tools": list(map(_tool, view.tools))} for view in views
    ]


def _tool(tool: Tool) -> dict[str, Any]:
    keys = ("project", "name", "type", "version", "description", "requested", "ready")
    return {**{key: getattr(tool, key) for key in keys}, "commands": sorted(tool.commands)}


def diff(
    before: tuple[View, ...],
    after: tuple[View, ...],
    of_host: tuple[list[str], list[str]] = ([], []),
) -> dict[str, str]:
    """Return the difference of two sets of views, and of the host, as Ansible shows it."""
    sides = zip(("before", "after"), (before, after), of_host)
    return {
        name: "".join(f"{line}\n" for line in [*targets.lines(views), *lines])
        for name, views, lines in sides
    }


def same_versions(before: tuple[View, ...], after: tuple[View, ...]) -> list[str]:
    """Return a note for each tool whose content changes while its version stays.

    Not for types whose content depends on the host's Python, which changes with the system.
    """
    former = {
        (view.id, tool.project, tool.name): tool for view, tool in Generation(views=before).tools
    }
    notes: dict[str, None] = {}
    for view, tool in Generation(views=after).tools:
        old = former.get((view.id, tool.project, tool.name), tool)
        if old.object != tool.object and _is_same_release(old, tool):
            notes[
                f"{tool.project} {tool.name} {tool.version} has other content or commands than"
                " before, although its version is the same. Give it another version in the"
                " catalog, so that users can distinguish them"
            ] = None
    return list(notes)


def _is_same_release(old: Tool, new: Tool) -> bool:
    return bool(
        new.version
        and (old.type, old.version) == (new.type, new.version)
        and not INSTALLERS[new.type].programs
    )


def missing(key: str, source: Source, facts: SystemFacts) -> dict[str, Any]:
    """Return what the controller needs to send an object: its source and the host's system."""
    return {
        "object": key,
        "project": source.project,
        "tool": source.tool,
        "variant": source.variant,
        "system": INSTALLERS[source.type].system(source.details, facts),
    }
