# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of a canary, and their answer at each look. Pure.

A check with a margin compares the canary with stable. Its answer is promote, roll back, undecided
or no data, and the worst one of all checks counts. A number without a standard error is compared
with a threshold, which promises nothing about errors; its reason shows that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from .._core import units
from .._core.parsing import (
    Parser,
    SpecReader,
    integer,
    kind_of,
    listing,
    mapping,
    pairs,
    text,
    word,
)
from .._inference.always_valid import Difference, of_estimate, share_difference
from .._inference.arm_sums import ArmSums
from .._inference.first_failures import Counts, harm_p_value
from .._inference.verdicts import (
    NO_DATA,
    PROMOTE,
    ROLL_BACK,
    UNDECIDED,
    non_inferior,
    split_alpha,
    within_limit,
    worst,
)

ERRORS, SLOW, PROMETHEUS, HTTP = "errors", "slow", "prometheus", "http"
DEFAULT_ALPHA = 0.05
DEFAULT_MARGIN = 1.0
DEFAULT_MIN_UNITS = 50
DEFAULT_WARM_UP = "30s"
DEFAULT_TIMEOUT = "5s"
_WORDS = {PROMOTE: "promote", ROLL_BACK: "roll back", UNDECIDED: "undecided", NO_DATA: "no data"}


@dataclass(frozen=True)
class RequestCheck:
    """The share of requests with an event: an error, or a response slower than an edge.

    ``edge`` is in milliseconds, 0 for errors. ``margin`` is a share: 0.01 is a percentage point.
    """

    name: str
    margin: float
    edge: int = 0


@dataclass(frozen=True)
class NumberCheck:
    """A number of another program, of which more is worse.

    With ``standard_error`` it is a difference that is compared with ``margin``; else it is a
    threshold of ``at_most`` or ``at_least``. Both ``value`` and ``standard_error`` are queries of
    Prometheus, or paths in a JSON document.
    """

    name: str
    type: str
    url: str
    value: str
    standard_error: str = ""
    margin: float = 0.0
    at_most: float | None = None
    at_least: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_path: str = ""
    timeout: float = 5.0


@dataclass(frozen=True)
class Checks:
    """All checks; ``warm_up`` is in seconds, and ``min_units`` are those of each version."""

    comparisons: tuple[RequestCheck, ...] = (RequestCheck(ERRORS, DEFAULT_MARGIN / 100),)
    numbers: tuple[NumberCheck, ...] = ()
    alpha: float = DEFAULT_ALPHA
    warm_up: float = 30.0
    min_units: int = DEFAULT_MIN_UNITS

    @property
    def alpha_of_each(self) -> float:
        """Return the part of alpha that each comparison has; thresholds have none."""
        estimates = [check for check in self.numbers if check.standard_error]
        return split_alpha(self.alpha, len(self.comparisons) + len(estimates))


@dataclass(frozen=True)
class Arm:
    """One version: ``sums`` are weighted, ``requests`` and ``events`` are plain numbers."""

    sums: ArmSums = field(default_factory=ArmSums)
    units: int = 0
    requests: int = 0
    events: int = 0

    @property
    def share(self) -> float:
        """Return the plain share of requests with the event."""
        return self.events / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Arms:
    """Both versions, and units by their first event, as first_failures.Counts."""

    canary: Arm = Arm()
    stable: Arm = Arm()
    first: Counts = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """A number as it was read; ``reason`` is why it was not."""

    value: float | None = None
    standard_error: float | None = None
    reason: str = ""


class Measurements(Protocol):
    """Give the measurements so far."""

    @property
    def unit_word(self) -> str:
        """Return the plural of the unit, such as visitors; empty where each request is one."""

    @property
    def problem(self) -> str:
        """Return why the last read failed; empty if it did not."""

    def arms(self, comparison: RequestCheck) -> Arms:
        """Return both versions by one event."""

    def number(self, check: NumberCheck) -> Reading:
        """Return a number of another program; one that cannot be read is a reading, too."""

    def state(self) -> dict[str, Any]:
        """Return what a later run needs to continue, as JSON data."""


@dataclass(frozen=True)
class RampLook:
    """The answer of one look. ``facts`` has a mapping for each check, ``progress`` a line's end."""

    answer: str
    reason: str
    progress: str
    facts: tuple[Mapping[str, Any], ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return the look as JSON data."""
        return {"answer": self.answer, "reason": self.reason, "checks": [*self.facts]}


def look(checks: Checks, source: Measurements, *, elapsed: float) -> RampLook:
    """Return the answer of all checks; ``elapsed`` is in seconds since the canary's first share."""
    if elapsed < checks.warm_up:
        rest = f"the warm-up of {checks.warm_up:g} s has lasted {max(elapsed, 0):.0f} s"
        return RampLook(UNDECIDED, rest, f"warm-up {max(elapsed, 0):.0f} of {checks.warm_up:g} s")
    alpha = checks.alpha_of_each
    facts = [
        *(_compared(item, source, alpha, checks.min_units) for item in checks.comparisons),
        *(_judged(check, source.number(check), alpha) for check in checks.numbers),
    ]
    answer = worst(fact["answer"] for fact in facts)
    deciding = [fact for fact in facts if fact["answer"] == answer]
    reason = "; ".join(fact["reason"] for fact in deciding) or "no check is declared"
    return RampLook(answer, reason, _progress(facts, source, answer), tuple(facts))


def progress_line(service: str, variant: str, percent: float, seen: RampLook) -> str:
    """Return the line that is shown at each look."""
    return f"{service} {variant} {percent:g} %  {seen.progress}"


def _compared(
    comparison: RequestCheck, source: Measurements, alpha: float, min_units: int
) -> dict[str, Any]:
    # What was read before does not answer for now.
    arms = Arms() if source.problem else source.arms(comparison)
    # Each of the two tests has half of alpha: a side of the interval, and first failures.
    harm = harm_p_value(arms.first)
    is_harmful = harm <= alpha / 2
    difference = share_difference(
        arms.canary.sums, arms.stable.sums, alpha=alpha, aim=comparison.margin
    )
    fewest = min(arms.canary.units, arms.stable.units)
    if fewest >= min_units:
        answer = non_inferior(difference, comparison.margin, is_harmful=is_harmful)
    elif is_harmful:
        answer = ROLL_BACK
    else:
        answer = UNDECIDED if arms.canary.requests and arms.stable.requests else NO_DATA
    facts = {
        "check": comparison.name,
        "answer": answer,
        "threshold": False,
        "margin": _points(comparison.margin),
        "alpha": alpha,
        "canary": _arm_data(arms.canary),
        "stable": _arm_data(arms.stable),
        "first_failures": _first_data(arms.first, harm),
        **_difference_data(difference, is_compared=fewest >= min_units),
    }
    reasons = _Reasons(comparison, arms, difference, source)
    return {**facts, "reason": reasons.of(answer, min_units, is_harmful=is_harmful)}


@dataclass(frozen=True)
class _Reasons:
    """The reason of a comparison's answer, in a user's words."""

    comparison: RequestCheck
    arms: Arms
    difference: Difference
    source: Measurements

    @property
    def unit_word(self) -> str:
        return self.source.unit_word or "requests"

    def of(self, answer: str, min_units: int, *, is_harmful: bool) -> str:
        shares = (
            f"{self.comparison.name} {_percent(self.arms.canary.share)}"
            f" (stable {_percent(self.arms.stable.share)})"
        )
        if answer == NO_DATA:
            return self._without_data()
        fewest = min(self.arms.canary.units, self.arms.stable.units)
        if answer == UNDECIDED and fewest < min_units:
            return f"{shares}: {fewest} of at least {min_units} {self.unit_word}"
        if answer == ROLL_BACK and is_harmful:
            return f"{shares}: {self._first_events()}"
        if not self.difference.is_known:
            return f"{shares}: too few {self.unit_word} for an interval"
        low, high = 100 * self.difference.low, 100 * self.difference.high
        return (
            f"{shares}: the difference is between {low:.2f} and {high:.2f} percentage points,"
            f" the margin is {_points(self.comparison.margin):g}"
        )

    def _without_data(self) -> str:
        if self.source.problem:
            return f"{self.comparison.name}: {self.source.problem}"
        names = {"canary": self.arms.canary, "stable": self.arms.stable}
        empty = [name for name, arm in names.items() if not arm.requests]
        return f"{self.comparison.name}: {' and '.join(empty)} had no requests"

    def _first_events(self) -> str:
        canary = sum(new for new, _former in self.arms.first.values())
        stable = sum(former for _new, former in self.arms.first.values())
        if not self.source.unit_word:
            what = "were slow" if self.comparison.edge else "failed"
            return f"{canary} requests {what} in the canary, {stable} in stable"
        what = "slow request" if self.comparison.edge else "error"
        return f"{canary} {self.unit_word} had their first {what} in the canary, {stable} in stable"


def _judged(check: NumberCheck, reading: Reading, alpha: float) -> dict[str, Any]:
    """Return the answer of a number of another program."""
    common = {"check": check.name, "value": reading.value, "threshold": not check.standard_error}
    if reading.reason or reading.value is None:
        reason = f"{check.name} has no data: {reading.reason or 'it has no value'}"
        return {**common, "answer": NO_DATA, "reason": reason}
    if not check.standard_error:
        return {**common, **_against_threshold(check, reading.value)}
    error = float("inf") if reading.standard_error is None else reading.standard_error
    difference = of_estimate(reading.value, error, alpha=alpha, aim=check.margin)
    return {
        **common,
        "answer": non_inferior(difference, check.margin),
        "alpha": alpha,
        "margin": check.margin,
        "standard_error": reading.standard_error,
        "low": _finite(difference.low),
        "high": _finite(difference.high),
        "p_value": difference.p_value,
        "reason": f"{check.name} is between {difference.low:.4g} and {difference.high:.4g},"
        f" the margin is {check.margin:g}",
    }


def _against_threshold(check: NumberCheck, value: float) -> dict[str, Any]:
    if check.at_least is not None:
        answer, limit = within_limit(-value, -check.at_least), f"at least {check.at_least:g}"
    else:
        most = check.at_most if check.at_most is not None else 0.0
        answer, limit = within_limit(value, most), f"at most {most:g}"
    reason = f"{check.name} is {value:g}, and must be {limit} (a threshold without statistics)"
    return {"answer": answer, "limit": limit, "reason": reason}


def _progress(facts: Sequence[Mapping[str, Any]], source: Measurements, answer: str) -> str:
    parts = []
    compared = [fact for fact in facts if "canary" in fact]
    if compared:
        canary = compared[0]["canary"]
        of_units = f" of {canary['units']} {source.unit_word}" if source.unit_word else ""
        parts.append(f"{canary['requests']} requests{of_units}")
    for fact in compared:
        shares = [f"{fact[arm]['percent']:.1f} %" for arm in ("canary", "stable")]
        parts.append(f"{fact['check']} {shares[0]} (stable {shares[1]})")
    for fact in facts:
        if "canary" not in fact:
            value = "no data" if fact["answer"] == NO_DATA else f"{fact['value']:g}"
            parts.append(f"{fact['check']} {value}")
    return "  ".join([*parts, _WORDS[answer]])


def _arm_data(arm: Arm) -> dict[str, Any]:
    return {
        "units": arm.units,
        "requests": arm.requests,
        "events": arm.events,
        "percent": round(100 * arm.share, 4),
    }


def _first_data(first: Counts, p_value: float) -> dict[str, Any]:
    return {
        "canary": sum(new for new, _former in first.values()),
        "stable": sum(former for _new, former in first.values()),
        "p_value": p_value,
    }


def _difference_data(difference: Difference, *, is_compared: bool) -> dict[str, Any]:
    """Return the difference in percentage points; nothing before both have enough units."""
    if not is_compared or not difference.is_known:
        return {"difference": None, "low": None, "high": None}
    names = ("difference", "low", "high")
    numbers = (difference.estimate, difference.low, difference.high)
    return {name: _finite(100 * number) for name, number in zip(names, numbers)}


def _finite(number: float) -> float | None:
    # JSON has no infinite numbers.
    return round(number, 4) if abs(number) < float("inf") else None


def _points(margin: float) -> float:
    return round(100 * margin, 4)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def read_checks(declared: object, reader: SpecReader) -> Checks | None:
    """Read the options of the checks; None if there were problems, which the reader has."""
    before = len(reader.problems)
    found = _OPTIONS(declared, reader)
    if len(reader.problems) > before or not isinstance(found, dict):
        return None
    listed = found.get("checks", [RequestCheck(ERRORS, DEFAULT_MARGIN / 100)])
    _check_names([check.name for check in listed], reader.at("checks"))
    if len(reader.problems) > before:
        return None
    return Checks(
        tuple(check for check in listed if isinstance(check, RequestCheck)),
        tuple(check for check in listed if isinstance(check, NumberCheck)),
        found.get("alpha", DEFAULT_ALPHA),
        found.get("warm_up", _seconds(DEFAULT_WARM_UP, reader)),
        found.get("min_units", DEFAULT_MIN_UNITS),
    )


def _check_names(names: Sequence[str], reader: SpecReader) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            reader.at(index).problem(f"{name} is listed twice; give it another name")
    if not names:
        reader.problem("is empty, and no data is never a pass; leave it out")


def _positive(value: object, reader: SpecReader) -> object:
    number = _number(value, reader)
    if isinstance(number, float) and number <= 0:
        return reader.problem(f"must be more than 0, not {value!r}")
    return number


def _number(value: object, reader: SpecReader) -> object:
    try:
        number = float(str(value))
    except ValueError:
        number = float("nan")
    if isinstance(value, bool) or not abs(number) < float("inf"):
        return reader.problem(f"must be a number, not {value!r}")
    return number


def _alpha(value: object, reader: SpecReader) -> object:
    number = _number(value, reader)
    if isinstance(number, float) and not 0 < number <= 0.5:
        return reader.problem(f"must be more than 0 and at most 0.5, not {value!r}")
    return number


def _seconds(value: object, reader: SpecReader) -> object:
    try:
        return units.nanoseconds(value) / units.SECOND
    except ValueError as error:
        return reader.problem(str(error))


def _edge(value: object, reader: SpecReader) -> object:
    seconds = _seconds(value, reader)
    if isinstance(seconds, float) and seconds < 0.001:
        return reader.problem(f"must be at least 1ms, not {value!r}")
    return seconds


def _url(value: object, reader: SpecReader) -> object:
    written = str(value)
    try:
        parts = urlsplit(written)
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return reader.problem(f"is not an address such as https://example.com/path: {written!r}")
    if parts.scheme not in ("http", "https") or not is_complete:
        return reader.problem(f"must begin with https:// or http:// and a host, not {written!r}")
    if "@" in parts.netloc:
        return reader.problem("has a login; write it in headers, as Authorization")
    return written


_NUMBER_KEYS: Mapping[str, Parser] = {
    "type": text,
    "name": text,
    "url": _url,
    "standard_error": text,
    "margin": _positive,
    "at_most": _number,
    "at_least": _number,
    "headers": pairs,
    "ca_path": text,
    "timeout": _seconds,
}
_KEYS: Mapping[str, Parser] = {
    ERRORS: mapping({"type": text, "name": text, "margin": _positive}),
    SLOW: mapping({"type": text, "name": text, "margin": _positive, "slower_than": _edge}),
    PROMETHEUS: mapping({**_NUMBER_KEYS, "query": text}),
    HTTP: mapping({**_NUMBER_KEYS, "value": text}),
}
_NEEDED = {ERRORS: (), SLOW: ("slower_than",), PROMETHEUS: ("url", "query"), HTTP: ("url", "value")}


def _check(value: object, reader: SpecReader) -> object:
    if not isinstance(value, dict):
        return reader.problem(f"must be a mapping with the key type, not {kind_of(value)}")
    check_type = word(*_KEYS)(value.get("type"), reader.at("type"))
    if not isinstance(check_type, str):
        return None
    before = len(reader.problems)
    found = _KEYS[check_type](value, reader)
    for key in _NEEDED[check_type]:
        if value.get(key) is None:
            reader.problem(f"needs {key}")
    if len(reader.problems) > before or not isinstance(found, dict):
        return None
    if check_type in (ERRORS, SLOW):
        return _comparison(check_type, found)
    return _number_check(check_type, found, reader)


def _comparison(check_type: str, found: Mapping[str, Any]) -> RequestCheck:
    edge = round(1000 * found.get("slower_than", 0))
    default = f"slower than {edge} ms" if edge else check_type
    margin = found.get("margin", DEFAULT_MARGIN) / 100
    return RequestCheck(found.get("name", default), margin, edge)


def _number_check(check_type: str, found: Mapping[str, Any], reader: SpecReader) -> object:
    judged_by = [key for key in ("margin", "at_most", "at_least") if key in found]
    if "standard_error" in found and judged_by != ["margin"]:
        return reader.problem("has a standard_error; write the margin, and no threshold")
    if "standard_error" not in found and judged_by not in (["at_most"], ["at_least"]):
        return reader.problem(
            "has no standard_error; write one of the thresholds at_most and at_least, or the"
            " standard_error and the margin"
        )
    return NumberCheck(
        found.get("name", check_type),
        check_type,
        found["url"],
        found["query" if check_type == PROMETHEUS else "value"],
        found.get("standard_error", ""),
        found.get("margin", 0.0),
        found.get("at_most"),
        found.get("at_least"),
        found.get("headers", {}),
        found.get("ca_path", ""),
        found.get("timeout", units.nanoseconds(DEFAULT_TIMEOUT) / units.SECOND),
    )


_OPTIONS = mapping(
    {
        "checks": listing(_check),
        "alpha": _alpha,
        "warm_up": _seconds,
        "min_units": integer(minimum=2),
    }
)
