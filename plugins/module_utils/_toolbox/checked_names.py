# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that become parts of paths, checked before they do. Pure."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ROOT = re.compile(r"(/[A-Za-z0-9_.-]+)+")
_PART = re.compile(r"[^/\x00-\x1f\x7f\\]+")

RESERVED = frozenset({"tools"})
"""Commands of our own, which no tool may have."""


def is_name(text: str) -> bool:
    """Whether a project or a tool may be called so."""
    return bool(_NAME.fullmatch(text))


def is_command(text: str) -> bool:
    """Whether a command may be called so; ``@`` is kept for command@project."""
    return bool(_COMMAND.fullmatch(text))


def is_login(text: str) -> bool:
    """Whether a login name can be a folder's name."""
    return bool(_LOGIN.fullmatch(text))


def is_variable(text: str) -> bool:
    """Whether an environment variable may be called so."""
    return bool(_VARIABLE.fullmatch(text))


def is_root(path: str) -> bool:
    """Whether the toolbox may be there: an absolute path that needs no quoting anywhere."""
    return bool(_ROOT.fullmatch(path)) and not {".", ".."} & set(path.split("/"))


def is_inside(path: str) -> bool:
    """Whether a path is relative and stays below where it begins."""
    parts = path.split("/")
    return bool(path) and all(_PART.fullmatch(part) and part not in (".", "..") for part in parts)


def slug(text: str) -> str:
    """What of a text may stand in a file's name."""
    return re.sub(r"[^A-Za-z0-9_.+-]", "-", text)[:40]
