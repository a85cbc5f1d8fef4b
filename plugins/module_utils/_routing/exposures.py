# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposures and events: the router's log as data. Pure.

A line is JSON with ``"shipping": "exposure"``; all other lines of a router's log are skipped. That
of an event has also ``"event": "NAME|VALUE|ID"``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

EVENTS = "events"
"""The end of the name of a route's backends that answer events."""
_NONE = "-"
# Half of a HMAC is enough to be one unit's alone; HAProxy writes it in capitals.
_UNIT_LENGTH = 32
_MARK = '"shipping":"exposure"'
# Each limit is about a tenth above the one before, so that a quantile is at most that far off.
_GROWTH = 1.1


@dataclass(frozen=True)
class Exposure:
    """One request. ``unit`` is the HMAC of the unit in hex, empty without a unit.

    ``time`` is in seconds since 1970, ``duration`` in milliseconds. ``is_assigned`` is False for
    testers and bots. ``is_complete`` if the client got a complete response.
    """

    app: str
    service: str
    route: str
    variant: str
    revision: int
    unit: str
    time: float
    status: int
    duration: int
    bytes_out: int
    is_assigned: bool
    is_complete: bool


@dataclass(frozen=True)
class Event:
    """One event that a client has sent, such as an order, with the variant at that time.

    ``unit`` is the HMAC as in an exposure. ``event_id`` is the client's own, by which an event that
    it has sent twice is one; empty without it.
    """

    app: str
    service: str
    route: str
    variant: str
    revision: int
    unit: str
    time: float
    name: str
    value: float | None
    event_id: str
    is_assigned: bool


@dataclass
class UnitSums:
    """Sums of the requests of one unit with one variant."""

    requests: int = 0
    errors: int = 0
    duration: int = 0
    duration_squares: int = 0


@dataclass
class VariantSums:
    """Sums of a variant; ``lost`` are requests without a complete response.

    ``durations`` counts requests by the upper limit of their class in milliseconds, from which
    quantiles are read.
    """

    requests: int = 0
    responses_4xx: int = 0
    responses_5xx: int = 0
    lost: int = 0
    bytes_out: int = 0
    durations: dict[int, int] = field(default_factory=dict)
    units: dict[str, UnitSums] = field(default_factory=dict)

    def add(self, exposure: Exposure) -> None:
        """Add one request."""
        self.requests += 1
        self.responses_4xx += exposure.status // 100 == 4
        self.responses_5xx += exposure.status // 100 == 5
        self.lost += not exposure.is_complete
        self.bytes_out += exposure.bytes_out
        limit = duration_class(exposure.duration)
        self.durations[limit] = self.durations.get(limit, 0) + 1
        if exposure.unit:
            self._add_to_unit(exposure)

    def _add_to_unit(self, exposure: Exposure) -> None:
        unit = self.units.setdefault(exposure.unit, UnitSums())
        unit.requests += 1
        unit.errors += exposure.status // 100 == 5 or not exposure.is_complete
        unit.duration += exposure.duration
        unit.duration_squares += exposure.duration**2

    def quantile(self, share: float) -> int:
        """Return the upper limit in milliseconds that a share of the requests stays below."""
        remaining = math.ceil(share * self.requests)
        for limit in sorted(self.durations):
            remaining -= self.durations[limit]
            if remaining <= 0:
                return limit
        return 0


def duration_class(milliseconds: int) -> int:
    """Return the upper limit of the class that a duration is counted in."""
    if milliseconds <= 1:
        return 1
    return math.ceil(_GROWTH ** math.ceil(math.log(milliseconds, _GROWTH) - 1e-9))


def read_exposures(lines: Iterable[str]) -> list[Exposure]:
    """Return the exposures among the lines of a log."""
    return [_exposure(line) for line in _routed(lines) if not line.is_for_events]


def read_events(lines: Iterable[str]) -> list[Event]:
    """Return the events among the lines of a log; those that the router rejected are left out."""
    return [
        _event(line)
        for line in _routed(lines)
        if line.is_for_events and line.fields.get("event", _NONE) != _NONE
    ]


def _routed(lines: Iterable[str]) -> list[_Line]:
    parsed = (_parsed(line) for line in lines if _MARK in line)
    return [line for line in parsed if line]


@dataclass(frozen=True)
class _Line:
    """The fields of a line that exposures and events have alike."""

    place: Mapping[str, Any]
    fields: Mapping[str, Any]
    is_for_events: bool


def _parsed(line: str) -> _Line | None:
    fields = _fields(line)
    row = str(fields.get("row", _NONE))
    if row == _NONE:  # a request without a route has no variant
        return None
    route, owner = row.split("|")[:2]
    app, _slash, service = owner.partition("/")
    unit = str(fields["unit"])
    revision = str(fields["table"]).partition(".")[0]
    place = {
        "app": app,
        "service": service,
        "route": route.removesuffix(f".{EVENTS}"),
        "variant": str(fields["choice"]).partition(".")[2],
        "revision": int(revision),
        "unit": "" if unit == _NONE else unit[:_UNIT_LENGTH].lower(),
        "time": float(fields["time"]),
        # Before the first change of weights, no unit has a bucket, and all have the variant stable.
        "is_assigned": fields["bucket"] != _NONE or (revision == "0" and unit != _NONE),
    }
    return _Line(place, fields, route.endswith(f".{EVENTS}"))


def _event(line: _Line) -> Event:
    name, value, event_id = (*str(line.fields["event"]).split("|"), "", "")[:3]
    return Event(**line.place, name=name, value=float(value) if value else None, event_id=event_id)


def _fields(line: str) -> Mapping[str, Any]:
    # Log drivers put times in front of a line, and cut one where the disk is full.
    start = line.find("{")
    try:
        fields = json.loads(line[start:])
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _exposure(line: _Line) -> Exposure:
    fields = line.fields
    return Exposure(
        **line.place,
        status=int(fields["status"]),
        duration=max(int(fields["ms"]), 0),
        bytes_out=int(fields["bytes"]),
        is_complete=_is_complete(str(fields["end"]), int(fields["status"])),
    )


def _is_complete(end: str, status: int) -> bool:
    # https://docs.haproxy.org/2.6/configuration.html#8.5: no abort, or a response of the router.
    return status > 0 and end[:1] in ("-", "L")


def sums_by_variant(exposures: Iterable[Exposure]) -> dict[tuple[str, str, str], VariantSums]:
    """Return the sums by (app, service, variant)."""
    sums: dict[tuple[str, str, str], VariantSums] = {}
    for exposure in exposures:
        key = (exposure.app, exposure.service, exposure.variant)
        sums.setdefault(key, VariantSums()).add(exposure)
    return sums
