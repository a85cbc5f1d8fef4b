# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes of services: read from ``x-shipping.routes``, in one normal form. Pure.

A service declares a list of routes::

    x-shipping:
      routes:
        - host: shop.example.com     # required
          path: /                    # prefix; default /
          port: 8080                 # default: the service's only port
          certificate: shop-tls      # name of a secret with a PEM chain and its key
          unit: visitor              # visitor | {visitor: COOKIE} | {header: NAME} | request
          timeouts: {connect: 5s, request: 10s, server: 1m, tunnel: 1h}
          rate_limit: 100/10s        # requests of one client address in a period
          largest_body: 10M
          websocket: true
          server_sent_events: true
          http2: true                # to clients, on TLS connections
          proxy_protocol: false      # whether trusted proxies send the PROXY protocol
          trusted_proxies: [10.0.0.0/8]
          replica_affinity: false    # whether a client keeps its replica, by a cookie
"""

from __future__ import annotations

from dataclasses import dataclass

from .._core.parsing import Reader

VISITOR = "visitor"
HEADER = "header"
REQUEST = "request"
DEFAULT_COOKIE = "shipping_visitor"


@dataclass(frozen=True)
class Unit:
    """What traffic of a route is assigned by.

    ``type`` is ``visitor``, ``header`` or ``request``. ``name`` is the cookie or the header, empty
    for ``request``.
    """

    type: str = VISITOR
    name: str = DEFAULT_COOKIE


@dataclass(frozen=True)
class Timeouts:
    """Timeouts of a route in milliseconds."""

    connect: int = 5_000
    request: int = 10_000
    server: int = 60_000
    tunnel: int = 3_600_000


@dataclass(frozen=True)
class RateLimit:
    """The largest number of requests of one client address in a period of milliseconds."""

    requests: int
    period: int


@dataclass(frozen=True)
class Route:
    """Host, path and port by which clients reach a service.

    ``path`` begins with ``/`` and ends with it only where it is ``/``. ``certificate`` is the name
    of a secret, empty for plain HTTP. ``largest_body`` is in bytes, 0 without a limit.
    """

    app: str
    service: str
    host: str
    path: str
    port: int
    certificate: str = ""
    unit: Unit = Unit()
    timeouts: Timeouts = Timeouts()
    rate_limit: RateLimit | None = None
    largest_body: int = 0
    websocket: bool = True
    server_sent_events: bool = True
    http2: bool = True
    proxy_protocol: bool = False
    trusted_proxies: tuple[str, ...] = ()
    replica_affinity: bool = False


@dataclass(frozen=True)
class RoutedService:
    """What a route must fit to: ``ports`` that the service has, ``secrets`` that the app has."""

    app: str
    service: str
    ports: tuple[int, ...]
    secrets: tuple[str, ...] = ()


def read_routes(declared: object, reader: Reader, service: RoutedService) -> tuple[Route, ...]:
    """Read the list of routes of one service; problems are noted in ``reader.problems``."""
    raise NotImplementedError


def route_record(route: Route) -> dict[str, object]:
    """Return a route as JSON data for a release's record; defaults are left out."""
    raise NotImplementedError


def recorded_route(record: dict[str, object]) -> Route:
    """Return the route of a record."""
    raise NotImplementedError
