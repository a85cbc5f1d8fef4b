# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan a canary or a blue-green release, and an operator's decision about one."""

from __future__ import annotations

import time
from typing import Any

from .._core.errors import PlanError
from . import ramp_stage
from .health import LIVE
from .history import Record, newest
from .intent import RELEASE, Intent
from .ports import Observation, Platform
from .prepare import PlannedRun
from .progress import ADVANCE, check_none, ramp_of, stand, standing, summary
from .ramp_options import RampOptions
from .resolution import Resolved
from .router_control import ROUTER, place_of
from .router_spec import routed_services
from .strategy.ramp import ABORT, CONFIRM, WARM, Ramp

_DECISIONS = {"advance": ADVANCE, "promote": CONFIRM, "abort": ABORT}


def planned_ramp(
    platform: Platform, intent: Intent, target: Resolved, before: Record | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the ramp as the record keeps it, and notes; it is empty for a rolling release."""
    options = intent.ramp
    if options is None:
        return {}, ()
    strategy = options.plan.strategy
    if before is None:
        return {}, (f"this is the first release, so the strategy {strategy} does not apply",)
    changed = ramp_stage.changed_services(target, before.resolved)
    if not changed:
        text = "no service with routes changes"
        return {}, (f"{text}, so the strategy {strategy} does not apply",)
    service = _chosen(options, changed, intent)
    _check_router(platform, intent, service)
    share = options.largest_weight
    stage = ramp_stage.stage_of(
        target, before.resolved, service, share, baseline=options.is_fresh_baseline
    )
    ramp = {
        "state": Ramp(options.plan, since=time.time()).as_data(),
        "stage": stage.as_data(),
        "checks": dict(options.declared or {}),
        "before": before.number,
    }
    return ramp, ()


def _chosen(options: RampOptions, changed: list[str], intent: Intent) -> str:
    if options.service in changed:
        return options.service
    if not options.service and len(changed) == 1:
        return changed[0]
    cause = (
        f"{options.service} does not change or has no routes"
        if options.service
        else f"{' and '.join(changed)} change"
    )
    raise PlanError(
        f"{intent.app} {intent.version} is not deployed as a {options.plan.strategy}",
        cause,
        f"Set canary.service to one of {', '.join(changed)}, or deploy the others before",
    )


def _check_router(platform: Platform, intent: Intent, service: str) -> None:
    """Raise PlanError before anything changes where weights could not be set."""
    what = f"the traffic of {intent.app}/{service} cannot be shared"
    live = newest(place_of(platform).records.read_records(ROUTER), LIVE)
    if live is None or (intent.app, service) not in routed_services(live.resolved):
        raise PlanError(
            what,
            "the router does not have its routes yet",
            "Run the playbook shipping.code.router",
        )
    if not intent.has_router_keys:
        raise PlanError(what, "the option pki is not set", "Set it to the router's keys")


def has_work(record: Record) -> bool:
    """Return whether a release leaves work, which one does not that waits for an operator."""
    if not record.id or not record.ramp:
        return True
    ramp = ramp_of(record)
    if ramp.phase == WARM:
        return time.time() >= ramp.due()
    return not ramp.waits_for_operator


def progress(platform: Platform, intent: Intent, seen: Observation) -> PlannedRun:
    """Plan what the standing canary of an app is due for, or an operator's decision."""
    record = standing(seen.records)
    if record is None:
        live = newest(seen.records, LIVE)
        return PlannedRun(result={"app": intent.app, "release": live.summary() if live else {}})
    event = _DECISIONS[intent.ramp_event or "advance"]
    return ramp_decision(intent, record, event)


def ramp_decision(intent: Intent, record: Record, event: str) -> PlannedRun:
    """Plan the next turn of a standing ramp."""
    if not intent.has_router_keys:
        check_none(intent.app, [record], "cannot end its canary without the option pki")
    changed = event != ADVANCE or _may_change(record)
    result = {
        "app": intent.app,
        "version": record.version,
        "release": record.summary(),
        "diff": {"before": summary(record), "after": {"decision": event} if changed else {}},
    }
    return PlannedRun(
        kind=RELEASE,
        needed=True,
        changed=changed,
        purpose=f"{'looking at' if event == ADVANCE else 'ending'} the {stand(record)}",
        record=record,
        result=result,
        ramp_event=event,
    )


def _may_change(record: Record) -> bool:
    ramp = ramp_of(record)
    return not ramp.is_waiting or (not ramp.waits_for_operator and time.time() >= ramp.due())
