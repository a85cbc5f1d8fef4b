# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Emit events, each with the mode and the revision of the source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ...module_utils._core.errors import ShippingError
from . import payloads
from .modes import Mode
from .payloads import Event

Put = Callable[[Event], None]


class Announcer:
    """The receiver of events, and the facts that each event has."""

    def __init__(self, put: Put) -> None:
        self.put = put
        self.revision = ""
        self._mode: Mode | None = None
        self._trouble = ""
        self._lag: float | None = None

    def facts(self) -> dict[str, Any]:
        """Return the facts that each event has."""
        return {"revision": self.revision, "mode": str(self._mode or "")}

    def change_mode(self, mode: Mode, reason: str, server: str) -> None:
        """Announce the mode of the source if it has changed."""
        if mode != self._mode:
            self._mode = mode
            self.put(payloads.event("mode", [], mode=str(mode), reason=reason, server=server))

    def trouble(self, error: ShippingError) -> None:
        """Announce each trouble once; missing heartbeats show that it continues."""
        text = str(error)
        if text != self._trouble:
            self._trouble = text
            cause = {"what": error.what, "cause": error.why, "hint": error.hint}
            self.put(payloads.event("trouble", [], **cause, **self.facts()))

    def recovered(self) -> None:
        """Announce the end of a trouble, if there was one."""
        if self._trouble:
            self._trouble = ""
            self.put(payloads.event("recovered", [], **self.facts()))

    def heartbeat(self, server: str, counts: dict[str, int]) -> None:
        """Announce that the source follows the directory."""
        # The clock of the directory may be ahead of the one here: no lag is negative.
        lag = {} if self._lag is None else {"lag_seconds": round(max(self._lag, 0.0), 3)}
        now = _iso(datetime.now(UTC))
        self.put(
            payloads.event(
                "heartbeat",
                [],
                connected=True,
                server=server,
                at=now,
                **lag,
                **counts,
                **self.facts(),
            )
        )

    def moments(self, seen: float, changed: datetime | None) -> dict[str, Any]:
        """Return when a change was seen, and when it was written if the directory reports that.

        The time between them is the lag of the heartbeats that follow.
        """
        moments = {"seen_at": _iso(datetime.fromtimestamp(seen, UTC))}
        if changed:
            moments["directory_changed_at"] = _iso(changed)
            self._lag = seen - changed.timestamp()
        return moments


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
