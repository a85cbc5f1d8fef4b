# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing services beside others who write them, too."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    LeaseLost,
    Outdated,
    PlatformError,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import Record
from ansible_collections.shipping.code.plugins.module_utils._deploy.lease import Lease
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Observation
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import driver, storage
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.image_digests import (
    EngineCredentials,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.observe import (
    APP,
    TOKEN,
    Snapshot,
)

from .resolved_apps import resolved

PORT_IN_USE = "port '80' is already in use by service 'shop_a' (x) as an ingress port"


class FakeEngine:
    """An engine with two services that another writer is faster to write for a while."""

    def __init__(self, *, faster: int = 0, refusals: int = 0) -> None:
        self.faster = faster
        self.refusals = refusals
        self.reads: list[str] = []
        self.created: list[str] = []
        self.services = {
            identity: {
                "ID": identity,
                "Version": {"Index": 1},
                "Spec": {"Name": f"shop_{identity}", "Labels": {APP: "shop", TOKEN: "1"}},
            }
            for identity in ("a", "b")
        }

    def get(self, path: str, **_query: Any) -> Any:
        self.reads.append(path)
        if path == "/services":
            return copy.deepcopy(list(self.services.values()))
        if path.startswith("/services/"):
            identity = path.removeprefix("/services/")
            if identity not in self.services:
                raise driver.NotFound("not there")
            return copy.deepcopy(self.services[identity])
        if path in ("/networks/host", "/networks/bridge"):
            return {"Name": path.rpartition("/")[2], "Id": "h"}
        return []

    def post(self, path: str, body: Any, _header: Any = None, version: int = 0) -> Any:
        if path == "/services/create":
            if self.refusals:
                self.refusals -= 1
                raise PlatformError("refused", PORT_IN_USE)
            self.created.append(body["Name"])
            return {"ID": "new"}
        service = self.services[path.split("/")[2]]
        if self.faster and service["ID"] == "b":
            self.faster -= 1
            service["Version"]["Index"] += 1
        if version != service["Version"]["Index"]:
            raise Outdated("refused", "update out of sequence")
        service["Spec"] = body
        return None


class Held:
    """A fence that is held; it counts how often it was asked."""

    token = 2

    def __init__(self) -> None:
        self.checks = 0

    def check(self) -> None:
        self.checks += 1


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(driver, "_PAUSE", 0)


def driver_of(engine: FakeEngine) -> driver.Driver:
    return driver.Driver(engine, EngineCredentials({}, None))  # type: ignore[arg-type]


def test_a_stamp_is_tried_again_from_a_fresh_read():
    engine, fence = FakeEngine(faster=3), Held()
    driver_of(engine).stamp("shop", fence)
    assert {body["Spec"]["Labels"][TOKEN] for body in engine.services.values()} == {"2"}
    # The lease is read before each of the attempts: one of a, four of b.
    assert fence.checks == 5


def test_what_could_not_be_stamped_is_named():
    with pytest.raises(PlatformError) as caught:
        driver_of(FakeEngine(faster=99)).stamp("shop", Held())
    assert "service shop_b could not be fenced" in str(caught.value)
    assert "8 times" in str(caught.value)


def test_a_later_holder_is_not_overwritten():
    engine = FakeEngine()
    engine.services["a"]["Spec"]["Labels"][TOKEN] = "3"
    with pytest.raises(LeaseLost):
        driver_of(engine).stamp("shop", Held())


def apply_both(engine: FakeEngine) -> None:
    pytest.importorskip("docker", reason="credentials are read by the SDK")
    app = resolved({"services": {"web": {"image": "a:1"}, "db": {"image": "b:1"}}})
    record = Record(number=1, version="1", resolved=app)
    seen = Observation((), None, {}, Snapshot())
    writing = driver_of(engine)
    for name in app.services:
        writing.apply("shop", name, record, seen, Held())


def test_names_are_read_once_for_all_services():
    engine = FakeEngine()
    apply_both(engine)
    assert engine.created == ["shop_web", "shop_db"]
    assert engine.reads.count("/networks") == 1


def test_a_port_that_is_given_up_is_waited_for():
    engine = FakeEngine(refusals=3)
    apply_both(engine)
    assert engine.created == ["shop_web", "shop_db"]
    with pytest.raises(PlatformError) as caught:
        apply_both(FakeEngine(refusals=99))
    assert caught.value.why == PORT_IN_USE


class FullEngine:
    """An engine that has the lease of an app of this name already."""

    def __init__(self, app: str) -> None:
        self.app = app

    def get(self, _path: str, **_query: Any) -> Any:
        return [{"ID": "l", "Version": {"Index": 1}, "Spec": {"Labels": {APP: self.app}}}]

    def post(self, _path: str, _body: Any) -> Any:
        raise PlatformError("refused", "name conflicts with an existing object", status=409)


def test_names_of_apps_differ_in_more_than_case():
    """Otherwise a run would wait for a lease that is never given back."""
    with pytest.raises(Outdated):
        storage.write_lease(FullEngine("shop"), "shop", Lease("", -1))  # type: ignore[arg-type]
    with pytest.raises(PlatformError) as caught:
        storage.write_lease(FullEngine("Shop"), "shop", Lease("", -1))  # type: ignore[arg-type]
    assert caught.value.why.startswith("this Swarm has the app Shop") and "Set app to Shop" in str(
        caught.value
    )
