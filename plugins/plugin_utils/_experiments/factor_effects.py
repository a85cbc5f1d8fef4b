# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Effects of factors of two levels, by the means of the cells of a design.

An effect is the mean at the high level less that at the low one; that of an interaction is half of
the difference of two such effects. Without replicates, Lenth's method shows which effects are large
(Lenth: Quick and Easy Analysis of Unreplicated Factorials, Technometrics 31, 1989).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations

from .designs import Design
from .scientific_packages import load_scipy

_NORMAL = statistics.NormalDist()
# Of Lenth's pseudo standard error: the median of the absolute value of a normal deviate is 1 / 1.5.
_LENTH, _LENTH_LIMIT = 1.5, 2.5


@dataclass(frozen=True)
class RunResponses:
    """The responses of one run of a design: their number, mean and variance between units.

    ``variance`` is that of one unit. It is 0 if there is only one.
    """

    units: int
    mean: float
    variance: float = 0.0


@dataclass(frozen=True)
class FactorEffect:
    """The effect of a factor or of an interaction, with its interval.

    ``statistic`` is the effect by its standard error. Of Lenth's method the error is the pseudo
    standard error, and ``is_provisional`` is set.
    """

    factors: tuple[str, ...]
    estimate: float
    standard_error: float
    statistic: float
    p_value: float
    low: float
    high: float
    aliases: tuple[tuple[str, ...], ...] = ()
    is_provisional: bool = False


def effects_of(
    design: Design, cells: Sequence[RunResponses], *, alpha: float = 0.05, largest: int = 2
) -> list[FactorEffect]:
    """Return the effects of up to ``largest`` factors from replicated cells.

    Cells may have different variances, so the error of an effect is that of a contrast of means,
    with Satterthwaite's degrees of freedom. Of equal cells it is that of a pooled variance.
    """
    _numpy, stats = load_scipy()
    result = []
    aliases = design.aliases(largest)
    for factors in _names(design, largest):
        contrast = _contrast(design, factors)
        estimate = sum(weight * cell.mean for weight, cell in zip(contrast, cells, strict=True))
        parts = [
            weight**2 * cell.variance / cell.units
            for weight, cell in zip(contrast, cells, strict=True)
        ]
        error = math.sqrt(sum(parts))
        freedom = _freedom(parts, cells)
        statistic = estimate / error if error else math.inf
        half = float(stats.t.ppf(1 - alpha / 2, freedom)) * error
        result.append(
            FactorEffect(
                factors,
                estimate,
                error,
                statistic,
                float(2 * stats.t.sf(abs(statistic), freedom)),
                estimate - half,
                estimate + half,
                tuple(aliases.get(factors, ())),
            )
        )
    return result


def lenth_effects(
    design: Design, means: Sequence[float], *, alpha: float = 0.05, largest: int | None = None
) -> list[FactorEffect]:
    """Return the effects from one response a run, with the margin of error of Lenth.

    All effects of a full design are needed, since most of them are taken to be 0.
    """
    _numpy, stats = load_scipy()
    names = _names(design, largest or len(design.factors))
    estimates = {
        factors: sum(
            weight * mean for weight, mean in zip(_contrast(design, factors), means, strict=True)
        )
        for factors in names
    }
    error = pseudo_standard_error(list(estimates.values()))
    freedom = len(estimates) / 3
    half = float(stats.t.ppf(1 - alpha / 2, freedom)) * error
    return [
        FactorEffect(
            factors,
            estimate,
            error,
            estimate / error if error else math.inf,
            float(2 * stats.t.sf(abs(estimate) / error, freedom)) if error else 0.0,
            estimate - half,
            estimate + half,
            is_provisional=True,
        )
        for factors, estimate in estimates.items()
    ]


def pseudo_standard_error(estimates: Sequence[float]) -> float:
    """Return Lenth's pseudo standard error of effects."""
    sizes = [abs(estimate) for estimate in estimates]
    first = _LENTH * statistics.median(sizes)
    small = [size for size in sizes if size < _LENTH_LIMIT * first]
    return _LENTH * statistics.median(small) if small else 0.0


def half_normal_points(estimates: Sequence[float]) -> list[tuple[float, float]]:
    """Return the points of a half-normal plot: quantile and size, by size.

    Effects of chance lie on a line through 0 (Daniel, 1959).
    """
    sizes = sorted(abs(estimate) for estimate in estimates)
    number = len(sizes)
    quantiles = (_NORMAL.inv_cdf(0.5 + 0.5 * (rank + 0.5) / number) for rank in range(number))
    return list(zip(quantiles, sizes, strict=True))


def curvature(corners: Sequence[RunResponses], center: RunResponses) -> tuple[float, float]:
    """Return the mean of the corners less that of the center points, and its standard error."""
    mean = statistics.mean(cell.mean for cell in corners)
    spread = sum(cell.variance / cell.units for cell in corners) / len(corners) ** 2
    return mean - center.mean, math.sqrt(spread + center.variance / center.units)


def _names(design: Design, largest: int) -> list[tuple[str, ...]]:
    sizes = range(1, min(largest, len(design.factors)) + 1)
    return list(chain.from_iterable(combinations(design.factors, size) for size in sizes))


def _contrast(design: Design, factors: tuple[str, ...]) -> list[float]:
    """Return the weight of each run's mean in an effect."""
    column = design.column(factors)
    half = sum(1 for level in column if level) / 2
    return [level / half for level in column]


def _freedom(parts: Sequence[float], cells: Sequence[RunResponses]) -> float:
    spread = sum(
        part**2 / (cell.units - 1)
        for part, cell in zip(parts, cells, strict=True)
        if part and cell.units > 1
    )
    return sum(parts) ** 2 / spread if spread else math.inf
