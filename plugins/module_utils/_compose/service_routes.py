# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes of the services of an app, and the network on which the router reaches them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .._core.parsing import SpecReader
from .._routing.routes import Route, RoutedService, read_routes, route_record
from .job_services import is_job
from .normal_form import Compose, Service
from .variants import EXTENSION, variant_of

# The router and each routed service are on this network, which the router's app owns.
ROUTER_NETWORK = "shipping-router"


def as_written(value: object, reader: SpecReader) -> object:
    """Keep routes as they are: they are read when the app's ports and secrets are known."""
    return value if isinstance(value, list) else reader.problem("must be a list")


def read(app: Compose, reader: SpecReader) -> None:
    """Put the routes of each service in normal form; report problems, and conflicts of two."""
    owners: dict[tuple[str, str], str] = {}
    for name, service in app.services.items():
        extension = service.get(EXTENSION, {})
        place = reader.at("services").at(name).at(EXTENSION)
        if "routes" in extension:
            # The name of the app is not known here, and no part of the spec.
            described = RoutedService("the app", name, _ports(service), tuple(app.secrets))
            found = read_routes(extension["routes"], place.at("routes"), described)
            for index, route in enumerate(found):
                _check_owner((route.host, route.path), name, owners, place.at("routes").at(index))
            extension["routes"] = [_record(route) for route in found]
        elif "variants" in extension:
            place.at("variants").problem(
                "share the traffic of the service's routes, and it has none; write routes"
            )


def _record(route: Route) -> dict[str, Any]:
    return route_record(replace(route, app="", service=""))


def _ports(service: Service) -> tuple[int, ...]:
    """Return the container's ports that a service names; a range has no single ones."""
    named = [str(port["target"]) for port in service.get("ports", [])]
    named += [str(port).partition("/")[0] for port in service.get("expose", [])]
    return tuple(sorted({int(port) for port in named if port.isdecimal()}))


def _check_owner(
    key: tuple[str, str], name: str, owners: dict[tuple[str, str], str], place: SpecReader
) -> None:
    owner = owners.get(key)
    if owner is not None:
        place.problem(f"{''.join(key)} is a route of {owner} already; write another host or path")
    owners.setdefault(key, name)


def join_router(app: Compose, reader: SpecReader) -> None:
    """Let each routed service and variant join the router's network."""
    routed = [name for name, service in app.services.items() if is_routed(service)]
    for name in routed:
        service, place = app.services[name], reader.at("services").at(name)
        extension = place.at(EXTENSION).at("routes")
        if "network_mode" in service:
            extension.problem(
                f"need the network {ROUTER_NETWORK}, which network_mode excludes; leave it out"
            )
        elif is_job(service):
            extension.problem("are for services that keep running, not for jobs; leave them out")
        service.setdefault("networks", {})[ROUTER_NETWORK] = {}
    if routed:
        own = app.networks.setdefault(ROUTER_NETWORK, {"external": True, "name": ROUTER_NETWORK})
        if not is_router_network(own):
            reader.at("networks").at(ROUTER_NETWORK).problem(
                "is the name of the router's network; give this one another name"
            )


def is_routed(service: Mapping[str, Any]) -> bool:
    """Return whether the router sends requests to a service in normal form."""
    return bool(service.get(EXTENSION, {}).get("routes") or variant_of(service))


def is_router_network(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of ``networks`` is the router's network, which others join."""
    return bool(entry.get("external")) and entry.get("name") == ROUTER_NETWORK


def routes_of(service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the routes of a service in normal form."""
    return list(service.get(EXTENSION, {}).get("routes", []))


def certificates(services: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield the service, host and secret of each route with a certificate."""
    for name, service in services.items():
        for route in routes_of(service):
            if route.get("certificate"):
                yield name, route["host"], route["certificate"]
