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


@dataclass
class Weighted:
    """Requests and errors by visitor, each with the share of the other version at its time.

    ``squares`` are the sums of the squares of the weights, of the canary and of stable.
    """

    requests: numpy.ndarray
    errors: numpy.ndarray
    squares: list[float] = field(default_factory=lambda: [0.0, 0.0])

    @classmethod
    def of(cls, size: int) -> Weighted:
        """Return none yet."""
        return cls(numpy.zeros(size), numpy.zeros(size))

    def add(
        self, visitors: numpy.ndarray, failed: numpy.ndarray, is_new: numpy.ndarray, share: float
    ) -> None:
        """Add requests of one time."""
        weights = numpy.where(is_new, 1 - share, share)
        numpy.add.at(self.requests, visitors, weights)
        numpy.add.at(self.errors, visitors[failed], weights[failed])
        self.squares[0] += float((weights[is_new] ** 2).sum())
        self.squares[1] += float((weights[~is_new] ** 2).sum())


@dataclass(frozen=True)
class Seen:
    """Requests and errors so far by visitor, and which of them are canaries."""

    seconds: int
    requests: numpy.ndarray
    errors: numpy.ndarray
    is_canary: numpy.ndarray
    weight: float
    first_failures: Mapping[float, tuple[int, int]]
    weighted: Weighted


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
        arms = self.arms(seen)
        # Each of the two tests has half of alpha: a side of the interval, and first failures.
        is_harmful = harm_p_value(seen.first_failures) <= self.alpha / 2
        if min(arm.units for arm in arms) < self.min_units:
            return ROLL_BACK if is_harmful else UNDECIDED
        difference = share_difference(*arms, alpha=self.alpha, aim=self.margin)
        return non_inferior(difference, self.margin, is_harmful=is_harmful)

    def arms(self, seen: Seen) -> list[ArmSums]:
        """Return the sums of the canary and of stable."""
        arms, parts = [], (seen.is_canary, ~seen.is_canary)
        for chosen, squares in zip(parts, seen.weighted.squares, strict=True):
            requests = seen.weighted.requests
            sums = _sums(requests, seen.weighted.errors, chosen)
            arms.append(sums.scaled(float(requests[chosen].sum()), squares))
        return arms


@dataclass
class WithoutWeights(ByUnits):
    """The same with each request alike, whenever it was."""

    name: str = "without weights"

    def arms(self, seen: Seen) -> list[ArmSums]:
        """Return the sums of the canary and of stable."""
        chosen = (seen.is_canary, ~seen.is_canary)
        return [_sums(seen.requests, seen.errors, part) for part in chosen]


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
        WithoutWeights(),
        ByInterval(),
        ByRequests(),
        ByThreshold("Flagger, example", 0.99, 4),
        ByThreshold("Argo Rollouts, example", 0.95, 0),
        ByThreshold("Argo Rollouts, 99 %", 0.99, 0),
    ]


def _sums(requests: numpy.ndarray, errors: numpy.ndarray, chosen: numpy.ndarray) -> ArmSums:
    chosen = chosen & (requests > 0)
    errors, requests = errors[chosen], requests[chosen]
    return ArmSums(
        int(chosen.sum()),
        float(errors.sum()),
        float(requests.sum()),
        float((errors**2).sum()),
        float((requests**2).sum()),
        float((errors * requests).sum()),
    )
