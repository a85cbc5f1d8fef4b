# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of the router's log by unit and arm, and its events, for the data of an experiment. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .exposures import Event, Exposure, read_events, read_exposures


@dataclass(frozen=True)
class LogPart:
    """A part of the log: arms of one service, from ``begin`` until just before ``end``.

    Times are in seconds since 1970.
    """

    app: str
    service: str
    arms: Collection[str]
    begin: float
    end: float

    def has(self, entry: Exposure | Event) -> bool:
        """Return whether an entry is that of a unit in one of the arms.

        Testers and bots are in no arm.
        """
        is_place = (entry.app, entry.service) == (self.app, self.service)
        is_time = self.begin <= entry.time < self.end
        return bool(is_place and is_time and entry.unit and entry.is_assigned) and (
            entry.variant in self.arms
        )


def exposure_rows(lines: Iterable[str], part: LogPart) -> list[list[object]]:
    """Return unit, arm, first, last, requests, errors and milliseconds of each unit and arm."""
    rows: dict[tuple[str, str], list[object]] = {}
    for entry in read_exposures(lines):
        if part.has(entry):
            key = (entry.unit, entry.variant)
            rows[key] = _with(rows.get(key) or [*key, entry.time, entry.time, 0, 0, 0], entry)
    return [row for _key, row in sorted(rows.items())]


def _with(row: list[object], entry: Exposure) -> list[object]:
    unit, arm, first, last, requests, errors, duration = row
    is_error = entry.status // 100 == 5 or not entry.is_complete
    return [
        unit,
        arm,
        min(float(str(first)), entry.time),
        max(float(str(last)), entry.time),
        int(str(requests)) + 1,
        int(str(errors)) + is_error,
        int(str(duration)) + entry.duration,
    ]


def event_rows(lines: Iterable[str], part: LogPart) -> list[list[object]]:
    """Return unit, arm, time, name, value and id of each event."""
    return [
        [entry.unit, entry.variant, entry.time, entry.name, entry.value, entry.event_id]
        for entry in read_events(lines)
        if part.has(entry)
    ]
