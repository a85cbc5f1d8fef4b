# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variables of a view, as values and as text for shells. Pure.

Lists of folders join: those of all projects come before what the session has already.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from .generation_model import Tool, View

JOINED: Mapping[str, str | None] = {
    "ACLOCAL_PATH": None,
    "CMAKE_PREFIX_PATH": None,
    "CPATH": None,
    "GI_TYPELIB_PATH": None,
    # A trailing colon stands for what the program has of its own (manpath(1), info(1)).
    "INFOPATH": "",
    "LIBRARY_PATH": None,
    "MANPATH": "",
    "NODE_PATH": None,
    "PERL5LIB": None,
    "PKG_CONFIG_PATH": None,
    "PYTHONPATH": None,
    "RUBYLIB": None,
    "TERMINFO_DIRS": "",
    # The defaults of the XDG Base Directory Specification, which a value replaces.
    "XDG_CONFIG_DIRS": "/etc/xdg",
    "XDG_DATA_DIRS": "/usr/local/share:/usr/share",
}
"""Variables that are lists of folders, and what is added to one that is not set."""


Line = Callable[[str, str], str]
"""What a shell reads for a variable and its value, or one folder of its list."""


class ViewEnvironment(NamedTuple):
    """The variables of a view."""

    values: Mapping[str, str]
    folders: Mapping[str, tuple[str, ...]]
    """The lists that are joined."""

    def with_folder(self, name: str, folder: str) -> ViewEnvironment:
        """Return the environment with one more folder in a list."""
        folders = (folder, *self.folders.get(name, ()))
        return self._replace(folders={**self.folders, name: folders})

    def as_values(self) -> dict[str, str]:
        """Return the values in a session that has no such variables."""
        return {**self.values, **{name: _alone(name, own) for name, own in self.folders.items()}}


def _alone(name: str, folders: Iterable[str]) -> str:
    """Return the value of a variable that is not set yet."""
    default = JOINED[name]
    return ":".join(folders if default is None else (*folders, default))


def environment(view: View, base: str) -> ViewEnvironment:
    """Return the variables; ``base`` is where the view is."""
    values: dict[str, str] = {}
    folders: dict[str, list[str]] = {}
    for tool in ranked(view.tools):
        for name, text in tool.variables.items():
            value = text.replace("{share}", os.path.join(base, "share", tool.project))
            if name in JOINED:
                folders.setdefault(name, []).extend(filter(None, value.split(":")))
            else:
                values.setdefault(name, value)
    return ViewEnvironment(
        dict(sorted(values.items())),
        {name: tuple(dict.fromkeys(paths)) for name, paths in sorted(folders.items())},
    )


def ranked(tools: Iterable[Tool]) -> list[Tool]:
    """Return tools with those first that win a clash."""
    return sorted(tools, key=lambda tool: (-tool.priority, tool.project, tool.name))


def why_first(first: Tool, second: Tool) -> str:
    """Return why the first of two tools wins a clash."""
    if first.priority > second.priority:
        return "by its priority"
    return "by its name, since no priority decides"


def clashes(view: View) -> Iterator[str]:
    """Yield a note for each variable to which several tools give different values."""
    tools_by_name: dict[str, list[Tool]] = {}
    for tool in ranked(view.tools):
        for name in sorted(tool.variables.keys() - JOINED.keys()):
            tools_by_name.setdefault(name, []).append(tool)
    for name, (first, *others) in sorted(tools_by_name.items()):
        losers = [tool for tool in others if _value(tool, name) != _value(first, name)]
        if losers:
            names = ", ".join(dict.fromkeys(_owner(tool, first) for tool in losers))
            yield (
                f"{view.name}: the variable {name} has the value of {_owner(first, losers[0])}"
                f" {why_first(first, losers[0])}, not that of {names}"
            )


def _value(tool: Tool, name: str) -> str:
    value = tool.variables[name]
    # The folder is one of its own for each project.
    return value.replace("{share}", f"{{share}}/{tool.project}")


def _owner(tool: Tool, other: Tool) -> str:
    return f"{tool.project}/{tool.name}" if tool.project == other.project else tool.project


def _text(variables: ViewEnvironment, value_of: Line, folder_of: Line) -> str:
    lines = [value_of(name, value) for name, value in variables.values.items()]
    for name, folders in variables.folders.items():
        # Each one is added before what is there: the last is the first of the list.
        lines += [folder_of(name, folder) for folder in reversed(folders)]
    return "".join(lines)


def sh_text(variables: ViewEnvironment) -> str:
    """Return what a POSIX shell reads.

    It is read again by each shell that another one starts, so a folder is added only once.
    """
    return _text(variables, _sh_value, _sh_folder)


def sh_man_text(folder: str) -> str:
    """Return what adds a folder of man pages where MANPATH hides those beside the PATH."""
    return f'if [ -n "${{MANPATH-}}" ]; then\n{_sh_folder("MANPATH", folder)}fi\n'


def _sh_value(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}\n"


def _sh_folder(name: str, folder: str) -> str:
    quoted, default = shlex.quote(folder), JOINED[name]
    rest = f'"${{{name}:+:${name}}}"' if default is None else f'":${{{name}:-{default}}}"'
    return (
        f'case ":${{{name}-}}:" in\n'
        f"  *:{quoted}:*) ;;\n"
        f"  *) {name}={quoted}{rest}; export {name} ;;\n"
        "esac\n"
    )


def fish_text(variables: ViewEnvironment) -> str:
    """Return what fish reads."""
    return _text(variables, _fish_value, _fish_folder)


def fish_man_text(folder: str) -> str:
    """Return what adds a folder of man pages where MANPATH hides those beside the PATH."""
    return f'if test -n "$MANPATH"\n{_fish_folder("MANPATH", folder)}end\n'


def _fish_value(name: str, value: str) -> str:
    return f"set -gx {name} {fish_quoted(value)}\n"


def _fish_folder(name: str, folder: str) -> str:
    quoted = fish_quoted(folder)
    # Within quotes a variable is one text, also where fish takes it for a list.
    return (
        f'if not contains -- {quoted} (string split : -- "${name}")\n'
        f'  if test -n "${name}"\n'
        f'    set -gx {name} {quoted}:"${name}"\n'
        "  else\n"
        f"    set -gx {name} {fish_quoted(_alone(name, [folder]))}\n"
        "  end\n"
        "end\n"
    )


def fish_completions_text(folder: str) -> str:
    """Return what adds a folder of completions; fish has read XDG_DATA_DIRS before this."""
    quoted = fish_quoted(folder)
    return (
        f"contains -- {quoted} $fish_complete_path;"
        f" or set -g fish_complete_path {quoted} $fish_complete_path\n"
    )


def fish_quoted(value: str) -> str:
    """Return a word of fish."""
    # Within single quotes fish knows two escapes alone, for the backslash and for the quote;
    # shlex.quote() is for POSIX shells.
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
