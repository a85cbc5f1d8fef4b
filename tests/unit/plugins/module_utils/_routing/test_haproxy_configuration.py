# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._routing.haproxy_configuration import (
    Control,
    MountedCertificate,
    RouterSettings,
    router_files,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.route_table import (
    joined_routes,
    route_id,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.routes import (
    RateLimit,
    Route,
    Unit,
)


def slot_name(app: str, service: str, slot: int) -> str:
    return f"tasks.{app}_{service}-slot{slot}" if slot else f"tasks.{app}_{service}"


SETTINGS = RouterSettings(slot_name)
WEB = Route("shop", "web", "shop.test", "/", 8080)
API = Route("shop", "api", "shop.test", "/api", 80)


def configuration(*routes: Route, settings: RouterSettings = SETTINGS) -> str:
    """Return the main file of a router with these routes."""
    return router_files(joined_routes(routes), settings).files["haproxy.cfg"]


def test_the_same_routes_are_the_same_bytes() -> None:
    one = router_files(joined_routes([WEB, API]), SETTINGS)
    other = router_files(joined_routes([API, replace(WEB)]), replace(SETTINGS))
    assert one == other
    assert one.content_name() == other.content_name()


CHANGES = [
    replace(WEB, port=81),
    replace(WEB, host="www.shop.test"),
    replace(WEB, unit=Unit("header", "x-user")),
    replace(WEB, rate_limit=RateLimit(1, 1000)),
    replace(WEB, largest_body=1),
    replace(WEB, websocket=False),
    replace(WEB, server_sent_events=False),
    replace(WEB, certificate="tls"),
    replace(WEB, trusted_proxies=("10.0.0.0/8",)),
    replace(WEB, replica_affinity=True),
    replace(WEB, events=RateLimit(1, 1000)),
]


@pytest.mark.parametrize("route", CHANGES, ids=str)
def test_each_key_changes_the_name(route: Route) -> None:
    names = [router_files(joined_routes([one]), SETTINGS).content_name() for one in (WEB, route)]
    assert names[0] != names[1]


def test_slots_are_prepared() -> None:
    lines = configuration(WEB).splitlines()
    servers = [line.split()[3] for line in lines if "server-template replica" in line]
    assert servers == [
        "tasks.shop_web:8080",
        *(f"tasks.shop_web-slot{number}:8080" for number in (1, 2, 3, 4)),
    ]
    more = configuration(WEB, settings=replace(SETTINGS, slots=6))
    assert f"backend {route_id(WEB)}.6 from" in more


def test_silent_failures_are_avoided() -> None:
    text = configuration(WEB)
    assert "sha2(256),hex,bytes(0,8),hex2i,mod(10000)" in text
    assert "accepted_payload_size 8192" in text
    assert "init-addr last,none" in text
    assert "weight 100" in text
    assert "disable-l7-retry unless { method GET HEAD OPTIONS TRACE PUT DELETE }" in text
    # TLS options on this line would pass the check and change nothing.
    assert not [line for line in text.splitlines() if "stats socket" in line and "ssl" in line]


def test_control_by_mutual_tls_or_by_loopback() -> None:
    text = configuration(WEB)
    assert "crt /run/secrets/router-server.pem ca-file /run/secrets/router-ca.pem verify" in text
    assert "127.0.0.1:9443" not in text
    text = configuration(WEB, settings=replace(SETTINGS, control=Control(9444, mutual_tls=False)))
    assert "stats socket ipv4@127.0.0.1:9444 level admin" in text
    assert "verify required" not in text


def test_extra_lines_are_at_the_end() -> None:
    extra = ("frontend raw", "    bind :99")
    assert configuration(WEB, settings=replace(SETTINGS, extra=extra)).endswith(
        "\n\nfrontend raw\n    bind :99\n"
    )


def test_certificates_of_apps() -> None:
    routes = [
        replace(WEB, certificate="tls"),
        replace(API, certificate="tls"),
        replace(WEB, app="other", host="other.test", certificate="tls", http2=False),
    ]
    files = router_files(joined_routes(routes), SETTINGS)
    assert files.certificates == (
        MountedCertificate("other", "tls", "other_tls.pem"),
        MountedCertificate("shop", "tls", "shop_tls.pem"),
    )
    assert files.files["certificates.list"] == (
        "/run/secrets/other_tls.pem [alpn http/1.1] other.test\n"
        "/run/secrets/shop_tls.pem [alpn h2,http/1.1] shop.test\n"
    )
    assert ":443 ssl" in files.files["haproxy.cfg"]
    assert ":443 ssl" not in configuration(WEB)


def test_maps() -> None:
    files = router_files(joined_routes([WEB, API]), SETTINGS).files
    assert files["routes.map"] == (
        f"shop.test/ {route_id(WEB)}|shop/web|1|0\nshop.test/api/ {route_id(API)}|shop/api|0|0\n"
    )
    assert files["table-shop_web.map"].startswith("table 0.1.none\n")


def test_peers_need_mutual_tls() -> None:
    settings = replace(SETTINGS, peers="tasks.router_router", most_peers=2)
    text = configuration(WEB, settings=settings)
    assert "server-template peer 2 tasks.router_router:9443 ssl" in text
    without = replace(settings, control=Control(mutual_tls=False))
    assert "server-template peer" not in configuration(WEB, settings=without)
