# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._routing.route_table import (
    joined_routes,
    matching_route,
    route_id,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.routes import Route

SHOP = Route("shop", "web", "shop.test", "/", 80)
API = Route("shop", "api", "shop.test", "/api", 80)
SECOND = Route("search", "web", "shop.test", "/api/v2", 80)


@pytest.mark.parametrize(
    ("host", "path", "route"),
    [
        ("shop.test", "/", SHOP),
        ("Shop.test.", "/apix", SHOP),
        ("shop.test", "/api", API),
        ("shop.test", "/api/x", API),
        ("shop.test", "/api/v2/x", SECOND),
        ("other.test", "/", None),
    ],
)
def test_the_longest_prefix_wins(host: str, path: str, route: Route | None) -> None:
    assert matching_route(joined_routes([SHOP, API, SECOND]), host, path) == route


def test_the_order_of_apps_does_not_matter() -> None:
    assert joined_routes([SHOP, API, SECOND]) == joined_routes([SECOND, API, SHOP])


def test_services_are_named_once() -> None:
    table = joined_routes([SHOP, replace(SHOP, host="www.shop.test"), SECOND])
    assert table.services() == (("search", "web"), ("shop", "web"))


CONFLICTS = [
    (replace(SHOP, app="search"), "is a route of both search/web and shop/web"),
    (replace(SHOP, service="api"), "is a route of both shop/api and shop/web"),
    (replace(SHOP, port=81), "is a route of both shop/web and shop/web"),
    (
        replace(API, app="search", certificate="tls"),
        "has other TLS settings in shop/web than in search/api",
    ),
    (
        replace(API, certificate="tls", http2=False),
        "has other TLS settings in shop/web than in shop/api",
    ),
    (
        replace(API, trusted_proxies=("10.1.0.0/16",)),
        "has another proxy_protocol for 10.0.0.0/8 in shop/web than in shop/api",
    ),
]


@pytest.mark.parametrize(("other", "text"), CONFLICTS, ids=[text for _route, text in CONFLICTS])
def test_conflicts_name_both(other: Route, text: str) -> None:
    first = replace(SHOP, certificate="tls", proxy_protocol=True, trusted_proxies=("10.0.0.0/8",))
    if "proxy_protocol" not in text:
        other = replace(other, proxy_protocol=True)
    with pytest.raises(SpecError) as caught:
        joined_routes([first, other])
    assert len(caught.value.problems) == 1
    assert text in str(caught.value)
    assert "shop.test/" in str(caught.value)


def test_a_route_without_tls_beside_one_with_it() -> None:
    joined_routes([replace(SHOP, certificate="tls"), API])


def test_ids_follow_from_the_place() -> None:
    assert route_id(SHOP) == route_id(replace(SHOP, port=81))
    assert route_id(SHOP) != route_id(replace(SHOP, host="www.shop.test"))
    assert route_id(SHOP).startswith("shop_web.")
