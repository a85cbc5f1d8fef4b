# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that decide about a canary, each by what it would see of the same stream of requests.

The thresholds of the peers are those of their documentation: Flagger's example (success rate of
each minute at least 99 percent, five failed checks; docs.flagger.app/usage/metrics), and Argo
Rollouts' condition (at least 95 percent) with its default of no failed measurement, also at 99.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy
from ansible_collections.shipping.code.plugins.module_utils._inference.always_valid import (
    share_difference,
)
from ansible_collections.shipping.code.plugins.module_utils._inference.arm_sums import ArmSums
from ansible_collections.shipping.code.plugins.module_utils._inference.first_failures import (
    harm_p_value,
)
from ansible_collections.shipping.code.plugins.module_utils._inference.verdicts import (
    PROMOTE,
    ROLL_BACK,
    UNDECIDED,
    non_inferior,
)

Counts = "numpy.ndarray[tuple[int], numpy.dtype[numpy.float64]]"
MINUTE = 60


@dataclass(frozen=True)
class Seen:
    """Requests and errors so far by visitor, and which of them are canaries."""

    seconds: int
    requests: numpy.ndarray
    errors: numpy.ndarray
    is_canary: numpy.ndarray
    weight: float
    first_failures: Mapping[float, tuple[int, int]]


class Rule(Protocol):
    """Decides at each look."""

    name: str

    def decide(self, seen: Seen) -> str:
        """Return promote, roll back or undecided."""


@dataclass
class ByUnits:
    """The rule of this collection: first failures, and sums by visitor, at each look."""

    name: str = "shipping.code"
    margin: float = 0.01
    alpha: float = 0.05
    min_units: int = 50

    def decide(self, seen: Seen) -> str:
        """Return the answer of the comparison."""
        arms = [_sums(seen, seen.is_canary), _sums(seen, ~seen.is_canary)]
        # Each of the two tests has half of alpha: a side of the interval, and first failures.
        is_harmful = harm_p_value(seen.first_failures) <= self.alpha / 2
        if min(arm.units for arm in arms) < self.min_units:
            return ROLL_BACK if is_harmful else UNDECIDED
        difference = share_difference(*arms, alpha=self.alpha, aim=self.margin)
        return non_inferior(difference, self.margin, is_harmful=is_harmful)


@dataclass
class ByInterval(ByUnits):
    """The same without first failures."""

    name: str = "without first failures"

    def decide(self, seen: Seen) -> str:
        """Return the answer of the comparison."""
        return super().decide(replace(seen, first_failures={}))


@dataclass
class ByRequests(ByUnits):
    """Intervals by requests, as if those of one visitor were independent."""

    name: str = "interval by requests"

    def decide(self, seen: Seen) -> str:
        """Return the answer of the comparison."""
        arms = []
        for chosen in (seen.is_canary, ~seen.is_canary):
            events, number = seen.errors[chosen].sum(), seen.requests[chosen].sum()
            arms.append(ArmSums(int(number), events, number, events, number, events))
        if min(arm.units for arm in arms) < self.min_units:
            return UNDECIDED
        difference = share_difference(*arms, alpha=self.alpha, aim=self.margin)
        return non_inferior(difference, self.margin)


@dataclass
class ByThreshold:
    """A threshold for the success rate of each minute; ends at the largest weight."""

    name: str
    least: float
    failures_allowed: int
    largest_weight: float = 0.5
    failures: int = 0
    before: tuple[float, float] = field(default=(0.0, 0.0))

    def decide(self, seen: Seen) -> str:
        """Return the answer after each minute."""
        if seen.seconds % MINUTE:
            return UNDECIDED
        errors = float(seen.errors[seen.is_canary].sum())
        requests = float(seen.requests[seen.is_canary].sum())
        new_errors, new = errors - self.before[0], requests - self.before[1]
        self.before = (errors, requests)
        # Without requests in the minute neither of the peers has a value to compare.
        if new and 1 - new_errors / new < self.least:
            self.failures += 1
            return ROLL_BACK if self.failures > self.failures_allowed else UNDECIDED
        return PROMOTE if seen.weight >= self.largest_weight else UNDECIDED


def rules() -> list[Rule]:
    """Return all rules, each new."""
    return [
        ByUnits(),
        ByInterval(),
        ByRequests(),
        ByThreshold("Flagger, example", 0.99, 4),
        ByThreshold("Argo Rollouts, example", 0.95, 0),
        ByThreshold("Argo Rollouts, 99 %", 0.99, 0),
    ]


def _sums(seen: Seen, chosen: numpy.ndarray) -> ArmSums:
    chosen = chosen & (seen.requests > 0)
    errors, requests = seen.errors[chosen], seen.requests[chosen]
    return ArmSums(
        int(chosen.sum()),
        float(errors.sum()),
        float(requests.sum()),
        float((errors**2).sum()),
        float((requests**2).sum()),
        float((errors * requests).sum()),
    )
