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
          timeouts: {connect: 5s, server: 1m, tunnel: 1h}
          rate_limit: 100/10s        # requests of one client address in a period, per replica
          largest_body: 10M
          websocket: true
          server_sent_events: true
          http2: true                # to clients, on TLS connections
          proxy_protocol: false      # whether trusted proxies send the PROXY protocol
          trusted_proxies: [10.0.0.0/8]
          replica_affinity: false    # whether a client keeps its replica, by a cookie
          events: true               # conversions at PATH/.shipping/events; true or a rate limit
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from .._core import units
from .._core.parsing import Parser, SpecReader, boolean, integer, kind_of, listing, mapping

VISITOR = "visitor"
HEADER = "header"
REQUEST = "request"
DEFAULT_COOKIE = "shipping_visitor"

# RFC 1123 section 2.1.
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}")
# Of RFC 3986 section 3.3 what neither a map's line nor a configuration reads in its own way.
_PATH = re.compile(r"/[A-Za-z0-9._~%/:@+,=-]*")
# Of tokens (RFC 9110 section 5.6.2) those without a meaning in a configuration.
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SECRET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_RATE = re.compile(r"([0-9]+)\s*/\s*([0-9.]*[a-z]+)")
# HAProxy keeps a time as a signed number of 32 bits.
_LONGEST_TIME = 2**31 - 1
_MILLISECOND = 1_000_000


@dataclass(frozen=True)
class Unit:
    """The unit by which traffic of a route is assigned.

    ``type`` is ``visitor``, ``header`` or ``request``. ``name`` is the cookie or the header, empty
    for ``request``.
    """

    type: str = VISITOR
    name: str = DEFAULT_COOKIE


@dataclass(frozen=True)
class Timeouts:
    """Timeouts of a route in milliseconds.

    ``server`` is the longest silence of a service, ``tunnel`` that of an upgraded connection and
    of a stream of events.
    """

    connect: int = 5_000
    server: int = 60_000
    tunnel: int = 3_600_000


@dataclass(frozen=True)
class RateLimit:
    """The largest number of requests of one client address in a period of milliseconds."""

    requests: int
    period: int


DEFAULT_EVENTS = RateLimit(100, 10_000)


@dataclass(frozen=True)
class Route:
    """Host, path and port by which clients reach a service.

    ``path`` begins with ``/`` and ends with it only where it is ``/``. ``certificate`` is the name
    of a secret, empty for plain HTTP. ``largest_body`` is in bytes, 0 without a limit. ``events``
    is the limit of those of one client address; without it, the router takes none.
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
    events: RateLimit | None = None


@dataclass(frozen=True)
class RoutedService:
    """A service with routes: ``ports`` that it has, ``secrets`` that its app has."""

    app: str
    service: str
    ports: tuple[int, ...]
    secrets: tuple[str, ...] = ()


def read_routes(declared: object, reader: SpecReader, service: RoutedService) -> tuple[Route, ...]:
    """Read the list of routes of one service; problems are noted in ``reader.problems``."""
    routes = listing(_route_parser(service))(declared, reader)
    return tuple(cast("list[Route]", routes or []))


def _route_parser(service: RoutedService) -> Parser:
    read_keys = mapping(
        {
            "host": _host,
            "path": _path,
            "port": _port(service),
            "certificate": _certificate(service),
            "unit": _unit,
            "timeouts": mapping(dict.fromkeys(("connect", "server", "tunnel"), _time)),
            "rate_limit": _rate_limit,
            "largest_body": _body_size,
            "websocket": boolean,
            "server_sent_events": boolean,
            "http2": boolean,
            "proxy_protocol": boolean,
            "trusted_proxies": listing(_network),
            "replica_affinity": boolean,
            "events": _events,
        }
    )

    def parse(value: object, reader: SpecReader) -> object:
        count = len(reader.problems)
        keys = read_keys(value, reader)
        if len(reader.problems) > count or not isinstance(keys, dict):
            return None
        return _route(keys, service, reader)

    return parse


def _route(keys: dict[str, Any], service: RoutedService, reader: SpecReader) -> Route | None:
    """Return the route of keys that are right by themselves."""
    if "host" not in keys:
        return reader.problem("has no host; write `host: NAME`")
    if "port" not in keys and len(service.ports) != 1:
        return reader.problem(f"has no port; write `port:` with {_ports_of(service)}")
    if keys.get("proxy_protocol") and not keys.get("trusted_proxies"):
        return reader.problem(
            "has proxy_protocol without trusted_proxies; name the addresses that send it"
        )
    if keys.get("events") and keys.get("unit", Unit()).type == REQUEST:
        return reader.problem(
            "has events of unit `request`, which no other request has; write another unit"
        )
    keys.setdefault("path", "/")
    keys.setdefault("port", service.ports[0] if service.ports else 0)
    keys["timeouts"] = Timeouts(**keys.get("timeouts", {}))
    keys["trusted_proxies"] = tuple(keys.get("trusted_proxies", ()))
    return Route(service.app, service.service, **keys)


def _ports_of(service: RoutedService) -> str:
    """Return the ports that a route may have, or the key that declares them."""
    if not service.ports:
        return f"a port of {service.service}, and the same below its `expose`"
    return " or ".join(str(port) for port in service.ports)


def _host(value: object, reader: SpecReader) -> object:
    host = str(value).lower().rstrip(".")
    if not isinstance(value, str) or not _HOST.fullmatch(host):
        return reader.problem(
            f"must be a host name without scheme, port and wildcard, not {value!r}"
        )
    return host


def _path(value: object, reader: SpecReader) -> object:
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        return reader.problem(f"must be a path that begins with /, not {value!r}")
    return value.rstrip("/") or "/"


def _port(service: RoutedService) -> Parser:
    read_number = integer(1, 65535)

    def parse(value: object, reader: SpecReader) -> object:
        port = read_number(value, reader)
        if port is None or port in service.ports:
            return port
        return reader.problem(f"{service.service} has no port {port}; write {_ports_of(service)}")

    return parse


def _certificate(service: RoutedService) -> Parser:
    def parse(value: object, reader: SpecReader) -> object:
        if not isinstance(value, str) or not _SECRET_NAME.fullmatch(value):
            return reader.problem(f"must be the name of a secret, not {value!r}")
        if value not in service.secrets:
            return reader.problem(
                f"{value} is not among the secrets of {service.app}; declare it below `secrets`"
            )
        return value

    return parse


def _unit(value: object, reader: SpecReader) -> object:
    if value == VISITOR:
        return Unit()
    if value == REQUEST:
        return Unit(REQUEST, "")
    if value == HEADER:
        return reader.problem("has no header; write `{header: NAME}`")
    if isinstance(value, dict) and len(value) == 1 and {*value} <= {VISITOR, HEADER}:
        return _named_unit(*next(iter(value.items())), reader)
    return reader.problem(
        f"must be visitor, {{visitor: COOKIE}}, {{header: NAME}} or request, not {value!r}"
    )


def _named_unit(unit_type: str, name: object, reader: SpecReader) -> object:
    noun, sample = ("cookie", "COOKIE") if unit_type == VISITOR else ("header", "NAME")
    if not name:
        return reader.problem(f"has no {noun}; write `{{{unit_type}: {sample}}}`")
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        return reader.problem(
            f"{name!r} is not the name of a {noun}; use letters, digits, '-', '_' and '.'"
        )
    # Names of headers are the same in any case; a record has one form of them.
    return Unit(unit_type, name.lower() if unit_type == HEADER else name)


def _time(value: object, reader: SpecReader) -> object:
    try:
        time = units.nanoseconds(value) // _MILLISECOND
    except ValueError as error:
        return reader.problem(str(error))
    if not 1 <= time <= _LONGEST_TIME:
        return reader.problem(f"must be from 1ms to 24d, not {value!r}")
    return time


def _rate_limit(value: object, reader: SpecReader) -> object:
    match = _RATE.fullmatch(str(value).strip())
    if not match or not int(match[1]):
        return reader.problem(f"must be REQUESTS/PERIOD such as 100/10s or 20/s, not {value!r}")
    period = match[2] if match[2][0].isdigit() else f"1{match[2]}"
    time = _time(period, reader)
    return None if time is None else RateLimit(int(match[1]), cast("int", time))


def _events(value: object, reader: SpecReader) -> object:
    if isinstance(value, bool):
        return DEFAULT_EVENTS if value else None
    return _rate_limit(value, reader)


def _body_size(value: object, reader: SpecReader) -> object:
    try:
        octets = units.octets(value)
    except ValueError as error:
        return reader.problem(str(error))
    return octets or reader.problem("must be at least one byte; leave it out for no limit")


def _network(value: object, reader: SpecReader) -> object:
    try:
        return str(ipaddress.ip_network(str(value)))
    except ValueError:
        return reader.problem(
            f"must be an address or a network such as 10.0.0.0/8, not {kind_of(value)}"
        )


_NESTED: Mapping[str, Callable[..., object]] = {
    "unit": Unit,
    "timeouts": Timeouts,
    "rate_limit": RateLimit,
    "events": RateLimit,
}


def route_record(route: Route) -> dict[str, Any]:
    """Return a route as JSON data for a release's record; defaults are left out."""
    default = asdict(Route("", "", "", "", 0))
    record = {key: value for key, value in asdict(route).items() if value != default[key]}
    if route.trusted_proxies:
        record["trusted_proxies"] = list(route.trusted_proxies)
    return record


def recorded_route(record: Mapping[str, Any]) -> Route:
    """Return the route of a record."""
    keys = dict(record)
    for key, kind in _NESTED.items():
        if key in keys:
            keys[key] = kind(**keys[key])
    keys["trusted_proxies"] = tuple(keys.get("trusted_proxies", ()))
    return Route(**keys)
