# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The spec of an app while a canary runs beside its service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlanError
from ansible_collections.shipping.code.plugins.module_utils._deploy.naming import Naming
from ansible_collections.shipping.code.plugins.module_utils._deploy.ramp_stage import (
    RampStage,
    beside,
    changed_services,
    stage_of,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved

ROUTER = "shipping-router"
# As a resolved spec has them: by their names on the platform; those of the node are left out.
NETWORKS = {
    ROUTER: {"external": True},
    "shop_back": {},
}


def web(image: str, **extension: Any) -> dict[str, Any]:
    """Return a service of a release, with a route."""
    return {
        "image": image,
        "reference": image,
        "deploy": {"replicas": 4},
        "depends_on": {"db": "service_started"},
        "networks": {ROUTER: {}, "shop_back": {"aliases": ["web", "www"]}, "host": {}},
        "x-shipping": {"routes": [{"host": "shop.example.com", "port": 80}], **extension},
    }


BEFORE = Resolved(services={"web": web("a:1"), "db": {"image": "db:1"}}, networks=NETWORKS)
TARGET = replace(BEFORE, services={"web": web("a:2"), "db": {"image": "db:2"}})


def test_only_routed_services_with_other_replicas_change() -> None:
    assert changed_services(TARGET, BEFORE) == ["web"]
    assert changed_services(BEFORE, BEFORE) == []


def test_the_canary_has_the_new_spec_and_a_slot() -> None:
    stage = stage_of(TARGET, BEFORE, "web", 50, baseline=False)
    assert (stage.slots, stage.replicas) == ({"canary": 4}, 2)
    naming = Naming("shop")
    spec = beside(BEFORE, stage, TARGET, BEFORE, naming)
    canary = spec.services["web-canary"]
    assert (canary["image"], canary["deploy"]["replicas"]) == ("a:2", 2)
    assert spec.services["web"]["image"] == "a:1" and spec.services["db"] == {"image": "db:1"}
    # The router finds it by the name of its slot, and nobody by that of the service.
    assert canary["networks"][ROUTER] == {"aliases": [naming.slot("web", 4)]}
    assert canary["networks"]["shop_back"] == {"aliases": ["web-canary"]}
    assert canary["networks"]["host"] == {}
    assert "depends_on" not in canary and "routes" not in canary["x-shipping"]
    assert BEFORE.services["web"]["networks"]["shop_back"] == {"aliases": ["web", "www"]}


def test_a_baseline_has_the_former_spec() -> None:
    stage = stage_of(TARGET, BEFORE, "web", 10, baseline=True)
    spec = beside(TARGET, stage, TARGET, BEFORE, Naming("shop"))
    assert spec.services["web-baseline"]["image"] == "a:1"
    assert RampStage.from_data(stage.as_data()) == stage


def test_a_variant_of_that_name_is_in_the_way() -> None:
    taken = web("a:2", variants=[{"name": "canary", "weight": 0, "slot": 1}])
    with pytest.raises(PlanError, match="has a variant canary already"):
        stage_of(replace(TARGET, services={"web": taken}), BEFORE, "web", 10, baseline=False)
