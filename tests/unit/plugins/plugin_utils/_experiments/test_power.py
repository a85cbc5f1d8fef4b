# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of units to those that books print.

Chow, Shao and Wang: Sample Size Calculations in Clinical Research (2nd edition, 2008): examples of
sections 3.2.4 (63 units an arm) and 4.2.4 (70 units an arm). Cohen: Statistical Power Analysis for
the Behavioral Sciences (2nd edition, 1988), table 2.4.1 (64 units an arm).
"""

from __future__ import annotations

import math

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._inference.arm_sums import (
    sums_of_units,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.power import (
    PowerQuestion,
    check_power,
    expected_days,
    power_of_t_test,
    power_plan,
)


def test_published_numbers_of_one_look() -> None:
    assert PowerQuestion.of_means(10, effect=5).at_one_look().units_needed(0.8) == 2 * 63
    assert PowerQuestion.of_shares(0.65, effect=0.2).at_one_look().units_needed(0.8) == 2 * 70


def test_few_units_have_the_power_of_student() -> None:
    pytest.importorskip("scipy")
    assert power_of_t_test(0.5, 1, (63, 63)) < 0.8 < power_of_t_test(0.5, 1, (64, 64))


def test_many_looks_cost_about_twice_the_units_of_one() -> None:
    question = PowerQuestion.of_shares(0.05, effect=0.01)
    needed, at_one_look = question.units_needed(), question.at_one_look().units_needed()
    assert (needed, at_one_look) == (31474, 16310)
    assert question.power(needed) == pytest.approx(0.8, abs=1e-4)


def test_the_smallest_effect_of_the_needed_units_is_the_planned_one() -> None:
    question = PowerQuestion.of_means(2.0, effect=0.1)
    assert question.smallest_effect(question.units_needed()) == pytest.approx(0.1, rel=1e-4)
    once = question.at_one_look()
    assert once.smallest_effect(once.units_needed()) == pytest.approx(0.1, rel=1e-3)


def test_ratios_have_the_variance_of_observed_units() -> None:
    observed = sums_of_units([(1, 2), (0, 1), (3, 4), (2, 2)] * 100)
    question = PowerQuestion.of_ratios(observed, effect=0.05)
    assert question.variances[0] == pytest.approx(observed.ratio_variance() * 400)


def test_several_arms_share_alpha_and_units() -> None:
    question = PowerQuestion.of_means(1.0, effect=0.1)
    three = question.of_arms({"control": 0.4, "a": 0.4, "b": 0.2}, "control")
    assert three.comparisons == 2
    assert three.shares == pytest.approx((0.4, 0.2))
    assert three.units_needed() > question.units_needed()
    # An arm of weight 0 gets no units, so no comparison is planned for it.
    assert question.of_arms({"control": 1, "a": 1, "off": 0}, "control") == question


def test_a_factor_effect_uses_all_units() -> None:
    by_factor = PowerQuestion.of_factor_effect(1.0, effect=0.1).at_one_look()
    # An effect has the standard error 2 s / sqrt(N) of all N units.
    assert by_factor.standard_error(400) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("units", "days", "share", "expected"),
    [
        (1000, [400, 300, 400], 1.0, 3),
        (1000, [400, 300, 400], 0.5, 6),
        (1000, [100] * 7, 1.0, 10),
        (1000, [900] + [0] * 7, 1.0, None),
        (10, [], 1.0, None),
    ],
)
def test_expected_days(units: int, days: list[float], share: float, expected: int | None) -> None:
    assert expected_days(units, days, share) == expected


def test_an_under_powered_experiment_is_rejected_unless_forced() -> None:
    plan = power_plan(PowerQuestion.of_shares(0.05, effect=0.01), 8000, units_by_day=[1000])
    assert plan.days == 8
    with pytest.raises(ShippingError) as error:
        check_power(plan)
    assert str(error.value) == (
        "the experiment is under-powered: its 8000 units find the effect with a probability of"
        " 13 percent, and 31474 units are needed. Plan 31474 units, look for an effect of 0.0198,"
        " or set force to true."
    )
    check_power(plan, is_forced=True)
    check_power(power_plan(PowerQuestion.of_shares(0.05, effect=0.01)))


@pytest.mark.parametrize(
    ("share", "effect"), [(0.0, 0.1), (1.0, -0.1), (0.95, 0.1), (0.5, 0.0), (0.5, math.nan)]
)
def test_impossible_shares(share: float, effect: float) -> None:
    with pytest.raises(ShippingError):
        PowerQuestion.of_shares(share, effect)


def test_an_effect_too_small_for_any_experiment() -> None:
    with pytest.raises(ShippingError, match="so small that"):
        PowerQuestion.of_means(1.0, 1e-9).units_needed()
