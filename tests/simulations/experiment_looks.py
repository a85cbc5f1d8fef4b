# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of two arms that arrive look by look, and the comparisons of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy
from ansible_collections.shipping.code.plugins.module_utils._inference.arm_sums import ArmSums
from ansible_collections.shipping.code.plugins.module_utils._inference.sample_ratio import (
    mismatch_p_value,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.analysis import compare
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.arm_estimates import (
    ArmEstimate,
    arm_estimates,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment import (
    MEAN,
    RATE,
    Measure,
    Response,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.response_sums import (
    ResponseSums,
)

ALPHA, NAIVE_LIMIT = 0.05, 1.959964
_CHUNK = 250
Sums = tuple[numpy.ndarray, ...]


@dataclass(frozen=True)
class Population:
    """A response of units: its values in the control, and the effect of the new arm.

    ``draw`` returns values of the response and of the pre-period, for a number of runs and units.
    """

    name: str
    type: str
    draw: Callable[[numpy.random.Generator, tuple[int, int], float], Sums]
    effect: float
    aim: float


@dataclass(frozen=True)
class Plan:
    """Looks at equal distances until the control has its units; they count from ``min_units`` on.

    ``part`` is the number of units of the new arm by that of the control.
    """

    looks: int = 20
    units: int = 10_000
    min_units: int = 100
    part: float = 1.0


@dataclass
class Outcomes:
    """The outcomes of the runs.

    ``found`` are runs with an interval without 0 at any look, ``missed`` those whose interval did
    not cover the true difference at any look, ``naive`` those that a test of one look found at any,
    ``at_end`` those that this test found at the last look. ``stops`` are the looks of the first.
    """

    runs: int = 0
    found: int = 0
    missed: int = 0
    naive: int = 0
    at_end: int = 0
    stops: list[int] = field(default_factory=list)


def share_of(number: int, runs: int) -> tuple[float, float]:
    """Return a share in percent, and its Monte Carlo standard error."""
    share = number / runs
    return 100 * share, 100 * math.sqrt(share * (1 - share) / runs)


def rates(share: float) -> Callable[[numpy.random.Generator, tuple[int, int], float], Sums]:
    """Return how units with an event are drawn."""

    def draw(chance: numpy.random.Generator, shape: tuple[int, int], effect: float) -> Sums:
        values = (chance.random(shape, dtype=numpy.float32) < share + effect).astype(float)
        return values, numpy.zeros(shape)

    return draw


def lognormals(
    sigma: float, cap: float = math.inf
) -> Callable[[numpy.random.Generator, tuple[int, int], float], Sums]:
    """Return how very unequal units are drawn, such as those with revenue."""

    def draw(chance: numpy.random.Generator, shape: tuple[int, int], effect: float) -> Sums:
        values = numpy.minimum(chance.lognormal(0, sigma, shape), cap) + effect
        return values, numpy.zeros(shape)

    return draw


def with_pre_period(
    correlation: float,
) -> Callable[[numpy.random.Generator, tuple[int, int], float], Sums]:
    """Return how units are drawn whose response was correlated with itself before."""

    def draw(chance: numpy.random.Generator, shape: tuple[int, int], effect: float) -> Sums:
        before = chance.exponential(1.0, shape)
        noise = chance.exponential(1.0, shape)
        rest = math.sqrt(1 - correlation**2)
        return correlation * before + rest * noise + effect, before

    return draw


def simulate(population: Population, plan: Plan, runs: int, seed: int) -> Outcomes:
    """Return the outcomes of runs."""
    chance = numpy.random.default_rng(seed)
    outcomes = Outcomes()
    response = Response("r", population.type, Measure("e"), smallest_effect=population.aim)
    for begin in range(0, runs, _CHUNK):
        number = min(_CHUNK, runs - begin)
        looks = zip(
            _looks(chance, population, 0.0, (number, plan.units // plan.looks, plan)),
            _looks(
                chance,
                population,
                population.effect,
                (number, round(plan.units * plan.part) // plan.looks, plan),
            ),
            strict=True,
        )
        _follow(list(looks), population, plan, response, outcomes)
        outcomes.runs += number
    return outcomes


def _looks(
    chance: numpy.random.Generator,
    population: Population,
    effect: float,
    size: tuple[int, int, Plan],
) -> Iterator[list[ResponseSums]]:
    """Yield the sums of each run at each look."""
    runs, each, plan = size
    totals = numpy.zeros((5, runs))
    for look in range(1, plan.looks + 1):
        y, x = population.draw(chance, (runs, each), effect)
        products = (y, y * y, x, x * x, x * y)
        totals += numpy.array([part.sum(axis=1) for part in products])
        units = look * each
        yield [
            ResponseSums(ArmSums(units, n, units, nn, units, n), pre, xx, xn, pre)
            for n, nn, pre, xx, xn in totals.T.tolist()
        ]


def _follow(
    looks: list[tuple[list[ResponseSums], list[ResponseSums]]],
    population: Population,
    plan: Plan,
    response: Response,
    outcomes: Outcomes,
) -> None:
    for run in range(len(looks[0][0])):
        pairs = [(control[run], new[run]) for control, new in looks]
        _follow_run(pairs, population, plan, response, outcomes)


def _follow_run(
    pairs: list[tuple[ResponseSums, ResponseSums]],
    population: Population,
    plan: Plan,
    response: Response,
    outcomes: Outcomes,
) -> None:
    stop, is_missed, is_naive, is_significant = 0, False, False, False
    for look, (control_sums, new_sums) in enumerate(pairs, 1):
        if min(control_sums.arm.units, new_sums.arm.units) < plan.min_units:
            continue
        found = arm_estimates({"control": control_sums, "new": new_sums}, population.type)
        control, new = found["control"], found["new"]
        difference = compare(
            response, control, new, alpha=ALPHA, planned=round(plan.units * plan.part)
        )
        is_missed |= not difference.low <= population.effect <= difference.high
        if not stop and not difference.low <= 0 <= difference.high:
            stop = look
        is_significant = _is_significant(control, new)
        is_naive |= is_significant
    outcomes.found += stop > 0
    outcomes.missed += is_missed
    outcomes.naive += is_naive
    outcomes.at_end += is_significant
    if stop:
        outcomes.stops.append(stop)


def _is_significant(control: ArmEstimate, new: ArmEstimate) -> bool:
    error = math.sqrt(control.variance + new.variance)
    return error > 0 and abs(new.estimate - control.estimate) > NAIVE_LIMIT * error


def simulate_mismatch(share: float, runs: int, seed: int, plan: Plan) -> int:
    """Return in how many runs a share other than one half is found at any look."""
    chance = numpy.random.default_rng(seed)
    each = 2 * plan.units // plan.looks
    counts = numpy.cumsum(chance.binomial(each, share, (runs, plan.looks)), axis=1)
    found = 0
    for row in counts.tolist():
        found += any(
            mismatch_p_value({"a": count, "b": look * each - count}, {"a": 1.0, "b": 1.0}) <= 0.001
            for look, count in enumerate(row, 1)
        )
    return found


RATE_5 = Population("rate of 5 %", RATE, rates(0.05), 0.0, 0.015)
BETTER_RATE = Population("rate of 5 %, 1.5 points more", RATE, rates(0.05), 0.015, 0.015)
REVENUE = Population("mean, lognormal(2)", MEAN, lognormals(2.0), 0.0, 1.5)
CAPPED = Population("mean, lognormal(2) capped at 50", MEAN, lognormals(2.0, 50.0), 0.0, 0.8)
ADJUSTED = Population("mean with a pre-period, CUPED", MEAN, with_pre_period(0.7), 0.0, 0.05)
BETTER_ADJUSTED = Population(
    "mean with a pre-period, CUPED, 0.05 more", MEAN, with_pre_period(0.7), 0.05, 0.05
)
