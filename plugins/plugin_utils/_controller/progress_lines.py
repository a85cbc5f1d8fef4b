# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines for people, between those of the callback that prints the play."""

from __future__ import annotations

import io
import sys

from ansible import constants as C

# This module is imported in the process that prints, before it forks. Where its output goes to a
# pipe, as in CI, lines would be held back until there are 8 kB of them.
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(line_buffering=True)

_MACHINE_READABLE = ("json", "jsonl", "junit")


def is_quiet(progress: str) -> bool:
    """Whether they are unwelcome: no, yes, or as the callback needs it."""
    if progress == "auto":
        return (
            str(C.config.get_config_value("DEFAULT_STDOUT_CALLBACK")).rpartition(".")[2]
            in _MACHINE_READABLE
        )
    return progress == "never"
