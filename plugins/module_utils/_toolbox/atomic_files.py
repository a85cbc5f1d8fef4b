# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files so that they are complete or do not exist."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any


def write(path: str, text: str, mode: int, *, lasting: bool = True) -> None:
    """Put a file in place in one rename; a ``lasting`` one is on the disk before that."""
    partial = f"{path}.new"
    # O_NOFOLLOW: root must not write through a link of this name.
    descriptor = os.open(
        partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode
    )
    # Files of the system such as pam_env.conf need not be UTF-8. This error handler writes other
    # bytes back unchanged.
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        # The umask has taken bits from the mode that open() was given.
        os.fchmod(descriptor, mode)
        file.write(text)
        file.flush()
        if lasting:
            os.fsync(descriptor)
    os.rename(partial, path)


def write_json(path: str, data: Any, *, lasting: bool = True) -> None:
    """Write data that only root reads."""
    write(path, json.dumps(data, sort_keys=True) + "\n", 0o600, lasting=lasting)


def read_json(path: str) -> Any:
    """Return the data; None if the file does not exist or is truncated."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def read_text(path: str) -> str:
    """Return the text; empty if the file does not exist."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def link(target: str, path: str) -> None:
    """Create a link, or replace an existing one, in one rename."""
    # symlink(2) fails if the name exists. rename(2) replaces it, so that a link exists at each
    # moment.
    partial = f"{path}.new"
    if os.path.lexists(partial):
        os.unlink(partial)
    os.symlink(target, partial)
    os.rename(partial, path)


def points_to(path: str) -> str:
    """Return where a link points to; empty if it is not a link."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def remove(path: str) -> None:
    """Remove a file, a folder or a link, but not a link's target."""
    # isdir() follows links, and rmtree() fails for one.
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def make_folder(path: str, mode: int) -> None:
    """Make a folder with exactly this mode."""
    os.makedirs(path, exist_ok=True)
    correct_mode(path, mode)


def correct_mode(path: str, mode: int) -> bool:
    """Restore the mode of a file or folder; return whether it had another."""
    wrong = os.lstat(path).st_mode & 0o7777 != mode
    if wrong:
        os.chmod(path, mode)
    return wrong
