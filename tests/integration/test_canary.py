# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries and blue-green releases as a user runs them, with visitors of unequal activity."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.testbed.visitors import Visitors, service_command

from .harness import Player, PlayOutcome, Running, until, worker
from .specs import Spec
from .test_router import HOST, Router

pytestmark = pytest.mark.long

APP = "ramped"
# Short holds, and a margin that a few hundred requests can decide.
CANARY = {
    "steps": [{"weight": 25, "hold": 4}, {"weight": 50, "hold": 4}],
    "warm_up": "1s",
    "min_units": 20,
    "margin": 12,
    "deadline": 90,
}


def shop(platform: Any, version: str, **harm: Any) -> Spec:
    """A service with a route, which harms its visitors as its environment says."""
    environment = {"VERSION": version, "DRAIN_SECONDS": "1", **harm}
    web = {
        "image": platform.image("shop-web:1.0.0"),
        "command": service_command(),
        "environment": {key: str(value) for key, value in environment.items()},
        "expose": ["8000"],
        "deploy": {"replicas": 2, "update_config": {"order": "start-first"}},
        "x-shipping": {"routes": [{"host": HOST, "port": 8000}]},
    }
    return {"services": {"web": web}}


@dataclass
class Ramps:
    """The app with its router."""

    router: Router

    @property
    def platform(self) -> Any:
        """The platform."""
        return self.router.platform

    def options(self, version: str, harm: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Return the options of a release."""
        return {
            "app": APP,
            "version": version,
            "spec": shop(self.platform, version, **harm),
            **self.control,
            "lease_ttl": 4,
            **self.platform.options,
            **options,
        }

    @property
    def control(self) -> dict[str, Any]:
        """Return the options by which the router is reached."""
        return {"pki": str(self.router.pki), "node_addresses": self.router.addresses}

    def start(self, version: str, *, harm: dict[str, Any] | None = None, **options: Any) -> Running:
        """Start a release."""
        return self.router.player.start("release", self.options(version, harm or {}, **options))

    def release(self, version: str, **options: Any) -> PlayOutcome:
        """Run a release."""
        return self.start(version, **options).wait()

    def canary(self, version: str, **options: Any) -> PlayOutcome:
        """Run a canary."""
        return self.release(version, **{"strategy": "canary", "canary": CANARY, **options})

    def run(self, module: str, *flags: str, **options: Any) -> PlayOutcome:
        """Run a module that ends or continues a canary."""
        given = {"app": APP, **self.control, "lease_ttl": 4, **self.platform.options, **options}
        return self.router.player.run(module, given, *flags)

    def visitors(self) -> Visitors:
        """Return visitors of the shop."""
        return Visitors((self.platform.address, self.router.port), HOST)

    def serves(self, version: str) -> None:
        """Check that one version alone serves."""
        assert sorted(self.platform.services(APP)) == ["web"]
        until(lambda: {self.router.visit()[0] for _turn in range(5)} == {f"shop {version}"})


@pytest.fixture(scope="module")
def ramps(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ramps]:
    """A shop that all tests of this file share."""
    player = Player(tmp_path_factory.mktemp("ramps"))
    found = Ramps(Router(player, platform, player.home / "router-pki"))
    first = found.router.play()
    assert first.ok, first.output
    released = found.release("1")
    assert released.ok, released.output
    routed = found.router.play()
    assert routed.ok, routed.output
    yield found
    places = {"router": {"namespace": "shipping-router"}} if platform.name == "kubernetes" else {}
    for app in (APP, "router"):
        absent = {"app": app, "state": "absent", **platform.options, **places.get(app, {})}
        player.run("release", absent)
    player.close()


def start_with(ramps: Ramps, version: str) -> None:
    """Begin with a version that alone serves."""
    released = ramps.release(version, abort_canary=True)
    assert released.ok, released.output
    ramps.serves(version)


def test_a_good_canary_is_promoted(ramps: Ramps) -> None:
    """It takes its steps, no request is lost, and the second run changes nothing."""
    start_with(ramps, "1")
    with ramps.visitors() as visitors:
        done = ramps.canary("2")
    assert done.ok, done.output
    assert done.result["outcome"] == "live" and "errors 0.0 %" in done.result["reason"]
    assert "web canary 25 %" in done.output and "promote" in done.output, done.output
    ramps.serves("2")
    assert sum(visitors.harmed.values()) == 0, visitors.summary()
    again = ramps.canary("2")
    assert again.ok and not again.result["changed"], again.output


def test_a_bad_canary_is_rolled_back(ramps: Ramps) -> None:
    """It has more errors: the former version serves, and few requests were harmed."""
    start_with(ramps, "1")
    with ramps.visitors() as visitors:
        done = ramps.canary("bad", harm={"ERRORS": 0.3})
    assert not done.ok
    assert done.result["outcome"] == "rolled_back", done.output
    assert "errors" in done.result["reason"] and done.result["failures"][0]["kind"] == "canary"
    ramps.serves("1")
    assert visitors.harmed.get("shop 1", 0) == 0, visitors.summary()
    print(visitors.summary())


def test_without_traffic_nothing_is_promoted(ramps: Ramps) -> None:
    """No data is never a pass: the deadline rolls back, and the reason has it."""
    start_with(ramps, "1")
    quiet = {**CANARY, "deadline": 8, "on_deadline": "promote"}
    done = ramps.canary("2", canary=quiet)
    assert done.result["outcome"] == "rolled_back", done.output
    assert "the deadline has passed without data" in done.result["reason"]
    ramps.serves("1")


def test_a_killed_canary_is_resumed(ramps: Ramps) -> None:
    """The next run of the same release continues with the step that the record has."""
    start_with(ramps, "1")
    with ramps.visitors() as visitors:
        first = ramps.start("2", strategy="canary", canary=CANARY)
        first.until("web canary 25 %  shared")
        journals = ramps.router.player.journals
        os.kill(worker(journals[-1]), signal.SIGKILL)
        killed = first.wait()
        assert "was killed" in killed.output, killed.output
        other = ramps.release("3")
        assert not other.ok and "abort_canary" in other.output, other.output
        done = ramps.canary("2")
    assert done.ok, done.output
    assert done.result["outcome"] == "live"
    ramps.serves("2")
    assert visitors.harmed.get("shop 1", 0) == 0, visitors.summary()


def test_a_release_aborts_a_canary(ramps: Ramps) -> None:
    """Between the steps the canary has no lease, so that the other release need not wait."""
    start_with(ramps, "1")
    held = {**CANARY, "steps": [{"weight": 25, "hold": "until promoted"}]}
    with ramps.visitors() as visitors:
        done = ramps.canary("2", canary=held)
        assert done.ok and done.result["outcome"] == "standing", done.output
        again = ramps.canary("2", canary=held)
        assert again.ok and not again.result["changed"], again.output
        named = ramps.release("3")
        assert not named.ok and "the canary 2 of web at 25 %" in named.output, named.output
        third = ramps.release("3", abort_canary=True)
        assert third.ok, third.output
    ramps.serves("3")
    assert sum(visitors.harmed.values()) == 0, visitors.summary()


def test_an_operator_promotes(ramps: Ramps) -> None:
    """A hold until promoted ends by the decision alone."""
    start_with(ramps, "1")
    held = {**CANARY, "steps": [{"weight": 25, "hold": "until promoted"}]}
    assert ramps.canary("2", canary=held).ok
    waiting = ramps.run("progress")
    assert waiting.ok and waiting.result["outcome"] == "standing", waiting.output
    promoted = ramps.run("progress", decision="promote")
    assert promoted.ok and promoted.result["outcome"] == "live", promoted.output
    ramps.serves("2")
    assert not ramps.run("progress").result["changed"]


def test_blue_green_returns_in_a_second(ramps: Ramps) -> None:
    """The former version is kept warm, and a rollback returns all traffic to it."""
    start_with(ramps, "1")
    with ramps.visitors() as visitors:
        done = ramps.release("2", strategy="blue_green", keep_warm=300)
        assert done.ok and done.result["outcome"] == "standing", done.output
        until(lambda: {ramps.router.visit()[0] for _turn in range(5)} == {"shop 2"})
        back = ramps.run("rollback")
        assert back.ok, back.output
    ramps.serves("1")
    assert sum(visitors.harmed.values()) == 0, visitors.summary()
