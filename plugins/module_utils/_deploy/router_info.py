# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the routes of all apps, the router's replicas, and what each variant served."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._compose import variants
from .._core.errors import ShippingError
from .._core.parallel import side_by_side
from .._routing.buckets import STABLE, BucketTable
from .._routing.control_channel import ClientIdentity
from .._routing.exposures import read_exposures, sums_by_variant
from .._routing.haproxy_configuration import RouterPaths
from .._routing.route_table import RouteTable, address, joined_routes, route_id
from .._routing.runtime_commands import (
    SHOW_STAT,
    BackendCounters,
    CellCounters,
    cells,
    counters,
    show_cells,
)
from .._routing.weight_change import Channel, tables_on_replicas
from .history import Record
from .platform_connection import connect
from .platform_definition import Options, Platforms
from .ports import ControlPoint, RouterPlace
from .route_checks import all_routes, tables_of
from .router_control import ROUTER, connect_to, control_points, identity_files, place_of
from .router_spec import ROUTES_LABEL, route_data, routes_digest
from .traffic import Key, percentages

# Of one replica; a line has about 350 bytes.
_MOST_LINES = 100_000
_SUMMED = ("requests", "responses_4xx", "responses_5xx", "bytes_in", "bytes_out")


@dataclass(frozen=True)
class _Replica:
    """One replica as it answered; ``error`` is why it did not.

    ``cells`` has the counters of variants by headers alone, by route.
    """

    point: ControlPoint
    facts: dict[str, Any] = field(default_factory=dict)
    counters: tuple[BackendCounters, ...] = ()
    cells: Mapping[str, tuple[CellCounters, ...]] = field(default_factory=dict)
    error: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the replica as a result of the module."""
        place = {"replica": self.point.replica, "node": self.point.node}
        return {**place, "reached": not self.error, "error": self.error, **self.facts}


def read_router(options: Options, platforms: Platforms) -> dict[str, Any]:
    """Return the result of the module router_info."""
    platform = connect(options, platforms)
    place = place_of(platform)
    live = place.live_releases()
    apps = {app: record for app, record in live.items() if app != ROUTER}
    table = joined_routes(all_routes(apps))
    tables = tables_of(place.read_traffic())
    points = control_points(place, options)
    deadline = time.monotonic() + float(options["timeout"])
    with identity_files(options["_pki"] or {}) as identity:
        replicas = side_by_side(
            lambda point: _read_replica(point, identity, deadline, tables), points
        )
    result = {
        "changed": False,
        "routes": [route_data(route) for route in table.routes],
        "outdated": _routes_on(live.get(ROUTER)) != routes_digest(table),
        "weights": _weights(table, tables),
        "replicas": [replica.as_data() for replica in replicas],
        "counters": _counters(replicas, table, live),
        "drift": [replica.point.replica for replica in replicas if replica.facts.get("drift")],
    }
    exposures, warnings = _exposures(place, int(options["window"]))
    warnings = [*map(_warning, filter(_is_silent, replicas)), *warnings]
    return {**result, "exposures": exposures, **({"warnings": warnings} if warnings else {})}


def _is_silent(replica: _Replica) -> bool:
    return bool(replica.error)


def _warning(replica: _Replica) -> str:
    """Return what the result lacks."""
    return (
        f"{replica.error} The counters lack those of this replica, and whether its tables are the "
        "stored ones is unknown."
    )


def _routes_on(router: Record | None) -> str:
    service = router.resolved.services.get(ROUTER, {}) if router else {}
    return str(service.get("deploy", {}).get("labels", {}).get(ROUTES_LABEL, ""))


def _exposures(place: RouterPlace, window: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what the log of the last seconds has of each variant; a warning where it has none."""
    if not window:
        return [], []
    try:
        lines = place.log_lines(ROUTER, ROUTER, time.time() - window, _MOST_LINES)
    except ShippingError as error:
        return [], [f"The log of the router cannot be read. {error}"]
    result = []
    for (app, service, variant), sums in sorted(sums_by_variant(read_exposures(lines)).items()):
        result.append(
            {
                "app": app,
                "service": service,
                "variant": variant,
                "requests": sums.requests,
                "lost": sums.lost,
                **{f"p{share}": sums.quantile(share / 100) for share in (50, 95, 99)},
            }
        )
    return result, []


def _weights(table: RouteTable, tables: Mapping[Key, BucketTable]) -> list[dict[str, Any]]:
    """Return the weights of each routed service; without a table, stable has all traffic."""
    result = []
    for key in table.services():
        shares = percentages(tables[key]) if key in tables else {STABLE: 100.0}
        revision = tables[key].revision if key in tables else 0
        result.append({"app": key[0], "service": key[1], "revision": revision, "weights": shares})
    return result


def _read_replica(
    point: ControlPoint,
    identity: ClientIdentity,
    deadline: float,
    tables: Mapping[Key, BucketTable],
) -> _Replica:
    """Read one replica; one that cannot be reached is part of the result."""
    try:
        channel, info = connect_to(point, identity, deadline)
    except ShippingError as error:
        return _Replica(point, error=str(error))
    try:
        found = tables_on_replicas([channel], list(tables.values()), RouterPaths())
        served = counters(channel.send([SHOW_STAT])[0])
        by_headers = _cells(channel, served, tables)
    except ShippingError as error:
        return _Replica(point, error=str(error))
    finally:
        channel.close()
    facts = {
        "version": info.version,
        "uptime": info.uptime,
        "dropped_logs": info.dropped_logs,
        "revisions": {
            f"{entry.table.app}/{entry.table.service}": entry.table.revision for entry in found
        },
        "drift": [
            f"{entry.table.app}/{entry.table.service}" for entry in found if not entry.is_current
        ],
    }
    return _Replica(point, facts, served, by_headers)


def _cells(
    channel: Channel, served: Iterable[BackendCounters], tables: Mapping[Key, BucketTable]
) -> dict[str, tuple[CellCounters, ...]]:
    """Return the counters of variants by headers alone, of the routes whose service has any."""
    services = {f"{app}_{service}" for (app, service), table in tables.items() if _has_cells(table)}
    routes = sorted({entry.route for entry in served})
    wanted = [route for route in routes if route.rpartition(".")[0] in services]
    answers = channel.send([show_cells(route) for route in wanted])
    return {route: cells(answer) for route, answer in zip(wanted, answers)}


def _has_cells(table: BucketTable) -> bool:
    return any(not item.slot for name, item in table.variants.items() if name != STABLE)


def _counters(
    replicas: Iterable[_Replica], table: RouteTable, live: Mapping[str, Record]
) -> list[dict[str, Any]]:
    """Return the sums over all replicas, by route and variant."""
    sums = _sums(replicas)
    result = []
    for route in table.routes:
        place = {"app": route.app, "service": route.service, "route": address(route)}
        slots = variants.slots_of(live[route.app].resolved.services[route.service])
        # Slots without a variant are empty, and their counters are all 0.
        for variant, slot in [(STABLE, 0), *sorted(slots.items(), key=_by_slot)]:
            key = slot if slot or variant == STABLE else variant
            total = sums.get((route_id(route), key), dict.fromkeys(_SUMMED, 0))
            result.append({**place, "variant": variant, **total})
    return result


def _by_slot(item: tuple[str, int]) -> tuple[int, str]:
    return (item[1], item[0])


def _sums(replicas: Iterable[_Replica]) -> dict[tuple[str, int | str], dict[str, int]]:
    """Return the sums by route and slot, and of variants by headers alone by route and name."""
    sums: dict[tuple[str, int | str], dict[str, int]] = {}

    def add(key: tuple[str, int | str], entry: BackendCounters | CellCounters, sign: int) -> None:
        total = sums.setdefault(key, dict.fromkeys(_SUMMED, 0))
        for name in _SUMMED:
            total[name] += sign * getattr(entry, name)

    for replica in replicas:
        for backend in replica.counters:
            add((backend.route, backend.slot), backend, 1)
        for route, entries in replica.cells.items():
            for cell in entries:
                add((route, cell.variant), cell, 1)
                # The backend of stable has counted it, too.
                add((route, 0), cell, -1)
    return sums
