# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that others have, and ports that move between the services of an app."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    PlanError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.health import LIVE
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import Record
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import RECREATE, UPDATE
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Wishes
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import planning
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.observe import Snapshot

from .resolved_apps import resolved
from .test_planning import NODE, found_for


def port(number: int, mode: str = "ingress", protocol: str = "tcp") -> dict[str, Any]:
    return {"target": 80, "published": number, "mode": mode, "protocol": protocol}


def app_of(**services: Any) -> Any:
    """An app whose services publish these ports, with further keys after them."""
    return resolved(
        {
            "services": {
                name: {"image": "a:1", "ports": ports, **more}
                for name, (ports, more) in services.items()
            }
        }
    )


def other_service(number: int, mode: str, place: str = "Spec") -> dict[str, Any]:
    ports = [{"PublishedPort": number, "PublishMode": mode, "Protocol": "tcp", "TargetPort": 80}]
    body: dict[str, Any] = {"ID": "o", "Spec": {"Name": "blog_web"}}
    if place == "Spec":
        body["Spec"]["EndpointSpec"] = {"Ports": ports}
    else:
        # A number that the Swarm chose is in what it allocated alone.
        body["Spec"]["EndpointSpec"] = {"Ports": [{"TargetPort": 80, "Protocol": "tcp"}]}
        body["Endpoint"] = {"Ports": ports}
    return body


TAKEN = [
    (port(80), other_service(80, "ingress"), True),
    (port(80), other_service(80, "host"), True),
    (port(80, "host"), other_service(80, "ingress"), True),
    (port(80, "host"), other_service(80, "host"), False),
    (port(80, protocol="udp"), other_service(80, "ingress"), False),
    (port(30000), other_service(30000, "ingress", "Endpoint"), True),
]


@pytest.mark.parametrize(("wanted", "other", "is_taken"), TAKEN)
def test_ports_of_other_services(wanted, other, is_taken):
    found = Snapshot(nodes=[NODE], all_services=[other])
    app = app_of(web=([wanted], {}))
    if not is_taken:
        planning.plan("shop", app, [], found, Wishes())
        return
    with pytest.raises(PlanError) as caught:
        planning.plan("shop", app, [], found, Wishes())
    (problem,) = caught.value.facts["problems"]
    assert problem["path"] == "services.web.ports" and "the service blog_web" in problem["text"]


def test_an_apps_own_service_is_no_other():
    app = app_of(web=([port(80)], {}))
    found = found_for(app)
    everything = replace(found, all_services=list(found.services.values()))
    assert not planning.plan("shop", app, [], everything, Wishes()).changed


ONE = app_of(a=([port(81)], {}), b=([port(82)], {}))
RECORD = Record(number=1, version="1", state=LIVE, resolved=ONE)


def after(app: Any, found: Snapshot, **wishes: Any) -> dict[str, tuple[str, ...]]:
    plan = planning.plan("shop", app, [RECORD], found, Wishes(**wishes))
    return {service.name: service.after for service in plan.services if service.after}


def test_who_gives_a_port_up_is_written_first():
    moved = app_of(a=([port(82)], {}), b=([port(83)], {}))
    assert after(moved, found_for(ONE)) == {"a": ("b",)}
    new = app_of(a=([], {}), b=([port(82)], {}), c=([port(81)], {}))
    assert after(new, found_for(ONE)) == {"c": ("a",)}


def test_ports_on_nodes_need_no_order():
    before = app_of(a=([port(81, "host")], {}), b=([port(82, "host")], {}))
    swapped = app_of(a=([port(82, "host")], {}), b=([port(81, "host")], {}))
    assert after(swapped, found_for(before)) == {}


SWAPPED = app_of(a=([port(82)], {}), b=([port(81)], {}))


def test_a_swap_needs_consent():
    with pytest.raises(PlanError) as caught:
        planning.plan("shop", SWAPPED, [], found_for(ONE), Wishes())
    (problem,) = caught.value.facts["problems"]
    assert "recreate: [b]" in problem["text"] and "wait for each other" in problem["text"]
    plan = planning.plan("shop", SWAPPED, [], found_for(ONE), Wishes(recreate=frozenset({"b"})))
    assert {service.name: service.action for service in plan.services} == {
        "a": UPDATE,
        "b": RECREATE,
    }
    assert {service.name: service.after for service in plan.services} == {"a": (), "b": ("a",)}


def test_going_back_swaps_without_consent():
    assert after(SWAPPED, found_for(ONE), going_back=True) == {"a": ("b",)}


def test_a_port_may_not_move_against_depends_on():
    waits = {"depends_on": {"a": {"condition": "service_started"}}}
    moved = app_of(a=([port(82)], {}), b=([port(83)], waits))
    with pytest.raises(PlanError) as caught:
        planning.plan("shop", moved, [], found_for(ONE), Wishes())
    assert "services.a.ports" in str(caught.value)


def test_one_port_in_two_modes_is_a_problem_of_the_spec():
    with pytest.raises(SpecError) as caught:
        app_of(a=([port(81)], {}), b=([port(81, "host")], {}))
    assert "services.b.ports: 81/tcp is published by a in mode ingress" in str(caught.value)


def test_a_service_that_stays_keeps_the_port_that_the_swarm_chose():
    free = [{"target": 80, "protocol": "tcp", "mode": "ingress"}]
    found = found_for(app_of(a=(free, {})))
    chosen = [{"TargetPort": 80, "PublishedPort": 30001, "PublishMode": "ingress"}]
    found.services["a"]["Endpoint"] = {"Ports": chosen}
    with pytest.raises(PlanError) as caught:
        planning.plan("shop", app_of(a=(free, {}), b=([port(30001)], {})), [], found, Wishes())
    assert "a keeps one of these ports" in str(caught.value)
    # What a changed spec no longer has is given up, though it is allocated for a moment.
    found.services["a"]["Endpoint"]["Ports"][0]["TargetPort"] = 81
    planning.plan("shop", app_of(a=(free, {}), b=([port(30001)], {})), [], found, Wishes())
