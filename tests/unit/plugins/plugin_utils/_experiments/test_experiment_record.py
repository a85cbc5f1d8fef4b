# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an experiment: what each state changes, and what cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlanError
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.cells import layout_of
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment import (
    Experiment,
    Factor,
    Level,
    Measure,
    RampStep,
    Response,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment_record import (
    ABSENT,
    PLANNED,
    PROMOTED,
    RUNNING,
    STOPPED,
    ExperimentLook,
    Live,
    RecordChange,
    Situation,
    next_change,
)

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
BUTTON = Factor(
    "button",
    (Level("buy", "Buy"), Level("now", "Buy now", promote={"environment": {"BUTTON": "now"}})),
    "X-Button",
)
EXPERIMENT = Experiment(
    "button", "shop", "web", (BUTTON,), (Response("orders", "rate", Measure("order")),), 86400.0
)
LAYOUT = layout_of(EXPERIMENT)
LIVE: dict[str, Any] = {
    "routed": True,
    "events": True,
    "units": ["visitor"],
    "variants": ["control", "now"],
    "headers": {
        cell.name: {name.lower(): value for name, value in cell.headers.items()}
        for cell in LAYOUT.cells
    },
}
BUSY = {"control": 50.0, "now": 50.0, "stable": 0.0}
SHIP = ExperimentLook("d1", {"control": 10, "now": 10}, "ship", "now")
ROLL_BACK = ExperimentLook("d2", {"control": 10, "now": 10}, "roll_back")
EXTEND = ExperimentLook("d3", {"control": 5, "now": 5}, "extend")


def situation(record: dict[str, Any] | None = None, **values: Any) -> Situation:
    return Situation(LAYOUT, "text", NOW, record, live=Live(LIVE), **values)


def run_to(state: str, now: Situation, cell: str = "") -> RecordChange:
    return next_change(state, now, EXPERIMENT if now.record else None, cell)


def after(change: RecordChange, former: Situation, **values: Any) -> Situation:
    record = dict(change.record) if change.record else former.record
    return replace(former, **{"record": record, "weights": change.weights or {}, **values})


def running(**values: Any) -> Situation:
    first = situation()
    return after(run_to(RUNNING, first), first, **values)


def test_an_experiment_runs_and_a_second_run_changes_nothing() -> None:
    planned = run_to(PLANNED, situation())
    assert planned.record is not None and planned.record["state"] == PLANNED
    assert planned.weights is None
    now = after(planned, situation())
    assert run_to(PLANNED, now) == RecordChange()
    started = run_to(RUNNING, now)
    assert started.record is not None
    assert started.record["started"] == "2026-12-01T08:00:00+00:00"
    assert started.weights == {"control": 50.0, "now": 50.0}
    again = run_to(RUNNING, after(started, now, now=LATER))
    assert (again.record, again.weights) == (None, started.weights)


def test_a_run_that_was_killed_before_its_record_begins_again() -> None:
    # The weights were changed and the record was not written.
    assert run_to(RUNNING, situation(weights=BUSY)).record is not None


def test_looks_are_kept_where_the_decision_changes() -> None:
    now = running(look=EXTEND, now=LATER)
    assert run_to(RUNNING, now).record is None
    decided = run_to(RUNNING, replace(now, look=SHIP))
    assert decided.record is not None
    (look,) = decided.record["looks"]
    assert (look["digest"], look["action"], look["units"]["now"]) == ("d1", "ship", 10)
    more = replace(SHIP, digest="d4")
    assert run_to(RUNNING, after(decided, now, look=more)).record is None


def test_harm_stops_the_experiment_and_the_schedule_continues() -> None:
    now = running(look=ROLL_BACK, weights=BUSY)
    stopped = run_to(RUNNING, now)
    assert stopped.record is not None
    assert (stopped.record["state"], stopped.record["cell"]) == (STOPPED, "control")
    assert stopped.weights == {"control": 0.0, "now": 0.0}
    next_run = after(stopped, now)
    assert run_to(RUNNING, next_run).record is None
    assert "stopped by its data" in run_to(RUNNING, next_run).notes[0]


def test_the_decided_or_the_named_cell_is_promoted_once() -> None:
    now = running(look=SHIP, weights=BUSY)
    promoted = run_to(PROMOTED, now)
    assert promoted.record is not None and promoted.record["cell"] == "now"
    assert promoted.weights == {"control": 0.0, "now": 0.0}
    done = after(promoted, now)
    assert run_to(PROMOTED, done, "now").record is None
    with pytest.raises(PlanError, match="now was promoted already"):
        run_to(PROMOTED, done, "control")
    with pytest.raises(PlanError, match="the data decide for no cell yet"):
        run_to(PROMOTED, running(look=EXTEND))
    with pytest.raises(PlanError, match=r"no cell nwo.*did you mean now"):
        run_to(PROMOTED, running(), "nwo")
    with pytest.raises(PlanError, match="was promoted"):
        run_to(STOPPED, done)


def test_a_stopped_experiment_does_not_run_again() -> None:
    now = running(weights=BUSY)
    done = after(run_to(STOPPED, now), now)
    assert run_to(STOPPED, done) == RecordChange(weights=None)
    with pytest.raises(PlanError, match="Give the experiment another name"):
        run_to(RUNNING, done)
    gone = run_to(ABSENT, done)
    assert (gone.remove, gone.weights) == (True, None)
    assert run_to(ABSENT, situation()) == RecordChange()
    with pytest.raises(PlanError, match="it does not run"):
        run_to(STOPPED, situation())
    with pytest.raises(PlanError, match="it has not run yet"):
        run_to(PROMOTED, situation())


def test_the_ramp_changes_weights_only() -> None:
    layout = layout_of(replace(EXPERIMENT, ramp=(RampStep(10, 3600),)))
    first = replace(situation(), layout=layout)
    started = next_change(RUNNING, first, None)
    assert started.weights == {"control": 5.0, "now": 5.0}
    assert "10 percent of the units take part until 2026-12-01T09:00:00" in started.notes[0]
    later = next_change(RUNNING, after(started, first, now=LATER), layout.experiment)
    assert later.weights == {"control": 50.0, "now": 50.0}


def test_a_start_in_the_future_waits() -> None:
    layout = layout_of(replace(EXPERIMENT, start=LATER))
    waiting = next_change(RUNNING, replace(situation(), layout=layout), None)
    assert waiting.weights is None and waiting.record is not None
    assert waiting.record["state"] == PLANNED
    assert "starts at 2026-12-01T10:00:00" in waiting.notes[0]


@pytest.mark.parametrize(
    ("live", "problem"),
    [
        ({}, "no live release with routes of web"),
        ({"headers": {}}, "lacks the cell control"),
        ({"events": False}, "no route of web takes them"),
        ({"units": [{"header": "x-user"}]}, "assigns by header"),
    ],
)
def test_what_the_live_release_lacks(live: dict[str, Any], problem: str) -> None:
    now = replace(situation(), live=Live({**LIVE, **live} if live else {}))
    with pytest.raises(PlanError, match=problem):
        run_to(RUNNING, now)


def test_a_running_experiment_keeps_its_file() -> None:
    now = running()
    shorter = replace(EXPERIMENT, deadline=3600.0)
    changed = next_change(
        RUNNING, replace(now, layout=layout_of(shorter), text="shorter"), EXPERIMENT
    )
    assert changed.record is not None and changed.record["text"] == "shorter"
    other = replace(EXPERIMENT, holdout=5.0, seed=2)
    with pytest.raises(PlanError, match="its holdout, seed would differ"):
        next_change(RUNNING, replace(now, layout=layout_of(other)), EXPERIMENT)


def test_two_experiments_on_one_service() -> None:
    other = {"state": RUNNING, "service": "web"}
    with pytest.raises(PlanError, match="search runs on web already"):
        run_to(RUNNING, situation(others={"search": other}))
    ended = {**other, "state": STOPPED}
    assert run_to(RUNNING, situation(others={"search": ended})).record
