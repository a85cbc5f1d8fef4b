# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries that harm little, that are slow, that nobody visits, and whose unit is the request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.testbed.visitors import Visitors

from .harness import PlayOutcome
from .test_canary import CANARY, HOST, Ramps, ramps, shop, start_with

pytestmark = pytest.mark.long

__all__ = ["ramps"]

STABLE = {"ERRORS": 0.01}
HARMFUL = {"ERRORS": 0.06}


def visitors_of(ramps: Ramps, per_second: float) -> Visitors:
    """Return many visitors of the shop."""
    address = (ramps.platform.address, ramps.router.port)
    return Visitors(address, HOST, visitors=1000, per_second=per_second)


def rolled_back(done: PlayOutcome, ramps: Ramps, version: str, reason: str) -> None:
    """Check the outcome of a canary, its reason, and what serves."""
    print(done.output[-3000:])
    assert not done.ok
    assert done.result["outcome"] == "rolled_back", done.output
    assert reason in done.result["reason"], done.result["reason"]
    ramps.serves(version)


def test_five_points_more_errors(ramps: Ramps) -> None:
    first = ramps.release("1", harm=STABLE, abort_canary=True)
    assert first.ok, first.output
    declared = {**CANARY, "margin": 3}
    with visitors_of(ramps, 80) as visitors:
        done = ramps.canary("five", harm=HARMFUL, canary=declared)
    rolled_back(done, ramps, "1", "errors")
    harmed = visitors.harmed["shop five"]
    print(visitors.summary())
    assert 0 < harmed < 100, visitors.summary()
    assert not visitors.lost


def test_latency_up_by_half(ramps: Ramps) -> None:
    first = ramps.release("1", harm={"MILLISECONDS": 100}, abort_canary=True)
    assert first.ok, first.output
    checks = [{"type": "errors"}, {"type": "slow", "slower_than": "125ms", "margin": 10}]
    with visitors_of(ramps, 40) as visitors:
        done = ramps.canary("slow", harm={"MILLISECONDS": 150}, canary={**CANARY, "checks": checks})
    rolled_back(done, ramps, "1", "slower than 125 ms")
    print(visitors.summary())
    assert sum(visitors.harmed.values()) == 0, visitors.summary()


def test_no_traffic_is_never_a_pass(ramps: Ramps) -> None:
    start_with(ramps, "1")
    done = ramps.canary("unseen", canary={**CANARY, "deadline": 12})
    rolled_back(done, ramps, "1", "without data")
    assert "had no requests" in done.result["reason"]
    assert "no data" in done.output


def test_requests_as_units(ramps: Ramps) -> None:
    """At the end: the routes of the router change."""

    def by_request(version: str, harm: dict[str, Any]) -> dict[str, Any]:
        spec = shop(ramps.platform, version, **harm)
        spec["services"]["web"]["x-shipping"]["routes"][0]["unit"] = "request"
        return spec

    first = ramps.release("1", spec=by_request("1", STABLE), abort_canary=True)
    assert first.ok, first.output
    assert ramps.router.play().ok
    declared = {**CANARY, "margin": 3}
    with visitors_of(ramps, 80) as visitors:
        done = ramps.canary("each", spec=by_request("each", HARMFUL), canary=declared)
    rolled_back(done, ramps, "1", "errors")
    assert " visitors" not in done.output
    # Each request is assigned alone, so that visitors get both versions.
    assert visitors.changed
    assert 0 < visitors.harmed["shop each"] < 100, visitors.summary()
