# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an experiment, and its next one by the wanted state. Pure.

A record is data of JSON: ``state``, ``started``, ``ended``, ``stage``, ``text`` (the file),
``looks`` (time, hash of the data, units and decision) and ``cell``, the promoted one. It is written
whole or not at all, so that a run that is killed changes nothing and the next one continues.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ...module_utils._core.errors import PlanError
from .cells import CONTROL, ExperimentLayout, ExperimentStage, check_alone
from .experiment import INCONCLUSIVE, ROLL_BACK, Experiment

PLANNED, RUNNING, STOPPED, PROMOTED, ABSENT = (
    "planned",
    "running",
    "stopped",
    "promoted",
    "absent",
)
SHIP, EXTEND = "ship", "extend"
DECISION = "decision"
_LIBRARIES = ("numpy", "scipy", "statsmodels", "ibis-framework", "duckdb")
# Of a running experiment; everything else decides which units are compared, or how.
_MAY_CHANGE = ("deadline", "default", "retention")
_MOST_LOOKS = 200


@dataclass(frozen=True)
class Live:
    """The service in its live release."""

    data: Mapping[str, Any] = field(default_factory=dict)

    def missing_cells(self, layout: ExperimentLayout) -> list[str]:
        """Return the cells that the release does not have with their headers."""
        headers = self.data.get("headers", {})
        wanted = {
            cell.name: {name.lower(): value for name, value in cell.headers.items()}
            for cell in layout.cells
        }
        return [name for name, expected in wanted.items() if headers.get(name) != expected]


@dataclass(frozen=True)
class ExperimentLook:
    """The result of a look: the hash of the data, the units by arm and the decision."""

    digest: str
    units: Mapping[str, int]
    action: str
    cell: str = ""

    def as_data(self, now: datetime) -> dict[str, Any]:
        """Return the look as the record has it."""
        return {
            "time": text_of(now),
            "digest": self.digest,
            "units": dict(self.units),
            "action": self.action,
            "cell": self.cell,
        }


@dataclass(frozen=True)
class RecordChange:
    """The writes of a run: the record, if it changes, and the weights, if any.

    ``remove``: the record is removed.
    """

    record: Mapping[str, Any] | None = None
    weights: Mapping[str, float] | None = None
    remove: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Situation:
    """The experiment as the platform has it: its record, those of others, and the release."""

    layout: ExperimentLayout
    text: str
    now: datetime
    record: Mapping[str, Any] | None = None
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    live: Live = field(default_factory=Live)
    weights: Mapping[str, float] = field(default_factory=dict)
    look: ExperimentLook | None = None

    @property
    def state(self) -> str:
        """Return the state of the record."""
        return str(self.record["state"]) if self.record else ABSENT

    @property
    def name(self) -> str:
        """Return the name of the experiment."""
        return self.layout.experiment.name

    @property
    def started(self) -> datetime | None:
        """Return the time at which units were assigned first; None before it."""
        text = self.record.get("started") if self.record else None
        return datetime.fromisoformat(text) if text else None


def text_of(time: datetime) -> str:
    """Return a time in the record."""
    return time.isoformat(timespec="seconds")


def libraries() -> dict[str, str]:
    """Return the versions of what the numbers of an analysis depend on."""
    found = {"python": sys.version.split()[0]}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def next_change(
    state: str, now: Situation, former: Experiment | None, cell: str = ""
) -> RecordChange:
    """Return what a run with a wanted state changes.

    ``former`` is the experiment of the record's own text.
    """
    if state == ABSENT:
        return RecordChange(weights=_no_weights(now), remove=now.record is not None)
    if state == STOPPED:
        return _stopped(now)
    if state == PROMOTED:
        return _promoted(now, cell)
    _check_unchanged(now, former)
    if state == PLANNED:
        return _planned(now)
    return _running(now)


def _planned(now: Situation) -> RecordChange:
    if now.state in (RUNNING, STOPPED, PROMOTED):
        return RecordChange(notes=(f"{now.name} is {now.state} already",))
    record = _record(now, PLANNED)
    return RecordChange(record if record != now.record else None)


def _running(now: Situation) -> RecordChange:
    experiment = now.layout.experiment
    if now.record and now.record.get("ended_by") == DECISION:
        # A schedule of looks continues until a user changes it.
        return RecordChange(
            weights=_no_weights(now), notes=(f"{now.name} was stopped by its data",)
        )
    _check_may_run(now)
    if experiment.start and now.now < experiment.start and now.started is None:
        note = f"{now.name} starts at {text_of(experiment.start)}"
        return replace(_planned(now), notes=(note,))
    _check_live(now)
    if now.look and now.look.action in (ROLL_BACK, INCONCLUSIVE):
        return _ended(now, STOPPED, CONTROL, by=DECISION)
    started = now.started or now.now
    stage = now.layout.stage(started, now.now)
    record = _record(now, RUNNING, started=text_of(started), stage=stage.number)
    return RecordChange(
        record if record != now.record else None,
        now.layout.weights(stage),
        notes=_stage_notes(now.layout, stage),
    )


def _check_may_run(now: Situation) -> None:
    if now.state in (STOPPED, PROMOTED):
        raise PlanError(
            f"{now.name} cannot run again",
            f"it was {now.state}, and units that it has had would be counted twice",
            "Give the experiment another name",
        )
    busy = {name: record for name, record in now.others.items() if record["state"] == RUNNING}
    check_alone(now.layout, busy)


def _stopped(now: Situation) -> RecordChange:
    if now.record is None or now.state == PLANNED:
        raise PlanError(
            f"{now.name} cannot be stopped", "it does not run", "Run it first, or use state: absent"
        )
    if now.state == PROMOTED:
        raise PlanError(
            f"{now.name} cannot be stopped",
            f"its cell {now.record.get('cell')} was promoted",
            "Roll back the release with shipping.code.rollback",
        )
    return _ended(now, STOPPED, CONTROL)


def _promoted(now: Situation, cell: str) -> RecordChange:
    if now.started is None or now.record is None:
        raise PlanError(
            f"{now.name} cannot be promoted", "it has not run yet", "Run it with state: running"
        )
    winner = cell or _winner(now)
    former = _promoted_cell(now)
    if former and winner != former:
        raise PlanError(
            f"the cell {winner} of {now.name} cannot be promoted",
            f"{former} was promoted already",
            "Start another experiment",
        )
    # An error here, before the weights change.
    now.layout.promotion(winner)
    return _ended(now, PROMOTED, winner)


def _promoted_cell(now: Situation) -> str:
    return str(now.record.get("cell", "")) if now.record and now.state == PROMOTED else ""


def _winner(now: Situation) -> str:
    """Return the cell that was promoted, else the one that the data decide for."""
    former = _promoted_cell(now)
    if former:
        return former
    if now.look and now.look.action == SHIP:
        return now.look.cell
    raise PlanError(
        f"{now.name} cannot be promoted",
        "the data decide for no cell yet",
        "Wait, or name the cell with the option cell",
    )


def _ended(now: Situation, state: str, cell: str, by: str = "user") -> RecordChange:
    if now.state == state:
        return RecordChange(weights=_no_weights(now))
    ended = now.record.get("ended") if now.record else ""
    record = _record(now, state, ended=ended or text_of(now.now), cell=cell, ended_by=by)
    return RecordChange(record, _no_weights(now))


def _no_weights(now: Situation) -> dict[str, float] | None:
    """Return weights that give all units to stable; None if no cell is in the table."""
    busy = [name for name, share in now.weights.items() if name in now.layout.arms and share]
    known = {*now.live.data.get("variants", ())}
    return dict.fromkeys(sorted({*now.layout.arms} & known), 0.0) if busy else None


def _record(now: Situation, state: str, **values: Any) -> dict[str, Any]:
    """Return the next record. A look is added where its decision is another one."""
    former = dict(now.record or {})
    experiment = now.layout.experiment
    looks = list(former.get("looks", ()))
    if now.look and _is_news(now.look, looks, state, now.state):
        looks.append(now.look.as_data(now.now))
    return {
        **former,
        "name": experiment.name,
        "service": experiment.service,
        "state": state,
        "text": now.text,
        "seed": experiment.seed,
        "arms": list(now.layout.arms),
        "looks": looks[-_MOST_LOOKS:],
        "versions": former.get("versions") or libraries(),
        **values,
    }


def _is_news(look: ExperimentLook, looks: list[dict[str, Any]], state: str, former: str) -> bool:
    # Without a look, the experiment is to be extended.
    last = looks[-1] if looks else {"action": EXTEND, "cell": ""}
    return (look.action, look.cell) != (last["action"], last["cell"]) or state != former


def _check_unchanged(now: Situation, former: Experiment | None) -> None:
    """Raise PlanError where the file of a running experiment was changed."""
    if former is None or now.state != RUNNING:
        return
    current = now.layout.experiment
    allowed = {name: getattr(current, name) for name in _MAY_CHANGE}
    if replace(former, **allowed) != current:
        changed = [
            name
            for name in Experiment.__dataclass_fields__
            if name not in _MAY_CHANGE and getattr(former, name) != getattr(current, name)
        ]
        raise PlanError(
            f"{now.name} cannot be changed",
            f"it runs, and its {', '.join(changed)} would differ within the data",
            "Undo the change, or stop it and start one of another name",
        )


def _check_live(now: Situation) -> None:
    """Raise PlanError where the live release does not have the cells."""
    experiment, live = now.layout.experiment, now.live.data
    if not live.get("routed"):
        raise PlanError(
            f"{now.name} cannot run",
            f"{experiment.app} has no live release with routes of {experiment.service}",
            "Deploy the app, or correct the names",
        )
    missing = now.live.missing_cells(now.layout)
    if missing:
        raise PlanError(
            f"{now.name} cannot run",
            f"the live release lacks the cell {missing[0]}",
            "Deploy the app with the file that state: planned returns as compose, as the role"
            " shipping.code.experiment does",
        )
    needs_events = any(not measure.is_of_router for measure in experiment.measures)
    if needs_events and experiment.events.type == "router" and not live.get("events"):
        raise PlanError(
            f"{now.name} cannot run",
            f"it counts events, and no route of {experiment.service} takes them",
            "Write events: true in the route and deploy it",
        )
    _check_unit(now)


def _check_unit(now: Situation) -> None:
    wanted = now.layout.experiment.unit
    for unit in now.live.data.get("units", ()):
        named = unit or "visitor"
        found = named if isinstance(named, str) else next(iter(named))
        if found != wanted:
            raise PlanError(
                f"{now.name} cannot run",
                f"its unit is {wanted}, and a route of {now.layout.experiment.service} assigns by"
                f" {found}",
                "Correct unit in the file or in the route",
            )


def _stage_notes(layout: ExperimentLayout, stage: ExperimentStage) -> tuple[str, ...]:
    if stage.until is None:
        return ()
    return (
        f"{layout.experiment.name}: {stage.share:g} percent of the units take part until"
        f" {text_of(stage.until)}",
    )
