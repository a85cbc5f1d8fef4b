# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes and variants of services."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._compose import service_routes, variants

from .reading import KUBERNETES, problems, problems_of, read_spec, spec

ROUTE = {"host": "shop.example.com", "port": 8080}


def routed(*overlays, route=None, **keys):
    """The keys of a service with a route and variants."""
    extension = {"routes": [{**ROUTE, **(route or {})}], "variants": list(overlays)}
    return {"expose": ["8080"], "x-shipping": extension, **keys}


def test_a_routed_service_joins_the_routers_network():
    app = read_spec(spec(**routed()))
    web = app.services["web"]
    assert set(web["networks"]) == {"default", "shipping-router"}
    assert app.networks["shipping-router"] == {"external": True, "name": "shipping-router"}
    # The names of the app and of the service are those of the release.
    assert service_routes.routes_of(web) == [
        {"host": "shop.example.com", "path": "/", "port": 8080}
    ]


def test_a_variant_is_a_service_of_its_own():
    overlay = {
        "name": "green",
        "weight": "2.5",
        "image": "nginx:2",
        "environment": {"B": "2"},
        "deploy": {"replicas": 3, "resources": {"limits": {"memory": "64M"}}},
    }
    app = read_spec(
        spec(
            **routed(
                overlay,
                environment={"A": "1"},
                ports=["8080:8080"],
                networks={"default": {"aliases": ["api"]}},
            )
        )
    )
    green = app.services["web-green"]
    assert (green["image"], green["environment"]) == ("nginx:2", {"A": "1", "B": "2"})
    assert green["deploy"]["replicas"] == 3
    assert green["deploy"]["resources"] == {"limits": {"memory": "64M"}}
    # Clients find the stable one by these.
    assert "ports" not in green and green["networks"]["default"] == {}
    assert "shipping-router" in green["networks"]
    assert green["x-shipping"] == {"variant_of": "web"}
    assert variants.variants_of(app.services["web"]) == {"green": 2.5}
    assert app.services["web"]["environment"] == {"A": "1"}


def test_variants_keep_their_slots():
    web = read_spec(spec(**routed({"name": "blue"}, {"name": "red"}))).services["web"]
    assert variants.slots_of(variants.with_slots(web, {})) == {"blue": 1, "red": 2}
    assert variants.slots_of(variants.with_slots(web, {"red": 1, "gone": 2})) == {
        "red": 1,
        "blue": 2,
    }


def test_a_variant_by_headers_alone_is_no_service():
    cells = [
        {"name": f"cell{number}", "request_headers": {"X-Size": number}} for number in range(64)
    ]
    overlay = {"name": "green", "image": "nginx:2", "request_headers": {"x-button": "buy now"}}
    app = read_spec(spec(**routed(*cells, overlay)))
    assert sorted(app.services) == ["web", "web-green"]
    assert app.services["web-green"]["x-shipping"] == {"variant_of": "web"}
    web = variants.with_slots(app.services["web"], {"cell1": 0, "green": 0})
    slots = variants.slots_of(web)
    assert (slots["cell0"], slots["cell63"], slots["green"]) == (0, 0, 1)
    headers = variants.headers_of(web)
    assert headers["cell7"] == (("x-size", "7"),)
    assert headers["green"] == (("x-button", "buy now"),)


def by_headers(**headers):
    return routed({"name": "a", "request_headers": headers})


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (by_headers(), "must be a mapping of headers"),
        (by_headers(**{"x button": "a"}), "is not the name of a header"),
        (by_headers(Host="a"), "a meaning for connections or the router"),
        (by_headers(**{"X-Forwarded-For": "a"}), "a meaning for connections or the router"),
        (by_headers(**{"X-A": "a", "x-a": "b"}), "x-a is listed twice"),
        (by_headers(x=True), "must be a text or a number"),
        (by_headers(x=""), "printable ASCII"),
        (by_headers(x="a\nb"), "printable ASCII"),
        (by_headers(x="ä"), "printable ASCII"),
        (by_headers(x="a" * 257), "1 to 256 printable"),
        (by_headers(**{f"x-{number}": 1 for number in range(17)}), "17 headers"),
        (by_headers(**{f"x-{number}": "%" * 256 for number in range(6)}), "more than 4096 bytes"),
        (
            routed(*({"name": f"a{n}", "request_headers": {"x": 1}} for n in range(65))),
            "has 65 variants of request_headers alone",
        ),
    ],
)
def test_headers_that_cannot_be_set(keys, problem):
    found = problems_of(**keys)
    assert len(found) == 1 and problem in found[0], found


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (routed({"name": "stable"}), "stable is the service itself"),
        (routed({"weight": 1}), "needs a name"),
        (routed({"name": "Green"}), "is not the name of a variant"),
        (routed({"name": "slot1"}), "a name of the router's own"),
        (routed({"name": "a"}, {"name": "a"}), "listed twice"),
        (routed({"name": "a", "weight": 101}), "from 0 to 100 percent"),
        (routed({"name": "a", "weight": "1.234"}), "from 0 to 100 percent"),
        (routed({"name": "a", "weight": 60}, {"name": "b", "weight": 60}), "sum to 120 percent"),
        (routed(*({"name": name} for name in "abcdefghijklmnopq")), "17 variants"),
        (routed({"name": "a", "volumes": []}), "unknown key"),
        (routed({"name": "a", "deploy": {"mode": "global"}}), "unknown key"),
        (routed({"name": "a", "deploy": {"replicas": 2}}, deploy={"mode": "global"}), "is global"),
        ({"x-shipping": {"variants": [{"name": "a"}]}}, "it has none; write routes"),
        (routed(network_mode="host"), "which network_mode excludes"),
        (routed(deploy={"mode": "replicated-job"}), "not for jobs"),
        (routed(route={"port": 99}), "has no port 99"),
        (routed(route={"host": None}), "has no host"),
        (routed(route={"unit": "header"}), "has no header"),
        (routed(route={"certificate": "tls"}), "not among the secrets"),
    ],
)
def test_what_is_wrong_is_one_problem(keys, problem):
    found = problems_of(**keys)
    assert len(found) == 1 and problem in found[0], found


def test_problems_of_a_variant_are_where_it_is_written():
    found = problems_of(**routed({"name": "a", "configs": ["settings"]}))
    assert found == [
        "services.web.x-shipping.variants[0]: no config settings is declared; declare it under"
        " configs"
    ]


def test_problems_of_a_variant_after_one_without_a_name_of_its_own():
    written = [{"weight": 1}, {"name": "a"}, {"name": "a"}, {"name": "b", "configs": ["settings"]}]
    place = "services.web.x-shipping.variants"
    assert problems_of(**routed(*written)) == [
        f"{place}[0]: needs a name",
        f"{place}[2].name: a is listed twice; write it once",
        f"{place}[3]: no config settings is declared; declare it under configs",
    ]


def test_two_services_of_an_app_on_one_route():
    web = {"image": "nginx", **routed()}
    found = problems(read_spec, {"services": {"web": web, "api": {"image": "nginx", **routed()}}})
    assert len(found) == 1 and "shop.example.com/ is a route of web already" in found[0]


def test_a_variant_has_a_name_of_its_own():
    taken = {"services": {"web": {"image": "nginx", **routed({"name": "a"})}}}
    taken["services"]["web-a"] = {"image": "nginx"}
    assert "a service web-a already" in problems(read_spec, taken)[0]


def test_a_platform_without_a_router_rejects_routes():
    support = replace(KUBERNETES, routed=False)
    found = problems(read_spec, spec(**routed({"name": "a"})), support=support)
    assert found == [
        "services.web.x-shipping.routes: not supported yet on kubernetes; leave it out",
        "services.web.x-shipping.variants: not supported yet on kubernetes; leave it out",
    ]
