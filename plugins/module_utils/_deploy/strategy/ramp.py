# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a canary and of a blue-green release, their state and its transitions. Pure.

The state is in the release's record. Each phase names work that can be repeated, so that the run
after a killed one continues with the phase that the record has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..._inference.verdicts import NO_DATA, PROMOTE, ROLL_BACK, UNDECIDED

BLUE_GREEN, CANARY = "blue_green", "canary"

# The phases, in the order of a good ramp; rolling_back can follow each of them.
DEPLOYING, SHIFTING, HOLDING, WARM = "deploying", "shifting", "holding", "warm"
PROMOTING, ROLLING_BACK = "promoting", "rolling_back"
PROMOTED, ROLLED_BACK, STUCK = "promoted", "rolled_back", "failed"
ENDS = (PROMOTED, ROLLED_BACK, STUCK)

# The events: work that ended, a look, and the words of an operator.
DONE, FAILED, ABORT, CONFIRM = "done", "failed", "abort", "confirm"
LOOKS = (PROMOTE, ROLL_BACK, UNDECIDED, NO_DATA)
EVENTS = (DONE, FAILED, ABORT, CONFIRM, *LOOKS)


@dataclass(frozen=True)
class Step:
    """A share in percent, held for so many seconds; None is until an operator promotes."""

    weight: float
    hold: float | None


@dataclass(frozen=True)
class RampPlan:
    """The declared part of a ramp.

    ``deadline`` is in seconds since the first share. ``keep_warm`` is for how long the former
    version stays beside the new one after a blue-green switch.
    """

    strategy: str
    steps: tuple[Step, ...]
    deadline: float = 86_400.0
    promotes_on_deadline: bool = False
    keep_warm: float = 0.0


@dataclass(frozen=True)
class Ramp:
    """The state of a ramp. Times are in seconds since 1970, since runs on several hosts share it.

    ``position`` is the index of the step, ``since`` when its phase began, ``began`` when the new
    version got its first share. ``answer`` is that of the last look.
    """

    plan: RampPlan
    phase: str = DEPLOYING
    position: int = 0
    since: float = 0.0
    began: float = 0.0
    answer: str = ""
    reason: str = ""

    @property
    def step(self) -> Step:
        """Return the current step."""
        return self.plan.steps[self.position]

    @property
    def is_last(self) -> bool:
        """Return whether no step follows."""
        return self.position + 1 >= len(self.plan.steps)

    @property
    def is_over(self) -> bool:
        """Return whether the ramp has reached one of its ends."""
        return self.phase in ENDS

    @property
    def is_waiting(self) -> bool:
        """Return whether time has to pass, or an operator has to decide."""
        return self.phase in (HOLDING, WARM)

    @property
    def waits_for_operator(self) -> bool:
        """Return whether only an operator promotes it."""
        return self.phase == HOLDING and self.step.hold is None

    def due(self) -> float:
        """Return when the hold, or the time that the former version is kept warm, is over."""
        length = self.plan.keep_warm if self.phase == WARM else self.step.hold or 0.0
        return self.since + length

    def as_data(self) -> dict[str, Any]:
        """Return the state and the plan as JSON data."""
        plan = {
            "strategy": self.plan.strategy,
            "steps": [[step.weight, step.hold] for step in self.plan.steps],
            "deadline": self.plan.deadline,
            "promotes_on_deadline": self.plan.promotes_on_deadline,
            "keep_warm": self.plan.keep_warm,
        }
        state = {
            name: getattr(self, name)
            for name in ("phase", "position", "since", "began", "answer", "reason")
        }
        return {"plan": plan, **state}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Ramp:
        """Read what :meth:`as_data` returned."""
        plan = dict(data["plan"])
        steps = tuple(Step(float(weight), hold) for weight, hold in plan.pop("steps"))
        state = {name: value for name, value in data.items() if name != "plan"}
        return cls(RampPlan(steps=steps, **plan), **state)


def advance(ramp: Ramp, event: str, now: float, reason: str = "") -> Ramp:
    """Return the state after an event; an event that a phase does not expect changes nothing."""
    if ramp.is_over:
        return ramp
    if event == ABORT:
        return _aborted(ramp, now, reason)
    if event == FAILED:
        return _failed(ramp, now, reason)
    if event == DONE:
        return _done(ramp, now)
    return _decided(ramp, event, now, reason) if ramp.is_waiting else ramp


def _entered(ramp: Ramp, phase: str, now: float, reason: str = "", position: int = -1) -> Ramp:
    return replace(
        ramp,
        phase=phase,
        since=now,
        reason=reason or ramp.reason,
        position=ramp.position if position < 0 else position,
    )


def _aborted(ramp: Ramp, now: float, reason: str) -> Ramp:
    # The former version may be replaced in part by now, so that the promotion ends first.
    if ramp.phase in (PROMOTING, ROLLING_BACK):
        return ramp
    return _entered(ramp, ROLLING_BACK, now, reason or "it was aborted")


def _failed(ramp: Ramp, now: float, reason: str) -> Ramp:
    if ramp.phase == ROLLING_BACK:
        return _entered(ramp, STUCK, now, reason)
    return _entered(ramp, ROLLING_BACK, now, reason or f"{ramp.phase} failed")


def _done(ramp: Ramp, now: float) -> Ramp:
    if ramp.phase == DEPLOYING:
        return _entered(ramp, SHIFTING, now)
    if ramp.phase == SHIFTING:
        is_switched = ramp.plan.strategy == BLUE_GREEN
        began = ramp.began or now
        return replace(_entered(ramp, WARM if is_switched else HOLDING, now), began=began)
    if ramp.phase == PROMOTING:
        return _entered(ramp, PROMOTED, now)
    return _entered(ramp, ROLLED_BACK, now) if ramp.phase == ROLLING_BACK else ramp


def _decided(ramp: Ramp, event: str, now: float, reason: str) -> Ramp:
    """Return the state of a waiting ramp after a look, or after an operator's word."""
    if event == ROLL_BACK:
        return _entered(replace(ramp, answer=event), ROLLING_BACK, now, reason)
    if event == CONFIRM:
        return _entered(ramp, PROMOTING, now, "an operator promoted it")
    if ramp.phase == WARM:
        return _entered(ramp, PROMOTING, now) if now >= ramp.due() else ramp
    ramp = replace(ramp, answer=event)
    if now >= ramp.began + ramp.plan.deadline:
        return _expired(ramp, event, now, reason)
    return _held(ramp, event, now, reason)


def _held(ramp: Ramp, event: str, now: float, reason: str) -> Ramp:
    """Return the state after a look that found no harm: a hold ends by its time, and with data."""
    if ramp.waits_for_operator or now < ramp.due() or event == NO_DATA:
        return ramp
    if not ramp.is_last:
        return _entered(ramp, SHIFTING, now, position=ramp.position + 1)
    return _entered(ramp, PROMOTING, now, reason) if event == PROMOTE else ramp


def _expired(ramp: Ramp, event: str, now: float, reason: str) -> Ramp:
    """Return the state after the deadline; missing data are never a pass."""
    about = f" ({reason})" if reason else ""
    passes = event == PROMOTE and ramp.is_last and not ramp.waits_for_operator
    if passes or (ramp.plan.promotes_on_deadline and event != NO_DATA):
        return _entered(ramp, PROMOTING, now, f"the deadline has passed{about}")
    what = "without data" if event == NO_DATA else "without a decision"
    return _entered(ramp, ROLLING_BACK, now, f"the deadline has passed {what}{about}")
