# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare versions of programs and packages by their numbers. Pure."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)")


def version_numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, such as 1, 36 and 3 of ``v1.36.3+k3s1``.

    Builds from a branch have no number.
    """
    match = _NUMBERS.match(version)
    return tuple(map(int, match[1].split("."))) if match else ()


def dotted(numbers: tuple[int, ...]) -> str:
    """Return numbers as a version is written."""
    return ".".join(map(str, numbers))
