# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Designs by their properties, which are computed from the matrices."""

from __future__ import annotations

from itertools import combinations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.designs import (
    LETTERS,
    Design,
    check_estimable,
    fraction,
    fraction_of_resolution,
    full_factorial,
    plackett_burman,
)

ABC = ("a", "b", "c")


def test_a_full_factorial_is_in_standard_order() -> None:
    design = full_factorial(dict.fromkeys(ABC, 2))
    assert design.runs[:4] == ((-1, -1, -1), (1, -1, -1), (-1, 1, -1), (1, 1, -1))
    assert design.is_balanced() and design.is_orthogonal()
    assert design.resolution() is None and design.aliases(3) == {}


def test_factors_may_have_more_levels() -> None:
    design = full_factorial({"text": 3, "size": 2})
    assert len(design.runs) == 6 and design.is_balanced() and design.is_orthogonal()
    assert not design.is_two_level
    with pytest.raises(ShippingError, match="a factor has more than two levels"):
        design.folded_over()


def test_a_half_fraction_and_its_aliases() -> None:
    """The 2^(4-1) of resolution IV: main effects are clear, interactions are in pairs."""
    design = fraction(("a", "b", "c", "d"), ["ABC"])
    assert (len(design.runs), design.resolution()) == (8, 4)
    aliases = design.aliases()
    assert aliases[("a", "b")] == [("c", "d")] and ("a",) not in aliases
    check_estimable(design, [("a",), ("b",), ("a", "b")])
    with pytest.raises(ShippingError, match="cannot separate a × b from c × d"):
        check_estimable(design, [("a", "b"), ("c", "d")])


# As published: Box, Hunter and Hunter (2005), table 6.22; NIST e-Handbook, section 5.3.3.4.7.
RESOLUTIONS = [
    (3, 4, 3),
    (4, 8, 4),
    (5, 8, 3),
    (5, 16, 5),
    (6, 8, 3),
    (6, 16, 4),
    (6, 32, 6),
    (7, 8, 3),
    (7, 16, 4),
    (7, 32, 4),
    (7, 64, 7),
    (8, 16, 4),
    (8, 32, 4),
    (8, 64, 5),
]


@pytest.mark.parametrize(("factors", "runs", "resolution"), RESOLUTIONS)
def test_fractions_have_their_published_resolution(
    factors: int, runs: int, resolution: int
) -> None:
    names = tuple(LETTERS[:factors])
    best = max(entry[2] for entry in RESOLUTIONS if entry[:2] == (factors, runs))
    smaller = [entry[2] for entry in RESOLUTIONS if entry[0] == factors and entry[1] < runs]
    if max(smaller, default=0) < resolution:
        design = fraction_of_resolution(names, resolution)
        assert (len(design.runs), design.resolution()) == (runs, best)
        assert design.is_balanced() and design.is_orthogonal()


def test_a_resolution_that_no_fraction_has_takes_all_runs() -> None:
    assert len(fraction_of_resolution(ABC, 4).runs) == 8


@pytest.mark.parametrize("factors", [7, 11, 15, 19, 23])
def test_plackett_and_burman_s_designs_are_orthogonal(factors: int) -> None:
    design = plackett_burman(tuple(f"f{number}" for number in range(factors)))
    assert len(design.runs) == factors + 1
    assert design.is_balanced() and design.is_orthogonal()
    assert design.resolution() == 3


def test_a_plackett_burman_design_of_too_many_factors() -> None:
    with pytest.raises(ShippingError, match="at most 23"):
        plackett_burman(tuple(map(str, range(24))))


def test_the_smallest_one_is_taken() -> None:
    assert len(plackett_burman(tuple("abcdefgh")).runs) == 12


def test_a_fold_over_frees_main_effects() -> None:
    design = fraction(("a", "b", "c"), ["AB"])
    assert design.aliases()[("a",)] == [("b", "c")]
    folded = design.folded_over()
    assert ("a",) not in folded.aliases() and len(folded.runs) == 8
    assert folded.blocks == (0,) * 4 + (1,) * 4


def test_blocks_take_the_effect_that_they_are_made_by() -> None:
    design = full_factorial(dict.fromkeys(ABC, 2)).in_blocks([ABC])
    column = design.column(ABC)
    assert {*zip(design.blocks, column, strict=True)} in ({(0, -1), (1, 1)}, {(0, 1), (1, -1)})
    for effect in combinations(ABC, 2):
        pairs = zip(design.column(effect), design.blocks, strict=True)
        assert sum(level * block for level, block in pairs) == 0


def test_center_points_belong_to_no_level() -> None:
    design = full_factorial(dict.fromkeys(ABC, 2)).with_center_points(3)
    assert design.runs[8:] == ((0, 0, 0),) * 3 and isinstance(design, Design)


@pytest.mark.parametrize("generator", ["AE", "A", "AA", "XY"])
def test_a_generator_that_is_no_product(generator: str) -> None:
    with pytest.raises(ShippingError, match=f"the generator {generator} is not a product"):
        fraction(("a", "b", "c", "d"), [generator])
