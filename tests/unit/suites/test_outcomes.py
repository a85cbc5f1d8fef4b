# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what sessions write, and the table at the end."""

from __future__ import annotations

import json

from tests.suites.order import TIME_BOX, spread
from tests.suites.outcomes import (
    Outcomes,
    Result,
    Row,
    remarks,
    table,
    totals,
)
from tests.suites.selection import Choice


def phase(test: str, phase: str, outcome: str, reason: str = "") -> str:
    line = {"test": test, "phase": phase, "outcome": outcome, "seconds": 1.5, "reason": reason}
    return json.dumps(line)


def row(*results: Result, name: str = "a/test_b on swarm", flaky: tuple[str, ...] = ()) -> Row:
    return Row(Choice(name, True, "changed: x.py"), list(results), list(flaky), len(flaky))


def test_a_test_that_fails_in_any_phase_has_failed_and_is_reported_once() -> None:
    outcomes = Outcomes()
    assert outcomes.add(json.dumps({"tests": 2})) is None
    assert outcomes.add(phase("one", "setup", "passed")) is None
    assert outcomes.add(phase("one", "call", "failed"))
    assert outcomes.add(phase("one", "teardown", "failed")) is None
    assert outcomes.add(phase("one", "teardown", "passed")) is None
    outcomes.add(phase("two", "setup", "passed"))
    outcomes.add(phase("two", "call", "passed"))
    outcomes.add(phase("two", "teardown", "failed"))
    assert outcomes.failed() == ["one", "two"] and outcomes.expected == 2
    assert outcomes.results["two"].seconds == 4.5


def test_the_table_names_suite_reason_counts_and_seconds() -> None:
    found = row(
        Result("t1", "passed", 10),
        Result("t2", "failed", 5),
        Result("t3", "failed", 2),
        flaky=("t3",),
    )
    assert list(table([found])) == [
        "suite              chosen because  passed  failed  retried  seconds",
        "a/test_b on swarm  changed: x.py        2       1        1       17",
    ]
    assert totals([found]) == "2 passed, 1 failed, 0 skipped"


def test_flaky_tests_are_named_and_counted() -> None:
    found = list(remarks([row(Result("t3", "failed", 1, "why"), flaky=("t3",))], {}))
    assert found == ["Flaky: 1 passed only when repeated alone", "  t3 (a/test_b on swarm): why"]


def test_what_the_time_box_left_out_is_named() -> None:
    found = row(Result("t1"), Result("t2", "skipped", 0, TIME_BOX))
    assert list(remarks([found], {})) == [
        "Due, but the time box had no room:",
        "  a/test_b on swarm: 1 of 2 tests",
    ]
    assert not found.is_hollow


def test_a_suite_that_skipped_all_fails_unless_it_may() -> None:
    skipped = row(Result("t1", "skipped", 0, "needs root"))
    said = "Skipped: 1 of a/test_b on swarm: needs root"
    failed = "Failed: a/test_b on swarm skipped all of its tests"
    assert list(remarks([skipped], {})) == [said, failed]
    assert list(remarks([skipped], {"a/test_b on swarm": "why"})) == [said]


def test_each_worker_begins_with_the_most_urgent_files() -> None:
    items = ["a1", "a2", "b1", "c1", "d1", "d2"]
    assert spread(items, lambda item: item[0], 1) == items
    assert spread(items, lambda item: item[0], 2) == ["a1", "a2", "d1", "d2", "b1", "c1"]
