# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the container runtime, which all platforms share, if a container cannot start.

Texts: https://github.com/opencontainers/runc
"""

from __future__ import annotations

# Part of the error -> kind, text after "cannot start, because", whether a retry cannot help.
START_FAILURES: tuple[tuple[str, str, str, bool], ...] = (
    ("executable file not found", "start_failed", "its command does not exist in the image", True),
    (
        "exec format error",
        "wrong_architecture",
        "its image is built for another architecture",
        True,
    ),
    ("unable to find user", "start_failed", "its user does not exist in the image", True),
    (
        "no such file or directory",
        "start_failed",
        "a file that it needs does not exist in the image",
        False,
    ),
    ("permission denied", "start_failed", "its command is not executable", False),
)
