# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Man pages and completions among the files of a tool, and where man and the shells find them.

Pure. Below the folders that packages use everything counts. Elsewhere, as in most archives of
releases, a file counts if it has the name of one of the tool's commands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

# man-db looks for ../man beside each folder of the PATH (manpath(5)), so that no variable is set.
MAN = "man"
DATA = "data"
BASH = f"{DATA}/bash-completion/completions"
ZSH = f"{DATA}/zsh/site-functions"
FISH = f"{DATA}/fish/vendor_completions.d"

_PAGE = re.compile(r"(?P<name>.+)\.(?P<section>[1-9])[a-z]*(\.(gz|bz2|xz|zst|lzma))?")
_MAN_FOLDER = re.compile(r"(?:^|/)man/((?:[^/]+/)?man[1-9][a-z]*/[^/]+)$")
_FOLDERS = {
    "bash-completion/completions": BASH,
    "zsh/site-functions": ZSH,
    "zsh/vendor-completions": ZSH,
    "fish/vendor_completions.d": FISH,
}


def by_view_path(files: Iterable[str], commands: Collection[str]) -> dict[str, str]:
    """Return the file for each path of a view."""
    found: dict[str, str] = {}
    # Of two files for one path the first by its name, so that each host has the same.
    for path in sorted(files):
        place = "" if "/site-packages/" in path else _view_path(path, commands)
        if place:
            found.setdefault(place, path)
    return found


def _view_path(path: str, commands: Collection[str]) -> str:
    folder, _slash, name = path.rpartition("/")
    page = _MAN_FOLDER.search(path)
    if page and _PAGE.fullmatch(name):
        return f"{MAN}/{page[1]}"
    below = _FOLDERS.get("/".join(folder.split("/")[-2:]))
    if below:
        return f"{below}/{name}"
    return _page_of_command(name, commands) or _completion_of_command(name, commands)


def _page_of_command(name: str, commands: Collection[str]) -> str:
    page = _PAGE.fullmatch(name)
    if page is None or not any(_is_about(page["name"], command) for command in commands):
        return ""
    return f"{MAN}/man{page['section']}/{name}"


def _is_about(name: str, command: str) -> bool:
    """Return whether a page is that of a command or of a part of it, such as git-log."""
    return name == command or bool(re.match(rf"{re.escape(command)}-[A-Za-z]", name))


def _completion_of_command(name: str, commands: Collection[str]) -> str:
    for command in commands:
        if name in (f"{command}.bash", f"{command}.bash-completion"):
            return f"{BASH}/{command}"
        # Beginning with an underscore: zsh autoloads only functions of that name (zshcompsys(1)).
        if name in (f"_{command}", f"{command}.zsh", f"_{command}.zsh"):
            return f"{ZSH}/_{command}"
        if name == f"{command}.fish":
            return f"{FISH}/{name}"
    return ""
