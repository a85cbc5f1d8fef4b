# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparisons that hold however often one looks: sums, intervals, answers, mismatches."""

from __future__ import annotations

import math
import random

import pytest
from ansible_collections.shipping.code.plugins.module_utils._inference.always_valid import (
    Difference,
    of_estimate,
    ratio_difference,
    share_difference,
)
from ansible_collections.shipping.code.plugins.module_utils._inference.arm_sums import (
    ArmSums,
    sums_of_requests,
    sums_of_units,
)
from ansible_collections.shipping.code.plugins.module_utils._inference.sample_ratio import (
    mismatch_p_value,
)
from ansible_collections.shipping.code.plugins.module_utils._inference.verdicts import (
    NO_DATA,
    PROMOTE,
    ROLL_BACK,
    UNDECIDED,
    holm,
    non_inferior,
    split_alpha,
    superior,
    within_limit,
    worst,
)

UNITS = [(0, 3), (1, 10), (0, 1), (4, 8), (0, 5), (1, 1)]


def test_sums_of_parts_are_the_sums_of_all() -> None:
    assert sums_of_units(UNITS[:2]) + sums_of_units(UNITS[2:]) == sums_of_units(UNITS)
    assert ArmSums() + sums_of_units(UNITS) == sums_of_units(UNITS)


def test_the_variance_of_a_ratio_is_that_of_its_residuals() -> None:
    sums = sums_of_units(UNITS)
    ratio = 6 / 28
    residuals = [numerator - ratio * denominator for numerator, denominator in UNITS]
    expected = sum(residual**2 for residual in residuals) / 5 * 6 / 28**2
    assert sums.ratio == pytest.approx(ratio)
    assert sums.ratio_variance() == pytest.approx(expected)


def test_of_requests_it_is_the_binomial_one() -> None:
    variance = sums_of_requests(300, 10000).ratio_variance()
    assert variance == pytest.approx(0.03 * 0.97 / 9999)


def test_the_interval_is_three_standard_errors_where_it_is_aimed_at() -> None:
    found = of_estimate(0.02, 0.01, alpha=0.05, aim=0.03)
    assert (found.high - found.low) / 2 == pytest.approx(3.03 * 0.01, rel=0.01)
    assert found.estimate == pytest.approx((found.low + found.high) / 2)


@pytest.mark.parametrize("estimate", [0.0, 0.01, 0.031, 0.05, 0.4])
@pytest.mark.parametrize("standard_error", [0.002, 0.01, 0.05])
def test_the_p_value_is_the_alpha_whose_interval_ends_at_0(
    estimate: float, standard_error: float
) -> None:
    p_value = of_estimate(estimate, standard_error, alpha=0.05, aim=0.03).p_value
    if 0 < p_value < 1:
        edge = of_estimate(estimate, standard_error, alpha=p_value, aim=0.03)
        assert edge.low == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("sums", [ArmSums(), sums_of_units([(1, 3)]), sums_of_requests(0, 1)])
def test_without_data_nothing_is_known(sums: ArmSums) -> None:
    found = share_difference(sums, sums_of_requests(1, 1000), alpha=0.05, aim=0.01)
    assert not found.is_known and not math.isfinite(found.high)
    assert non_inferior(found, 0.01) == superior(found) == NO_DATA


def test_no_error_yet_is_no_proof_that_there_are_none() -> None:
    few = share_difference(sums_of_requests(0, 100), sums_of_requests(0, 100), alpha=0.05, aim=0.01)
    assert non_inferior(few, 0.01) == UNDECIDED
    many = sums_of_requests(0, 100000)
    assert non_inferior(share_difference(many, many, alpha=0.05, aim=0.01), 0.01) == PROMOTE


def test_means_that_never_vary_have_no_interval() -> None:
    same = sums_of_units([(5, 1)] * 100)
    assert not ratio_difference(same, same, alpha=0.05, aim=1).is_known


def test_requests_of_few_visitors_prove_less_than_those_of_many() -> None:
    """2 of 40 visitors have all errors: a test on requests would be sure, one on units is not."""
    few = sums_of_units([(50, 100)] * 2 + [(0, 100)] * 38)
    stable = sums_of_units([(0, 100)] * 4000)
    by_units = share_difference(few, stable, alpha=0.05, aim=0.01)
    by_requests = share_difference(
        sums_of_requests(100, 4000), sums_of_requests(0, 400000), alpha=0.05, aim=0.01
    )
    assert by_units.estimate == by_requests.estimate
    assert non_inferior(by_units, 0.01) == UNDECIDED
    assert non_inferior(by_requests, 0.01) == ROLL_BACK


def difference(low: float, high: float) -> Difference:
    return Difference((low + high) / 2, low, high, 1.0, 1.0)


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (-0.02, 0.005, PROMOTE),
        (0.001, 0.005, PROMOTE),
        (0.001, 0.02, ROLL_BACK),
        (-0.001, 0.02, UNDECIDED),
    ],
)
def test_a_margin(low: float, high: float, answer: str) -> None:
    assert non_inferior(difference(low, high), 0.01) == answer


def test_more_is_better() -> None:
    assert superior(difference(0.1, 0.2)) == PROMOTE
    assert superior(difference(-0.2, -0.1)) == ROLL_BACK
    assert superior(difference(-0.2, 0.1)) == UNDECIDED


@pytest.mark.parametrize(
    ("value", "answer"),
    [(0.9, PROMOTE), (1.0, PROMOTE), (1.1, ROLL_BACK), (None, NO_DATA), (float("nan"), NO_DATA)],
)
def test_a_threshold(value: float | None, answer: str) -> None:
    assert within_limit(value, 1.0) == answer


def test_the_worst_answer_counts_and_none_is_no_data() -> None:
    assert worst([PROMOTE, UNDECIDED, NO_DATA]) == NO_DATA
    assert worst([PROMOTE, ROLL_BACK, NO_DATA]) == ROLL_BACK
    assert worst([PROMOTE, PROMOTE]) == PROMOTE
    assert worst([]) == NO_DATA
    assert split_alpha(0.05, 5) == pytest.approx(0.01)


def test_holm_s_own_steps() -> None:
    """As in Holm (1979): the third one is above 0.05 / 2, and so the last one is kept, too."""
    p_values = {"a": 0.01, "b": 0.04, "c": 0.005, "d": 0.03}
    assert holm(p_values, 0.05) == {"a": True, "b": False, "c": True, "d": False}


def test_a_mismatch_is_found_and_even_counts_are_not() -> None:
    even = {"stable": 90000, "green": 10000}
    assert mismatch_p_value(even, {"stable": 90, "green": 10}) == 1.0
    assert mismatch_p_value({**even, "green": 10600}, {"stable": 90, "green": 10}) < 0.001
    assert mismatch_p_value(even, {"stable": 90, "green": 10, "blue": 0}) == 1.0
    assert mismatch_p_value({**even, "blue": 1}, {"stable": 90, "green": 10, "blue": 0}) == 0.0


def test_equal_visitors_are_rarely_found_to_differ() -> None:
    """400 comparisons of arms that are alike, each looked at 40 times; tests/simulations has more.

    Of the 2 percent of visitors with errors, each has them again and again.
    """
    chance = random.Random(3)
    found = sum(_is_found_to_differ(chance) for _run in range(400))
    assert found <= 0.05 * 400


def _is_found_to_differ(chance: random.Random) -> bool:
    arms = [ArmSums(), ArmSums()]
    for _look in range(40):
        for index in range(2):
            visitors = [_visitor(chance) for _visitor_number in range(10)]
            arms[index] = arms[index] + sums_of_units(visitors)
        compared = share_difference(arms[0], arms[1], alpha=0.05, aim=0.01)
        if arms[0].units >= 50 and not compared.low <= 0 <= compared.high:
            return True
    return False


def _visitor(chance: random.Random) -> tuple[int, int]:
    requests, risk = chance.randint(1, 8), 0.3 if chance.random() < 0.02 else 0.002
    return sum(chance.random() < risk for _request in range(requests)), requests
