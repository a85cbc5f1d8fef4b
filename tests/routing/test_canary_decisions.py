# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions about canaries by the log of a real HAProxy, with unequal visitors."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.ramp_checks import (
    Checks,
    RequestCheck,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.routes import Unit

from tests.testbed.canary_bed import CanaryBed, canary_bed
from tests.testbed.router_process import HAPROXY

pytestmark = pytest.mark.skipif(not Path(HAPROXY).exists(), reason="needs the package haproxy")

ERRORS = RequestCheck("errors", 0.03)
SLOW = RequestCheck("slower than 45 ms", 0.05, 45)
CHECKS = Checks((ERRORS,), warm_up=1, min_units=20)
STABLE = {"VERSION": "1.0.0", "ERRORS": "0.01"}
GOOD = {"VERSION": "1.1.0", "ERRORS": "0.01"}
BAD = {"VERSION": "1.1.0", "ERRORS": "0.06"}
STEPS = {0.0: 10.0, 4.0: 30.0, 8.0: 50.0}


def services(canary: dict[str, str], **more: Any) -> dict[str, Any]:
    """Return the services of a bed."""
    return {"services": {"stable": STABLE, "canary": canary, **more}, "per_second": 250}


def decided(bed: CanaryBed, seconds: float = 40) -> Any:
    """Return the last look of a ramp; its answer is that of the line of progress."""
    seen = bed.ramp(STEPS, seconds)
    print("\n".join(bed.progress))
    assert bed.progress[-1].endswith(f"  {seen.answer.replace('_', ' ')}")
    return seen


def test_a_good_canary_is_promoted(tmp_path: Path) -> None:
    with canary_bed(tmp_path, CHECKS, visitors=1500, **services(GOOD)) as bed:
        seen = decided(bed, 60)
        assert seen.answer == "promote", seen.reason
        # A ramp only adds visitors: none ever returns to stable.
        moves = [*bed.visitors.changed.values()]
        assert moves
        assert {tuple(move) for move in moves} == {("shop 1.0.0", "shop 1.1.0")}


def test_five_points_more_errors_roll_back(tmp_path: Path) -> None:
    with canary_bed(tmp_path, CHECKS, visitors=1500, **services(BAD)) as bed:
        seen = decided(bed)
        assert seen.answer == "roll_back", seen.reason
        bed.share(canary=0)
        time.sleep(0.3)
        harmed = bed.visitors.harmed["shop 1.1.0"]
        assert 0 < harmed < 100, bed.visitors.summary()
        time.sleep(1)
        assert bed.visitors.harmed["shop 1.1.0"] == harmed


def test_requests_are_units_of_a_route_by_request(tmp_path: Path) -> None:
    unit = Unit("request", "")
    with canary_bed(tmp_path, CHECKS, unit=unit, visitors=100, **services(BAD)) as bed:
        seen = decided(bed)
        assert seen.answer == "roll_back", seen.reason
        canary = seen.facts[0]["canary"]
        assert canary["units"] == canary["requests"] > 0
        assert " of " not in bed.progress[-1].split("  ")[1]


def test_latency_up_by_half_rolls_back(tmp_path: Path) -> None:
    slow = Checks((ERRORS, SLOW), warm_up=1, min_units=20)
    stable = {**STABLE, "MILLISECONDS": "36"}
    canary = {**GOOD, "MILLISECONDS": "54"}
    with canary_bed(
        tmp_path, slow, visitors=1500, services={"stable": stable, "canary": canary}, per_second=100
    ) as bed:
        seen = decided(bed)
        assert seen.answer == "roll_back", seen.reason
        assert seen.reason.startswith("slower than 45 ms")


def test_no_traffic_is_no_data(tmp_path: Path) -> None:
    more = {**services(GOOD), "per_second": 0}
    with canary_bed(tmp_path, CHECKS, **more) as bed:
        seen = decided(bed, 3)
        assert seen.answer == "no_data"
        assert seen.reason == "errors: canary and stable had no requests"


def test_a_baseline_is_compared_with_the_canary(tmp_path: Path) -> None:
    """Stable is much better, and no one compares with it."""
    fresh = {"VERSION": "1.0.1", "ERRORS": "0.2"}
    canary = {**GOOD, "ERRORS": "0.2"}
    wide = Checks((RequestCheck("errors", 0.1),), warm_up=1, min_units=20)
    options = services(canary, baseline=fresh)
    with canary_bed(tmp_path, wide, control="baseline", visitors=1500, **options) as bed:
        bed.share(canary=25, baseline=25)
        deadline = time.monotonic() + 30
        while (seen := bed.look()).answer in ("undecided", "no_data"):
            assert time.monotonic() < deadline, seen.reason
            time.sleep(0.3)
        assert seen.answer == "promote", seen.reason
        assert seen.facts[0]["stable"]["percent"] > 10


def test_a_killed_run_and_a_restarted_router_count_each_line_once(tmp_path: Path) -> None:
    with canary_bed(tmp_path, CHECKS, visitors=400, **services(GOOD)) as bed:
        bed.share(canary=50)
        for _number in range(6):
            time.sleep(0.5)
            bed.look()
            bed.continue_from(bed.measurements.state())
        bed.router.stop(signal.SIGTERM)
        bed.router.start()
        bed.share(canary=50)
        time.sleep(1.5)
        bed.visitors.stop()
        time.sleep(0.5)
        bed.continue_from(bed.measurements.state())
        bed.look()
        arms = bed.measurements.arms(ERRORS)
        counted = arms.canary.requests + arms.stable.requests
        lines = [line for line in bed.router.log.read_text().splitlines() if '"row":"shop' in line]
        expected = [line for line in lines if '"bucket":"-"' not in line]
        assert counted == len([line for line in expected if _second(line) >= bed.began + 1])


def _second(line: str) -> float:
    return float(line.partition('"time":')[2].partition(",")[0])
