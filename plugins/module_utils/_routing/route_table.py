# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of all apps as one table. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, product

from .._core.errors import Problem, SpecError
from .routes import Route


@dataclass(frozen=True)
class RouteTable:
    """Routes of all apps, sorted by host and path."""

    routes: tuple[Route, ...]

    def services(self) -> tuple[tuple[str, str], ...]:
        """Return app and service of all routes, sorted, each once."""
        return tuple(sorted({(route.app, route.service) for route in self.routes}))


def joined_routes(routes: Iterable[Route]) -> RouteTable:
    """Return the table of routes.

    Raise SpecError with all conflicts, each with both services: two on one host and path, an
    address that must and must not send the PROXY protocol, a host with two certificates.
    """
    ordered = sorted(set(routes), key=lambda route: (route.host, route.path, owner(route)))
    pairs = product(combinations(ordered, 2), _CONFLICTS)
    conflicts = ((one, find(one, other)) for (one, other), find in pairs)
    problems = [Problem(address(route), text) for route, text in conflicts if text]
    if problems:
        raise SpecError(problems, "the routes of all apps")
    return RouteTable(tuple(ordered))


def owner(route: Route) -> str:
    """Return the app and service of a route as one word."""
    return f"{route.app}/{route.service}"


def address(route: Route) -> str:
    """Return host and path of a route as a client writes them."""
    return f"{route.host}{route.path}"


def route_id(route: Route) -> str:
    """Return the name of a route in the router, by which counters and exposures name it."""
    # Names of backends may have neither a slash nor all characters of a path.
    digest = hashlib.sha256(address(route).encode()).hexdigest()[:8]
    return f"{route.app}_{route.service}.{digest}"


def matching_route(table: RouteTable, host: str, path: str) -> Route | None:
    """Return the route that the router takes for a request: that of the longest path prefix."""
    wanted = f"{host.lower().rstrip('.')}{path}/"
    routes = [route for route in table.routes if wanted.startswith(prefix(route))]
    return max(routes, key=lambda route: len(route.path), default=None)


def prefix(route: Route) -> str:
    """Return the beginning of host and path of all requests of a route, with a slash at the end."""
    return f"{route.host}{route.path.rstrip('/')}/"


def _same_place(one: Route, other: Route) -> str:
    if (one.host, one.path) != (other.host, other.path):
        return ""
    return (
        f"is a route of both {owner(one)} and {owner(other)}; give one of them another host or path"
    )


def _other_tls(one: Route, other: Route) -> str:
    if one.host != other.host or not one.certificate or not other.certificate:
        return ""
    # One TLS connection has one certificate, and is made before its requests have paths.
    tls_of = [(route.app, route.certificate, route.http2) for route in (one, other)]
    if tls_of[0] == tls_of[1]:
        return ""
    return (
        f"has other TLS settings in {owner(one)} than in {owner(other)}; give all routes of a host"
        " the same certificate of one app, and the same http2"
    )


def _other_proxy_protocol(one: Route, other: Route) -> str:
    if one.proxy_protocol == other.proxy_protocol:
        return ""
    pairs = product(one.trusted_proxies, other.trusted_proxies)
    shared = next((network for network, another in pairs if _overlap(network, another)), "")
    if not shared:
        return ""
    return (
        f"has another proxy_protocol for {shared} in {owner(one)} than in {owner(other)}, where"
        f" it is a route of {address(other)}; write the same in both"
    )


def _overlap(network: str, another: str) -> bool:
    one, other = ipaddress.ip_network(network), ipaddress.ip_network(another)
    return one.version == other.version and one.overlaps(other)


_CONFLICTS = (_same_place, _other_tls, _other_proxy_protocol)
