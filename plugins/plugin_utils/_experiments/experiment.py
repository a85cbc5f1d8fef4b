# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declaration of an experiment: factors, design, responses, sample and decision. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

INCREASE, DECREASE = "increase", "decrease"
RATE, MEAN, RATIO = "rate", "mean", "ratio"
ROUTER_MEASURES = ("requests", "errors", "duration")
"""Measures that each unit has by the log of the router; ``duration`` is in milliseconds."""
ROLL_BACK, INCONCLUSIVE = "roll_back", "inconclusive"
AB, FULL_FACTORIAL, FRACTION, PLACKETT_BURMAN = (
    "ab",
    "full_factorial",
    "fraction",
    "plackett_burman",
)


@dataclass(frozen=True)
class Level:
    """A level of a factor: the value of the factor's header, or an overlay on the service.

    ``promote`` is what the service gets when a level of a header factor is promoted.
    """

    name: str
    value: str = ""
    overlay: Mapping[str, Any] = field(default_factory=dict)
    promote: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Factor:
    """A factor with its levels; the first one is what ``stable`` has.

    ``header`` is the request header that hands the level to the application, empty for a factor of
    overlays. ``center`` is the level of center points.
    """

    name: str
    levels: tuple[Level, ...]
    header: str = ""
    center: Level | None = None


@dataclass(frozen=True)
class DesignChoice:
    """The type of the design, and its options.

    ``estimate`` has effects that must not be confounded with each other. ``blocks`` has the effects
    whose signs are the blocks, which run one after the other for ``block_time`` seconds each.
    """

    type: str = FULL_FACTORIAL
    resolution: int | None = None
    generators: tuple[str, ...] = ()
    fold_over: bool = False
    center_points: bool = False
    blocks: tuple[tuple[str, ...], ...] = ()
    block_time: float = 0.0
    estimate: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Measure:
    """A number that a unit has: ``requests``, ``errors``, ``duration``, or of an event.

    ``of_value`` is the sum of the values of the event instead of their number.
    """

    name: str
    of_value: bool = False

    @property
    def is_of_router(self) -> bool:
        """Return whether the log of the router has it, so that it is no event."""
        return self.name in ROUTER_MEASURES

    def __str__(self) -> str:
        """Return the measure as it is declared."""
        return f"{self.name}.value" if self.of_value else self.name


@dataclass(frozen=True)
class Response:
    """A response: a rate, mean or ratio over the units of an arm.

    A rate is the share of units with at least one ``numerator``. A mean is its mean over units,
    each capped at ``cap``. A ratio is the sum of ``numerator`` by the sum of ``denominator``. A
    guardrail has a ``margin``, by which it may be worse than with the control. ``smallest_effect``,
    ``margin``, ``baseline`` and ``deviation`` are in the unit of the response.
    """

    name: str
    type: str
    numerator: Measure
    denominator: Measure | None = None
    goal: str = INCREASE
    cap: float | None = None
    baseline: float | None = None
    deviation: float | None = None
    smallest_effect: float | None = None
    margin: float | None = None

    @property
    def is_guardrail(self) -> bool:
        """Return whether it only must not become worse."""
        return self.margin is not None

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return what each unit must have for it."""
        return (self.numerator, *([self.denominator] if self.denominator else []))


@dataclass(frozen=True)
class Sample:
    """The number of units that an arm needs.

    ``units`` is the planned number of an arm, by default computed from ``smallest_effect``,
    ``alpha`` and ``power``. Below ``min_units`` nothing is decided.
    """

    units: int | None = None
    min_units: int = 100
    alpha: float = 0.05
    power: float = 0.8


@dataclass(frozen=True)
class RampStep:
    """A share of the units in percent, and the seconds until the next step."""

    share: float
    seconds: float


@dataclass(frozen=True)
class ResponseSource:
    """The source of events: the router, files or a database.

    ``type`` is ``router``, ``files`` or ``sql``. ``columns`` maps ``unit``, ``time``, ``name``,
    ``value`` and ``id`` to the columns of the data. ``window`` is how many seconds after its
    first exposure a unit's events count; without it, until the end. ``units`` are ``plain`` if the
    data have the cookie or header itself, or ``hmac`` as the router logs them.
    """

    type: str = "router"
    files: tuple[str, ...] = ()
    database: str = ""
    table: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    units: str = "hmac"
    window: float | None = None
    pre_period: float | None = None


@dataclass(frozen=True)
class Experiment:
    """An experiment on a service of an app.

    Shares are in percent, durations in seconds. ``deadline`` counts from the start.
    """

    name: str
    app: str
    service: str
    factors: tuple[Factor, ...]
    responses: tuple[Response, ...]
    """The first one is the primary response."""
    deadline: float
    guardrails: tuple[Response, ...] = ()
    unit: str = "visitor"
    design: DesignChoice = field(default_factory=DesignChoice)
    sample: Sample = field(default_factory=Sample)
    start: datetime | None = None
    default: str = ROLL_BACK
    """At the deadline: ``roll_back``, ``inconclusive`` or the name of a cell."""
    holdout: float = 0.0
    ramp: tuple[RampStep, ...] = ()
    retention: float = 90 * 86400.0
    is_aa: bool = False
    seed: int = 1
    events: ResponseSource = field(default_factory=ResponseSource)

    @property
    def primary(self) -> Response:
        """Return the response that the decision is made by."""
        return self.responses[0]

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return what each unit must have for all responses, each measure once."""
        listed = (response.measures for response in (*self.responses, *self.guardrails))
        return tuple(dict.fromkeys(chain.from_iterable(listed)))

    def end(self, started: datetime) -> datetime:
        """Return the time at which it is decided at the latest."""
        return started + timedelta(seconds=self.deadline)
