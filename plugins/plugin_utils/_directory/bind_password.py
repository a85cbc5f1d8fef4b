# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of the bind, from its sources. No error shows what was read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...module_utils._core.slow_calls import waiting_for
from .directory_errors import Inaccessible

_TIMEOUT = 30


def password(options: Mapping[str, Any]) -> str:
    """Return the password from ``bind_password``, a file or a command, whichever is set first.

    Without its line end.
    """
    text, path, command = (
        options.get(name)
        for name in ("bind_password", "bind_password_file", "bind_password_command")
    )
    if text:
        return str(text)
    if path:
        return _from_file(os.path.expanduser(str(path)))
    return _from_command([str(word) for word in command]) if command else ""


def _from_file(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Inaccessible(
            f"cannot read bind_password_file {path}",
            error.strerror or type(error).__name__,
            "Correct the path or its rights",
        ) from None
    # From None: this error holds the bytes that it could not decode, which are the password.
    except UnicodeDecodeError:
        raise Inaccessible(
            f"cannot read bind_password_file {path}",
            "it is no UTF-8 text",
            "Write only the password into it",
        ) from None
    # Only line ends, because a password may end with a space.
    return text.rstrip("\r\n")


def _from_command(words: list[str]) -> str:
    what = f"bind_password_command {words[0]} gave no password"
    hint = "Call it by hand; it is to print the password and nothing else"
    try:
        with waiting_for("bind_password_command"):
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise Inaccessible(what, f"it did not end within {_TIMEOUT} s", hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Inaccessible(
            what, getattr(error, "strerror", None) or type(error).__name__, hint
        ) from None
    if done.returncode or not done.stdout.strip():
        raise Inaccessible(
            what,
            f"it ended with {done.returncode}" if done.returncode else "it printed nothing",
            hint,
        )
    return done.stdout.rstrip("\r\n")
