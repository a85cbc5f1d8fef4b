# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes in from a line.

Names of entries that are to be read again, in whatever thread it listens.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Notes:
    """What has come in; ``since`` is the second at which the first of it came."""

    dns: set[str] = field(default_factory=set)
    everything: bool = False
    failure: Exception | None = None
    since: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.dns or self.everything or self.failure)


class Inbox:
    """Where lines put their notes, and the source takes them."""

    def __init__(self) -> None:
        self._notes = Notes()
        self._some = threading.Condition()

    def note(self, dns: Iterable[str]) -> None:
        """These entries have changed, have come or are gone."""
        with self._some:
            self._arrived()
            self._notes.dns.update(dns)
            self._some.notify()

    def everything(self) -> None:
        """What has changed is not known."""
        with self._some:
            self._arrived()
            self._notes.everything = True
            self._some.notify()

    def fail(self, error: Exception) -> None:
        """The line has ended."""
        with self._some:
            self._arrived()
            self._notes.failure = self._notes.failure or error
            self._some.notify()

    def wake(self) -> None:
        """Let whoever waits look around."""
        with self._some:
            self._some.notify()

    def take(self, seconds: float) -> Notes:
        """What has come in, after so many seconds at the latest."""
        with self._some:
            if not self._notes:
                self._some.wait(max(seconds, 0))
            taken, self._notes = self._notes, Notes()
            return taken

    def _arrived(self) -> None:
        self._notes.since = self._notes.since or time.time()
