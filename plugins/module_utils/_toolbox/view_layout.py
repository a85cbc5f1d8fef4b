# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a user's view.

Links to commands and files, variables, and the list that ``tools`` prints. Pure.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from .._core.text_table import text_table
from .generation_model import Tool, View

TOOLS = "tools"
TOOLS_SCRIPT = """\
#!/bin/sh
# Lists what this user has on this machine: tools [--json]
here=$(dirname "$0")
case "${1-}" in
  "") exec cat "$here/../tools.txt" ;;
  --json) exec cat "$here/../tools.json" ;;
  *) echo "usage: tools [--json]" >&2; exit 2 ;;
esac
"""


class ViewContents(NamedTuple):
    """The links and the small files of a view, by their path in it."""

    links: Mapping[str, str]
    texts: Mapping[str, str]


def contents(root: str, view: View) -> ViewContents:
    """Return everything of a view."""
    links = {f"bin/{TOOLS}": f"../../../{TOOLS}"}
    for command, tools in _by_command(view).items():
        for number, tool in enumerate(tools):
            target = os.path.join(root, "store", tool.place, "files", tool.commands[command])
            if number == 0:
                links[f"bin/{command}"] = target
            if len(tools) > 1:
                links[f"bin/{command}@{tool.project}"] = target
    for tool in view.tools:
        if tool.path:
            links[f"share/{tool.project}/{tool.path}"] = os.path.join(
                root, "store", tool.place, "files", tool.path
            )
    # By the link, so that a shell that is open finds the files of later generations, too.
    environment = variables(view, os.path.join(root, "current", "users", view.name))
    texts = {
        "env.sh": "".join(
            f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()
        ),
        "env.fish": "".join(
            f"set -gx {name} {_fish(value)}\n" for name, value in environment.items()
        ),
        "tools.txt": _table(view),
        "tools.json": json.dumps(_listing(view), indent=2) + "\n",
    }
    return ViewContents(links, texts)


def variables(view: View, base: str) -> dict[str, str]:
    """Return the environment variables; ``base`` is where the view is."""
    environment: dict[str, str] = {}
    for tool in sorted(view.tools, key=_rank):
        for name, value in tool.variables.items():
            environment.setdefault(
                name, value.replace("{share}", os.path.join(base, "share", tool.project))
            )
    return dict(sorted(environment.items()))


def clashes(view: View) -> list[str]:
    """Return notes on commands that more than one project has, and on what became of each."""
    notes = []
    for command, tools in _by_command(view).items():
        if len(tools) > 1:
            others = ", ".join(f"{command}@{tool.project}" for tool in tools[1:])
            why = (
                "by its priority"
                if tools[0].priority > tools[1].priority
                else "by its name, since no priority decides"
            )
            notes.append(
                f"{view.name}: {command} is the one of {tools[0].project} {why}; also {others}"
            )
    return notes


def _by_command(view: View) -> dict[str, list[Tool]]:
    """Return the tools that have each command, the one that wins first."""
    by_command: dict[str, list[Tool]] = {}
    for tool in sorted(view.tools, key=_rank):
        for command in tool.commands:
            by_command.setdefault(command, []).append(tool)
    return by_command


def _rank(tool: Tool) -> tuple[int, str, str]:
    return -tool.priority, tool.project, tool.name


def _fish(value: str) -> str:
    # Within single quotes fish knows two escapes alone, for the backslash and for the quote;
    # shlex.quote() is for POSIX shells.
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _listing(view: View) -> list[dict[str, object]]:
    return [
        {
            "project": tool.project,
            "tool": tool.name,
            "version": tool.version,
            "commands": sorted(tool.commands),
            "since": tool.requested,
            "description": tool.description,
        }
        for tool in view.tools
    ]


def _table(view: View) -> str:
    rows = [("COMMAND", "VERSION", "PROJECT", "SINCE", "")]
    for tool in view.tools:
        what = ", ".join(sorted(tool.commands)) or tool.path or ", ".join(sorted(tool.variables))
        rows.append(
            (
                what,
                tool.version or "-",
                tool.project,
                tool.requested.replace("T", " ")[:16],
                tool.description,
            )
        )
    return "".join(f"{line}\n" for line in text_table(rows))
