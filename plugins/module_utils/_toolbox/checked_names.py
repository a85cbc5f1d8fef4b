# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check names before they become parts of paths. Pure."""

from __future__ import annotations

import re

# No dot or hyphen at the beginning, where a name would be a hidden file, ``..`` or an option.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ROOT = re.compile(r"(/[A-Za-z0-9_.-]+)+")
_PART = re.compile(r"[^/\x00-\x1f\x7f\\]+")

RESERVED = frozenset({"tools"})
"""Commands of this collection, which no tool may have."""


def is_name(text: str) -> bool:
    """Return whether a project or a tool may have this name."""
    return bool(_NAME.fullmatch(text))


def is_command(text: str) -> bool:
    """Return whether a command may have this name; ``@`` is reserved for command@project."""
    return bool(_COMMAND.fullmatch(text))


def is_login(text: str) -> bool:
    """Return whether a login name can be a folder's name."""
    return bool(_LOGIN.fullmatch(text))


def is_variable(text: str) -> bool:
    """Return whether an environment variable may have this name."""
    return bool(_VARIABLE.fullmatch(text))


def is_root(path: str) -> bool:
    """Return whether the toolbox may be there: an absolute path that needs no quoting."""
    return bool(_ROOT.fullmatch(path)) and not {".", ".."} & set(path.split("/"))


def is_inside(path: str) -> bool:
    """Return whether a path is relative and stays below where it begins."""
    parts = path.split("/")
    return bool(path) and all(_PART.fullmatch(part) and part not in (".", "..") for part in parts)


def slug(text: str) -> str:
    """Return a text as a part of a file's name; other characters become hyphens."""
    return re.sub(r"[^A-Za-z0-9_.+-]", "-", text)[:40]
