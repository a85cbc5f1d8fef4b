# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimate effects of factors of two levels by least squares with robust standard errors. Pure.

The standard errors are those of HC3 (MacKinnon and White, 1985; Long and Ervin: Using
Heteroscedasticity Consistent Standard Errors in the Linear Regression Model, 2000) with Student's
distribution, computed from the sums of the cells. A unit with a leverage of 1 has no residual, so
its standard errors are unknown; they are not computed then.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, combinations
from typing import Any

from ...module_utils._core.errors import ShippingError
from .designs import Design, effect_name
from .factor_effects import FactorEffect, RunResponses
from .scientific_packages import load_scipy

# 1 less this part is a leverage of 1 that was rounded.
_ROUNDING = 1e-9


def robust_effects(
    design: Design, cells: Sequence[RunResponses], *, alpha: float = 0.05, largest: int = 2
) -> list[FactorEffect]:
    """Return the effects of up to ``largest`` factors, those that are confounded once.

    An effect is twice the coefficient of its column of -1 and 1. The model has the mean and these
    effects, so what is left out is part of the residuals.
    """
    numpy, stats = load_scipy()

    names = _estimable(design, largest)
    columns = [(1,) * len(cells), *(design.column(name) for name in names)]
    matrix = numpy.array(columns).T
    units = numpy.array([cell.units for cell in cells])
    means = numpy.array([cell.mean for cell in cells])
    inverse = _inverse(numpy, matrix, units)
    coefficients = inverse @ (matrix.T @ (units * means))
    leverages = numpy.einsum("ij,jk,ik->i", matrix, inverse, matrix)
    _check_leverages(leverages, units)
    squares = (units - 1) * numpy.array([cell.variance for cell in cells])
    squares = squares + units * (means - matrix @ coefficients) ** 2
    weights = numpy.where(units > 0, squares / (1 - leverages) ** 2, 0.0)
    covariance = inverse @ (matrix.T * weights) @ matrix @ inverse
    freedom = int(units.sum()) - len(coefficients)
    limit = float(stats.t.ppf(1 - alpha / 2, freedom))
    aliases = design.aliases(largest)
    result = []
    for index, name in enumerate(names, 1):
        estimate, error = 2 * float(coefficients[index]), 2 * math.sqrt(covariance[index, index])
        statistic = estimate / error if error else math.copysign(math.inf, estimate)
        p_value = float(2 * stats.t.sf(abs(statistic), freedom))
        low, high = estimate - limit * error, estimate + limit * error
        others = tuple(aliases.get(name, ()))
        result.append(FactorEffect(name, estimate, error, statistic, p_value, low, high, others))
    return result


def _estimable(design: Design, largest: int) -> list[tuple[str, ...]]:
    """Return effects of which each has a column that none before it has."""
    sizes = range(1, min(largest, len(design.factors)) + 1)
    names = chain.from_iterable(combinations(design.factors, size) for size in sizes)
    columns: set[tuple[int, ...]] = {(1,) * len(design.runs)}
    result = []
    for name in names:
        column = design.column(name)
        opposite = tuple(-level for level in column)
        if column not in columns and opposite not in columns:
            columns.add(column)
            result.append(name)
    return result


def _inverse(numpy: Any, matrix: Any, units: Any) -> Any:
    information = (matrix.T * units) @ matrix
    if numpy.linalg.matrix_rank(information) < len(information):
        raise ShippingError(
            "the effects cannot be estimated",
            "too few cells of the design have units",
            "Wait for units in each cell, or estimate fewer interactions",
        )
    return numpy.linalg.inv(information)


def _check_leverages(leverages: Any, units: Any) -> None:
    for row, leverage in enumerate(leverages):
        if units[row] and leverage > 1 - _ROUNDING:
            raise ShippingError(
                "the standard errors cannot be estimated",
                f"run {row + 1} of the design has one unit with a leverage of 1, so no residual",
                "Wait for a second unit in it, or use Lenth's method",
            )


def describe(effect: FactorEffect) -> str:
    """Return an effect with its aliases, such as ``A × B (+ C × D)``."""
    if not effect.aliases:
        return effect_name(effect.factors)
    return f"{effect_name(effect.factors)} (+ {', '.join(map(effect_name, effect.aliases))})"
