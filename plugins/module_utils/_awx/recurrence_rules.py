# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the recurrence rules of schedules before AWX evaluates them.

Pure, other than that it looks up time zones.

AWX checks less than it should: awx/api/serializers.py searches a rule for a few words, then
python-dateutil lists occurrences inside the web worker. A rule without any occurrence keeps that
worker busy without an answer. So only rules that certainly occur pass.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from zoneinfo import ZoneInfo, available_timezones

EXAMPLE = "DTSTART:20260101T000000Z RRULE:FREQ=MINUTELY;INTERVAL=5"
_START = re.compile(r"DTSTART(?:;TZID=(?P<zone>[^:;\s]+))?:(?P<time>\d{8}T\d{6})(?P<utc>Z?)")
_TIME = "%Y%m%dT%H%M%S"
_YEARS = range(1970, 3000)
_FREQUENCIES = ("MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# BYSETPOS chooses among the days of a period, so that the period needs several.
_LONG_FREQUENCIES = ("MONTHLY", "YEARLY")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NUMBERS: Mapping[str, range] = {
    "INTERVAL": range(1, 100_000),
    # AWX: "COUNT > 999 is unsupported".
    "COUNT": range(1, 1000),
}
_LISTS: Mapping[str, range] = {
    "BYMONTH": range(1, 13),
    "BYMONTHDAY": range(1, 32),
    "BYHOUR": range(24),
    "BYMINUTE": range(60),
    "BYSETPOS": range(-5, 6),
}


class _InvalidRule(ValueError):
    """A rule that AWX rejects or cannot evaluate; its text is the reason."""


def rule_problem(rule: str) -> str:
    """Return why a schedule's rule is invalid, or nothing."""
    try:
        normal_rule(rule)
    except _InvalidRule as error:
        return str(error)
    return ""


def normal_rule(rule: str) -> str:
    """Return a rule as AWX stores it: single blanks, and UNTIL in UTC.

    Raises ValueError for an invalid one.
    """
    start, *parts = rule.split() or [""]
    match = _START.fullmatch(start)
    if not match:
        raise _InvalidRule("does not begin with one DTSTART, such as DTSTART:20260101T000000Z")
    zone = _zone(match)
    begin = _time(match["time"], "DTSTART").replace(tzinfo=zone)
    if not parts:
        raise _InvalidRule("has no RRULE")
    return " ".join([start, *(_normal_part(part, begin) for part in parts)])


def _zone(match: re.Match[str]) -> timezone | ZoneInfo:
    name = match["zone"]
    if match["utc"]:
        if name:
            raise _InvalidRule("has both TZID and a Z in DTSTART; leave one of them out")
        return timezone.utc
    if not name:
        raise _InvalidRule("has a DTSTART without a time zone; end it with Z, or write TZID")
    zones = available_timezones()
    # Without zone files on this host, AWX itself has to know the zone.
    if not zones:
        return timezone.utc
    if name not in zones:
        raise _InvalidRule(f"has the unknown time zone {name}")
    return ZoneInfo(name)


def _time(text: str, where: str) -> datetime:
    try:
        time = datetime.strptime(text, _TIME)
    except ValueError as error:
        raise _InvalidRule(f"has an impossible time in {where}: {text}") from error
    if time.year not in _YEARS:
        raise _InvalidRule(f"has a year in {where} that is not within 1970 to 2999")
    return time


def _normal_part(part: str, begin: datetime) -> str:
    name, _colon, text = part.partition(":")
    if name.upper() != "RRULE":
        # AWX rejects EXDATE and RDATE. EXRULE can leave no occurrence at all.
        raise _InvalidRule(f"has {name}; only DTSTART and RRULE are supported")
    items = text.upper().split(";")
    values = {key: value for key, _equals, value in (item.partition("=") for item in items)}
    if len(values) < len(items):
        raise _InvalidRule("sets a part of RRULE twice")
    _check_frequency(values)
    for key, value in values.items():
        _CHECKS.get(key, _unknown_part)(key, value)
    _check_combinations(values)
    if "UNTIL" in values:
        values["UNTIL"] = _until(values["UNTIL"], begin)
    return f"RRULE:{';'.join(f'{key}={value}' for key, value in values.items())}"


def _check_frequency(values: Mapping[str, str]) -> None:
    if values.get("FREQ") not in _FREQUENCIES:
        raise _InvalidRule(f"needs FREQ with one of {', '.join(_FREQUENCIES)}")
    # AWX: "INTERVAL required in rrule", beyond what RFC 5545 demands.
    if "INTERVAL" not in values:
        raise _InvalidRule("has no INTERVAL, which AWX requires")


def _unknown_part(key: str, value: str) -> None:
    raise _InvalidRule(f"has {key}={value}, which is not supported")


def _check_number(key: str, value: str) -> None:
    allowed = _NUMBERS[key]
    if not re.fullmatch(r"[0-9]{1,6}", value) or int(value) not in allowed:
        raise _InvalidRule(
            f"has {key}={value}; write a whole number from {allowed[0]} to {allowed[-1]}"
        )


def _check_list(key: str, value: str) -> None:
    allowed = _LISTS[key]
    for item in value.split(","):
        is_number = re.fullmatch(r"-?[0-9]{1,3}", item)
        if not is_number or int(item) not in allowed or (key == "BYSETPOS" and not int(item)):
            raise _InvalidRule(
                f"has {key}={value}; write whole numbers from {allowed[0]} to {allowed[-1]}"
            )


def _check_days(key: str, value: str) -> None:
    # AWX: "BYDAY with numeric prefix not supported".
    if not set(value.split(",")) <= set(_DAYS):
        raise _InvalidRule(f"has {key}={value}; write days such as MO,WE")


def _no_check(_key: str, _value: str) -> None:
    """Accept a part that is checked elsewhere."""


_CHECKS: Mapping[str, Callable[[str, str], None]] = {
    **dict.fromkeys(_NUMBERS, _check_number),
    **dict.fromkeys(_LISTS, _check_list),
    "BYDAY": _check_days,
    "WKST": _check_days,
    "FREQ": _no_check,
    "UNTIL": _no_check,
}


def _check_combinations(values: Mapping[str, str]) -> None:
    if "COUNT" in values and "UNTIL" in values:
        raise _InvalidRule("has both COUNT and UNTIL; leave one of them out")
    if "BYSETPOS" in values and (values["FREQ"] not in _LONG_FREQUENCIES or "BYDAY" not in values):
        raise _InvalidRule("has BYSETPOS, which needs BYDAY and FREQ=MONTHLY or FREQ=YEARLY")
    if values["FREQ"] in ("MINUTELY", "HOURLY") and {"BYHOUR", "BYMINUTE"} & set(values):
        # An INTERVAL may step over all of these times.
        raise _InvalidRule("has BYHOUR or BYMINUTE, which need a FREQ of DAILY or longer")
    if {"BYMONTH", "BYMONTHDAY"} <= set(values) and not any(_dates(values)):
        raise _InvalidRule("never occurs: no BYMONTH has one of BYMONTHDAY")


def _dates(values: Mapping[str, str]) -> Iterator[bool]:
    """Yield for each month whether it has one of the days."""
    first_day = min(int(day) for day in values["BYMONTHDAY"].split(","))
    for month in values["BYMONTH"].split(","):
        # A leap year, since a rule for 29 February occurs.
        yield first_day <= calendar.monthrange(2024, int(month))[1]


def _until(value: str, begin: datetime) -> str:
    """Return the end in UTC; without a zone, AWX takes it in the zone of DTSTART."""
    text = value.removesuffix("Z")
    end = _time(text, "UNTIL")
    if text == value:
        end = end.replace(tzinfo=begin.tzinfo).astimezone(timezone.utc)
    end = end.replace(tzinfo=timezone.utc)
    if end < begin:
        raise _InvalidRule("ends before it begins")
    return f"{end.strftime(_TIME)}Z"
