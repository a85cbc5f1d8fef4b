# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute how many units an experiment needs before it starts. Pure.

An experiment that may be looked at often needs more units than a test with one look at the end. So
by default the power is that of the always-valid interval at the planned end; stopping early only
adds to it. Formulas of one look: Chow, Shao and Wang: Sample Size Calculations in Clinical Research
(2nd edition, 2008), sections 3.2 and 4.2.

    >>> rate = Question.of_shares(0.05, effect=0.01)
    >>> rate.units_needed(0.8), rate.at_one_look().units_needed(0.8)
    (31474, 16310)
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...module_utils._core.errors import ShippingError
from ...module_utils._inference.always_valid import critical_value
from ...module_utils._inference.arm_sums import ArmSums
from .scientific_packages import load_scipy

_NORMAL = statistics.NormalDist()
_MOST_UNITS = 10**12
_DAYS_OF_A_WEEK = 7


@dataclass(frozen=True)
class PowerQuestion:
    """A difference of two arms that an experiment is to find.

    ``variances`` are those of one unit in the former and in the new arm, ``shares`` the parts of
    the units that each of them gets. ``comparisons`` share ``alpha`` by the method of Holm, whose
    first step is planned for. ``is_sequential`` if the arms are compared more than once.
    """

    effect: float
    variances: tuple[float, float]
    alpha: float = 0.05
    comparisons: int = 1
    shares: tuple[float, float] = (0.5, 0.5)
    is_sequential: bool = True

    def __post_init__(self) -> None:
        """Reject numbers that no experiment can have."""
        _need(self.effect != 0 and math.isfinite(self.effect), "the effect", "0 or infinite")
        _need(min(self.variances) > 0, "the variance", "0: nothing varies")
        _need(0 < self.alpha < 1, "alpha", "not between 0 and 1")
        _need(min(self.shares) > 0, "the share of an arm", "0")

    @classmethod
    def of_means(cls, standard_deviation: float, effect: float) -> PowerQuestion:
        """Return the question for means of units."""
        return cls(effect, (standard_deviation**2, standard_deviation**2))

    @classmethod
    def of_shares(cls, share: float, effect: float) -> PowerQuestion:
        """Return the question for the share of units with an event, such as 0.05."""
        new = share + effect
        _need(0 < share < 1 and 0 < new < 1, "the share", "not between 0 and 1 in both arms")
        return cls(effect, (share * (1 - share), new * (1 - new)))

    @classmethod
    def of_ratios(cls, observed: ArmSums, effect: float) -> PowerQuestion:
        """Return the question for ratios, by the variance of observed units (delta method)."""
        variance = observed.ratio_variance() * observed.units
        _need(math.isfinite(variance), "the variance", "unknown: it needs two observed units")
        return cls(effect, (variance, variance))

    @classmethod
    def of_factor_effect(cls, standard_deviation: float, effect: float) -> PowerQuestion:
        """Return the question for an effect of a two-level design, or for an interaction.

        Half of all units have the high level, so each effect is one of two arms of half the units.
        """
        return cls.of_means(standard_deviation, effect)

    def among(self, comparisons: int) -> PowerQuestion:
        """Return the question as one of several that share alpha."""
        return replace(self, comparisons=max(comparisons, 1))

    def of_arms(self, weights: Mapping[str, float], former: str) -> PowerQuestion:
        """Return the question for several arms: the one with the smallest share is planned for."""
        others = [weight for arm, weight in weights.items() if arm != former and weight > 0]
        is_compared = bool(others) and weights.get(former, 0) > 0
        _need(is_compared, "the former arm", "alone or without units")
        total = sum(others) + weights[former]
        shares = (weights[former] / total, min(others) / total)
        return replace(self, shares=shares, comparisons=self.comparisons * len(others))

    def at_one_look(self) -> PowerQuestion:
        """Return the question for a test with one look, at the end."""
        return replace(self, is_sequential=False)

    def standard_error(self, units: float) -> float:
        """Return the standard error of the difference if all arms together have so many units."""
        parts = (
            variance / (share * units)
            for variance, share in zip(self.variances, self.shares, strict=True)
        )
        return math.sqrt(sum(parts))

    def power(self, units: float) -> float:
        """Return the probability to find the effect at the end, with so many units in all."""
        error = self.standard_error(units)
        alpha = self.alpha / self.comparisons
        if self.is_sequential:
            limit = critical_value(error, alpha=alpha, aim=abs(self.effect))
        else:
            limit = _NORMAL.inv_cdf(1 - alpha / 2)
        mean = abs(self.effect) / error
        return _NORMAL.cdf(mean - limit) + _NORMAL.cdf(-mean - limit)

    def units_needed(self, power: float = 0.8) -> int:
        """Return the smallest number of units in all arms together that has the power."""
        _need(0 < power < 1, "the power", "not between 0 and 1")
        units = _smallest(lambda number: self.power(number) >= power)
        # Whole units in each arm: the smallest arm is rounded up.
        in_arm = math.ceil(round(units * min(self.shares), 6))
        return math.ceil(round(in_arm / min(self.shares), 6))

    def smallest_effect(self, units: float, power: float = 0.8) -> float:
        """Return the smallest difference that so many units find with the power.

        The variances are taken to stay as they are.
        """
        low, high = 0.0, math.sqrt(max(self.variances)) * 1e6
        for _step in range(200):
            middle = (low + high) / 2
            is_enough = middle > 0 and replace(self, effect=middle).power(units) >= power
            low, high = (low, middle) if is_enough else (middle, high)
        return high


def power_of_t_test(effect: float, standard_deviation: float, units: Sequence[int]) -> float:
    """Return the power of Student's test at an alpha of 5 percent, for few units in two arms."""
    _numpy, stats = load_scipy()
    freedom = sum(units) - 2
    error = standard_deviation * math.sqrt(sum(1 / number for number in units))
    limit = stats.t.ppf(0.975, freedom)
    mean = effect / error
    return float(stats.nct.sf(limit, freedom, mean) + stats.nct.cdf(-limit, freedom, mean))


def expected_days(units: int, units_by_day: Sequence[float], share: float = 1.0) -> int | None:
    """Return the days until so many units are in the experiment; None if they never are.

    ``units_by_day`` are the units that were first seen on each day of an observed period; after it,
    each day is taken to have the mean of its last week. ``share`` is the part of them that is in
    the experiment.
    """
    _need(0 < share <= 1, "the share of the traffic", "not between 0 and 1")
    remaining = float(units)
    for day, number in enumerate(units_by_day, 1):
        remaining -= number * share
        if remaining <= 0:
            return day
    week = units_by_day[-_DAYS_OF_A_WEEK:]
    each_day = share * sum(week) / len(week) if week else 0.0
    return len(units_by_day) + math.ceil(remaining / each_day) if each_day > 0 else None


@dataclass(frozen=True)
class PowerPlan:
    """The units that an experiment needs, and those that it gets until its planned end."""

    needed: int
    needed_at_one_look: int
    planned: int
    power: float
    smallest_effect: float
    days: int | None

    @property
    def is_enough(self) -> bool:
        """Return whether the planned units are at least those that are needed."""
        return self.planned >= self.needed


def power_plan(
    question: PowerQuestion,
    planned: int | None = None,
    *,
    power: float = 0.8,
    units_by_day: Sequence[float] = (),
    share: float = 1.0,
) -> PowerPlan:
    """Return what an experiment needs; without ``planned`` it is planned for that."""
    needed = question.units_needed(power)
    units = needed if planned is None else planned
    return PowerPlan(
        needed,
        question.at_one_look().units_needed(power),
        units,
        question.power(units) if units else 0.0,
        question.smallest_effect(units, power) if units else math.inf,
        expected_days(units, units_by_day, share) if units_by_day else None,
    )


def check_power(plan: PowerPlan, *, is_forced: bool = False) -> None:
    """Raise ShippingError if an experiment is under-powered and not forced."""
    if plan.is_enough or is_forced:
        return
    raise ShippingError(
        "the experiment is under-powered",
        f"its {plan.planned} units find the effect with a probability of"
        f" {100 * plan.power:.0f} percent, and {plan.needed} units are needed",
        f"Plan {plan.needed} units, look for an effect of {plan.smallest_effect:.3g},"
        " or set force to true",
    )


def _smallest(is_enough: Callable[[float], bool]) -> float:
    low, high = 0.0, 2.0
    while not is_enough(high):
        low, high = high, high * 2
        _need(high < _MOST_UNITS, "the effect", f"so small that {_MOST_UNITS} units do not find it")
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _need(condition: object, what: str, cause: str) -> None:
    if not condition:
        raise ShippingError(
            "the power of the experiment cannot be computed",
            f"{what} is {cause}",
            "Correct the experiment",
        )
