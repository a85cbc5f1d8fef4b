# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the routes and variants of a release against those of all apps, before it is planned."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._compose import service_routes, variants
from .._core.errors import PlanError, PlatformError
from .._routing.buckets import VARIANT_SLOTS, BucketTable, percent, recorded_table, table_record
from .._routing.route_table import joined_routes
from .._routing.routes import Route, recorded_route
from .history import Record
from .ports import RouterPlace, StoredTraffic
from .resolution import Resolved
from .router_control import FEWEST_SERVERS, ROUTER, SERVERS_LABEL, SLOTS_LABEL


def app_routes(app: str, resolved: Resolved) -> Iterator[Route]:
    """Yield the routes of a release."""
    for name, service in resolved.services.items():
        for record in service_routes.routes_of(service):
            empty = {"app": app, "service": name, "host": "", "path": "", "port": 0}
            yield recorded_route({**empty, **record})


def all_routes(live: Mapping[str, Record]) -> Iterator[Route]:
    """Yield the routes of the live releases of all apps."""
    for app, record in live.items():
        yield from app_routes(app, record.resolved)


def check_release(
    place: RouterPlace | None, app: str, resolved: Resolved, before: Resolved | None
) -> None:
    """Raise an error where routes exclude those of other apps, or a variant still has traffic."""
    former = before or Resolved()
    declared = list(app_routes(app, resolved))
    if place is None:
        return
    check_servers(place, app, _replicas(place, resolved))
    _check_slots(place, app, resolved)
    if declared and declared != list(app_routes(app, former)):
        live = {name: record for name, record in place.live_releases().items() if name != app}
        joined_routes([*all_routes(live), *declared])
    leaving = dict(_leaving(resolved, former))
    if leaving:
        _check_leaving(app, leaving, tables_of(place.read_traffic()))


def _replicas(place: RouterPlace, resolved: Resolved) -> dict[str, int]:
    """Return the replicas of each routed service and variant."""
    result = {}
    for name, service in resolved.services.items():
        if service_routes.is_routed(service):
            deploy = service.get("deploy", {})
            constraints = deploy.get("placement", {}).get("constraints", [])
            is_global = deploy.get("mode") == "global"
            number = place.free_nodes(constraints) if is_global else deploy.get("replicas", 1)
            # A platform that cannot count its nodes runs one replica at least.
            result[name] = int(number or 0)
    return result


def check_servers(place: RouterPlace, app: str, replicas: Mapping[str, int]) -> None:
    """Raise PlanError where the router would send requests to a part of the replicas only."""
    largest = max(replicas, key=lambda name: replicas[name], default="")
    if not largest or replicas[largest] <= FEWEST_SERVERS:
        return
    servers = servers_of(place.live_releases().get(ROUTER))
    if replicas[largest] > servers:
        raise PlanError(
            f"{app}/{largest} cannot have {replicas[largest]} replicas",
            f"the router sends requests to {servers} replicas of a variant at most",
            f"Set router_servers to {replicas[largest]} or more and run the playbook"
            " shipping.code.router first",
        )


def servers_of(router: Record | None) -> int:
    """Return how many replicas of a variant a release of the router sends requests to."""
    return int(_labels(router).get(SERVERS_LABEL, FEWEST_SERVERS))


def _labels(router: Record | None) -> Mapping[str, str]:
    service = router.resolved.services.get(ROUTER, {}) if router else {}
    labels: Mapping[str, str] = service.get("deploy", {}).get("labels", {})
    return labels


def last_slots(services: Mapping[str, Any]) -> dict[str, int]:
    """Return the last slot that variants of each service have."""
    found = ((name, variants.slots_of(service)) for name, service in services.items())
    return {name: max(slots.values()) for name, slots in found if slots}


def _check_slots(place: RouterPlace, app: str, resolved: Resolved) -> None:
    """Raise PlanError where the router has no slot for a variant."""
    wanted = last_slots(resolved.services)
    name = max(wanted, key=lambda service: wanted[service], default="")
    if not name or wanted[name] <= VARIANT_SLOTS:
        return
    slots = slots_of_router(place)
    if wanted[name] > slots:
        raise PlanError(
            f"{app}/{name} cannot have {wanted[name]} variants",
            f"the router has {slots} slots for the variants of a service",
            f"Set router_variant_slots to {wanted[name]} or more and run the playbook"
            " shipping.code.router first",
        )


def slots_of_router(place: RouterPlace) -> int:
    """Return how many variants of a service may have replicas of their own."""
    return int(_labels(place.live_releases().get(ROUTER)).get(SLOTS_LABEL, VARIANT_SLOTS))


def _leaving(resolved: Resolved, former: Resolved) -> Iterator[tuple[str, set[str]]]:
    """Yield each service with the variants that the former release has and this one has not.

    The replicas of a variant leave, too, if only its headers remain.
    """
    for name, service in former.services.items():
        kept = variants.slots_of(resolved.services.get(name, {}))
        gone = {
            variant
            for variant, slot in variants.slots_of(service).items()
            if variant not in kept or (slot and not kept[variant])
        }
        if gone:
            yield name, gone


def _check_leaving(
    app: str, leaving: Mapping[str, Iterable[str]], tables: Mapping[tuple[str, str], BucketTable]
) -> None:
    for service, names in leaving.items():
        table = tables.get((app, service))
        weights = table.weights() if table else {}
        busy = sorted(name for name in names if weights.get(name))
        if busy:
            raise PlanError(
                f"the variant {busy[0]} of {service} cannot be removed",
                f"it has {percent(weights[busy[0]])} percent of the traffic",
                "Set its weight to 0 with shipping.code.traffic, then deploy again",
            )


def tables_of(stored: StoredTraffic) -> dict[tuple[str, str], BucketTable]:
    """Return the tables of all services by app and service."""
    if not stored.content:
        return {}
    try:
        tables = [recorded_table(record) for record in json.loads(stored.content)["tables"]]
    except (ValueError, LookupError, TypeError) as error:
        raise PlatformError(
            f"the table of traffic (revision {stored.revision}) cannot be read",
            f"it does not have this collection's format ({error})",
            "Upgrade the collection if a newer version wrote it",
        ) from error
    return {(table.app, table.service): table for table in tables}


def stored_of(revision: int, tables: Iterable[BucketTable]) -> StoredTraffic:
    """Return tables in the form in which the platform keeps them."""
    records: list[Any] = [
        table_record(table)
        for table in sorted(tables, key=lambda table: (table.app, table.service))
    ]
    return StoredTraffic(revision, json.dumps({"tables": records}, sort_keys=True).encode())
