# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
import random

import pytest
from ansible_collections.shipping.code.plugins.module_utils._inference.always_valid import (
    Difference,
)
from ansible_collections.shipping.code.plugins.module_utils._inference.first_failures import (
    harm_p_value,
)
from ansible_collections.shipping.code.plugins.module_utils._inference.verdicts import (
    NO_DATA,
    PROMOTE,
    ROLL_BACK,
    UNDECIDED,
    non_inferior,
)


@pytest.mark.parametrize(
    ("counts", "is_found"),
    [
        pytest.param({}, False, id="no failures"),
        pytest.param({0.1: (0, 40)}, False, id="only stable fails"),
        pytest.param({0.1: (1, 9)}, False, id="by the shares"),
        pytest.param({0.1: (1, 0)}, False, id="one failure"),
        pytest.param({0.1: (3, 0)}, True, id="three of the tenth"),
        pytest.param({0.5: (3, 0)}, False, id="three of the half"),
        pytest.param({0.1: (2, 0), 0.3: (3, 1)}, True, id="over two steps"),
        pytest.param({0.1: (60, 400)}, False, id="somewhat more of many"),
        pytest.param({0.1: (90, 400)}, True, id="twice as many of many"),
        pytest.param({0.0: (0, 9), 1.0: (9, 0)}, False, id="nothing to compare with"),
        pytest.param({0.1: (100000, 0)}, True, id="more than a float has"),
    ],
)
def test_harm(counts: dict[float, tuple[int, int]], *, is_found: bool) -> None:
    assert (harm_p_value(counts) <= 0.025) == is_found


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_expected_evidence_of_equal_arms_is_one(share: float) -> None:
    """The likelihood ratio of 12 failures, over all outcomes: what Ville's inequality needs."""
    number = 12
    total = 0.0
    for new in range(number + 1):
        chance = math.comb(number, new) * share**new * (1 - share) ** (number - new)
        total += chance / harm_p_value({share: (new, number - new)})
    # P-values are cut at 1, which only ever adds.
    assert 1.0 <= total <= 1.9


def test_equal_arms_are_rarely_found_to_differ_while_the_share_grows() -> None:
    chance = random.Random(5)
    assert sum(_is_ever_found(chance, risk=1.0) for _run in range(1000)) <= 0.05 * 1000
    # A new arm that is better than the former one is found less often.
    assert sum(_is_ever_found(chance, risk=0.5) for _run in range(300)) <= 0.01 * 300


def _is_ever_found(chance: random.Random, *, risk: float) -> bool:
    counts: dict[float, tuple[int, int]] = {}
    for look in range(150):
        share = (0.05, 0.2, 0.5)[look // 50]
        new, former = counts.get(share, (0, 0))
        is_new = chance.random() < risk * share / (risk * share + 1 - share)
        counts[share] = (new + is_new, former + (not is_new))
        if harm_p_value(counts) <= 0.05:
            return True
    return False


@pytest.mark.parametrize(
    ("high", "is_harmful", "answer"),
    [
        (0.02, True, ROLL_BACK),
        (0.02, False, UNDECIDED),
        # The harm is proven, and proven to be less than the margin.
        (0.009, True, PROMOTE),
        (math.inf, True, ROLL_BACK),
        (math.inf, False, NO_DATA),
    ],
)
def test_first_failures_join_the_interval(high: float, answer: str, *, is_harmful: bool) -> None:
    error = math.inf if math.isinf(high) else 0.005
    difference = Difference(0.005, -high, high, error, 1.0)
    assert non_inferior(difference, 0.01, is_harmful=is_harmful) == answer
