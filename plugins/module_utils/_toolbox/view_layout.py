# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute the contents of a user's view.

It has links to commands and files, variables, and the list that ``tools`` prints. Pure.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from .._core.text_table import text_table
from . import shell_files, tool_needs, view_environment
from .generation_model import Tool, View
from .view_environment import ranked, why_first

TOOLS = "tools"
TOOLS_SCRIPT = """\
#!/bin/sh
# List the tools of this user on this host: tools [--json]
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
    launchers: Mapping[str, str]
    """Scripts that start the commands of tools that need others."""


ShellFiles = Callable[[Tool], Mapping[str, str]]
"""From a tool to its man pages and completions: paths in its object by paths in a view."""


def contents(root: str, view: View, shell_files_of: ShellFiles) -> ViewContents:
    """Return the contents of a view."""
    links = {f"bin/{TOOLS}": f"../../../{TOOLS}"}
    launchers: dict[str, str] = {}
    for command, tools in _by_command(view).items():
        for number, tool in enumerate(tools):
            target = _stored(root, tool, tool.commands[command])
            path = search_path(root, view, tool)
            starts, content = (launchers, _launcher(path, target)) if path else (links, target)
            if number == 0:
                starts[f"bin/{command}"] = content
            if len(tools) > 1:
                starts[f"bin/{command}@{tool.project}"] = content
    for tool in view.tools:
        if tool.path:
            links[f"share/{tool.project}/{tool.path}"] = _stored(root, tool, tool.path)
    for path, tools in _by_shell_file(view, shell_files_of).items():
        links[path] = _stored(root, tools[0], shell_files_of(tools[0])[path])
    # By the link, so that an open shell finds the files of later generations, too.
    base = os.path.join(root, "current", "users", view.name)
    texts = {
        **_environment_files(view, base, links),
        "tools.txt": _table(view),
        "tools.json": json.dumps(_listing(view), indent=2) + "\n",
    }
    return ViewContents(links, texts, launchers)


def search_path(root: str, view: View, tool: Tool) -> str:
    """Return the folders with the commands of what a tool needs, as a part of PATH."""
    folders = tool_needs.folders(view, tool)
    return ":".join(os.path.join(root, "store", folder) for folder in folders)


def _launcher(path: str, target: str) -> str:
    # By paths of the store, not by the view: a process that outlives a switch may not enter the
    # views of former generations, and another project's command of the same name may win there.
    return (
        "#!/bin/sh\n# Starts a command with the commands that it needs on the PATH.\n"
        f'PATH={shlex.quote(path)}:$PATH\nexport PATH\nexec {shlex.quote(target)} "$@"\n'
    )


def _stored(root: str, tool: Tool, path: str) -> str:
    return os.path.join(root, "store", tool.place, "files", path)


def _environment_files(view: View, base: str, links: Mapping[str, str]) -> dict[str, str]:
    """Return the files that shells read for the variables and the completions of a view."""
    environment = view_environment.environment(view, base)
    man, fish = (os.path.join(base, part) for part in (shell_files.MAN, shell_files.FISH))
    if any(path.startswith(f"{shell_files.BASH}/") for path in links):
        environment = environment.with_folder("XDG_DATA_DIRS", os.path.join(base, shell_files.DATA))
    has_pages = any(path.startswith(f"{shell_files.MAN}/") for path in links)
    has_fish = any(path.startswith(f"{shell_files.FISH}/") for path in links)
    return {
        "env.sh": view_environment.sh_text(environment)
        + (view_environment.sh_man_text(man) if has_pages else ""),
        "env.fish": view_environment.fish_text(environment)
        + (view_environment.fish_man_text(man) if has_pages else "")
        + (view_environment.fish_completions_text(fish) if has_fish else ""),
    }


def clashes(view: View, shell_files_of: ShellFiles) -> list[str]:
    """Return notes on what several projects have, and which project the user gets it from."""
    return [
        *_clashes_of_commands(view),
        *view_environment.clashes(view),
        *_clashes_of_shell_files(view, shell_files_of),
    ]


def _clashes_of_commands(view: View) -> Iterator[str]:
    for command, tools in _by_command(view).items():
        if len(tools) > 1:
            others = ", ".join(f"{command}@{tool.project}" for tool in tools[1:])
            yield (
                f"{view.name}: {command} is the command of {tools[0].project}"
                f" {why_first(*tools[:2])}; also {others}"
            )


def _clashes_of_shell_files(view: View, shell_files_of: ShellFiles) -> Iterator[str]:
    """Yield one note for all files of the same projects."""
    paths: dict[tuple[str, str, str], list[str]] = {}
    for path, tools in _by_shell_file(view, shell_files_of).items():
        others = dict.fromkeys(tool.project for tool in tools[1:])
        others.pop(tools[0].project, None)
        if others:
            key = (tools[0].project, why_first(*tools[:2]), ", ".join(others))
            paths.setdefault(key, []).append(path)
    for (project, why, names), files in paths.items():
        yield f"{view.name}: {', '.join(files)}: of {project} {why}, not of {names}"


def _by_shell_file(view: View, shell_files_of: ShellFiles) -> dict[str, list[Tool]]:
    """Return the tools that have each man page and completion, by their rank."""
    by_path: dict[str, list[Tool]] = {}
    for tool in ranked(view.tools):
        for path in shell_files_of(tool) if tool.place else ():
            by_path.setdefault(path, []).append(tool)
    return dict(sorted(by_path.items()))


def _by_command(view: View) -> dict[str, list[Tool]]:
    """Return the tools that have each command, by their rank."""
    by_command: dict[str, list[Tool]] = {}
    for tool in ranked(view.tools):
        for command in tool.commands:
            by_command.setdefault(command, []).append(tool)
    return by_command


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
