# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an app runs, and how it came to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.errors import PlanError
from .entry import check_name, connect
from .health import LIVE
from .history import Record, newest
from .lease import who
from .plan import REMOVE
from .ports import Observation, Platform
from .state import ServiceState


def look(options: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of release_info."""
    app = options["app"]
    check_name(app, options["platform"])
    platform = connect(options)
    seen = platform.observe(app)
    live = newest(seen.records, LIVE)
    return {
        "app": app,
        "live": live.summary() if live else {},
        "history": [
            {**record.summary(), "not_restorable": platform.missing(record, seen)}
            for record in seen.records
        ],
        "services": {name: _service(state) for name, state in sorted(seen.states.items())},
        "drift": _drift(platform, app, live, seen) if live else [],
        "held_by": who(seen.lease) if seen.lease and seen.lease.holder else "",
    }


def _service(state: ServiceState) -> dict[str, Any]:
    problems = {task.cause.text for task in state.tasks if task.cause and task.wanted}
    return {
        "wanted": state.wanted,
        "healthy": len(state.healthy),
        "rollout": state.update,
        "problems": sorted(problems),
    }


def _drift(platform: Platform, app: str, live: Record, seen: Observation) -> list[dict[str, Any]]:
    try:
        plan = platform.drift(app, live.resolved, seen)
    except PlanError as error:
        return [{"service": "", "path": "", "before": str(error), "after": ""}]
    missing = [
        {"service": service.name, "path": "", "before": None, "after": service.action}
        for service in plan.services
        if service.changed and not service.changes
    ]
    extra = [entry for entry in missing if entry["after"] == REMOVE]
    changes = [
        {
            "service": service.name,
            "path": change.path,
            "before": change.before,
            "after": change.after,
        }
        for service in plan.services
        for change in service.changes
    ]
    return [*changes, *({**entry, "before": "runs", "after": None} for entry in extra)]
