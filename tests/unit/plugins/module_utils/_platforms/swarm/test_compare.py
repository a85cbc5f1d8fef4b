# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written is found again, what is others' stays, what is dropped goes back."""

from __future__ import annotations

import copy
import json
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import compare
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.spec_fields import (
    FIELDS,
    Body,
    get,
    put,
)
from hypothesis import assume, given

from ..._compose.generated_files import SERVICES, spec
from .resolved_apps import DIGEST, names, resolved

LABELS = {"shipping.code.app": "shop", "com.docker.stack.namespace": "shop"}


def read(service: dict[str, Any]) -> Any:
    """The generated service, resolved; what is refused is not tried."""
    try:
        return resolved(spec(service))
    except SpecError:
        assume(False)


def engine_fills(body: Body) -> Body:
    """The body as it comes back: through JSON, with what the engine adds of its own."""
    result: Body = json.loads(json.dumps(body))
    put(result, "TaskTemplate.ForceUpdate", 0)
    put(result, "TaskTemplate.Runtime", "container")
    for place, value in (
        ("EndpointSpec.Mode", "vip"),
        ("TaskTemplate.ContainerSpec.Isolation", "default"),
    ):
        if get(result, place) is None:
            put(result, place, value)
    if "Replicated" in result["Mode"]:
        result["Mode"]["Replicated"].setdefault("Replicas", 1)
    return result


def changes(app: Any, body: Body, before: Any = None) -> list[str]:
    """The paths that differ."""
    want = app.services["web"]
    former = (before or app).services["web"]
    paths = []
    for _field, _target, listed in compare.targets(want, former, body, names(app)):
        paths += [change.path for change in listed]
    return paths


@given(SERVICES)
def test_again_changes_nothing(service):
    app = read(service)
    body = engine_fills(compare.render("shop_web", app.services["web"], names(app), LABELS, "hash"))
    assert changes(app, body) == []


@given(SERVICES, SERVICES)
def test_from_one_to_another_and_again(first, second):
    one, other = read(first), read(second)
    assume(get(one.services["web"], "deploy.mode") == get(other.services["web"], "deploy.mode"))
    body = engine_fills(compare.render("shop_web", one.services["web"], names(one), LABELS, "one"))
    differs = changes(other, body, one)
    after = engine_fills(
        compare.updated(
            body,
            other.services["web"],
            one.services["web"],
            names(other),
            labels=LABELS,
            hashed="other",
        )
    )
    assert changes(other, after, other) == []
    if not differs:
        assert after == body


@given(SERVICES, SERVICES)
def test_a_service_is_restarted_only_with_another_hash(first, second):
    one, other = read(first), read(second)
    body = engine_fills(compare.render("shop_web", one.services["web"], names(one), LABELS, "one"))
    after = engine_fills(
        compare.updated(
            body,
            other.services["web"],
            one.services["web"],
            names(other),
            labels=LABELS,
            hashed="other",
        )
    )
    hashes = [compare.service_hash(app.services["web"]) for app in (one, other)]
    if hashes[0] == hashes[1]:
        for entry in (body, after):
            entry["TaskTemplate"].pop("Placement", None)
        assert after["TaskTemplate"] == body["TaskTemplate"]


@given(SERVICES, SERVICES)
def test_what_others_set_stays(first, second):
    one, other = read(first), read(second)
    body = engine_fills(compare.render("shop_web", one.services["web"], names(one), LABELS, "one"))
    body["Labels"]["owner"] = "alice"
    put(body, "TaskTemplate.ContainerSpec.Privileges", {"NoNewPrivileges": True})
    put(
        body,
        "TaskTemplate.ContainerSpec.Labels",
        {**get(body, "TaskTemplate.ContainerSpec.Labels"), "by-hand": "yes"},
    )
    before = copy.deepcopy(body)
    after = compare.updated(
        body,
        other.services["web"],
        one.services["web"],
        names(other),
        labels=LABELS,
        hashed="other",
    )
    assert body == before, "the body that was read was changed in place"
    assert after["Labels"]["owner"] == "alice"
    assert get(after, "TaskTemplate.ContainerSpec.Labels")["by-hand"] == "yes"
    assert get(after, "TaskTemplate.ContainerSpec.Privileges") == {"NoNewPrivileges": True}


@given(SERVICES)
def test_the_hash_says_nothing_of_defaults_and_replicas(service):
    app = read(service)
    web = app.services["web"]
    scaled = copy.deepcopy(web)
    put(scaled, "deploy.replicas", 17)
    put(scaled, "deploy.placement.constraints", ["node.role == worker"])
    assert compare.service_hash(scaled) == compare.service_hash(web)
    other = {**web, "image": f"another:1@{DIGEST}"}
    assert compare.service_hash(other) != compare.service_hash(web)


@given(SERVICES)
def test_reading_back_is_the_inverse_of_writing(service):
    app = read(service)
    web = app.services["web"]
    body = compare.render("shop_web", web, names(app), {"shipping.code.app": "shop"}, "hash")
    for entry in FIELDS:
        wanted = entry.wanted(web)
        if wanted is not None:
            assert entry.read(body, names(app)) == wanted, entry.key


def test_aliases_that_a_stack_writes_on_the_network_of_a_node():
    app = resolved(spec({"image": "nginx", "network_mode": "host"}))
    body = compare.render("shop_web", app.services["web"], names(app), LABELS, "hash")
    body["TaskTemplate"]["Networks"][0]["Aliases"] = ["web"]
    assert changes(app, body) == []
