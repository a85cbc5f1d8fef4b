# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Effects to the digits that a textbook prints.

Montgomery: Design and Analysis of Experiments (8th edition, 2013): tables 6.4 and 6.5 (plasma
etching, a replicated 2^3), 6.10 and 6.12 (filtration rate, an unreplicated 2^4), 8.5 and 8.6
(integrated circuits, a 2^(5-1)).
"""

from __future__ import annotations

import statistics

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.designs import (
    Design,
    fraction,
    full_factorial,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.factor_effects import (
    FactorEffect,
    RunResponses,
    curvature,
    effects_of,
    half_normal_points,
    lenth_effects,
)

pytest.importorskip("scipy")

ETCHING = (
    (550, 604),
    (669, 650),
    (633, 601),
    (642, 635),
    (1037, 1052),
    (749, 868),
    (1075, 1063),
    (729, 860),
)
FILTRATION = (45, 71, 48, 65, 68, 60, 80, 65, 43, 100, 45, 104, 75, 86, 70, 96)
# In standard order of aperture, exposure, develop and mask; etch time is their product.
CIRCUITS = (8, 9, 34, 52, 16, 22, 45, 60, 6, 10, 30, 50, 15, 21, 44, 63)


def by_name(effects: list[FactorEffect]) -> dict[str, FactorEffect]:
    return {"".join(effect.factors): effect for effect in effects}


def two_level(letters: str) -> Design:
    return full_factorial(dict.fromkeys(letters, 2))


def test_a_replicated_2_3() -> None:
    cells = [RunResponses(2, statistics.mean(pair), statistics.variance(pair)) for pair in ETCHING]
    effects = by_name(effects_of(two_level("ABC"), cells, largest=3))
    estimates = {name: effect.estimate for name, effect in effects.items()}
    assert estimates == pytest.approx(
        {
            "A": -101.625,
            "B": 7.375,
            "C": 306.125,
            "AB": -24.875,
            "AC": -153.625,
            "BC": -2.125,
            "ABC": 5.625,
        }
    )
    # The table: F = 166.41 of power and 41.91 of its interaction, by the pooled variance 2252.56.
    assert effects["C"].standard_error ** 2 * 4 == pytest.approx(2252.56, abs=0.01)
    assert effects["C"].statistic ** 2 == pytest.approx(166.41, abs=0.01)
    assert effects["AC"].statistic ** 2 == pytest.approx(41.91, abs=0.01)
    # Cells of different variances leave fewer degrees of freedom than the 8 of the table.
    assert effects["C"].low > 0 and effects["AC"].high < 0 and effects["B"].low < 0


def test_an_unreplicated_2_4() -> None:
    effects = by_name(lenth_effects(two_level("ABCD"), FILTRATION))
    estimates = {name: effect.estimate for name, effect in effects.items()}
    assert estimates == pytest.approx(
        {
            "A": 21.625,
            "B": 3.125,
            "C": 9.875,
            "D": 14.625,
            "AB": 0.125,
            "AC": -18.125,
            "AD": 16.625,
            "BC": 2.375,
            "BD": -0.375,
            "CD": -1.125,
            "ABC": 1.875,
            "ABD": 4.125,
            "ACD": -1.625,
            "BCD": -2.625,
            "ABCD": 1.375,
        }
    )
    # The book's margin of error is 6.748, which A, C, D, AC and AD are beyond.
    assert effects["A"].standard_error == pytest.approx(2.625)
    assert effects["A"].high - effects["A"].estimate == pytest.approx(6.748, abs=0.001)
    active = {name for name, effect in effects.items() if effect.low > 0 or effect.high < 0}
    assert active == {"A", "C", "D", "AC", "AD"}
    assert all(effect.is_provisional for effect in effects.values())


def test_a_2_5_1() -> None:
    design = fraction(tuple("ABCDE"), ["ABCD"])
    effects = by_name(lenth_effects(design, CIRCUITS, largest=2))
    expected = {"A": 11.125, "B": 33.875, "C": 10.875, "D": -0.875, "E": 0.625, "AB": 6.875}
    found = {name: effects[name].estimate for name in expected}
    assert found == pytest.approx(expected)


def test_a_half_normal_plot_has_the_sizes_in_order() -> None:
    points = half_normal_points([-3.0, 1.0, 2.0])
    assert [size for _quantile, size in points] == [1.0, 2.0, 3.0]
    # The quantiles of 1/6, 1/2 and 5/6 of a half-normal distribution.
    assert [round(quantile, 4) for quantile, _size in points] == [0.2104, 0.6745, 1.383]


def test_curvature_is_the_corners_less_the_center() -> None:
    corners = [RunResponses(10, mean, 4.0) for mean in (1.0, 2.0, 3.0, 4.0)]
    estimate, error = curvature(corners, RunResponses(10, 2.0, 4.0))
    assert estimate == pytest.approx(0.5)
    assert error == pytest.approx((0.1 + 0.4) ** 0.5)
