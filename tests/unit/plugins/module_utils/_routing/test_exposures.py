# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._routing.exposures import (
    duration_class,
    read_events,
    read_exposures,
    sums_by_variant,
)


def line(**fields: Any) -> str:
    """Return a line of the router's log."""
    base = {
        "shipping": "exposure",
        "time": 1796087832.772,
        "row": "shop_web.498d7fe1|shop/web|0|0",
        "table": "3.1.salt",
        "choice": "2.green",
        "unit": "AB12" * 16,
        "bucket": "77",
        "status": 200,
        "ms": 2,
        "bytes": 351,
        "end": "--",
    }
    return json.dumps({**base, **fields}, separators=(",", ":"))


def test_other_lines_are_skipped() -> None:
    lines = [
        "Server shop_web.498d7fe1.0/replica1 is UP",
        line(),
        "2026-05-01T00:00:00Z stdout F " + line(),
        line()[:100],
        line(row="-", choice="-", table="-"),
        "",
    ]
    assert len(read_exposures(lines)) == 2


def test_events_are_no_exposures() -> None:
    at_events = {"row": "shop_web.498d7fe1.events|shop/web|0|0", "status": 204}
    lines = [
        line(event="-"),
        line(**at_events, event="order|12.5|a-1"),
        line(**at_events, event="seen||"),
        # Rejected by the router.
        line(**{**at_events, "status": 429}, event="-"),
    ]
    assert [item.status for item in read_exposures(lines)] == [200]
    order, seen = read_events(lines)
    assert (order.app, order.service, order.route) == ("shop", "web", "shop_web.498d7fe1")
    assert (order.unit, order.variant, order.revision) == ("ab12" * 8, "green", 3)
    assert (order.name, order.value, order.event_id) == ("order", 12.5, "a-1")
    assert (seen.name, seen.value, seen.event_id) == ("seen", None, "")


def test_an_exposure() -> None:
    (found,) = read_exposures([line()])
    assert (found.app, found.service, found.variant, found.revision) == ("shop", "web", "green", 3)
    assert (found.unit, found.time, found.duration) == ("ab12" * 8, 1796087832.772, 2)
    assert found.is_assigned
    assert found.is_complete


@pytest.mark.parametrize(
    ("fields", "is_assigned"),
    [
        ({}, True),
        # Testers and bots.
        ({"bucket": "-"}, False),
        # Before the first change of weights, all units have stable, and need no bucket.
        ({"bucket": "-", "table": "0.1.none"}, True),
        ({"bucket": "-", "table": "0.1.none", "unit": "-"}, False),
    ],
)
def test_assigned_units(fields: dict[str, Any], is_assigned: bool) -> None:
    assert read_exposures([line(**fields)])[0].is_assigned is is_assigned


@pytest.mark.parametrize(
    ("fields", "is_complete"),
    [
        ({"end": "LR", "status": 429}, True),
        ({"end": "SD"}, False),
        ({"end": "CD"}, False),
        ({"end": "sH", "status": 504}, False),
        ({"status": -1}, False),
    ],
)
def test_lost_requests(fields: dict[str, Any], is_complete: bool) -> None:
    assert read_exposures([line(**fields)])[0].is_complete is is_complete


def test_testers_and_bots_are_not_assigned() -> None:
    (found,) = read_exposures([line(bucket="-", unit="-")])
    assert not found.is_assigned
    assert found.unit == ""


def test_sums() -> None:
    lines = [
        line(unit="a", ms=10),
        line(unit="a", ms=20, status=500),
        line(unit="b", ms=30, status=404, end="CD"),
        line(unit="-", choice="0.stable"),
    ]
    sums = sums_by_variant(read_exposures(lines))
    green = sums["shop", "web", "green"]
    assert (green.requests, green.responses_4xx, green.responses_5xx, green.lost) == (3, 1, 1, 1)
    assert green.bytes_out == 3 * 351
    unit = green.units["a"]
    assert (unit.requests, unit.errors, unit.duration, unit.duration_squares) == (2, 1, 30, 500)
    assert sums["shop", "web", "stable"].units == {}


def test_quantiles_are_at_most_a_tenth_off() -> None:
    sums = sums_by_variant(read_exposures(line(ms=number) for number in range(1, 1001)))
    variant = sums["shop", "web", "green"]
    for share in (0.5, 0.95, 0.99):
        assert share * 1000 <= variant.quantile(share) <= share * 1000 * 1.11 + 1


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 3, 10, 11, 100, 12345])
def test_classes(milliseconds: int) -> None:
    limit = duration_class(milliseconds)
    assert milliseconds <= limit <= milliseconds * 1.1 + 1
    assert duration_class(limit) == limit or limit <= milliseconds * 1.1 + 1
