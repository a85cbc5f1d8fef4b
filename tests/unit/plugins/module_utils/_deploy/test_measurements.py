# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any, cast

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlatformError
from ansible_collections.shipping.code.plugins.module_utils._deploy.log_cursor import (
    OVERLAP,
    LogCursor,
    restored_cursor,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.measurements import (
    Compared,
    RouterMeasurements,
    new_measurements,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import (
    RouterPlace,
    StoredTraffic,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ramp_checks import (
    Arms,
    Checks,
    RequestCheck,
    look,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.route_checks import stored_of
from ansible_collections.shipping.code.plugins.module_utils._routing.buckets import (
    BucketTable,
    allocate,
    first_table,
)

BEGAN = 1_000_000.0
ERRORS = RequestCheck("errors", 0.01)
SLOW = RequestCheck("slower than 300 ms", 0.01, 300)
CHECKS = Checks((ERRORS, SLOW), warm_up=0)
COMPARED = Compared("shop", "web", "canary", "visitor", BEGAN)
_EMPTY = first_table("shop", "web", "salt")
TENTH = allocate(_EMPTY, {"stable": 9000, "canary": 1000})
HALF = allocate(TENTH, {"stable": 5000, "canary": 5000})
SHARES = {1: 0.1, 2: 0.5}
TABLES = {("shop", "web"): TENTH}


def line(unit: str, variant: str = "stable", second: float = 0, **fields: Any) -> str:
    """Return a line of the router's log; a unit is a number in hex."""
    base = {
        "shipping": "exposure",
        "time": BEGAN + second,
        "row": "shop_web.498d7fe1|shop/web|0|0",
        "table": "1.1.salt",
        "choice": f"{int(variant != 'stable')}.{variant}",
        "unit": unit if unit == "-" else unit.rjust(64, "0")[::-1],
        "bucket": "77",
        "status": 200,
        "ms": 2,
        "bytes": 351,
        "end": "--",
    }
    return json.dumps({**base, **fields}, separators=(",", ":"))


class Place:
    """A router with a table, whose log is read since a time of writing."""

    def __init__(self, table: BucketTable) -> None:
        self.table = table
        self.lines: list[tuple[float, str]] = []
        self.error = ""

    def read_traffic(self) -> StoredTraffic:
        return stored_of(1, [self.table])

    def log_lines(self, app: str, service: str, since: float, most: int) -> list[str]:
        if self.error:
            raise PlatformError("the log of the router cannot be read", self.error)
        # As platforms read it: by whole seconds.
        return [text for written, text in self.lines if written >= int(since)][-most:]


def measured(lines: Sequence[str], compared: Compared = COMPARED) -> RouterMeasurements:
    found = new_measurements(compared, CHECKS)
    found.note_table(TABLES)
    found.add_lines(lines)
    return found


def counts(arms: Arms) -> tuple[int, int, int, int, int, int]:
    canary, stable = arms.canary, arms.stable
    return (
        *(canary.units, canary.requests, canary.events),
        *(stable.units, stable.requests, stable.events),
    )


def refreshed(found: RouterMeasurements, place: Place) -> None:
    found.refresh(cast(RouterPlace, place))


def test_requests_are_summed_by_unit() -> None:
    found = measured(
        [
            line("a", "canary", status=500),
            line("a", "canary", end="CD"),
            line("a", "canary", ms=301),
            line("b", "canary", status=404, ms=300),
            line("c"),
            "another line of the log",
            line("d", row="shop_api.498d7fe1|shop/api|0|0"),
        ]
    )
    assert counts(found.arms(ERRORS)) == (2, 4, 2, 1, 1, 0)
    assert counts(found.arms(SLOW)) == (2, 4, 1, 1, 1, 0)
    # Only the first error of a unit counts, by the canary's share at that time.
    assert found.arms(ERRORS).first == {0.1: (1, 0)}
    sums = found.arms(ERRORS).canary.sums
    assert (sums.units, sums.numerators, sums.denominators) == pytest.approx((2, 2, 4))
    assert (sums.nn, sums.dd, sums.nd) == pytest.approx((4, 10, 6))


@pytest.mark.parametrize(
    "fields",
    [
        {"bucket": "-"},
        {"table": "0.1.none", "bucket": "-"},
        # A table that another run had meanwhile: the share at that time is unknown.
        {"table": "9.1.salt"},
        {"choice": "2.other"},
        {"time": BEGAN - 1},
    ],
)
def test_what_is_in_no_variant_by_chance_is_left_out(fields: dict[str, Any]) -> None:
    assert counts(measured([line("a", "canary", **fields)]).arms(ERRORS)) == (0,) * 6


def test_a_bot_is_in_no_variant() -> None:
    assert counts(measured([line("-", "canary", bucket="-")]).arms(ERRORS)) == (0,) * 6


def test_requests_of_the_warm_up_are_left_out() -> None:
    found = new_measurements(COMPARED, Checks((ERRORS,), warm_up=30))
    found.note_table(TABLES)
    found.add_lines([line("a", "canary", 29), line("b", "canary", 31)])
    assert found.arms(ERRORS).canary.units == 1
    assert found.cursor.since == BEGAN + 30


def test_requests_are_units_themselves_without_a_unit() -> None:
    found = measured([line("-", "canary", status=500, ms=number) for number in range(3)])
    arms = found.arms(ERRORS)
    assert counts(arms) == (3, 3, 3, 0, 0, 0)
    assert arms.first == {0.1: (3, 0)}
    assert arms.canary.sums.nn == pytest.approx(3)


def test_a_baseline_is_compared_with() -> None:
    table = allocate(_EMPTY, {"stable": 8000, "canary": 1000, "baseline": 1000})
    found = new_measurements(
        Compared("shop", "web", "canary", "visitor", BEGAN, "baseline"), CHECKS
    )
    found.note_table({("shop", "web"): table})
    found.add_lines([line("a", "canary", status=500), line("b", "baseline"), line("c")])
    arms = found.arms(ERRORS)
    assert counts(arms) == (1, 1, 1, 1, 1, 0)
    assert arms.first == {0.5: (1, 0)}


def test_the_state_continues_as_if_no_run_was_killed() -> None:
    lines = [
        line(f"{number % 40:x}", "canary" if number % 40 < 10 else "stable", number, status=status)
        for number, status in enumerate(random.Random(3).choices((200, 500), (9, 1), k=400))
    ]
    whole = measured(lines)
    first = measured(lines[:200])
    state = json.loads(json.dumps(first.state()))
    second = new_measurements(COMPARED, CHECKS, state)
    # The read of the next run begins before the end of the last one.
    second.add_lines(lines[150:])
    for comparison in (ERRORS, SLOW):
        assert second.arms(comparison) == whole.arms(comparison)
    other = new_measurements(COMPARED, Checks((ERRORS,), warm_up=0), state)
    assert counts(other.arms(ERRORS)) == (0,) * 6


def test_many_units_are_kept_as_groups() -> None:
    chance = random.Random(4)
    units = [f"{chance.getrandbits(64):x}" for _number in range(12_000)]
    lines = [
        line(unit, "canary" if number % 10 == 0 else "stable", status=chance.choice((200, 500)))
        for number, unit in enumerate(units)
    ]
    whole = measured([*lines, line(units[0], "canary", 1, status=500)])
    first = measured(lines)
    state = first.state()
    assert len(json.dumps(state)) < 100_000
    continued = new_measurements(COMPARED, CHECKS, json.loads(json.dumps(state)))
    # Of so many lines the state has none, and the next run begins after them.
    continued.add_lines([line(units[0], "canary", 1, status=500)])
    mine, full = continued.arms(ERRORS), whole.arms(ERRORS)
    assert counts(mine) == counts(full)
    error = full.canary.sums.ratio_variance() ** 0.5
    assert mine.canary.sums.ratio == pytest.approx(full.canary.sums.ratio)
    assert mine.canary.sums.ratio_variance() ** 0.5 == pytest.approx(error, rel=0.1)


def test_a_change_of_the_rate_is_no_harm_while_the_share_grows() -> None:
    """All have more errors later, when the canary has more visitors: the canary harms nobody."""
    chance, lines = random.Random(5), []
    for number in range(20_000):
        revision = 1 + number // 10_000
        variant = "canary" if chance.random() < SHARES[revision] else "stable"
        status = 500 if chance.random() < {1: 0.01, 2: 0.10}[revision] else 200
        unit = f"{chance.getrandbits(60):x}"
        lines.append(line(unit, variant, table=f"{revision}.1.salt", status=status))
    found = new_measurements(COMPARED, CHECKS)
    found.note_table({("shop", "web"): TENTH})
    found.note_table({("shop", "web"): HALF})
    found.add_lines(lines)
    arms = found.arms(ERRORS)
    assert arms.canary.share - arms.stable.share > 0.02
    assert abs(arms.canary.sums.ratio - arms.stable.sums.ratio) < 0.01
    assert look(CHECKS, found, elapsed=60).answer != "roll_back"


def test_each_line_is_counted_once() -> None:
    place = Place(TENTH)
    found = new_measurements(COMPARED, CHECKS)
    for second in range(0, 60, 5):
        # Equal lines, and one that comes late.
        place.lines += [(BEGAN + second, line("a", "canary", second))] * 2
        place.lines.append((BEGAN + second, line("b", "stable", second - 4)))
        refreshed(found, place)
        refreshed(found, place)
    # The one of the first four seconds before the canary began is left out.
    assert counts(found.arms(ERRORS)) == (1, 24, 0, 1, 11, 0)
    assert found.cursor.since == BEGAN + 55 - OVERLAP


def test_a_replica_that_is_removed_takes_no_counts_with_it() -> None:
    place = Place(TENTH)
    place.lines = [(BEGAN + 1, line("a", "canary", 1)), (BEGAN + 1, line("b", "stable", 1))]
    found = new_measurements(COMPARED, CHECKS)
    refreshed(found, place)
    place.lines = [(BEGAN + 2, line("c", "canary", 2))]
    refreshed(found, place)
    assert counts(found.arms(ERRORS)) == (2, 2, 0, 1, 1, 0)


def test_a_log_that_cannot_be_read_is_no_data_until_it_can() -> None:
    place = Place(TENTH)
    place.lines = [(BEGAN, line(f"{number:x}", "canary")) for number in range(3)]
    found = new_measurements(COMPARED, CHECKS)
    refreshed(found, place)
    place.error = "the log driver is none"
    refreshed(found, place)
    seen = look(CHECKS, found, elapsed=60)
    assert seen.answer == "no_data"
    assert "the log driver is none" in seen.reason
    place.error = ""
    refreshed(found, place)
    assert found.problem == ""
    assert found.arms(ERRORS).canary.requests == 3


def test_a_cursor_with_very_many_lines_counts_none_twice() -> None:
    cursor = LogCursor(BEGAN)
    cursor.fresh(f"line {number}" for number in range(30_000))
    restored = restored_cursor(cursor.state(BEGAN + 50))
    assert restored.since == BEGAN + 50 + OVERLAP


def rate_of_rollbacks(runs: int, later: float) -> float:
    """Return the share of healthy canaries of unequal visitors that are rolled back."""
    rolled_back = 0
    for run in range(runs):
        rolled_back += _is_rolled_back(random.Random(run), later)
    return rolled_back / runs


def _is_rolled_back(chance: random.Random, later: float) -> bool:
    found = new_measurements(COMPARED, CHECKS)
    for table in (TENTH, HALF):
        found.note_table({("shop", "web"): table})
    visitors = [_visitor(chance) for _number in range(400)]
    limits = [visitor[0] for visitor in visitors]
    for minute in range(10):
        revision = 1 + minute // 5
        drawn: Iterable[Any] = chance.choices(visitors, limits, k=300)
        factor = later if revision == 2 else 1
        found.add_lines([_request(chance, visitor, minute, factor) for visitor in drawn])
        if look(CHECKS, found, elapsed=60).answer == "roll_back":
            return True
    return False


def _request(chance: random.Random, visitor: Any, minute: int, factor: float) -> str:
    _activity, unit, risk, bucket = visitor
    revision = 1 + minute // 5
    variant = "canary" if bucket < SHARES[revision] else "stable"
    status = 500 if chance.random() < risk * factor else 200
    second = minute * 60 + chance.random() * 60
    return line(unit, variant, second, table=f"{revision}.1.salt", status=status)


def _visitor(chance: random.Random) -> tuple[float, str, float, float]:
    """Return a visitor's activity, id, risk and bucket; two percent have 20 percent errors."""
    risk = 0.2 if chance.random() < 0.02 else 0.001
    return chance.lognormvariate(0, 1.2), f"{chance.getrandbits(60):x}", risk, chance.random()


@pytest.mark.parametrize("later", [1, 4])
def test_healthy_canaries_of_unequal_visitors_are_kept(later: float) -> None:
    """Also where all have more errors once the canary has more visitors."""
    assert rate_of_rollbacks(8, later) == 0
