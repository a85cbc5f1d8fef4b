# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delivery reports: who has what, what changes, and what the control machine has to send.

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
    """Return who has which projects, as in a membership record."""
    return [
        {"id": view.id, "name": view.name, "projects": view.projects} for view in generation.views
    ]


def users(views: tuple[View, ...]) -> list[dict[str, Any]]:
    """Return who has which tools, since when they were asked for and when they were ready."""
    return [
        {"id": view.id, "name": view.name, "tools": list(map(_tool, view.tools))} for view in views
    ]


def _tool(tool: Tool) -> dict[str, Any]:
    keys = ("project", "name", "type", "version", "description", "requested", "ready")
    return {**{key: getattr(tool, key) for key in keys}, "commands": sorted(tool.commands)}


def diff(before: tuple[View, ...], after: tuple[View, ...]) -> dict[str, str]:
    """Return the difference of two sets of views as Ansible shows it."""
    return {
        name: "".join(f"{line}\n" for line in targets.lines(views))
        for name, views in (("before", before), ("after", after))
    }


def missing(key: str, source: Source, facts: SystemFacts) -> dict[str, Any]:
    """Return what the control machine needs to know to send an object, and what it has to fit."""
    return {
        "object": key,
        "project": source.project,
        "tool": source.tool,
        "variant": source.variant,
        "system": INSTALLERS[source.type].system(source.details, facts),
    }
