# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what of an app runs, its history and its drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.errors import PlanError
from .health import LIVE
from .history import Record, newest
from .lease import holder_text
from .plan import REMOVE
from .platform_connection import connect
from .platform_definition import Platforms
from .ports import Observation, Platform
from .read_options import check_name
from .state import ServiceState


def read_app(options: Mapping[str, Any], platforms: Platforms) -> dict[str, Any]:
    """Return the result of release_info."""
    app = options["app"]
    check_name(app, platforms.definition(options["platform"]))
    platform = connect(options, platforms)
    seen = platform.reader.observe(app)
    live = newest(seen.records, LIVE)
    return {
        "app": app,
        "live": live.summary() if live else {},
        "history": [
            {**record.summary(), "not_restorable": missing}
            for record, missing in zip(seen.records, platform.reader.missing(seen.records, seen))
        ],
        "services": {name: _service(state) for name, state in sorted(seen.states.items())},
        "drift": _drift(platform, app, live, seen) if live else [],
        "held_by": holder_text(seen.lease) if seen.lease and seen.lease.holder else "",
    }


def _service(state: ServiceState) -> dict[str, Any]:
    problems = {task.cause.text for task in state.tasks if task.cause and task.wanted}
    return {
        "desired": state.wanted,
        "healthy": len(state.healthy),
        "rollout": state.update,
        "problems": sorted(problems),
    }


def _drift(platform: Platform, app: str, live: Record, seen: Observation) -> list[dict[str, Any]]:
    try:
        plan = platform.preview.drift(app, live.resolved, seen)
    except PlanError as error:
        return [{"service": "", "path": "", "before": str(error), "after": ""}]
    changes: list[dict[str, Any]] = []
    extra: list[dict[str, Any]] = []
    for service in plan.services:
        changes += [{"service": service.name, **vars(change)} for change in service.changes]
        if service.action == REMOVE and not service.changes:
            extra.append({"service": service.name, "path": "", "before": "runs", "after": None})
    return [*changes, *extra]
