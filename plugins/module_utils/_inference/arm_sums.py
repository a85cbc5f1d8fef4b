# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sufficient statistics of one arm, which add up over replicas, periods and files. Pure.

A metric is a ratio of two sums over units: errors of a visitor and its requests, revenue and 1.
Requests of one visitor depend on each other, so the variance is that between units.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Added to the errors and to the requests of an arm before its variance is estimated, so that an arm
# without a single error is not taken for one that cannot have any (Agresti and Coull, 1998).
_PSEUDO_EVENTS, _PSEUDO_TRIALS = 1.0, 2.0


@dataclass(frozen=True)
class ArmSums:
    """Sums over the units of an arm.

    ``numerators`` and ``denominators`` are sums; ``nn``, ``dd`` and ``nd`` are the sums of their
    squares and of their product over units.
    """

    units: int = 0
    numerators: float = 0.0
    denominators: float = 0.0
    nn: float = 0.0
    dd: float = 0.0
    nd: float = 0.0

    def __add__(self, other: ArmSums) -> ArmSums:
        """Return the sums of the units of both."""
        return ArmSums(
            self.units + other.units,
            self.numerators + other.numerators,
            self.denominators + other.denominators,
            self.nn + other.nn,
            self.dd + other.dd,
            self.nd + other.nd,
        )

    def scaled(self, weights: float, squares: float) -> ArmSums:
        """Return the sums of weighted requests, with their effective number as the denominator.

        ``weights`` is the sum of the weights, ``squares`` that of their squares (Kish, 1965).
        """
        factor = weights / squares if squares else 0.0
        return ArmSums(
            self.units,
            factor * self.numerators,
            factor * self.denominators,
            factor**2 * self.nn,
            factor**2 * self.dd,
            factor**2 * self.nd,
        )

    @property
    def ratio(self) -> float:
        """Return the ratio of the sums; 0 without a denominator."""
        return self.numerators / self.denominators if self.denominators else 0.0

    def ratio_variance(self) -> float:
        """Return the variance of the ratio, by the delta method over units.

        Deng, Knoblich and Lu: Applying the Delta Method in Metric Analytics (2018), equation 4.
        """
        if self.units < 2 or not self.denominators:
            return float("inf")
        ratio = self.ratio
        residuals = self.nn - 2 * ratio * self.nd + ratio**2 * self.dd
        spread = max(residuals, 0.0) * self.units / (self.units - 1)
        return spread / self.denominators**2

    def share_variance(self) -> float:
        """Return the variance of a share, such as that of errors: at least that of a binomial one.

        Where no unit has an error, the variance between units is 0, which proves nothing.
        """
        if not self.denominators:
            return float("inf")
        share = (self.numerators + _PSEUDO_EVENTS) / (self.denominators + _PSEUDO_TRIALS)
        binomial = share * (1 - share) / self.denominators
        return max(self.ratio_variance(), binomial)


def sums_of_units(pairs: Iterable[tuple[float, float]]) -> ArmSums:
    """Return the sums of units, each as its numerator and denominator."""
    units, sums = 0, [0.0] * 5
    for numerator, denominator in pairs:
        units += 1
        sums[0] += numerator
        sums[1] += denominator
        sums[2] += numerator**2
        sums[3] += denominator**2
        sums[4] += numerator * denominator
    return ArmSums(units, *sums)


def sums_of_requests(events: int, requests: int) -> ArmSums:
    """Return the sums of requests that are units themselves, each with an event or without one."""
    return ArmSums(requests, events, requests, events, requests, events)
