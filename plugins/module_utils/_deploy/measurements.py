# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a canary by the router's log, and by numbers of other programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import ShippingError
from .._routing.buckets import STABLE, BucketTable
from .._routing.exposures import read_exposures
from .._routing.routes import HEADER, REQUEST, VISITOR
from . import unit_tally
from .log_cursor import LogCursor, restored_cursor
from .number_sources import read_number
from .ports import RouterPlace
from .ramp_checks import Arms, Checks, NumberCheck, Reading, RequestCheck
from .route_checks import tables_of
from .router_control import ROUTER
from .unit_tally import UnitTally, restored_tally

# Of one replica, at one read; a line has about 350 bytes.
_MOST_LINES = 100_000
_UNIT_WORDS = {VISITOR: "visitors", HEADER: "users", REQUEST: ""}


@dataclass(frozen=True)
class Compared:
    """The canary, and the variant that it is compared with: stable, or a fresh baseline.

    ``unit_type`` is that of the service's routes. ``began`` is the time of the canary's first
    share, in seconds since 1970.
    """

    app: str
    service: str
    canary: str
    unit_type: str
    began: float
    control: str = STABLE


@dataclass
class RouterMeasurements:
    """The measurements of one canary.

    ``problem`` is why the last read failed, if it did: what was read before is then no answer.
    ``shares`` has the canary's part of the traffic of both, by the table's revision.
    """

    compared: Compared
    tally: UnitTally
    cursor: LogCursor
    begin: float
    shares: dict[int, float] = field(default_factory=dict)
    problem: str = ""
    fetch: Callable[[NumberCheck], Reading] = read_number

    @property
    def unit_word(self) -> str:
        """Return the plural of the unit."""
        return _UNIT_WORDS.get(self.compared.unit_type, "units")

    def arms(self, comparison: RequestCheck) -> Arms:
        """Return both variants by one event."""
        return self.tally.arms(comparison)

    def number(self, check: NumberCheck) -> Reading:
        """Return a number of another program."""
        return self.fetch(check)

    def refresh(self, place: RouterPlace) -> None:
        """Read the table and the log's new lines."""
        try:
            self.note_table(tables_of(place.read_traffic()))
            lines = place.log_lines(ROUTER, ROUTER, self.cursor.since, _MOST_LINES)
        except ShippingError as error:
            self.problem = str(error)
            return
        self.problem = ""
        self.add_lines(lines)

    def note_table(self, tables: Mapping[tuple[str, str], BucketTable]) -> None:
        """Remember the share of the canary in the service's table."""
        table = tables.get((self.compared.app, self.compared.service))
        if table is None:
            return
        weights = table.weights()
        canary = weights.get(self.compared.canary, 0)
        both = canary + weights.get(self.compared.control, 0)
        self.shares[table.revision] = canary / both if both else 0.0

    def add_lines(self, lines: Iterable[str]) -> None:
        """Add the lines of a read of the log since the cursor."""
        owner = f"|{self.compared.app}/{self.compared.service}|"
        fresh = self.cursor.fresh(line for line in lines if owner in line)
        arms = {self.compared.canary: unit_tally.CANARY, self.compared.control: unit_tally.STABLE}
        newest = 0.0
        for exposure in read_exposures(fresh):
            newest = max(newest, exposure.time)
            # A tester or a bot is in no variant by chance.
            is_counted = exposure.is_assigned and exposure.time >= self.begin
            if is_counted and exposure.variant in arms:
                share = self.shares.get(exposure.revision, 0.0)
                self.tally.add(exposure, arms[exposure.variant], share)
        self.cursor.advance(newest)

    def state(self) -> dict[str, Any]:
        """Return what a later run needs to continue, as JSON data."""
        return {
            "tally": self.tally.state(),
            "cursor": self.cursor.state(time.time()),
            "shares": {str(revision): share for revision, share in self.shares.items()},
        }


def new_measurements(
    compared: Compared, checks: Checks, state: Mapping[str, Any] | None = None
) -> RouterMeasurements:
    """Return the measurements of a canary, continued from a state if there is one.

    Requests of the warm-up are left out: a service that has just started may be slow.
    """
    begin = compared.began + checks.warm_up
    if not state:
        return RouterMeasurements(compared, UnitTally(checks.comparisons), LogCursor(begin), begin)
    shares = {int(revision): float(share) for revision, share in state["shares"].items()}
    return RouterMeasurements(
        compared,
        restored_tally(checks.comparisons, state["tally"]),
        restored_cursor(state["cursor"]),
        begin,
        shares,
    )
