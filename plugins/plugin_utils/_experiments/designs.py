# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Designs of experiments: which levels of which factors run together. Pure.

Each design is a matrix of levels, one run a row, one factor a column. Properties are computed from
the matrix and never taken from its construction. Source: Box, Hunter and Hunter: Statistics for
Experimenters (2nd edition, 2005), chapters 5, 6 and 7.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product

from ...module_utils._core.errors import ShippingError

LOW, HIGH = -1, 1
Run = tuple[int, ...]
# The generators of Plackett and Burman (1946), by the number of runs; each row is the one before,
# shifted by one place, and the last one has all factors at their low level.
_PLACKETT_BURMAN = {
    8: "+++-+--",
    12: "++-+++---+-",
    16: "++++-+-++--+---",
    20: "++--++++-+-+----++-",
    24: "+++++-+-++--++--+-+----",
}
# Generators of the fractions with the highest resolution and the least aberration, by factors and
# runs (Box, Hunter and Hunter, table 6.22): each names the columns whose product is a new factor.
_FRACTIONS = {
    (3, 4): ("AB",),
    (4, 8): ("ABC",),
    (5, 8): ("AB", "AC"),
    (5, 16): ("ABCD",),
    (6, 8): ("AB", "AC", "BC"),
    (6, 16): ("ABC", "BCD"),
    (6, 32): ("ABCDE",),
    (7, 8): ("AB", "AC", "BC", "ABC"),
    (7, 16): ("ABC", "BCD", "ACD"),
    (7, 32): ("ABCD", "ABDE"),
    (7, 64): ("ABCDEF",),
    (8, 16): ("BCD", "ACD", "ABC", "ABD"),
    (8, 32): ("ABC", "ABD", "BCDE"),
    (8, 64): ("ABCD", "ABEF"),
}
LETTERS = "ABCDEFGHJK"


@dataclass(frozen=True)
class Design:
    """A design: names of the factors, and the runs.

    Levels of factors with two levels are -1 and 1, those of others 0, 1, 2 and so on. ``blocks``
    has the block of each run, and is empty without blocks.
    """

    factors: tuple[str, ...]
    runs: tuple[Run, ...]
    name: str
    blocks: tuple[int, ...] = ()

    @property
    def is_two_level(self) -> bool:
        """Return whether each factor has the levels -1 and 1, and center points at most."""
        return all(set(column) <= {LOW, 0, HIGH} for column in self.columns())

    def columns(self) -> list[Run]:
        """Return the levels of each factor."""
        return [tuple(run[index] for run in self.runs) for index in range(len(self.factors))]

    def column(self, effect: Sequence[str]) -> Run:
        """Return the product of the columns of some factors: that of their interaction."""
        indices = [self.factors.index(name) for name in effect]
        return tuple(math.prod(run[index] for index in indices) for run in self.runs)

    def is_balanced(self) -> bool:
        """Return whether each level of a factor is in as many runs as the others."""
        counts = ({column.count(level) for level in set(column)} for column in self.columns())
        return all(len(numbers) == 1 for numbers in counts)

    def is_orthogonal(self) -> bool:
        """Return whether each pair of levels of two factors is in as many runs as the others."""
        for first, second in combinations(self.columns(), 2):
            pairs = list(zip(first, second, strict=True))
            expected = {*product(set(first), set(second))}
            if {*pairs} != expected or len({pairs.count(pair) for pair in expected}) > 1:
                return False
        return True

    def aliases(self, largest: int = 2) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
        """Return the effects of up to ``largest`` factors, each with those it is confounded with.

        Two effects are confounded where their columns are equal, or opposite.
        """
        by_column: dict[Run, list[tuple[str, ...]]] = {}
        for effect in _effects(self.factors, largest):
            column = self.column(effect)
            key = min(column, tuple(-level for level in column))
            by_column.setdefault(key, []).append(effect)
        found: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for group in by_column.values():
            for effect in group if len(group) > 1 else ():
                found[effect] = [other for other in group if other != effect]
        return found

    def resolution(self) -> int | None:
        """Return the length of the shortest word of the defining relation; None of a full design.

        Of a design whose effects are partly confounded, such as Plackett and Burman's, it is 3.
        """
        for length in range(1, len(self.factors) + 1):
            for word in combinations(self.factors, length):
                total = abs(sum(self.column(word)))
                if total == len(self.runs):
                    return length
                if length == 3 and total:
                    return length
        return None

    def folded_over(self) -> Design:
        """Return the design with each run once more, at the opposite levels of all factors.

        Main effects are then free of interactions of two factors.
        """
        _need_two_levels(self, "folded over")
        opposite = tuple(tuple(-level for level in run) for run in self.runs)
        blocks = (*(0 for _run in self.runs), *(1 for _run in opposite))
        return Design(self.factors, self.runs + opposite, f"{self.name}, folded over", blocks)

    def with_center_points(self, number: int) -> Design:
        """Return the design with runs at the middle of all factors, which show curvature."""
        _need_two_levels(self, "given center points")
        middle = (0,) * len(self.factors)
        blocks = (*self.blocks, *(0 for _run in range(number))) if self.blocks else ()
        name = f"{self.name}, {number} center points"
        return Design(self.factors, self.runs + (middle,) * number, name, blocks)

    def in_blocks(self, effects: Sequence[Sequence[str]]) -> Design:
        """Return the design in blocks by the signs of interactions, which are lost for that."""
        _need_two_levels(self, "put into blocks")
        columns = [self.column(effect) for effect in effects]
        signs = list(zip(*columns, strict=True))
        numbers = {key: number for number, key in enumerate(sorted({*signs}))}
        blocks = tuple(numbers[key] for key in signs)
        return Design(self.factors, self.runs, f"{self.name}, {len(numbers)} blocks", blocks)


def full_factorial(levels: Mapping[str, int]) -> Design:
    """Return all combinations of all levels; the first factor changes fastest."""
    ranges = [_levels(count) for count in reversed(list(levels.values()))]
    runs = tuple(tuple(reversed(run)) for run in product(*ranges))
    return Design(tuple(levels), runs, "full factorial")


def fraction(factors: Sequence[str], generators: Sequence[str]) -> Design:
    """Return a fraction of a full factorial of two levels, by its generators.

    The first factors are those of a full factorial, with the letters A, B, C and so on. Each
    generator is the product that is the next factor, such as ``ABC``.
    """
    base = len(factors) - len(generators)
    letters = LETTERS[: max(base, 0)]
    for generator in generators:
        if len(set(generator) & set(letters)) != len(generator) or len(generator) < 2:
            raise ShippingError(
                "the fraction cannot be made",
                f"the generator {generator} is not a product of the factors {', '.join(letters)}",
                "Correct generators",
            )
    runs = []
    for run in full_factorial(dict.fromkeys(factors[:base], 2)).runs:
        added = (
            math.prod(run[letters.index(letter)] for letter in generator)
            for generator in generators
        )
        runs.append((*run, *added))
    name = f"2^({len(factors)}-{len(generators)}) fraction, generators {', '.join(generators)}"
    return Design(tuple(factors), tuple(runs), name)


def fraction_of_resolution(factors: Sequence[str], resolution: int) -> Design:
    """Return the smallest fraction of at least a resolution; the full factorial if none has it."""
    for runs in (4, 8, 16, 32, 64):
        generators = _FRACTIONS.get((len(factors), runs))
        if generators:
            design = fraction(factors, generators)
            if (design.resolution() or math.inf) >= resolution:
                return design
    return full_factorial(dict.fromkeys(factors, 2))


def plackett_burman(factors: Sequence[str]) -> Design:
    """Return the smallest design of Plackett and Burman: main effects of up to 23 factors."""
    runs = next((number for number in _PLACKETT_BURMAN if len(factors) < number), 0)
    if not runs:
        largest = max(_PLACKETT_BURMAN) - 1
        raise ShippingError(
            f"a Plackett-Burman design of {len(factors)} factors cannot be made",
            f"the published ones that are known here have at most {largest}",
            "Use fewer factors, or a fraction",
        )
    signs = [HIGH if sign == "+" else LOW for sign in _PLACKETT_BURMAN[runs]]
    rows = [signs[-shift:] + signs[:-shift] if shift else signs for shift in range(runs - 1)]
    rows.append([LOW] * (runs - 1))
    cut = tuple(tuple(row[: len(factors)]) for row in rows)
    return Design(tuple(factors), cut, f"Plackett-Burman, {runs} runs")


def effect_name(effect: Sequence[str]) -> str:
    """Return the name of an effect, such as ``button × size``."""
    return " × ".join(effect)


def check_estimable(design: Design, effects: Iterable[Sequence[str]]) -> None:
    """Raise ShippingError if the design confounds two of the wanted effects."""
    wanted = [tuple(effect) for effect in effects]
    for effect in wanted:
        for other in design.aliases(max(map(len, wanted))).get(effect, []):
            if other in wanted:
                raise ShippingError(
                    f"the design cannot separate {effect_name(effect)} from {effect_name(other)}",
                    f"they have the same runs in a {design.name}",
                    "Ask for a higher resolution, or leave one of them out",
                )


def _levels(count: int) -> Sequence[int]:
    return (LOW, HIGH) if count == 2 else range(count)


def _effects(factors: Sequence[str], largest: int) -> Iterable[tuple[str, ...]]:
    sizes = range(1, min(largest, len(factors)) + 1)
    return chain.from_iterable(combinations(factors, size) for size in sizes)


def _need_two_levels(design: Design, what: str) -> None:
    if not design.is_two_level:
        raise ShippingError(
            f"the design cannot be {what}",
            "a factor has more than two levels",
            "Use factors of two levels",
        )
