# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Track changes that polling has found and no listener has reported.

This detects dead connections: a listener must report in time what the directory itself marks as
changed.
"""

from __future__ import annotations

import time


class UnreportedChanges:
    """The DNs of entries that a listener has yet to report, and since when."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._decided: set[str] = set()
        """The entries that were decided since the last poll."""

    def report(self, dns: set[str]) -> None:
        """Drop entries that a listener has reported."""
        for dn in dns & self._since.keys():
            del self._since[dn]

    def decided(self, dns: set[str]) -> None:
        """Keep the entries that were decided; polling is about to find them, too."""
        self._decided |= dns

    def unknown(self, polled: set[str], waiting: set[str]) -> set[str]:
        """Return entries that only polling has found, and that are neither decided nor waiting."""
        unknown = polled - waiting - self._decided
        self._decided = set()
        return unknown

    def expect(self, dns: set[str]) -> None:
        """Expect a listener to report these from now on."""
        self._since.update(dict.fromkeys(dns, time.monotonic()))

    def take_overdue(self, seconds: float) -> list[str]:
        """Return entries that were not reported for so long; if there are any, drop all."""
        now = time.monotonic()
        overdue = [dn for dn, since in self._since.items() if now - since >= seconds]
        if overdue:
            self._since.clear()
        return overdue
