# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute the properties of a design from its matrix. Pure.

Nothing is taken from how a design was made. Words and partial words are J-characteristics: the sum
of the product of some columns by the number of runs (Deng and Tang: Generalized Resolution and
Minimum Aberration Criteria for Plackett-Burman and Other Nonregular Factorial Designs, Statistica
Sinica 9, 1999).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations

from .designs import HIGH, LOW, Design

Effect = tuple[str, ...]
_LONGEST_WORD = 5


@dataclass(frozen=True)
class Word:
    """A product of factors that is constant (``coefficient`` is 1 or -1) or nearly so.

    ``I = ABCD`` is the word ABCD with a coefficient of 1, ``I = -ABC`` that of ABC with -1.
    """

    factors: Effect
    coefficient: float

    @property
    def is_full(self) -> bool:
        """Return whether the product is the same in each run."""
        return abs(self.coefficient) == 1


@dataclass(frozen=True)
class Alias:
    """A part of another effect that is in the estimate of an effect.

    The estimate is the effect and ``coefficient`` times ``other``.
    """

    effect: Effect
    other: Effect
    coefficient: float

    @property
    def is_partial(self) -> bool:
        """Return whether only a part of the other effect is in the estimate."""
        return abs(self.coefficient) != 1


@dataclass(frozen=True)
class DesignProperties:
    """The properties of a matrix: levels, balance, orthogonality, words, resolution and aliases.

    ``level_counts`` has the runs of each level of each factor. ``largest_correlation`` is that of
    two factors of two levels, 0 if they are orthogonal. ``resolution`` is None of a full design.
    ``generalized_resolution`` has the decimals that partly confounded effects result in.
    """

    runs: int
    level_counts: dict[str, dict[int, int]]
    is_balanced: bool
    is_orthogonal: bool
    largest_correlation: float
    words: tuple[Word, ...]
    resolution: int | None
    generalized_resolution: float | None
    aliases: tuple[Alias, ...]


def properties_of(design: Design, largest: int = 2) -> DesignProperties:
    """Return the properties of a design; aliases are among effects of up to ``largest`` factors."""
    columns = dict(zip(design.factors, design.columns(), strict=True))
    is_two_level = design.is_two_level
    words = tuple(_words(design)) if is_two_level else ()
    return DesignProperties(
        runs=len(design.runs),
        level_counts={
            name: dict(sorted(Counter(column).items())) for name, column in columns.items()
        },
        is_balanced=corners(design).is_balanced(),
        is_orthogonal=corners(design).is_orthogonal(),
        largest_correlation=_largest_correlation(design) if is_two_level else 0.0,
        words=words,
        resolution=len(words[0].factors) if words else None,
        generalized_resolution=_generalized_resolution(words),
        aliases=tuple(_aliases(design, largest)) if is_two_level else (),
    )


def corners(design: Design) -> Design:
    """Return the design without its center points, which take no part in effects."""
    if not design.is_two_level:
        return design
    runs = tuple(run for run in design.runs if all(level in (LOW, HIGH) for level in run))
    return Design(design.factors, runs, design.name)


def _words(design: Design) -> Iterator[Word]:
    """Yield the words, the shortest first; those longer than the resolution are full ones only."""
    plain = corners(design)
    shortest = 0
    for length in range(1, len(design.factors) + 1):
        if shortest and length > max(shortest, _LONGEST_WORD):
            return
        for factors in combinations(design.factors, length):
            coefficient = sum(plain.column(factors)) / len(plain.runs)
            if coefficient and (not shortest or length == shortest or abs(coefficient) == 1):
                shortest = shortest or length
                yield Word(factors, coefficient)


def _generalized_resolution(words: tuple[Word, ...]) -> float | None:
    if not words:
        return None
    shortest = len(words[0].factors)
    largest = max(abs(word.coefficient) for word in words if len(word.factors) == shortest)
    return shortest + 1 - largest


def _largest_correlation(design: Design) -> float:
    columns = corners(design).columns()
    return max((abs(_correlation(*pair)) for pair in combinations(columns, 2)), default=0.0)


def _correlation(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    number = len(first)
    means = sum(first) / number, sum(second) / number
    product = sum(a * b for a, b in zip(first, second, strict=True)) / number - means[0] * means[1]
    spread = (1 - means[0] ** 2) * (1 - means[1] ** 2)
    return product / math.sqrt(spread) if spread else 0.0


def _aliases(design: Design, largest: int) -> Iterator[Alias]:
    plain = corners(design)
    sizes = range(1, min(largest, len(design.factors)) + 1)
    effects = chain.from_iterable(combinations(design.factors, size) for size in sizes)
    columns = {effect: plain.column(effect) for effect in effects}
    for effect, column in columns.items():
        for other, other_column in columns.items():
            total = sum(a * b for a, b in zip(column, other_column, strict=True))
            # Effects of more factors are taken to be smaller: they are in those of fewer.
            if effect != other and total and len(other) >= len(effect):
                yield Alias(effect, other, total / len(plain.runs))
