# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service is live, on its way or without hope, one look after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.health import (
    HealthMemory,
    assess,
    makes_room,
    remember,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import (
    DONE,
    ENDED,
    PAUSED,
    PREPARING,
    ROLLED_BACK,
    ROLLING_BACK,
    RUNNING,
    STARTING,
    UPDATING,
    WAITING,
    Cause,
    ServiceState,
    Task,
)
from hypothesis import given
from hypothesis import strategies as st

CRASH = Cause("crash", "exited with code 1")
FINAL = Cause("image_missing", "the registry has no such image", final=True)
NO_MACHINE = Cause("no_node", "no node matches", patience=1.0)
PORT_TAKEN = Cause("port_taken", "its host port is in use", patience=3.0, room=True)
NO_ROOM = Cause("no_resources", "no machine has the memory", patience=3.0, room=True)


def task(identity: str = "t1", state: str = RUNNING, slot: str = "1", **keys: object) -> Task:
    known = {"current": True, "sent": True, "wanted": state != ENDED, "created": identity, **keys}
    return Task(identity, f"web.{slot}", slot, "node", state, **known)


def crashed(identity: str, slot: str = "1", cause: Cause = CRASH, **keys: object) -> Task:
    return task(identity, ENDED, slot, failed=True, cause=cause, **keys)


def service(*tasks: Task, **keys: object) -> ServiceState:
    return ServiceState("web", **{"wanted": 1, "tasks": tasks, **keys})


def seen(
    *states: ServiceState,
    memory: HealthMemory | None = None,
    every: float = 1.0,
    max_crashes: int = 3,
):
    """The outcome of the last of several looks, each some seconds after the other."""
    outcome = None
    memory = memory or HealthMemory()
    for number, state in enumerate(states):
        outcome = assess(state, memory, number * every, max_crashes)
        memory = outcome.memory
    return outcome


LIVE = {
    "checked and running": [service(task(), checked=True)],
    "the engine has monitored it": [service(task(), update=DONE)],
    "running for long enough": [service(task(), monitor=5.0)] * 6,
    "running since before this run": [service(task(age=9.0), monitor=5.0)],
    "none wanted": [service(wanted=0)],
    "one crash, then well": [service(task("t2"), crashed("t1"), checked=True)],
    "two of two": [service(task("a", slot="1"), task("b", slot="2"), wanted=2, checked=True)],
    "everywhere": [service(task(), everywhere=True, checked=True)],
    "on each node that matches, and none does": [
        service(wanted=0, everywhere=True, may_be_empty=True)
    ],
    "an old update that was paused": [
        service(task(), update=PAUSED, update_id="then", checked=True)
    ],
}


@pytest.mark.parametrize("name", LIVE)
def test_live(name):
    memory = HealthMemory(old_update="then") if "paused" in name else None
    outcome = seen(*LIVE[name], memory=memory)
    assert outcome.live and outcome.cause is None


NOT_YET = {
    "nothing there": [service()],
    "starting": [service(task(state=STARTING))] * 9,
    "preparing": [service(task(state=PREPARING))] * 9,
    "running only just": [service(task(), monitor=5.0)] * 5,
    "another task each time": [service(task(f"t{number}"), monitor=2.0) for number in range(9)],
    "what runs is the old one": [service(task(current=False), checked=True)] * 9,
    "the old one runs beside it": [
        service(task("new"), task("old", current=False, wanted=False), checked=True)
    ],
    "one of two": [service(task(), wanted=2, checked=True)],
    "updating": [service(task(), update=UPDATING, checked=True)] * 9,
    "rolling back": [service(task(), update=ROLLING_BACK, checked=True)],
    "two crashes": [service(crashed("a"), crashed("b"), task("c", PREPARING))] * 9,
    "three failures of a job that may be tried four times": [
        service(*map(crashed, "abc"), task("d", STARTING), job=True, checked=True, max_attempts=3)
    ],
    "three crashes in three slots": [
        service(
            *(crashed(slot, slot) for slot in "123"),
            *(task(f"n{slot}", STARTING, slot) for slot in "123"),
            wanted=3,
        )
    ],
    "no machine, but only just": [service(task(state=WAITING, cause=NO_MACHINE))],
    "no room while the old one makes room": [
        service(
            task("new", WAITING, cause=NO_ROOM), task("old", RUNNING, current=False, wanted=False)
        )
    ]
    * 9,
    "a crash of the former spec": [
        service(crashed("a", cause=FINAL, sent=False, current=False), task("b", STARTING))
    ]
    * 9,
}


@pytest.mark.parametrize("name", NOT_YET)
def test_not_yet(name):
    outcome = seen(*NOT_YET[name])
    assert not outcome.live and outcome.cause is None


HOPELESS = {
    "three crashes of one slot": (
        [service(crashed("a"), crashed("b"), crashed("c"), task("d", STARTING))],
        "crash",
        "3 times",
    ),
    "a cause that is final": (
        [service(crashed("a", cause=FINAL), task("b", PREPARING))],
        "image_missing",
        "no such image",
    ),
    "the engine paused": (
        [service(crashed("a"), update=PAUSED, update_id="now")],
        "crash",
        "exited with code 1 (the engine paused the update)",
    ),
    "the engine paused, nobody knows why": (
        [service(update=PAUSED, update_id="now", update_text="update paused due to")],
        "engine_paused",
        "due to",
    ),
    "the engine went back": (
        [service(task(), update=ROLLED_BACK, update_id="now", checked=True)],
        "engine_rolled_back",
        "the engine rolled the update back",
    ),
    "no machine for a second": (
        [service(task(state=WAITING, cause=NO_MACHINE))] * 2,
        "no_node",
        "no node matches",
    ),
    "no machine, whoever makes room": (
        [service(task("a", WAITING, cause=NO_MACHINE), task("b", current=False, wanted=False))] * 2,
        "no_node",
        "matches",
    ),
    "everywhere is nowhere": (
        [service(wanted=0, everywhere=True)] * 3,
        "no_node",
        "no node matches",
    ),
    "not started again": (
        [service(crashed("a"))] * 3,
        "crash",
        "does not restart it",
    ),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_hopeless(name):
    states, kind, text = HOPELESS[name]
    outcome = seen(*states)
    assert not outcome.live and outcome.cause is not None
    assert outcome.cause.kind == kind and text in outcome.cause.text


def test_what_had_ended_before_does_not_count():
    before = service(*(crashed(name) for name in "abc"), update=PAUSED, update_id="then")
    assert seen(before).cause
    assert seen(replace(before, update=""), memory=remember(before)).cause is None
    assert seen(service(*before.tasks, task("d"), checked=True), memory=remember(before)).live


def test_a_task_of_a_former_spec_says_nothing_of_this_one():
    stuck = task("a", WAITING, cause=NO_MACHINE, current=False, sent=False)
    assert seen(*[service(stuck)] * 9).cause is None
    assert seen(*[service(replace(stuck, sent=True))] * 9).cause == NO_MACHINE


def test_progress_figures():
    outcome = seen(service(task("a"), crashed("b", "2"), task("c", STARTING, "2"), wanted=2))
    assert (outcome.healthy, outcome.wanted, outcome.crashes, outcome.monitored) == (1, 2, 1, False)
    assert seen(service(task(), monitor=5.0)).monitored


TASKS = st.builds(
    task,
    st.sampled_from("abcdef"),
    st.sampled_from([WAITING, PREPARING, STARTING, RUNNING, ENDED]),
    st.sampled_from("123"),
    current=st.booleans(),
    failed=st.booleans(),
    cause=st.sampled_from([None, CRASH, FINAL, NO_MACHINE]),
)
STATES = st.builds(
    lambda tasks, **keys: service(*tasks, **keys),
    st.lists(TASKS, max_size=5),
    wanted=st.integers(0, 3),
    update=st.sampled_from(["", UPDATING, PAUSED, ROLLING_BACK, ROLLED_BACK, DONE]),
    update_id=st.sampled_from(["", "now"]),
    checked=st.booleans(),
    everywhere=st.booleans(),
)


@given(st.lists(STATES, min_size=1, max_size=6))
def test_live_means_that_nothing_else_runs(states):
    outcome = seen(*states)
    last = states[-1]
    assert not (outcome.live and outcome.cause)
    if outcome.live:
        assert len(last.healthy) >= last.wanted
        assert all(task.current for task in last.tasks if task.state in (STARTING, RUNNING))
        assert last.update not in (UPDATING, ROLLING_BACK)


@given(STATES)
def test_a_look_at_the_same_state_changes_no_mind(state):
    first = assess(state, HealthMemory(), 0.0, 3)
    again = assess(state, first.memory, 0.0, 3)
    assert (first.live, first.cause) == (again.live, again.cause)


@pytest.mark.parametrize("holder", [PREPARING, STARTING, RUNNING])
def test_a_failed_replica_that_still_stops_is_waited_for(holder):
    waiting = task("t2", WAITING, cause=PORT_TAKEN)
    going = task("t1", holder, current=False, wanted=False)
    gone = crashed("t1", current=False, wanted=False, sent=False)
    # Ten looks, one second apart: the port is not free before the failed replica has stopped.
    assert not seen(*[service(waiting, going)] * 10).cause
    outcome = seen(*[service(waiting, going)] * 10, *[service(waiting, gone)] * 4)
    assert outcome.cause and outcome.cause.kind == "port_taken"


ROOM = [
    (service(task("t1")), False),
    (service(task("t1", wanted=False)), True),
    (service(task("t1", STARTING, wanted=False)), True),
    (service(crashed("t1", wanted=False)), False),
    # It goes when the new one runs, unless that one waits itself.
    (service(task("t1", current=False), task("t2", STARTING)), True),
    (service(task("t1", current=False), task("t2", WAITING, cause=NO_ROOM)), False),
]


@pytest.mark.parametrize(("other", "is_made"), ROOM)
def test_room_that_another_service_makes(other, is_made):
    assert makes_room(other) is is_made
    state = service(task("t2", WAITING, cause=NO_ROOM))
    memory = remember(state)
    for now in range(10):
        health = assess(state, memory, float(now), 3, others_make_room=makes_room(other))
        memory = health.memory
    assert bool(health.cause) is not is_made
