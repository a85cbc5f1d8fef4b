# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Robust effects. tests/experiments compares them with statsmodels."""

from __future__ import annotations

import math

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.designs import (
    fraction,
    full_factorial,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.factor_effects import (
    RunResponses,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.robust_effects import (
    describe,
    robust_effects,
)

pytest.importorskip("scipy")


def test_a_full_model_of_equal_cells_has_the_errors_of_the_cells() -> None:
    cells = [RunResponses(10, mean, 4.0) for mean in (1.0, 2.0, 3.0, 8.0)]
    effects = {e.factors: e for e in robust_effects(full_factorial({"a": 2, "b": 2}), cells)}
    assert effects[("a",)].estimate == pytest.approx(3.0)
    assert effects[("a", "b")].estimate == pytest.approx(2.0)
    # The variance of a cell, by 1 less its leverage of 1/10: HC3 is (n - 1) / n wider than needed.
    assert effects[("a",)].standard_error == pytest.approx(math.sqrt(0.4 * 0.9 / 0.81))


def test_confounded_effects_are_estimated_once_and_named() -> None:
    design = fraction(("a", "b", "c"), ["AB"])
    effects = robust_effects(design, [RunResponses(5, mean, 1.0) for mean in (1.0, 2.0, 3.0, 4.0)])
    assert [describe(effect) for effect in effects] == [
        "a (+ b × c)",
        "b (+ a × c)",
        "c (+ a × b)",
    ]


def test_a_unit_with_leverage_1_is_an_error() -> None:
    cells = [
        RunResponses(10, 1.0, 1.0),
        RunResponses(1, 2.0),
        RunResponses(10, 3.0, 1.0),
        RunResponses(10, 4.0, 1.0),
    ]
    with pytest.raises(ShippingError, match="run 2 of the design has one unit"):
        robust_effects(full_factorial({"a": 2, "b": 2}), cells)


def test_cells_without_units() -> None:
    cells = [
        RunResponses(10, 1.0, 1.0),
        RunResponses(0, 0.0),
        RunResponses(10, 3.0, 1.0),
        RunResponses(10, 4.0, 1.0),
    ]
    with pytest.raises(ShippingError, match="too few cells"):
        robust_effects(full_factorial({"a": 2, "b": 2}), cells)
    assert len(robust_effects(full_factorial({"a": 2, "b": 2}), cells, largest=1)) == 2
