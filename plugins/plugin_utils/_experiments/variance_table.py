# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Analyze the variance of a design by factors of any number of levels. Pure.

Each factor and each interaction of two is tested by the others (sums of squares of type III), with
the pooled variance within cells. The tables of a balanced design are those of the textbooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations, pairwise, product
from typing import Any

from .designs import Design
from .factor_effects import RunResponses
from .scientific_packages import load_scipy


@dataclass(frozen=True)
class VarianceRow:
    """A row of the table: a factor or an interaction, with its F test."""

    factors: tuple[str, ...]
    freedom: int
    sum_of_squares: float
    statistic: float
    p_value: float


def variance_table(
    design: Design, cells: Sequence[RunResponses], largest: int = 2
) -> list[VarianceRow]:
    """Return the rows of factors and interactions that the cells can estimate.

    Without units beyond one in a cell there is no variance within cells, and so no row.
    """
    numpy, stats = load_scipy()

    freedom, squares = _within(cells)
    if freedom < 1 or squares <= 0:
        return []
    matrix, places = _model(numpy, design, largest)
    units = numpy.array([cell.units for cell in cells], dtype=float)
    information = (matrix.T * units) @ matrix
    if numpy.linalg.matrix_rank(information) < len(information):
        return []
    inverse = numpy.linalg.inv(information)
    coefficients = inverse @ (matrix.T @ (units * numpy.array([cell.mean for cell in cells])))
    rows = []
    for name, place in places.items():
        part = coefficients[place]
        size = float(part @ numpy.linalg.inv(inverse[numpy.ix_(place, place)]) @ part)
        statistic = size / len(place) / (squares / freedom)
        p_value = float(stats.f.sf(statistic, len(place), freedom))
        rows.append(VarianceRow(name, len(place), size, statistic, p_value))
    return rows


def _within(cells: Sequence[RunResponses]) -> tuple[int, float]:
    """Return the degrees of freedom and the sum of squares within cells."""
    within = [(cell.units - 1, cell.variance) for cell in cells if cell.units]
    squares = sum(number * variance for number, variance in within)
    return sum(number for number, _variance in within), squares


def _model(
    numpy: Any, design: Design, largest: int
) -> tuple[Any, dict[tuple[str, ...], list[int]]]:
    """Return the matrix of all effects that are not confounded, and the columns of each."""
    columns: list[Any] = [numpy.ones(len(design.runs))]
    places: dict[tuple[str, ...], list[int]] = {}
    sizes = range(1, min(largest, len(design.factors)) + 1)
    for name in chain.from_iterable(combinations(design.factors, size) for size in sizes):
        for column in _contrasts(numpy, design, name):
            if numpy.linalg.matrix_rank(numpy.array([*columns, column]).T) > len(columns):
                places.setdefault(name, []).append(len(columns))
                columns.append(column)
    return numpy.array(columns).T, places


def _contrasts(numpy: Any, design: Design, name: tuple[str, ...]) -> list[Any]:
    """Return the columns of a factor or of an interaction: each level against the next one."""
    parts = []
    for factor in name:
        column = design.columns()[design.factors.index(factor)]
        steps = pairwise(sorted(set(column)))
        parts.append([_step(numpy, column, low, high) for low, high in steps])
    return [numpy.prod(numpy.array(group), axis=0) for group in product(*parts)]


def _step(numpy: Any, column: Sequence[int], low: int, high: int) -> Any:
    levels = numpy.array(column)
    # Deviations from the mean, so that an interaction has nothing of its factors.
    top, bottom = (levels == high).astype(float), (levels == low).astype(float)
    return (top - top.mean()) - (bottom - bottom.mean())
