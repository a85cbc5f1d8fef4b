# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write what a platform has of experiments: records, weights and the router's log.

The control node plans and analyzes. A call of a module reads, and a second one writes.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from .._compose import service_routes, variants
from .._core.errors import PlanError, PlatformError, ShippingError
from .._routing.exposures import read_exposures
from .._routing.unit_exposures import LogPart, event_rows, exposure_rows
from .health import LIVE
from .history import newest
from .platform_connection import connect
from .platform_definition import Options, Platforms
from .ports import ExperimentStore, Platform, RouterPlace, StoredExperiment
from .route_checks import slots_of_router, tables_of
from .router_control import ROUTER, place_of
from .traffic import change_traffic, percentages

READ, WRITE = "read", "write"
# Of one replica.
_MOST_LINES = 2_000_000
_OBSERVED_LINES = 200_000
# A request is logged at its end, and a log driver writes some time later.
_LAG = 5.0


def run_phase(options: Options, platforms: Platforms, *, check: bool) -> dict[str, Any]:
    """Return the result of one call of the module experiment or experiment_info."""
    request = options.get("_experiment") or {}
    if not request:
        raise ShippingError(
            "the experiment cannot be read",
            "the module needs its action plugin, which reads the file on the control node",
            "Call it as shipping.code.experiment from a play",
        )
    platform = connect(options, platforms)
    if request["phase"] == READ:
        return _read(platform, request)
    return _write(options, platforms, platform, check=check)


def _store(platform: Platform) -> ExperimentStore:
    if platform.experiments is None:
        raise PlanError(
            f"platform {platform.name} has no experiments",
            "they are not supported on it yet",
            "Use a platform that the guide Run experiments lists",
        )
    return platform.experiments


def _read(platform: Platform, request: Mapping[str, Any]) -> dict[str, Any]:
    app, service, name = request["app"], request["service"], request["name"]
    stored = _store(platform).read_experiments(app)
    records = {entry.name: _content(entry) for entry in stored}
    own = next((entry for entry in stored if entry.name == name), None)
    result = {
        "changed": False,
        "record": records.get(name),
        "revision": own.revision if own else 0,
        "others": {key: value for key, value in records.items() if key != name},
        "live": _live(platform, app, service),
        "weights": _weights(platform, app, service),
    }
    record = records.get(name) or {}
    if record.get("started"):
        return {**result, **_rows(platform, request, record)}
    return {**result, "rows": None, **_observed(platform, request)}


def _observed(platform: Platform, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the capacity, and the units of the service a day by the log of the last one."""
    seconds = request.get("observe")
    if not seconds:
        return {}
    now = time.time()
    capacity = _capacity(place_of(platform))
    lines = place_of(platform).log_lines(ROUTER, ROUTER, now - float(seconds), _OBSERVED_LINES)
    place = (request["app"], request["service"])
    found = [entry for entry in read_exposures(lines) if (entry.app, entry.service) == place]
    units = {entry.unit for entry in found if entry.unit}
    if not units:
        return {**capacity, "units_by_day": 0.0}
    # A log that begins later shows a part of the day only.
    span = max(now - min(entry.time for entry in found), 60.0)
    return {**capacity, "units_by_day": len(units) / span * 86400}


def _capacity(place: RouterPlace) -> dict[str, Any]:
    """Return the slots of the router and the space of the nodes, null if it is unknown."""
    found = place.spare_capacity()
    return {"slots": slots_of_router(place), "capacity": asdict(found) if found else None}


def _content(stored: StoredExperiment) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(stored.content)
    except ValueError as error:
        raise PlatformError(
            f"the record of the experiment {stored.name} cannot be read",
            f"it does not have this collection's format ({error})",
            "Remove it with state: absent",
        ) from error
    return content


def _live(platform: Platform, app: str, service: str) -> dict[str, Any]:
    """Return what the live release has of the service; empty without one."""
    record = newest(platform.records.read_records(app), LIVE)
    found = record.resolved.services.get(service) if record else None
    if record is None or found is None:
        return {}
    declared = service_routes.routes_of(found)
    return {
        "version": record.version,
        "release": record.number,
        "routed": bool(declared),
        "events": any(route.get("events") for route in declared),
        "units": [route.get("unit") for route in declared],
        "replicas": int(found.get("deploy", {}).get("replicas", 1)),
        "resources": dict(found.get("deploy", {}).get("resources") or {}),
        "variants": sorted(variants.slots_of(found)),
        "with_replicas": sorted(name for name, slot in variants.slots_of(found).items() if slot),
        "headers": {name: dict(headers) for name, headers in variants.headers_of(found).items()},
    }


def _weights(platform: Platform, app: str, service: str) -> dict[str, float]:
    table = tables_of(place_of(platform).read_traffic()).get((app, service))
    return percentages(table) if table else {}


def _rows(
    platform: Platform, request: Mapping[str, Any], record: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the rows of the log since the last look, up to a few seconds ago.

    Without a cursor they begin with the experiment. They end with it.
    """
    if not request.get("collect"):
        return {"rows": None}
    begin = max(float(request.get("since") or 0), _seconds(record["started"]))
    ended = record.get("ended")
    end = min(time.time() - _LAG, _seconds(ended) if ended else math.inf)
    if begin >= end:
        return {"rows": None}
    part = LogPart(request["app"], request["service"], request["arms"], begin, end)
    lines = place_of(platform).log_lines(ROUTER, ROUTER, part.begin, _MOST_LINES)
    rows = {
        "begin": part.begin,
        "end": end,
        "exposures": exposure_rows(lines, part),
        "events": event_rows(lines, part),
    }
    return {"rows": rows, "shown_warnings": _cut(lines)}


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _cut(lines: Iterable[str]) -> list[str]:
    count = sum(1 for _line in lines)
    if count < _MOST_LINES:
        return []
    return [
        f"The router's log has more than {_MOST_LINES} lines since the last look, of which the"
        " oldest are lost. Look more often."
    ]


def _write(
    options: Options, platforms: Platforms, platform: Platform, *, check: bool
) -> dict[str, Any]:
    """Change the weights, then keep the record; without a record, remove it."""
    request = options["_experiment"]
    result: dict[str, Any] = {"changed": False}
    if request.get("weights") is not None:
        place = {name: request[name] for name in ("app", "service", "weights")}
        traffic = change_traffic({**options, **place}, platforms, check=check)
        result = {"changed": traffic["changed"], "traffic": traffic["weights"]}
    store = _store(platform)
    if request.get("remove"):
        if not check:
            store.remove_experiment(request["app"], request["name"])
        return {**result, "changed": True}
    record = request.get("record")
    if record is None:
        return result
    if not check:
        content = json.dumps(record, sort_keys=True).encode()
        revision = int(request["revision"]) + 1
        store.write_experiment(StoredExperiment(request["app"], request["name"], revision, content))
    return {**result, "changed": True}
