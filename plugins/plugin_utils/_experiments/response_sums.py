# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sufficient statistics of the responses of an experiment: all that an analysis needs. Pure.

They are computed where the data are, and nothing else of the data travels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256

from ...module_utils._inference.arm_sums import ArmSums


@dataclass(frozen=True)
class ResponseSums:
    """Sums of one response over the units of one arm.

    ``x`` is the sum of the response in the pre-period of each unit, ``xx`` that of its squares,
    ``xn`` and ``xd`` those of its products with numerator and denominator. All are 0 without one.
    """

    arm: ArmSums
    x: float = 0.0
    xx: float = 0.0
    xn: float = 0.0
    xd: float = 0.0

    def __add__(self, other: ResponseSums) -> ResponseSums:
        """Return the sums of the units of both."""
        return ResponseSums(
            self.arm + other.arm,
            self.x + other.x,
            self.xx + other.xx,
            self.xn + other.xn,
            self.xd + other.xd,
        )


@dataclass(frozen=True)
class EventCounts:
    """Events by what became of them; each event is in one of the first five numbers.

    ``before_exposure`` are those before the first exposure of their unit and before its pre-period,
    ``after_window`` those after its window. ``of_other_units`` are of units that were not exposed,
    or in two arms. ``conflicting`` are duplicates whose values differ; the smallest one counts.
    """

    counted: int = 0
    in_pre_period: int = 0
    before_exposure: int = 0
    after_window: int = 0
    of_other_units: int = 0
    without_unit: int = 0
    duplicates: int = 0
    conflicting: int = 0

    def with_duplicates(self, events: int) -> EventCounts:
        """Return the counts with the duplicates among so many events."""
        distinct = (
            self.counted
            + self.in_pre_period
            + self.before_exposure
            + self.after_window
            + self.of_other_units
            + self.without_unit
        )
        return replace(self, duplicates=events - distinct)


@dataclass(frozen=True)
class LookData:
    """The data of one look: units by arm, and sums by response and arm."""

    units: Mapping[str, int]
    sums: Mapping[str, Mapping[str, ResponseSums]]
    events: EventCounts = field(default_factory=EventCounts)
    units_in_two_arms: int = 0

    @property
    def all_units(self) -> int:
        """Return the number of units in all arms."""
        return sum(self.units.values())

    def sums_of(self, response: str, arm: str) -> ResponseSums:
        """Return the sums of an arm, which are 0 without units."""
        return self.sums.get(response, {}).get(arm, ResponseSums(ArmSums()))

    def digest(self) -> str:
        """Return the hash of all numbers, by which an analysis is known to be of the same data."""
        text = json.dumps(asdict(self), sort_keys=True)
        return sha256(text.encode()).hexdigest()
