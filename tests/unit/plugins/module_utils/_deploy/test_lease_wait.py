# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run waits for another one, by its own clock."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import LeaseHeld
from ansible_collections.shipping.code.plugins.module_utils._deploy import lease_wait
from ansible_collections.shipping.code.plugins.module_utils._deploy.lease import LeaseAge
from ansible_collections.shipping.code.plugins.module_utils._deploy.run_answer import RunAnswer

DONE = RunAnswer({"changed": True})


class Clock:
    """A clock that only sleep moves."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    fake = Clock()
    monkeypatch.setattr(lease_wait, "time", fake)
    return fake


def held(holder: str, version: int) -> RunAnswer:
    return RunAnswer({"changed": False}, waiting_for=holder, lease_age=LeaseAge(version))


def wait(*answers: RunAnswer, timeout: float = 600):
    """Wait through these answers; return the last one, what was reported, and the ages sent."""
    left, ages, lines = list(answers), [], []

    def attempt(age):
        ages.append(age)
        return left.pop(0) if len(left) > 1 else left[0]

    return lease_wait.wait_for_lease(attempt, "shop", timeout, lines.append), lines, ages


def test_what_need_not_wait_is_returned_at_once():
    assert wait(DONE) == (DONE, [], [LeaseAge()])


def test_each_holder_is_reported_once():
    answers = [held("bob", 1), held("bob", 2), held("eve", 3), held("bob", 4), DONE]
    _answer, lines, _ages = wait(*answers)
    assert lines == ["shop waits for bob", "shop waits for eve", "shop waits for bob"]


def test_a_lease_ages_while_it_is_not_renewed():
    _answer, _lines, ages = wait(held("bob", 1), held("bob", 1), held("bob", 2), DONE)
    assert ages == [LeaseAge(), LeaseAge(1, 1.0), LeaseAge(1, 2.0), LeaseAge(2, 1.0)]


def test_the_wait_ends_with_its_time(clock):
    with pytest.raises(LeaseHeld) as caught:
        wait(held("bob", 1), timeout=3)
    assert str(caught.value) == (
        "shop is locked by bob: that run did not finish within 3 s. Wait for that run, or raise"
        " lease_timeout."
    )
    assert clock.now == 104.0
