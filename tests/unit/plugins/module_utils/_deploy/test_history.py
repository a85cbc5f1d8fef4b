# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records, and where a rollback goes."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlanError
from ansible_collections.shipping.code.plugins.module_utils._deploy import history
from ansible_collections.shipping.code.plugins.module_utils._deploy.health import (
    FAILED,
    LIVE,
    PENDING,
    ROLLED_BACK_RELEASE,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import (
    Record,
    notes_text,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from hypothesis import given
from hypothesis import strategies as st

STATES = [LIVE, FAILED, ROLLED_BACK_RELEASE, PENDING]


def record(number: int, state: str = LIVE, content: str = "", rollback_of: str = "") -> Record:
    return Record(
        number, f"1.{number}", state, content=content or f"spec {number}", rollback_of=rollback_of
    )


def test_notes_are_cut_between_lines() -> None:
    notes = ["one", "two\nlines", *["x" * 99] * 50]
    text = notes_text(notes)
    assert text.splitlines()[:2] == ["one", "two lines"]
    assert 3900 < len(text) <= 4000 and set(text.splitlines()[2:]) == {"x" * 99}


def test_a_record_comes_back_as_it_was_written():
    resolved = Resolved(
        services={"web": {"image": "a@sha256:1", "reference": "a:1", "command": ["ü"]}},
        volumes=["shop_data"],
    )
    written = Record(
        7, "1.7", LIVE, "why", "alice", "abc", "then", "later", "5", resolved.hash, resolved
    )
    for data in (written.data(), base64.b64encode(written.data()).decode()):
        assert history.read_record("", 0, written.labels(), data) == written


def test_a_long_reason_is_cut_between_characters():
    labels = Record(1, "1", reason="ü" * 5000).labels()
    assert len(labels["shipping.code.reason"].encode()) == history.REASON_LIMIT
    assert set(labels["shipping.code.reason"]) == {"ü"}


def test_a_record_that_is_too_large_is_refused():
    import random

    noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=1_500_000))
    with pytest.raises(PlanError, match="a record may have 900000"):
        Record(1, "1", resolved=Resolved(services={"web": {"command": [noise]}})).data()


# What is known, the newest first; the number asked for; where it goes, or None where it is there
# already.
TARGETS = {
    "to the one before": ([record(2), record(1)], None, 1),
    "over a failed one": ([record(3), record(2, FAILED), record(1)], None, 1),
    "a refused one does not run": ([record(3, ROLLED_BACK_RELEASE), record(2), record(1)], None, 1),
    "a failed one may run": ([record(3, FAILED), record(2), record(1)], None, 2),
    "over the same spec": (
        [record(3, content="same"), record(2, content="same"), record(1)],
        None,
        1,
    ),
    "twice is no change": (
        [record(3, content="spec 1", rollback_of="1"), record(2), record(1)],
        None,
        None,
    ),
    "by number": ([record(3), record(2), record(1)], 1, 1),
    "by number, again": (
        [record(3, content="spec 1", rollback_of="1"), record(2), record(1)],
        1,
        None,
    ),
    "by number to what runs": ([record(2), record(1)], 2, None),
    "forward again": ([record(3, content="spec 1", rollback_of="1"), record(2), record(1)], 2, 2),
}


@pytest.mark.parametrize("name", TARGETS)
def test_rollback_target(name):
    known, number, expected = TARGETS[name]
    target = history.rollback_target(known, number)
    assert (target.number if target else None) == expected


REFUSED = {
    "nothing was ever live": ([record(1, FAILED)], None, "no release of it has been live"),
    "no history": ([], None, "no release of it has been live"),
    "only one": ([record(1)], None, "release 1 is the oldest"),
    "no such number": ([record(2), record(1)], 9, "release 9 does not exist: the history has 2, 1"),
    "never live": (
        [record(3), record(2, FAILED), record(1)],
        2,
        "it was never live .* Choose one of 3, 1",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_no_rollback_target(name):
    known, number, says = REFUSED[name]
    with pytest.raises(PlanError, match=says):
        history.rollback_target(known, number)


@given(st.lists(st.sampled_from(STATES), max_size=20), st.integers(1, 10))
def test_what_runs_and_what_was_before_it_always_stay(states, keep):
    known = [record(number + 1, state) for number, state in enumerate(states)]
    going = {old.number for old in history.expendable(known, keep)}
    live = sorted((old.number for old in known if old.state == LIVE), reverse=True)
    assert not going & set(live[:2])
    assert len(known) - len(going) <= keep + 2
    assert all(old.number not in going for old in known[-keep:])


@given(st.lists(st.sampled_from(STATES), max_size=20))
def test_numbers_only_grow(states):
    known = [record(number + 1, state) for number, state in enumerate(states)]
    assert history.next_number(known) == len(known) + 1
