# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a growing log again and again, and return each of its lines once. Pure.

A log is read since a second, and its lines come late: a line is written at the end of its request,
and replicas have clocks of their own. So each read begins before the end of the last one, and lines
that the last one had, too, are left out. Two requests may have equal lines, so lines are counted.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# The largest difference of two nodes' clocks, and the longest that a line is on its way.
OVERLAP = 10.0
_MOST_REMEMBERED = 10_000
_NUMBER = "!I"


@dataclass
class LogCursor:
    """The place in a log: read since ``since``, in seconds since 1970."""

    since: float
    read: Counter[int] = field(default_factory=Counter)

    def fresh(self, lines: Iterable[str]) -> list[str]:
        """Return those lines that the last read did not have."""
        remaining, found = Counter(self.read), Counter[int]()
        fresh = []
        for line in lines:
            number = zlib.crc32(line.encode())
            found[number] += 1
            if remaining[number]:
                remaining[number] -= 1
            else:
                fresh.append(line)
        self.read = found
        return fresh

    def advance(self, newest: float) -> None:
        """Let the next read begin before the time of the newest line."""
        self.since = max(self.since, newest - OVERLAP)

    def state(self, now: float) -> dict[str, Any]:
        """Return the place as JSON data.

        Of a log with very many lines, those until the next run begins may be left out: that
        concerns both variants, and counts none twice.
        """
        numbers = sorted(self.read.elements())
        if len(numbers) > _MOST_REMEMBERED:
            return {"since": now + OVERLAP, "read": ""}
        packed = b"".join(struct.pack(_NUMBER, number) for number in numbers)
        return {"since": self.since, "read": base64.b64encode(packed).decode()}


def restored_cursor(state: Mapping[str, Any]) -> LogCursor:
    """Return the place of a state."""
    packed = base64.b64decode(state["read"])
    numbers = (number for (number,) in struct.iter_unpack(_NUMBER, packed))
    return LogCursor(float(state["since"]), Counter(numbers))
