# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the commands of tools that this host cannot run, without running them."""

from __future__ import annotations

import os
from collections.abc import Iterable

from . import executables
from .failed_tool import FailedTool
from .generation_model import Tool, View
from .tool_store import Store
from .view_layout import search_path

_PATH = "/usr/local/bin:/usr/bin:/bin"


def stopped(views: Iterable[View], users: str, store: Store, arch: str) -> list[FailedTool]:
    """Return tools that were ready and cannot start any more.

    Such as after an update of the system that removed their interpreter.
    """
    failed_tools = []
    for view in views:
        base = os.path.join(users, view.name)
        for tool in view.tools:
            path = path_of(view, tool, base, store)
            failed = cannot_start(view, tool, path, store, arch) if tool.ready else None
            if failed:
                failed_tools.append(failed)
    return failed_tools


def path_of(view: View, tool: Tool, base: str, store: Store) -> str:
    """Return the PATH with which a tool is run."""
    needed = search_path(os.path.dirname(store.folder), view, tool)
    return ":".join(filter(None, (needed, f"{base}/bin", _PATH)))


def cannot_start(view: View, tool: Tool, path: str, store: Store, arch: str) -> FailedTool | None:
    """Return the failure of a command that this host cannot run, without running it."""
    for command, target in sorted(tool.commands.items()) if tool.place else ():
        full = store.path(tool.place, "files", target)
        problem = executables.problem(full, arch, path)
        if problem:
            return FailedTool(view, tool, f"its command {command} cannot run: {problem}")
    return None
