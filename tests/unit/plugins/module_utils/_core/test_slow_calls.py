# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call that takes long is reported while it waits."""

from __future__ import annotations

import threading

from ansible_collections.shipping.code.plugins.module_utils._core import slow_calls
from ansible_collections.shipping.code.plugins.module_utils._core.slow_calls import (
    Call,
    due,
    reporting,
    waiting_for,
)


def lines_at(calls, *moments):
    """Return what is reported of the same calls at each of these moments."""
    result, reported = [], {}
    for now in moments:
        lines, reported = due(calls, reported, now)
        result.append(lines)
    return result


def test_a_call_is_reported_after_5_seconds_and_then_ever_more_seldom():
    line = "waits for a registry, {} s so far".format
    assert lines_at([Call("a registry", 100)], 104.9, 105, 105.5, 109, 110, 119, 120, 141) == [
        [],
        [line(5)],
        [],
        [],
        [line(10)],
        [],
        [line(20)],
        [line(41)],
    ]


def test_calls_side_by_side_are_reported_by_target():
    calls = [Call("a", 103), Call("a", 100), Call("b", 101), Call("c", 104)]
    assert due(calls, {}, 107)[0] == [
        "waits for a, 7 s so far",
        "waits for b, 6 s so far",
    ]


def test_a_later_call_of_the_same_target_counts_from_its_own_start():
    _lines, reported = due([Call("a", 100)], {}, 120)
    lines, reported = due([Call("a", 121)], reported, 123)
    assert lines == []
    assert due([Call("a", 121)], reported, 126)[0] == ["waits for a, 5 s so far"]


def test_the_work_ends_with_its_reports(monkeypatch):
    monkeypatch.setattr(slow_calls, "AFTER", 0.02)
    monkeypatch.setattr(slow_calls, "_LOOK_EVERY", 0.01)
    lines, seen = [], threading.Event()

    def report(line):
        lines.append(line)
        seen.set()

    with reporting(report), waiting_for("a registry"):
        assert seen.wait(5)
    before = len(lines)
    with waiting_for("another one"):
        assert not seen.wait(0.1) or len(lines) == before
    assert set(lines) == {"waits for a registry, 0 s so far"}
    assert not [thread for thread in threading.enumerate() if thread.name == "slow calls"]
