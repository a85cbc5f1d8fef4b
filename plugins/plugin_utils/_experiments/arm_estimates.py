# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimate a response of each arm, less what the pre-period explains. Pure.

With a pre-period the estimate is that of CUPED: the response is adjusted by its regression on the
same response before the experiment (Deng, Xu, Kohavi and Walker: Improving the Sensitivity of
Online Controlled Experiments by Utilizing Pre-Experiment Data, 2013). Its slope is that within all
arms. Ratios are adjusted by their linear part (Deng, Knoblich and Lu, 2018).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .experiment import RATE
from .factor_effects import RunResponses
from .response_sums import ResponseSums


@dataclass(frozen=True)
class ArmEstimate:
    """A response of one arm.

    ``variance`` is that of ``estimate``; it is infinite with fewer than two units. ``observed`` is
    the response without the adjustment. ``reduction`` is the part of the variance that the
    pre-period explains, 0 without one.
    """

    units: int
    observed: float
    estimate: float
    variance: float
    reduction: float = 0.0

    @property
    def standard_error(self) -> float:
        """Return the standard error of the estimate."""
        return math.sqrt(self.variance)

    def as_cell(self) -> RunResponses:
        """Return the arm as a cell of a design, with the variance of one unit."""
        variance = self.variance * self.units if math.isfinite(self.variance) else 0.0
        return RunResponses(self.units, self.estimate, variance)


def arm_estimates(sums: Mapping[str, ResponseSums], response_type: str) -> dict[str, ArmEstimate]:
    """Return the estimate of each arm. All arms together have one slope on the pre-period."""
    slope = pre_period_slope(sums.values())
    units = sum(each.arm.units for each in sums.values())
    mean = sum(each.x for each in sums.values()) / units if units else 0.0
    return {
        arm: _estimate(each, slope, mean, is_rate=response_type == RATE)
        for arm, each in sums.items()
    }


def pre_period_slope(sums: Iterable[ResponseSums]) -> float:
    """Return the slope of the response on that of the pre-period, within arms."""
    products, squares = 0.0, 0.0
    for each in sums:
        if each.arm.units > 1 and each.arm.denominators:
            products += _product(each)
            squares += _squares(each)
    return products / squares if squares > 0 else 0.0


def _estimate(sums: ResponseSums, slope: float, mean: float, *, is_rate: bool) -> ArmEstimate:
    arm = sums.arm
    variance = arm.share_variance() if is_rate else arm.ratio_variance()
    if not slope or not math.isfinite(variance):
        return ArmEstimate(arm.units, arm.ratio, arm.ratio, variance)
    spread = arm.nn - 2 * arm.ratio * arm.nd + arm.ratio**2 * arm.dd
    whole = spread / (arm.denominators / arm.units) ** 2
    explained = 2 * slope * _product(sums) - slope**2 * _squares(sums)
    reduction = min(explained / whole, 1.0) if whole > 0 else 0.0
    estimate = arm.ratio - slope * (sums.x / arm.units - mean)
    return ArmEstimate(arm.units, arm.ratio, estimate, variance * (1 - reduction), reduction)


def _product(sums: ResponseSums) -> float:
    """Return the sum over units of the linear part of the response times the pre-period's."""
    arm = sums.arm
    # The linear part of a unit is (n - ratio * d) / mean of d, whose sum over units is 0.
    return (sums.xn - arm.ratio * sums.xd) / (arm.denominators / arm.units)


def _squares(sums: ResponseSums) -> float:
    return max(sums.xx - sums.x**2 / sums.arm.units, 0.0)
