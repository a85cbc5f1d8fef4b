# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing: pure, from dependencies, changes and a commit's hash."""

from __future__ import annotations

import pytest

from tests.suites.selection import Choice, FileChange, choose

SUITES = {f"s{number}": {f"s{number}.py", "shared.py"} for number in range(10)}


def chosen(
    *changes: FileChange, known: list[str] | None = None, head: str = "a" * 40
) -> list[Choice]:
    return choose(SUITES, changes, list(SUITES) if known is None else known, list(SUITES), head)


def test_everything_counts_as_changed_without_a_full_run() -> None:
    assert all(choice.is_whole for choice in chosen(known=[]))


def test_the_most_recently_changed_comes_first() -> None:
    found = chosen(FileChange("s3.py", 10), FileChange("s7.py", 30), FileChange("s1.py", 20))
    assert [choice.suite for choice in found[:3]] == ["s7", "s1", "s3"]
    assert found[0].because == "changed: s7.py"


def test_a_new_suite_runs_whole() -> None:
    found = {choice.suite: choice for choice in chosen(known=[f"s{number}" for number in range(9)])}
    assert found["s9"].is_whole and found["s9"].because == "not in the last full run"


@pytest.mark.parametrize("head", ["a" * 40, "b" * 40, "0123456789" * 4])
def test_a_slice_of_the_others_follows_from_the_commit(head: str) -> None:
    sliced = [choice.suite for choice in chosen(head=head) if choice.is_whole]
    assert len(sliced) == 2
    assert sliced == [choice.suite for choice in chosen(head=head) if choice.is_whole]
    assert {choice.because for choice in chosen(head=head)} == {"unchanged", f"slice of {head[:7]}"}


def test_all_have_their_turn_before_long() -> None:
    seen: set[str] = set()
    for number in range(40):
        choices = chosen(head=f"{number:040}")
        seen.update(choice.suite for choice in choices if choice.is_whole)
    assert seen == set(SUITES)


def test_a_changed_file_of_all_wakes_all_by_its_name() -> None:
    assert {choice.because for choice in chosen(FileChange("shared.py", 1))} == {
        "changed: shared.py"
    }
