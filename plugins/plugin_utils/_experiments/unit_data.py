# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute sums of responses from exposures and events, where the data are.

One set of ``ibis`` expressions runs on DuckDB, PostgreSQL and other databases. Sums are computed
in integers (values in millionths), so that they are the same in any order of the rows. The tables:

- exposures: ``unit``, ``arm``, ``first`` and the sums ``requests``, ``errors`` and ``duration``
- events: ``unit``, ``time``, ``name``, ``value`` and ``id``

Times are numbers of seconds, or timestamps with a time zone, in both tables alike.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ...module_utils._core.errors import ShippingError
from ...module_utils._inference.arm_sums import ArmSums
from .experiment import MEAN, RATE, RATIO, ROUTER_MEASURES, Measure, Response
from .response_sums import EventCounts, LookData, ResponseSums

MILLIONTHS = 1_000_000
# A product of two of these has 38 digits, the most that databases have.
_EXACT = "decimal(19, 0)"
_COUNTS = ("counted", "in_pre_period", "before_exposure", "after_window", "of_other_units")
_NOWHERE = len(_COUNTS)
_OTHERS = ("without_unit", "conflicting")


@dataclass(frozen=True)
class DataQuestion:
    """The sums that an experiment needs.

    ``window`` is how many seconds after its first exposure a unit's events count, ``pre_period``
    how many before it the pre-period begins. Without them, all count, and there is no pre-period.
    """

    arms: Sequence[str]
    responses: Sequence[Response]
    window: float | None = None
    pre_period: float | None = None

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return the measures of all responses, each once."""
        listed = chain.from_iterable(response.measures for response in self.responses)
        return tuple(dict.fromkeys(listed))

    @property
    def event_measures(self) -> tuple[Measure, ...]:
        """Return the measures that are of events."""
        return tuple(measure for measure in self.measures if not measure.is_of_router)

    @property
    def event_names(self) -> list[str]:
        """Return the names of the events that are read."""
        return sorted({measure.name for measure in self.event_measures})

    def has_pre_period(self, response: Response) -> bool:
        """Return whether a response has a pre-period: the router logs nothing before exposure."""
        return self.pre_period is not None and not response.numerator.is_of_router


def load_ibis() -> Any:
    """Return the module ``ibis``."""
    try:
        import ibis
    except ImportError as error:
        raise ShippingError(
            "the data of the experiment cannot be read",
            "the Python package ibis-framework is not installed on the control node",
            'Run pip install "ibis-framework[duckdb]"',
        ) from error
    return ibis


def units_of(exposures: Any, arms: Sequence[str]) -> Any:
    """Return the expression of the exposed units, each with its arm and the sums of the router.

    ``other`` is another arm than ``arm`` of a unit that is in two.
    """
    is_mine = exposures.arm.isin(list(arms)) & exposures.unit.notnull() & (exposures.unit != "")
    sums = {name: exposures[name].sum() for name in ROUTER_MEASURES if name in exposures.columns}
    return (
        exposures.filter(is_mine)
        .group_by("unit")
        .agg(
            first=exposures["first"].min(),
            arm=exposures.arm.min(),
            other=exposures.arm.max(),
            **sums,
        )
    )


def single_units(units: Any, question: DataQuestion) -> Any:
    """Return the expression of the units that are in one arm, each with a number."""
    ours = units.filter(units.arm == units.other)
    # Numbers are kept faster than text. A query that reads the units twice may number them twice.
    is_read_once = len(question.event_measures) == len(question.measures)
    return ours.mutate(number=load_ibis().row_number() if is_read_once else ours.unit)


def look_data(units: Any, events: Any | None, question: DataQuestion) -> LookData:
    """Return the sums. ``units`` is the result of units_of; without ``events`` there are none."""
    ours = single_units(units, question)
    by_arm = _rows(ours.group_by("arm").agg(units=ours.count()))
    numbers = dict.fromkeys(question.arms, 0) | {row["arm"]: row["units"] for row in by_arm}
    two = _rows(units.agg(both=units.count(where=units.arm != units.other)))[0]["both"]
    rows = _rows(sums_expression(ours, events, question))
    by_name = {row["arm"]: row for row in rows}
    sums = {
        response.name: {
            arm: _sums(response, number, by_name.get(arm, {}), index)
            for arm, number in numbers.items()
        }
        for index, response in enumerate(question.responses)
    }
    counts = _counts(rows)
    if events is not None and question.event_measures:
        named = events.filter(events.name.isin(question.event_names))
        every = _rows(named.agg(number=named.count()))[0]["number"]
        counts = counts.with_duplicates(every)
    return LookData(numbers, sums, counts, int(two or 0))


def sums_expression(ours: Any, events: Any | None, question: DataQuestion) -> Any:
    """Return the expression of all sums by arm; ``ours`` are the units that are in one arm."""
    measured = None
    if events is not None and question.event_measures:
        measured = _unit_events(ours, events, question)
    table = _unit_table(ours, measured, question)
    totals: dict[str, Any] = {}
    for index, response in enumerate(question.responses):
        totals |= _response_totals(table, response, index, question)
    if measured is not None:
        totals |= {name: table[name].sum() for name in (*_COUNTS, *_OTHERS)}
    return table.group_by("arm").agg(**totals)


def _unit_events(ours: Any, events: Any, question: DataQuestion) -> Any:
    """Return the expression of sums of events by unit; those of no exposed unit have no arm."""
    named = events.filter(events.name.isin(question.event_names))
    placed = _placed(ours, _distinct(named), question)
    sums = {}
    for index, measure in enumerate(question.event_measures):
        is_named = placed.name == measure.name
        for letter, place in (("m", "counted"), ("p", "in_pre_period")):
            where = is_named & (placed.place == _COUNTS.index(place))
            sums[f"{letter}{index}"] = _amount(placed, measure, where)
    counts = {name: _number(placed, placed.place == number) for number, name in enumerate(_COUNTS)}
    return placed.group_by(["arm", "number"]).agg(
        **sums,
        **counts,
        without_unit=_number(placed, placed.place == _NOWHERE),
        conflicting=_number(placed, placed.is_conflicting),
    )


def _placed(ours: Any, distinct: Any, question: DataQuestion) -> Any:
    """Return each event with the number of its unit, and its place as the index of a count."""
    ibis = load_ibis()
    units = ours.select(owner=ours.unit, arm=ours.arm, first=ours["first"], number=ours.number)
    joined = distinct.left_join(units, distinct.unit == units.owner)
    time, first = joined.time, joined["first"]
    places = [(joined.unit.isnull(), _NOWHERE), (joined.arm.isnull(), 4)]
    if question.window is not None:
        places.append((time >= _moved(first, question.window), 3))
    places.append((time >= first, 0))
    if question.pre_period is not None:
        places.append((time >= _moved(first, -question.pre_period), 1))
    # Whole numbers up to 2^53, whose sums are exact, and faster than those of integers.
    value = (joined.value * MILLIONTHS).round().cast("float64")
    return joined.select(
        "arm",
        "number",
        "name",
        value=value,
        place=ibis.cases(*places, else_=2).cast("int8"),
        is_conflicting=joined.value != joined.largest,
    )


def _distinct(events: Any) -> Any:
    """Return each event once: those with one id and one unit are copies of each other."""
    has_id = events.id.notnull() & (events.id != "")
    numbered = events.filter(has_id)
    once = numbered.group_by(["unit", "id"]).agg(
        time=numbered.time.min(),
        name=numbered.name.min(),
        value=numbered.value.min(),
        largest=numbered.value.max(),
    )
    others = events.filter(~has_id | events.id.isnull())
    plain = others.select("unit", "id", "time", "name", "value", largest=others.value)
    return once.union(plain)


def _unit_table(ours: Any, measured: Any | None, question: DataQuestion) -> Any:
    """Return the units with all measures; without those of the router, just units with events.

    Units without an event add 0 to each sum, so they need not be read again.
    """
    if measured is None:
        return ours
    if len(question.event_measures) == len(question.measures):
        return measured
    columns = {name: measured[name] for name in measured.columns if name not in ("arm", "number")}
    renamed = measured.select(owner=measured.number, owner_arm=measured.arm, **columns)
    joined = ours.outer_join(renamed, ours.number == renamed.owner)
    filled = {name: joined[name].fill_null(0) for name in (*ROUTER_MEASURES, *columns)}
    return joined.select("arm", **filled)


def _response_totals(
    table: Any, response: Response, index: int, question: DataQuestion
) -> dict[str, Any]:
    """Return the sums of one response over the units of an arm."""
    top = _value(table, response, response.numerator, "m", question)
    columns = {"n": top}
    if response.type == RATIO and response.denominator:
        columns["d"] = _value(table, response, response.denominator, "m", question)
    if question.has_pre_period(response):
        columns["x"] = _value(table, response, response.numerator, "p", question)
    totals = {f"{name}{index}": column.sum() for name, column in columns.items()}
    for first, second in ("nn", "dd", "nd", "xx", "xn", "xd"):
        if first in columns and second in columns:
            product = _product(columns[first], columns[second], response)
            totals[f"{first}{second}{index}"] = product.sum()
    return totals


def _product(first: Any, second: Any, response: Response) -> Any:
    """Return a product without rounding; those of counts fit into the integers of databases."""
    if any(measure.of_value or measure.is_of_router for measure in response.measures):
        return first.cast(_EXACT) * second.cast(_EXACT)
    return first * second


def _value(
    table: Any, response: Response, measure: Measure, period: str, question: DataQuestion
) -> Any:
    """Return the column of a measure as the response has it, as an integer."""
    if measure.is_of_router:
        column = table[measure.name]
    elif measure in question.event_measures and f"{period}0" in table.columns:
        column = table[f"{period}{question.event_measures.index(measure)}"]
    else:
        column = _one(table) * 0
    if response.type == RATE:
        return (column > 0).ifelse(1, 0)
    if response.type == MEAN and response.cap is not None:
        limit = round(response.cap * _scale(measure))
        return load_ibis().least(column, limit)
    return column


def _amount(joined: Any, measure: Measure, where: Any) -> Any:
    if not measure.of_value:
        return _number(joined, where)
    return joined.value.sum(where=where).fill_null(0).cast("int64")


def _number(table: Any, where: Any) -> Any:
    return table.count(where=where).fill_null(0)


def _one(table: Any) -> Any:
    return load_ibis().literal(1, "int64")


def _moved(time: Any, seconds: float) -> Any:
    if time.type().is_timestamp():
        return time + load_ibis().interval(seconds=round(seconds))
    return time + seconds


def _scale(measure: Measure) -> int:
    return MILLIONTHS if measure.of_value else 1


def _rows(expression: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = expression.to_pyarrow().to_pylist()
    return rows


def _counts(rows: Iterable[Mapping[str, Any]]) -> EventCounts:
    totals = [sum(int(row.get(name) or 0) for row in rows) for name in (*_COUNTS, *_OTHERS)]
    return EventCounts(**dict(zip((*_COUNTS, *_OTHERS), totals, strict=True)))


def _sums(response: Response, units: int, row: Mapping[str, Any], index: int) -> ResponseSums:
    """Return the sums in the unit of the response, from those in integers."""
    top = 1 if response.type == RATE else _scale(response.numerator)
    scales = {"n": top, "x": top, "d": _scale(response.denominator or response.numerator)}

    def total(name: str) -> float:
        divisor = functools.reduce(lambda product, letter: product * scales[letter], name, 1)
        return float(row.get(f"{name}{index}") or 0) / divisor

    if response.type == RATIO:
        arm = ArmSums(units, total("n"), total("d"), total("nn"), total("dd"), total("nd"))
        return ResponseSums(arm, total("x"), total("xx"), total("xn"), total("xd"))
    arm = ArmSums(units, total("n"), float(units), total("nn"), float(units), total("n"))
    return ResponseSums(arm, total("x"), total("xx"), total("xn"), total("x"))
