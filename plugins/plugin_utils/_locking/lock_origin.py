# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write the first lines of a lock, which name its origin. Pure.

By them a run knows without an index whether a lock is still that of its tool.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REQUIREMENTS = "# Locked by shipping.code.lock from: "
_PYTHONS = "# For Python: "


@dataclass(frozen=True)
class LockOrigin:
    """The origin of a lock: requirements, and versions of Python."""

    requirements: tuple[str, ...]
    pythons: tuple[str, ...]
    """Oldest first."""

    def header(self) -> str:
        """Return the first lines of the lock."""
        return (
            f"{_REQUIREMENTS}{', '.join(self.requirements)}\n{_PYTHONS}{', '.join(self.pythons)}\n"
        )


def pythons_in(lock: str) -> tuple[str, ...]:
    """Return the versions of Python of a lock; empty if it does not name them."""
    line = re.search(rf"^{_PYTHONS}(.*)$", lock, re.MULTILINE)
    return tuple(line[1].split(", ")) if line else ()


def has_origin(lock: str) -> bool:
    """Return whether a lock names its origin."""
    return lock.startswith(_REQUIREMENTS)


def without_origin(lock: str) -> str:
    """Return a lock without these lines."""
    return re.sub(rf"^(?:{_REQUIREMENTS}|{_PYTHONS}).*\n", "", lock, flags=re.MULTILINE)
