# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that engines have from some API on: their places in its schema, and older engines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import (
    compare,
    newer_keys,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.spec_fields import get

from .resolved_apps import names, resolved

PRIVILEGES = "ContainerSpec.Privileges"
# Keys -> what the engine gets below TaskTemplate. Places and types are those of
# api/docs/v1.52.yaml of moby (definitions TaskSpec and Mount), the versions those of its
# CHANGELOG.md; the engine of the test bed, 20.10, has none of them but the labels.
PUBLISHED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (
        {"security_opt": ["no-new-privileges"]},
        {f"{PRIVILEGES}.NoNewPrivileges": True},
        "security_opt.no_new_privileges",
        "1.44 (Docker 25.0)",
    ),
    (
        {"security_opt": ["seccomp=unconfined"]},
        {f"{PRIVILEGES}.Seccomp.Mode": "unconfined"},
        "security_opt.seccomp",
        "1.44 (Docker 25.0)",
    ),
    (
        {"security_opt": ["apparmor=unconfined"]},
        {f"{PRIVILEGES}.AppArmor.Mode": "disabled"},
        "security_opt.apparmor",
        "1.44 (Docker 25.0)",
    ),
    (
        {"security_opt": ["label=type:a_t", "label=user:u", "label=role:r", "label=level:s0"]},
        {f"{PRIVILEGES}.SELinuxContext": {"Type": "a_t", "User": "u", "Role": "r", "Level": "s0"}},
        "",
        "",
    ),
    (
        {"security_opt": ["label=disable"]},
        {f"{PRIVILEGES}.SELinuxContext": {"Disable": True}},
        "",
        "",
    ),
    (
        {"oom_score_adj": -500},
        {"ContainerSpec.OomScoreAdj": -500},
        "oom_score_adj",
        "1.46 (Docker 27.0)",
    ),
    (
        {"mem_limit": "64m", "memswap_limit": "96m"},
        {"Resources.SwapBytes": 32 * 1024**2, "Resources.Limits.MemoryBytes": 64 * 1024**2},
        "memswap_limit",
        "1.52 (Docker 29.0)",
    ),
    (
        {"mem_limit": "64m", "memswap_limit": "64m"},
        {"Resources.SwapBytes": 0},
        "memswap_limit",
        "1.52 (Docker 29.0)",
    ),
    (
        {"mem_limit": "64m", "memswap_limit": -1},
        {"Resources.SwapBytes": -1},
        "memswap_limit",
        "1.52 (Docker 29.0)",
    ),
    (
        {"mem_swappiness": 0},
        {"Resources.MemorySwappiness": 0},
        "mem_swappiness",
        "1.52 (Docker 29.0)",
    ),
    (
        {"volumes": ["/a:/a", {"source": "data", "target": "/b", "volume": {"subpath": "c"}}]},
        {},
        "volumes[1].volume.subpath",
        "1.45 (Docker 26.1)",
    ),
    (
        {"healthcheck": {"start_interval": "1s"}},
        {"ContainerSpec.Healthcheck.StartInterval": 10**9},
        "healthcheck.start_interval",
        "1.44 (Docker 25.0.1)",
    ),
]
PLAIN = {"image": "a:1"}


def app_with(keys: dict[str, Any]) -> Any:
    return resolved({"services": {"web": {**PLAIN, **keys}}, "volumes": {"data": None}})


def rendered(app: Any) -> dict[str, Any]:
    body = compare.render("shop_web", app.services["web"], names(app), {}, "hash")
    result: dict[str, Any] = json.loads(json.dumps(body))
    return result


@pytest.mark.parametrize(("keys", "places", "_key", "_version"), PUBLISHED)
def test_what_is_written_is_found_again_and_dropped(keys, places, _key, _version):
    app, plain = app_with(keys), app_with({})
    body = rendered(app)
    assert {place: get(body["TaskTemplate"], place) for place in places} == places
    want, none = app.services["web"], plain.services["web"]
    assert compare.targets(want, want, body, names(app)) == []
    changed = compare.targets(none, want, body, names(app))
    assert changed, "what the former release declared goes back"
    labels = {"owner": "shop"}
    again = compare.updated(body, none, want, names(app), labels=labels, hashed="h")
    assert compare.targets(none, none, again, names(app)) == []


def test_a_volume_is_mounted_by_its_subpath():
    app = app_with({"volumes": [{"source": "data", "target": "/b", "volume": {"subpath": "c/d"}}]})
    (mount,) = rendered(app)["TaskTemplate"]["ContainerSpec"]["Mounts"]
    assert mount["VolumeOptions"]["Subpath"] == "c/d"


@pytest.mark.parametrize(("keys", "_places", "key", "version"), PUBLISHED)
def test_an_older_engine_is_named_with_what_it_would_need(keys, _places, key, version):
    texts = [str(problem) for problem in newer_keys.problems(app_with(keys), (1, 41), (20, 10, 24))]
    assert texts == (
        [
            f"services.web.{key}: needs engine API {version}, and this engine, which speaks API"
            " 1.41 (Docker 20.10.24), would ignore it; leave it out, or upgrade the engines of all"
            " nodes"
        ]
        if key
        else []
    )
    assert not list(newer_keys.problems(app_with(keys), (1, 52), (29, 0)))
    for engine in ((), (2, 0, 0)):
        assert not list(newer_keys.problems(app_with(keys), (1, 52), engine))


# Both speak the API that has the field, and drop it for services (moby #47163 and #47711).
TOO_EARLY = [
    ({"healthcheck": {"start_interval": "1s"}}, (1, 44), (25, 0, 0), (25, 0, 1)),
    (
        {"volumes": [{"source": "data", "target": "/b", "volume": {"subpath": "c"}}]},
        (1, 45),
        (26, 0, 2),
        (26, 1, 0),
    ),
]


@pytest.mark.parametrize(("keys", "api", "early", "first"), TOO_EARLY)
def test_an_engine_that_drops_what_its_api_has(keys, api, early, first):
    assert len(list(newer_keys.problems(app_with(keys), api, early))) == 1
    assert not list(newer_keys.problems(app_with(keys), api, first))


def test_what_is_so_anyway_needs_no_newer_engine():
    app = app_with({"oom_score_adj": 0, "security_opt": ["seccomp=builtin"]})
    assert not list(newer_keys.problems(app, (1, 41), (20, 10)))
