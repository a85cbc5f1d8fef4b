# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that polling has found and no listener has reported.

A connection may be dead without a word. A listener that does not report within a while what the
directory itself marks as changed is taken for dead.
"""

from __future__ import annotations

import time


class UnreportedChanges:
    """The DNs of entries that a listener has yet to report, and since when."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._decided: set[str] = set()
        """What was decided since the last look."""

    def report(self, dns: set[str]) -> None:
        """Drop entries that a listener has reported."""
        for dn in dns & self._since.keys():
            del self._since[dn]

    def decided(self, dns: set[str]) -> None:
        """Keep the entries that were decided; polling is about to find them, too."""
        self._decided |= dns

    def unknown(self, polled: set[str], waiting: set[str]) -> set[str]:
        """Return what only polling has found, which is neither decided nor waiting for that."""
        unknown = polled - waiting - self._decided
        self._decided = set()
        return unknown

    def expect(self, dns: set[str]) -> None:
        """Expect a listener to report these from now on."""
        self._since.update(dict.fromkeys(dns, time.monotonic()))

    def take_overdue(self, seconds: float) -> list[str]:
        """Return what was not reported for so long; forget everything then."""
        now = time.monotonic()
        overdue = [dn for dn, since in self._since.items() if now - since >= seconds]
        if overdue:
            self._since.clear()
        return overdue
