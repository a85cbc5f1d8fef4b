# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the standing canaries and blue-green releases of an app, and name who may end them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._core.errors import PlanError
from .health import PENDING
from .history import Record, newest
from .strategy.ramp import BLUE_GREEN, WARM, Ramp

STANDING = "standing"
ADVANCE = "advance"


def standing(records: Iterable[Record]) -> Record | None:
    """Return the release whose ramp has not ended; None without any."""
    record = newest(records, PENDING)
    return record if record and record.ramp else None


def ramp_of(record: Record) -> Ramp:
    """Return the state of a release's ramp."""
    return Ramp.from_data(record.ramp["state"])


def title(ramp: Ramp) -> str:
    """Return what a ramp is called in messages."""
    return "blue-green release" if ramp.plan.strategy == BLUE_GREEN else "canary"


def stand(record: Record) -> str:
    """Return how far a ramp has come: canary 1.1.0 of web, at 10 %."""
    ramp = ramp_of(record)
    share = "100 %, the former version is kept warm" if ramp.phase == WARM else _share(ramp)
    return f"{title(ramp)} {record.version} of {record.ramp['stage']['service']} at {share}"


def _share(ramp: Ramp) -> str:
    return f"{ramp.step.weight:g} % ({ramp.phase.replace('_', ' ')})"


def check_none(app: str, records: Iterable[Record], what: str) -> None:
    """Raise PlanError where a ramp has not ended."""
    record = standing(records)
    if record is None:
        return
    raise PlanError(
        f"{app} {what}",
        f"the {stand(record)} (release {record.number}) has not ended",
        "Set abort_canary, or end it with shipping.code.progress",
        reason="standing_canary",
    )


def summary(record: Record) -> dict[str, Any]:
    """Return a ramp in the form of a module's result; empty for a rolling release."""
    if not record.ramp:
        return {}
    ramp = ramp_of(record)
    facts: Mapping[str, Any] = record.ramp.get("look", {})
    return {
        "strategy": ramp.plan.strategy,
        "service": record.ramp["stage"]["service"],
        "phase": ramp.phase,
        "step": ramp.position + 1,
        "steps": len(ramp.plan.steps),
        "weight": ramp.step.weight,
        "answer": ramp.answer,
        "reason": ramp.reason,
        "checks": list(facts.get("checks", ())),
    }
