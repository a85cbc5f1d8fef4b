# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.parsing import SpecReader
from ansible_collections.shipping.code.plugins.module_utils._routing.routes import (
    RateLimit,
    Route,
    RoutedService,
    Timeouts,
    Unit,
    read_routes,
    recorded_route,
    route_record,
)

WEB = RoutedService("shop", "web", (8080,), ("tls",))


def read(*declared: Any, service: RoutedService = WEB) -> tuple[tuple[Route, ...], list[str]]:
    """Return the routes and the problems of a service's list."""
    reader = SpecReader("services.web.x-shipping.routes")
    routes = read_routes([*declared], reader, service)
    return routes, [str(problem) for problem in reader.problems]


def test_a_host_is_enough() -> None:
    routes, problems = read({"host": "Shop.example.com."})
    assert not problems
    assert routes == (Route("shop", "web", "shop.example.com", "/", 8080),)


def test_every_key() -> None:
    routes, problems = read(
        {
            "host": "shop.example.com",
            "path": "/api/",
            "port": "8080",
            "certificate": "tls",
            "unit": {"header": "X-User"},
            "timeouts": {"connect": "1s", "server": "90s", "tunnel": "2h"},
            "rate_limit": "100/10s",
            "largest_body": "10M",
            "websocket": False,
            "server_sent_events": "no",
            "http2": False,
            "proxy_protocol": True,
            "trusted_proxies": ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"],
            "replica_affinity": True,
            "events": "20/s",
        }
    )
    assert not problems
    assert routes == (
        Route(
            "shop",
            "web",
            "shop.example.com",
            "/api",
            8080,
            certificate="tls",
            unit=Unit("header", "x-user"),
            timeouts=Timeouts(1_000, 90_000, 7_200_000),
            rate_limit=RateLimit(100, 10_000),
            largest_body=10 * 1024**2,
            websocket=False,
            server_sent_events=False,
            http2=False,
            proxy_protocol=True,
            trusted_proxies=("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"),
            replica_affinity=True,
            events=RateLimit(20, 1000),
        ),
    )
    record = json.loads(json.dumps(route_record(routes[0])))
    assert recorded_route(record) == routes[0]


def test_defaults_are_not_recorded() -> None:
    route = Route("shop", "web", "shop.example.com", "/", 8080)
    assert route_record(route) == {
        "app": "shop",
        "service": "web",
        "host": "shop.example.com",
        "path": "/",
        "port": 8080,
    }
    assert recorded_route(route_record(route)) == route


UNITS = [
    ("visitor", Unit("visitor", "shipping_visitor")),
    ({"visitor": "uid"}, Unit("visitor", "uid")),
    ({"header": "X-User"}, Unit("header", "x-user")),
    ("request", Unit("request", "")),
]


def test_events_are_off_by_default() -> None:
    limits = [
        read({"host": "a.test", **keys})[0][0].events
        for keys in ({}, {"events": False}, {"events": True})
    ]
    assert limits == [None, None, RateLimit(100, 10_000)]


@pytest.mark.parametrize(("declared", "unit"), UNITS)
def test_unit(declared: object, unit: Unit) -> None:
    routes, _problems = read({"host": "a.test", "unit": declared})
    assert [route.unit for route in routes] == [unit]


PROBLEMS: list[tuple[dict[str, Any], str]] = [
    ({}, "has no host; write `host: NAME`"),
    ({"host": "https://a.test"}, ".host: must be a host name without scheme, port and wildcard"),
    ({"host": "a.test:80"}, ".host: must be a host name"),
    ({"host": "*.a.test"}, ".host: must be a host name"),
    ({"host": "a.test\nbackend x"}, ".host: must be a host name"),
    ({"host": "a.test", "path": "api"}, ".path: must be a path that begins with /"),
    ({"host": "a.test", "path": "/a b"}, ".path: must be a path that begins with /"),
    ({"host": "a.test", "port": 81}, ".port: web has no port 81; write 8080"),
    ({"host": "a.test", "port": "http"}, ".port: must be a whole number"),
    ({"host": "a.test", "certificate": "other"}, ".certificate: other is not among the secrets"),
    ({"host": "a.test", "certificate": "../key"}, ".certificate: must be the name of a secret"),
    ({"host": "a.test", "unit": "header"}, ".unit: has no header; write `{header: NAME}`"),
    ({"host": "a.test", "unit": {"header": ""}}, ".unit: has no header; write `{header: NAME}`"),
    ({"host": "a.test", "unit": {"visitor": None}}, ".unit: has no cookie; write"),
    ({"host": "a.test", "unit": {"header": "a b"}}, ".unit: 'a b' is not the name of a header"),
    ({"host": "a.test", "unit": "user"}, ".unit: must be visitor, {visitor: COOKIE}"),
    ({"host": "a.test", "timeouts": {"server": "0s"}}, ".timeouts.server: must be from 1ms"),
    ({"host": "a.test", "timeouts": {"serve": "1s"}}, ".timeouts.serve: unknown key; did you"),
    ({"host": "a.test", "events": 100}, ".events: must be REQUESTS/PERIOD such as"),
    ({"host": "a.test", "events": True, "unit": "request"}, "has events of unit `request`"),
    ({"host": "a.test", "rate_limit": 100}, ".rate_limit: must be REQUESTS/PERIOD such as"),
    ({"host": "a.test", "rate_limit": "0/s"}, ".rate_limit: must be REQUESTS/PERIOD such as"),
    ({"host": "a.test", "largest_body": "0"}, ".largest_body: must be at least one byte"),
    ({"host": "a.test", "trusted_proxies": ["x"]}, ".trusted_proxies[0]: must be an address"),
    ({"host": "a.test", "proxy_protocol": True}, "has proxy_protocol without trusted_proxies"),
    ({"host": "a.test", "tls": True}, ".tls: unknown key"),
]


@pytest.mark.parametrize(("declared", "text"), PROBLEMS, ids=[text for _keys, text in PROBLEMS])
def test_each_problem_is_one_clear_error(declared: dict[str, Any], text: str) -> None:
    routes, problems = read(declared)
    assert not routes
    assert len(problems) == 1
    assert problems[0].startswith("services.web.x-shipping.routes[0]")
    assert text in problems[0]


def test_problems_of_all_routes_at_once() -> None:
    routes, problems = read({"host": "a.test", "port": 1}, {"host": "b.test"}, {"port": 8080})
    assert [route.host for route in routes] == ["b.test"]
    assert [problem.partition(": ")[0] for problem in problems] == [
        "services.web.x-shipping.routes[0].port",
        "services.web.x-shipping.routes[2]",
    ]


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        ((), "write `port:` with a port of web, and the same below its `expose`"),
        ((80, 81), "80 or"),
    ],
)
def test_a_port_is_required_unless_there_is_one(ports: tuple[int, ...], text: str) -> None:
    _routes, problems = read({"host": "a.test"}, service=RoutedService("shop", "web", ports))
    assert "has no port" in problems[0]
    assert text in problems[0]


@pytest.mark.parametrize(
    ("declared", "limit"),
    [
        ("20/s", RateLimit(20, 1000)),
        ("6000/m", RateLimit(6000, 60_000)),
        ("5/500ms", RateLimit(5, 500)),
    ],
)
def test_rate_limit(declared: str, limit: RateLimit) -> None:
    routes, _problems = read({"host": "a.test", "rate_limit": declared})
    assert routes[0].rate_limit == limit
