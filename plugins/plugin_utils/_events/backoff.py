# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute the wait before the source reconnects."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

FIRST, LONGEST = 0.5, 60.0
REJECTED = 3600.0
"""The wait after a rejected password; a few of them lock an account in many directories."""


class Backoff:
    """The waits between attempts, each twice as long as the one before."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._failures = 0
        self._random = random.SystemRandom()

    def reset(self) -> None:
        """Begin with the shortest wait again, since an attempt has succeeded."""
        self._failures = 0

    def wait(self) -> None:
        """Wait for the next attempt."""
        self._failures += 1
        self._stop.wait(pause(self._failures, self._random))

    def wait_for_password(self, take_new_password: Callable[[], bool], seconds: float) -> None:
        """Wait for another password, and check for one at this interval.

        Each further attempt may lock the account, so only another password ends the wait early.
        """
        self._failures += 1
        deadline = time.monotonic() + REJECTED
        while not self._stop.wait(seconds) and time.monotonic() < deadline:
            if take_new_password():
                return


def pause(failures: int, chance: random.Random) -> float:
    """Return twice as many seconds after each failure, up to a minute, with 50 % jitter.

    The jitter keeps many sources from reconnecting at the same time.
    """
    return float(min(FIRST * 2 ** min(failures - 1, 10), LONGEST)) * chance.uniform(0.5, 1.5)
