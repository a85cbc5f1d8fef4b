# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of canaries and blue-green releases: each state has a way to a named end."""

from __future__ import annotations

import json

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.strategy import ramp
from ansible_collections.shipping.code.plugins.module_utils._deploy.strategy.ramp import (
    CANARY,
    Ramp,
    RampPlan,
    Step,
    advance,
)
from hypothesis import given
from hypothesis import strategies as st

STEPS = (Step(10, 60), Step(50, 60))
PLAN = RampPlan(CANARY, STEPS, deadline=1000)
PHASES = (
    ramp.DEPLOYING,
    ramp.SHIFTING,
    ramp.HOLDING,
    ramp.WARM,
    ramp.PROMOTING,
    ramp.ROLLING_BACK,
    *ramp.ENDS,
)


def after(*events: tuple[str, float], plan: RampPlan = PLAN) -> Ramp:
    """Return the state after events, each with its time."""
    state = Ramp(plan)
    for event, now in events:
        state = advance(state, event, now, "a reason")
    return state


DEPLOYED = (("done", 0), ("done", 1))


def test_a_good_canary_takes_all_steps() -> None:
    assert after(*DEPLOYED).phase == ramp.HOLDING
    assert after(*DEPLOYED, ("promote", 30)).position == 0
    second = (*DEPLOYED, ("undecided", 61), ("done", 62))
    assert (after(*second).phase, after(*second).position) == (ramp.HOLDING, 1)
    assert after(*second, ("undecided", 500)).phase == ramp.HOLDING
    last = after(*second, ("promote", 122))
    assert last.phase == ramp.PROMOTING
    assert advance(last, "done", 130).phase == ramp.PROMOTED


@pytest.mark.parametrize(
    ("event", "now", "phase", "reason"),
    [
        ("roll_back", 5, ramp.ROLLING_BACK, "a reason"),
        ("abort", 5, ramp.ROLLING_BACK, "a reason"),
        ("failed", 5, ramp.ROLLING_BACK, "a reason"),
        ("no_data", 900, ramp.HOLDING, ""),
        ("no_data", 2000, ramp.ROLLING_BACK, "the deadline has passed without data (a reason)"),
        ("undecided", 2000, ramp.ROLLING_BACK, "passed without a decision (a reason)"),
        ("confirm", 5, ramp.PROMOTING, "an operator promoted it"),
    ],
)
def test_a_hold_ends(event: str, now: float, phase: str, reason: str) -> None:
    state = after(*DEPLOYED, (event, now))
    assert state.phase == phase
    assert reason in state.reason


def test_no_data_is_never_a_pass() -> None:
    plan = RampPlan(CANARY, STEPS, deadline=1000, promotes_on_deadline=True)
    assert after(*DEPLOYED, ("undecided", 2000), plan=plan).phase == ramp.PROMOTING
    assert after(*DEPLOYED, ("no_data", 2000), plan=plan).phase == ramp.ROLLING_BACK


def test_an_operator_promotes() -> None:
    plan = RampPlan(CANARY, (Step(10, None),))
    held = after(*DEPLOYED, ("promote", 500), plan=plan)
    assert held.waits_for_operator
    assert advance(held, "confirm", 600).phase == ramp.PROMOTING
    assert advance(held, "promote", 90_000).phase == ramp.ROLLING_BACK


def test_blue_green_keeps_the_former_version_warm() -> None:
    plan = RampPlan(ramp.BLUE_GREEN, (Step(100, 0),), keep_warm=60)
    warm = after(*DEPLOYED, plan=plan)
    assert warm.phase == ramp.WARM
    assert advance(warm, "undecided", 30) == warm
    assert advance(warm, "undecided", 61).phase == ramp.PROMOTING
    assert advance(warm, "abort", 30, "an operator").phase == ramp.ROLLING_BACK


def test_a_promotion_is_not_aborted() -> None:
    promoting = after(*DEPLOYED, ("confirm", 5))
    assert advance(promoting, "abort", 6) == promoting
    failed = advance(promoting, "failed", 7, "web: crash")
    assert (failed.phase, failed.reason) == (ramp.ROLLING_BACK, "web: crash")
    assert advance(failed, "failed", 8).phase == ramp.STUCK


plans = st.builds(
    RampPlan,
    st.sampled_from([ramp.CANARY, ramp.BLUE_GREEN]),
    st.lists(
        st.builds(Step, st.sampled_from([0.5, 10.0, 100.0]), st.sampled_from([0.0, 30.0, None])),
        min_size=1,
        max_size=4,
    ).map(tuple),
    deadline=st.sampled_from([10.0, 1000.0]),
    promotes_on_deadline=st.booleans(),
    keep_warm=st.sampled_from([0.0, 60.0]),
)
ramps = st.builds(
    lambda plan, phase, position, since: Ramp(
        plan, phase, min(position, len(plan.steps) - 1), since, since
    ),
    plans,
    st.sampled_from(PHASES),
    st.integers(0, 3),
    st.floats(0, 100),
)


@given(ramps, st.lists(st.sampled_from(ramp.EVENTS), max_size=8), st.sampled_from(ramp.LOOKS))
def test_each_state_leads_to_an_end(state: Ramp, events: list[str], answer: str) -> None:
    for event in events:
        state = advance(state, event, state.since + 1)
    for _turn in range(12):
        # The work of a phase ends, and after its deadline a look decides.
        state = advance(state, answer if state.is_waiting else "done", state.since + 2000)
    assert state.phase in ramp.ENDS
    assert state.is_over


@given(ramps, st.sampled_from(ramp.EVENTS))
def test_an_end_stays(state: Ramp, event: str) -> None:
    if state.is_over:
        assert advance(state, event, 1e9) == state


@given(ramps)
def test_data_is_read_back(state: Ramp) -> None:
    assert Ramp.from_data(json.loads(json.dumps(state.as_data()))) == state
