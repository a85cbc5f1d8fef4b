# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.parsing import SpecReader
from ansible_collections.shipping.code.plugins.module_utils._deploy.ramp_checks import (
    Arm,
    Arms,
    Checks,
    NumberCheck,
    RampLook,
    Reading,
    RequestCheck,
    look,
    progress_line,
    read_checks,
)
from ansible_collections.shipping.code.plugins.module_utils._inference.arm_sums import (
    sums_of_requests,
)
from ansible_collections.shipping.code.plugins.module_utils._inference.first_failures import Counts


@dataclass
class Measured:
    """Measurements of a test."""

    errors: Arms = field(default_factory=Arms)
    slow: Arms = field(default_factory=Arms)
    reading: Reading = field(default_factory=Reading)
    unit_word: str = "visitors"
    problem: str = ""

    def arms(self, comparison: RequestCheck) -> Arms:
        return self.slow if comparison.edge else self.errors

    def number(self, check: NumberCheck) -> Reading:
        return self.reading

    def state(self) -> dict[str, Any]:
        return {}


def arm(units: int, requests: int, events: int) -> Arm:
    return Arm(sums_of_requests(events, requests), units, requests, events)


def looked(source: Measured, elapsed: float = 60, **keys: Any) -> RampLook:
    return look(Checks(**keys), source, elapsed=elapsed)


def of_errors(canary: Arm, stable: Arm, first: Counts | None = None) -> Measured:
    return Measured(errors=Arms(canary, stable, first or {}))


def test_the_line_of_progress() -> None:
    seen = looked(of_errors(arm(97, 412, 2), arm(900, 4000, 16)))
    assert progress_line("web", "canary", 10.0, seen) == (
        "web canary 10 %  412 requests of 97 visitors  errors 0.5 % (stable 0.4 %)  undecided"
    )


def test_requests_as_units_are_counted_once() -> None:
    source = of_errors(arm(412, 412, 2), arm(4000, 4000, 16))
    source.unit_word = ""
    assert looked(source).progress.startswith("412 requests  errors 0.5 %")


def test_equal_shares_promote_after_enough_requests() -> None:
    seen = looked(of_errors(arm(900, 20_000, 20), arm(8000, 180_000, 180)))
    assert seen.answer == "promote"
    assert "the margin is 1" in seen.reason


def test_more_errors_roll_back() -> None:
    seen = looked(of_errors(arm(900, 20_000, 1200), arm(8000, 180_000, 1800)))
    assert seen.answer == "roll_back"
    assert seen.reason.startswith("errors 6.0 % (stable 1.0 %): the difference is between")


def test_first_failures_need_no_least_number_of_units() -> None:
    seen = looked(of_errors(arm(6, 12, 5), arm(60, 120, 0), {0.1: (5, 0)}))
    assert seen.answer == "roll_back"
    assert "5 visitors had their first error in the canary, 0 in stable" in seen.reason


def test_first_failures_of_requests() -> None:
    source = of_errors(arm(6, 6, 5), arm(60, 60, 0), {0.1: (5, 0)})
    source.unit_word = ""
    assert looked(source).reason.endswith("5 requests failed in the canary, 0 in stable")


def test_few_units_decide_nothing_else() -> None:
    seen = looked(of_errors(arm(49, 20_000, 20), arm(8000, 180_000, 180)))
    assert seen.answer == "undecided"
    assert seen.reason.endswith("49 of at least 50 visitors")
    assert seen.facts[0]["difference"] is None


@pytest.mark.parametrize(
    ("canary", "stable", "empty"),
    [
        (Arm(), Arm(), "canary and stable"),
        (Arm(), arm(9, 90, 0), "canary"),
        (arm(9, 90, 0), Arm(), "stable"),
    ],
)
def test_no_requests_are_no_pass(canary: Arm, stable: Arm, empty: str) -> None:
    seen = looked(of_errors(canary, stable))
    assert (seen.answer, seen.reason) == ("no_data", f"errors: {empty} had no requests")
    assert seen.progress.endswith("no data")


def test_a_log_that_cannot_be_read_is_no_pass() -> None:
    source = of_errors(arm(900, 20_000, 20), arm(8000, 180_000, 180))
    source.problem = "the log cannot be read: the driver is none."
    seen = looked(source)
    assert (seen.answer, seen.reason) == ("no_data", f"errors: {source.problem}")


def test_a_check_without_data_outweighs_one_that_passes() -> None:
    good = Arms(arm(900, 20_000, 20), arm(8000, 180_000, 180))
    checks = (RequestCheck("errors", 0.01), RequestCheck("slower than 300 ms", 0.01, 300))
    seen = look(Checks(checks), Measured(errors=good), elapsed=60)
    assert [fact["answer"] for fact in seen.facts] == ["promote", "no_data"]
    assert seen.answer == "no_data"


def test_nothing_is_decided_during_the_warm_up() -> None:
    seen = looked(of_errors(arm(900, 20_000, 9000), arm(8000, 180_000, 0)), elapsed=12)
    assert (seen.answer, seen.progress) == ("undecided", "warm-up 12 of 30 s")


def test_alpha_is_split_over_what_is_compared() -> None:
    number = NumberCheck("p95", "prometheus", "http://p", "q", "e", margin=5)
    limit = NumberCheck("queue", "http", "http://p", "q", at_most=5)
    checks = Checks(
        (RequestCheck("errors", 0.01), RequestCheck("slow", 0.01, 300)), (number, limit)
    )
    assert checks.alpha_of_each == pytest.approx(0.05 / 3)


@pytest.mark.parametrize(
    ("value", "error", "answer"),
    [
        (0.0, 0.5, "promote"),
        (9.0, 0.5, "roll_back"),
        (4.0, 3.0, "undecided"),
        (4.0, None, "no_data"),
        (4.0, 0.0, "no_data"),
    ],
)
def test_a_number_with_a_standard_error(value: float, error: float | None, answer: str) -> None:
    check = NumberCheck("p95", "prometheus", "http://p", "q", "e", margin=5)
    seen = look(Checks((), (check,)), Measured(reading=Reading(value, error)), elapsed=60)
    assert seen.answer == answer
    assert not seen.facts[0]["threshold"]


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ({"at_most": 3}, "roll_back"),
        ({"at_most": 4}, "promote"),
        ({"at_least": 5}, "roll_back"),
        ({"at_least": 4}, "promote"),
    ],
)
def test_a_number_without_one_is_a_threshold(keys: dict[str, float], answer: str) -> None:
    check = NumberCheck("queue", "http", "http://p", "q", **keys)
    seen = look(Checks((), (check,)), Measured(reading=Reading(4.0)), elapsed=60)
    assert seen.answer == answer
    assert seen.facts[0]["threshold"]
    assert "a threshold without statistics" in seen.reason
    assert f"queue 4  {answer.replace('_', ' ')}" in seen.progress


def test_a_number_that_cannot_be_read_is_no_data() -> None:
    check = NumberCheck("queue", "http", "http://p", "q", at_most=3)
    source = Measured(reading=Reading(reason="it answered 503"))
    seen = look(Checks((), (check,)), source, elapsed=60)
    assert (seen.answer, seen.reason) == ("no_data", "queue has no data: it answered 503")
    assert seen.progress == "queue no data  no data"


def test_options() -> None:
    reader = SpecReader("strategy")
    declared = {
        "alpha": 0.1,
        "warm_up": "1m30s",
        "min_units": 20,
        "checks": [
            {"type": "errors", "margin": 0.5},
            {"type": "slow", "slower_than": "300ms"},
            {"type": "prometheus", "url": "https://p:9090", "query": "q", "at_most": 0.5},
            {
                "type": "http",
                "name": "orders",
                "url": "https://shop/stats",
                "value": "data.difference",
                "standard_error": "data.error",
                "margin": 2,
                "timeout": "2s",
                "headers": {"Authorization": "Bearer x"},
            },
        ],
    }
    checks = read_checks(declared, reader)
    assert not reader.problems
    assert checks is not None
    assert (checks.alpha, checks.warm_up, checks.min_units) == (0.1, 90.0, 20)
    assert checks.comparisons == (
        RequestCheck("errors", 0.005),
        RequestCheck("slower than 300 ms", 0.01, 300),
    )
    assert checks.numbers[0].at_most == 0.5
    assert (checks.numbers[1].margin, checks.numbers[1].timeout) == (2.0, 2.0)
    assert "Bearer" not in repr(checks)


def test_without_options_errors_are_compared() -> None:
    assert read_checks({}, SpecReader("strategy")) == Checks()


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"checks": [{"type": "error"}]}, "did you mean errors?"),
        ({"checks": [{"type": "errors", "margins": 1}]}, "did you mean margin?"),
        ({"checks": [{"type": "errors", "margin": 0}]}, "must be more than 0, not 0"),
        ({"checks": [{"type": "slow"}]}, "needs slower_than"),
        ({"checks": [{"type": "slow", "slower_than": 300}]}, "is no duration"),
        ({"checks": [{"type": "http", "url": "x", "value": "y", "at_most": 1}]}, "must begin with"),
        (
            {"checks": [{"type": "http", "url": "http://u:p@x", "value": "y", "at_most": 1}]},
            "has a login",
        ),
        (
            {"checks": [{"type": "http", "url": "http://[x", "value": "y", "at_most": 1}]},
            "is not an address",
        ),
        ({"checks": [{"type": "http", "url": "http://x", "value": "y"}]}, "no standard_error"),
        (
            {
                "checks": [
                    {
                        "type": "http",
                        "url": "http://x",
                        "value": "y",
                        "standard_error": "z",
                        "at_most": 1,
                    }
                ]
            },
            "write the margin, and no threshold",
        ),
        ({"checks": [{"type": "errors"}, {"type": "errors"}]}, "is listed twice"),
        ({"checks": []}, "no data is never a pass"),
        ({"checks": ["errors"]}, "must be a mapping with the key type"),
        ({"alpha": 0.9}, "at most 0.5"),
        ({"alpha": True}, "must be a number"),
        ({"min_units": 1}, "at least 2"),
        ({"warm_up": "soon"}, "is no duration"),
        ("errors", "must be a mapping"),
    ],
)
def test_wrong_options(declared: Any, problem: str) -> None:
    reader = SpecReader("strategy")
    assert read_checks(declared, reader) is None
    assert len(reader.problems) == 1
    assert problem in str(reader.problems[0])
