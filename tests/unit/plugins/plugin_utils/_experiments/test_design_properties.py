# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of designs to those that books print.

Montgomery: Design and Analysis of Experiments (8th edition, 2013): table 8.14 (words), section
8.6.3 (partial aliases of Plackett-Burman). Deng and Tang (1999): generalized resolution.
"""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.design_properties import (
    properties_of,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.designs import (
    Design,
    fraction,
    full_factorial,
    plackett_burman,
)


def test_a_full_design_has_no_words() -> None:
    properties = properties_of(full_factorial({"a": 2, "b": 2, "c": 2}))
    assert properties.resolution is None and properties.generalized_resolution is None
    assert not properties.words and not properties.aliases
    assert properties.is_balanced and properties.is_orthogonal
    assert properties.level_counts["a"] == {-1: 4, 1: 4}


def test_words_of_a_2_7_3() -> None:
    properties = properties_of(fraction(tuple("ABCDEFG"), ["ABC", "BCD", "ACD"]))
    words = {"".join(word.factors) for word in properties.words if word.is_full}
    # I = ABCE = BCDF = ADEF = ACDG = BDEG = ABFG = CEFG
    assert words == {"ABCE", "BCDF", "ADEF", "ACDG", "BDEG", "ABFG", "CEFG"}
    assert properties.resolution == 4 and properties.generalized_resolution == 4
    with_ab = {"".join(a.other) for a in properties.aliases if a.effect == ("A", "B")}
    assert with_ab == {"CE", "FG"}


def test_partial_aliases_of_plackett_and_burman() -> None:
    properties = properties_of(plackett_burman(tuple("ABCDEFGHIJK")))
    assert (properties.runs, properties.resolution) == (12, 3)
    assert properties.generalized_resolution == pytest.approx(3 + 2 / 3)
    with_a = [a for a in properties.aliases if a.effect == ("A",)]
    # Each main effect has a third of each of the 45 interactions without its factor.
    assert len(with_a) == 45 and all(a.is_partial for a in with_a)
    assert {round(abs(a.coefficient), 12) for a in with_a} == {round(1 / 3, 12)}


def test_center_points_are_no_corners() -> None:
    properties = properties_of(full_factorial({"a": 2, "b": 2}).with_center_points(3))
    assert properties.runs == 7 and properties.level_counts["a"] == {-1: 2, 0: 3, 1: 2}
    assert properties.is_balanced and properties.is_orthogonal and not properties.words


def test_a_design_that_lost_a_run_is_not_orthogonal() -> None:
    properties = properties_of(Design(("a", "b"), ((-1, -1), (1, -1), (-1, 1)), "three runs"))
    assert not properties.is_balanced and not properties.is_orthogonal
    assert properties.largest_correlation == pytest.approx(0.5)


def test_factors_of_three_levels_have_counts_only() -> None:
    properties = properties_of(full_factorial({"a": 3, "b": 2}))
    assert properties.level_counts["a"] == {0: 2, 1: 2, 2: 2}
    assert properties.is_orthogonal and not properties.words and not properties.aliases
