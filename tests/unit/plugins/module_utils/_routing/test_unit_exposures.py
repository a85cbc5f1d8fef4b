# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router's log by unit and arm."""

from __future__ import annotations

from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._routing.unit_exposures import (
    LogPart,
    event_rows,
    exposure_rows,
)

from .test_exposures import line

PART = LogPart("shop", "web", ("control", "green"), 100.0, 200.0)
EVENT = {"row": "shop_web.498d7fe1.events|shop/web|0|0", "status": 204}


def at(time: float, **fields: Any) -> str:
    return line(**{"time": time, **fields})


def test_sums_are_by_unit_and_arm() -> None:
    lines = [
        at(150.0, ms=5),
        at(120.5, ms=2, status=500),
        at(199.9, end="CD"),
        at(130.0, choice="1.control"),
        at(140.0, unit="CD34" * 16),
    ]
    assert exposure_rows(lines, PART) == [
        ["ab12" * 8, "control", 130.0, 130.0, 1, 0, 2],
        ["ab12" * 8, "green", 120.5, 199.9, 3, 2, 9],
        ["cd34" * 8, "green", 140.0, 140.0, 1, 0, 2],
    ]


def test_only_assigned_units_of_the_arms_in_time_count() -> None:
    lines = [
        at(99.9),
        at(200.0),
        at(150.0, choice="0.stable"),
        at(150.0, unit="-"),
        # A tester or a bot.
        at(150.0, bucket="-"),
        at(150.0, row="shop_web.498d7fe1|shop/search|0|0"),
        at(150.0, row="shop_web.498d7fe1|other/web|0|0"),
    ]
    assert exposure_rows(lines, PART) == []


def test_events_keep_their_values() -> None:
    lines = [
        at(150.0, **EVENT, event="order|12.5|a-1"),
        at(151.0, **EVENT, event="seen||"),
        at(250.0, **EVENT, event="late||"),
    ]
    assert event_rows(lines, PART) == [
        ["ab12" * 8, "green", 150.0, "order", 12.5, "a-1"],
        ["ab12" * 8, "green", 151.0, "seen", None, ""],
    ]
