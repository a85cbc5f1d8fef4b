# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and events of two variants by unit, and by the share of the traffic at that time. Pure.

While the canary's share grows, an hour with many errors has another part of the canary's requests
than of stable's. So each request has a weight: the share of the other variant at that time. Both
variants then have the same part of each hour, and no weight is larger than 1. Source: Li, Morgan
and Zaslavsky: Balancing Covariates via Propensity Score Weighting (2018), section 3.1.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._inference.arm_sums import ArmSums
from .._routing.exposures import Exposure
from .ramp_checks import Arm, Arms, RequestCheck

CANARY, STABLE = 0, 1
# Half of the unit's HMAC in an exposure is enough to be one unit's alone.
_UNIT_LENGTH = 16
# A state with more units has groups of them: all annotations of an object of Kubernetes together
# have 256 KiB at most.
_MOST_ROWS = 4_000
_GROUPS = 1024
_MOST_FAILED = 2_000
_FAILED_LENGTH = 10
_GROUP = "g"

Place = tuple[int, float]
"""The variant, and the canary's share at the time of the request."""


@dataclass
class UnitTally:
    """Counts of requests and events, which are those of ``comparisons``, in their order.

    ``rows`` has the counts of each unit and place. The unit is empty for requests that are units
    themselves. ``failed`` has for each event the units that had it, or None once there were too
    many to remember: from then on no first event counts, which keeps the test valid.
    """

    comparisons: tuple[RequestCheck, ...]
    rows: dict[tuple[str, Place], list[int]] = field(default_factory=dict)
    failed: list[set[str] | None] = field(default_factory=list)
    first: list[Counter[Place]] = field(default_factory=list)
    known: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))
    former_units: tuple[int, int] = (0, 0)
    is_grouped: bool = False

    def __post_init__(self) -> None:
        """Begin with no event."""
        number = len(self.comparisons)
        self.failed = self.failed or [set() for _number in range(number)]
        self.first = self.first or [Counter() for _number in range(number)]

    def add(self, exposure: Exposure, arm: int, share: float) -> None:
        """Add one request; at a share of 0 or 1 nothing can be compared."""
        if not 0 < share < 1:
            return
        unit, place = exposure.unit[:_UNIT_LENGTH], (arm, share)
        if unit:
            self.known[arm].add(unit)
        row = self.rows.setdefault((self._key(unit), place), [0] * (1 + len(self.comparisons)))
        row[0] += 1
        for number, comparison in enumerate(self.comparisons):
            if _has_event(exposure, comparison):
                row[1 + number] += 1
                self._count_first(number, unit, place)

    def _key(self, unit: str) -> str:
        return _group_of(unit) if unit and self.is_grouped else unit

    def _count_first(self, number: int, unit: str, place: Place) -> None:
        failed = self.failed[number]
        if failed is None:
            return
        name = unit[:_FAILED_LENGTH]
        if unit and name in failed:
            return
        self.first[number][place] += 1
        if unit:
            failed.add(name)
            if len(failed) >= _MOST_FAILED:
                self.failed[number] = None

    def arms(self, comparison: RequestCheck) -> Arms:
        """Return both variants by one event."""
        number = self.comparisons.index(comparison)
        first: dict[float, tuple[int, int]] = {}
        for (arm, share), count in self.first[number].items():
            new, former = first.get(share, (0, 0))
            first[share] = (new + count, former) if arm == CANARY else (new, former + count)
        return Arms(self._arm(CANARY, number), self._arm(STABLE, number), first)

    def _arm(self, arm: int, number: int) -> Arm:
        sums = _Sums()
        for (unit, (of_arm, share)), row in self.rows.items():
            if of_arm == arm:
                sums.add(unit, 1 - share if arm == CANARY else share, row[0], row[1 + number])
        by_units = max(len(self.known[arm]), self.former_units[arm])
        return Arm(sums.arm_sums(), by_units + sums.alone, sums.requests, sums.events)

    def state(self) -> dict[str, Any]:
        """Return the counts as JSON data of at most some 100 kB."""
        rows, is_grouped = self.rows, self.is_grouped
        if len(rows) > _MOST_ROWS:
            rows, is_grouped = _grouped(rows), True
        data = {
            "rows": [[unit, *place, *row] for (unit, place), row in sorted(rows.items())],
            "failed": [None if found is None else sorted(found) for found in self.failed],
            "first": [
                [[*place, count] for place, count in sorted(of_event.items())]
                for of_event in self.first
            ],
            "units": [max(len(self.known[arm]), self.former_units[arm]) for arm in (0, 1)],
        }
        packed = zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)
        return {
            "events": [item.name for item in self.comparisons],
            "grouped": is_grouped,
            "data": base64.b64encode(packed).decode(),
        }


def restored_tally(comparisons: Sequence[RequestCheck], state: Mapping[str, Any]) -> UnitTally:
    """Return the tally of a state; an empty one if it has other events."""
    tally = UnitTally(tuple(comparisons))
    if state.get("events") != [item.name for item in comparisons]:
        return tally
    data = json.loads(zlib.decompress(base64.b64decode(state["data"])))
    tally.is_grouped = bool(state["grouped"])
    for unit, arm, share, *row in data["rows"]:
        tally.rows[unit, (arm, share)] = row
        if unit and not tally.is_grouped:
            tally.known[arm].add(unit)
    tally.former_units = (data["units"][0], data["units"][1])
    tally.failed = [None if found is None else set(found) for found in data["failed"]]
    tally.first = [
        Counter({(arm, share): count for arm, share, count in of_event})
        for of_event in data["first"]
    ]
    return tally


@dataclass
class _Sums:
    """Weighted sums of one variant: ``units`` has those of each unit, ``alone`` counts requests."""

    units: dict[str, list[float]] = field(default_factory=dict)
    # Requests that are units themselves: numerators, denominators, and their squares.
    of_requests: list[float] = field(default_factory=lambda: [0.0] * 4)
    alone: int = 0
    requests: int = 0
    events: int = 0
    weights: float = 0.0
    squares: float = 0.0

    def add(self, unit: str, weight: float, requests: int, events: int) -> None:
        self.requests += requests
        self.events += events
        self.weights += weight * requests
        self.squares += weight**2 * requests
        if unit:
            sums = self.units.setdefault(unit, [0.0, 0.0])
            sums[0] += weight * events
            sums[1] += weight * requests
            return
        self.alone += requests
        products = (weight * events, weight * requests, weight**2 * events, weight**2 * requests)
        self.of_requests = [former + new for former, new in zip(self.of_requests, products)]

    def arm_sums(self) -> ArmSums:
        """Return the sums with the effective number of requests as the denominator."""
        numerators, denominators, events, requests = self.of_requests
        pairs = self.units.values()
        sums = ArmSums(
            self.alone + len(self.units),
            numerators + sum(pair[0] for pair in pairs),
            denominators + sum(pair[1] for pair in pairs),
            # The square of an event of one request is the event itself.
            events + sum(pair[0] ** 2 for pair in pairs),
            requests + sum(pair[1] ** 2 for pair in pairs),
            events + sum(pair[0] * pair[1] for pair in pairs),
        )
        return sums.scaled(self.weights, self.squares)


def _has_event(exposure: Exposure, comparison: RequestCheck) -> bool:
    if comparison.edge:
        return exposure.duration > comparison.edge
    return exposure.status // 100 == 5 or not exposure.is_complete


def _group_of(unit: str) -> str:
    if unit.startswith(_GROUP):
        return unit
    return f"{_GROUP}{int(unit, 16) % _GROUPS}"


def _grouped(rows: Mapping[tuple[str, Place], list[int]]) -> dict[tuple[str, Place], list[int]]:
    """Return the rows of groups of units: their sums vary between groups as those of units do."""
    groups: dict[tuple[str, Place], list[int]] = {}
    for (unit, place), row in rows.items():
        key = (_group_of(unit) if unit else unit, place)
        former: Iterable[int] = groups.get(key, [0] * len(row))
        groups[key] = [before + new for before, new in zip(former, row)]
    return groups
