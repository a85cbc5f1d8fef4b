# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the official tools that render manifests on the control node."""

from __future__ import annotations

import os
import subprocess

from ...module_utils._core.errors import ShippingError, os_words
from ...module_utils._core.slow_calls import waiting_for

_TIMEOUT = 120


def missing(tools: str, path: str) -> ShippingError:
    """Return the error for a path whose tool is not installed."""
    return ShippingError(
        f"cannot render {path}",
        f"{tools} is not on the PATH of the control node",
        f"Install {tools} there, or give rendered manifests",
    )


def run(words: list[str], what: str, text: str = "") -> str:
    """Return the output of a command that gets a text; ``what`` is the event where it fails."""
    try:
        with waiting_for(os.path.basename(words[0])):
            done = subprocess.run(
                words,
                input=text,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise ShippingError(
            what, f"{words[0]} did not end within {_TIMEOUT} s", "Run it by hand to see more"
        ) from error
    except OSError as error:
        raise ShippingError(
            what, f"{words[0]}: {os_words(error)}", "Run it by hand to see more"
        ) from error
    if done.returncode:
        raise ShippingError(
            what,
            " ".join(done.stderr.split())[-600:] or f"it ended with {done.returncode}",
            "Correct it, and run it by hand to see more",
        )
    return done.stdout
