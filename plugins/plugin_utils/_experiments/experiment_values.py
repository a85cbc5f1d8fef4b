# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Define the forms of values in an experiment file: a parser and a JSON schema for each. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ...module_utils._core import units
from ...module_utils._core.errors import suggestion
from ...module_utils._core.parsing import kind_of
from .._catalog.document_reader import DocumentNode, Parser, text_line
from .._catalog.value_forms import Form
from .._shipping.shipping_values import FORMS as TEXT_FORMS
from .._shipping.shipping_values import FileKey, listed
from .experiment import ROUTER_MEASURES, Measure

NAME = r"[A-Za-z][A-Za-z0-9_]{0,31}"
LEVEL_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}"
EXPERIMENT_NAME = r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"
_MEASURE = r"[A-Za-z0-9_.-]{1,64}"
_OF_VALUE = ".value"
_NUMBER = {"type": "number"}
_TEXT = {"type": "string", "minLength": 1}

__all__ = ["FORMS", "FileKey", "Form", "kind_of", "listed", "matching", "word"]


def matching(pattern: str, what: str) -> Form:
    """Return the form of a text by a pattern."""

    def parse(place: DocumentNode) -> Any:
        value = text_line(place)
        if value is None or re.fullmatch(pattern, value):
            return value
        return place.problem(f"must be {what}, not {value!r}")

    return Form(parse, {"type": "string", "pattern": f"^{pattern}$"})


def word(*allowed: object) -> Form:
    """Return the form of one of some words."""

    def parse(place: DocumentNode) -> Any:
        if place.value in allowed:
            return place.value
        words = [str(value) for value in allowed]
        close = suggestion(str(place.value), words)
        return place.problem(f"must be one of {', '.join(words)}, not {place.value!r}{close}")

    return Form(parse, {"enum": list(allowed)})


def number(low: float, high: float = math.inf, *, above: bool = False) -> Form:
    """Return the form of a number in a range; ``above``: more than ``low``."""
    limits: dict[str, Any] = {}
    words = "a number"
    if low > -math.inf:
        limits["exclusiveMinimum" if above else "minimum"] = low
        words += f" {'above' if above else 'of at least'} {low:g}"
    if high < math.inf:
        limits["maximum"] = high
        words += f" and at most {high:g}"

    def parse(place: DocumentNode) -> Any:
        value = place.value
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            return place.problem(f"must be {words}, not {value!r}")
        if not low <= value <= high or (above and value == low):
            return place.problem(f"must be {words}, not {value!r}")
        return value

    return Form(parse, {**_NUMBER, **limits})


def _boolean(place: DocumentNode) -> Any:
    if isinstance(place.value, bool):
        return place.value
    return place.problem(f"must be true or false, not {place.value!r}")


def _seconds(place: DocumentNode) -> Any:
    try:
        seconds = units.nanoseconds(place.value) / units.SECOND
    except ValueError as error:
        return place.problem(str(error))
    return seconds if seconds > 0 else place.problem("must be more than 0s")


def _time(place: DocumentNode) -> Any:
    text = text_line(place)
    if text is None:
        return None
    try:
        # Python 3.10 reads no Z.
        time = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text))
    except ValueError:
        return place.problem(f"must be a time such as 2026-12-01T08:00:00+01:00, not {text!r}")
    if time.tzinfo is None:
        return place.problem(f"needs a time zone; write {text}Z for UTC, or an offset like +01:00")
    return time


def _measure(place: DocumentNode) -> Any:
    text = text_line(place)
    if text is None:
        return None
    name = text.removesuffix(_OF_VALUE)
    if not re.fullmatch(_MEASURE, name):
        return place.problem(
            f"must be {', '.join(ROUTER_MEASURES)}, the name of an event, or the name and"
            f" {_OF_VALUE}, not {text!r}"
        )
    if name in ROUTER_MEASURES and text != name:
        return place.problem(f"{name} is counted by the router and has no value; write {name}")
    return Measure(name, of_value=text != name)


def _one_measure(place: DocumentNode) -> Any:
    measure = _measure(place)
    if measure and measure.of_value:
        return place.problem(
            f"is the share of units with at least one {measure.name}; write {measure.name}, or"
            " use mean"
        )
    return measure


def _two_measures(place: DocumentNode) -> Any:
    measures = listed(_measure)(place)
    if measures is None or len(measures) == 2:
        return measures
    return place.problem("must be a list of two: the numerator and the denominator")


def effects_of(factors: Sequence[str]) -> Parser:
    """Return the parser of a list of effects, each a factor or a list of factors."""

    def parse_effect(place: DocumentNode) -> Any:
        names = place.value if isinstance(place.value, list) else [place.value]
        unknown = [name for name in names if name not in factors]
        if unknown:
            close = suggestion(str(unknown[0]), factors)
            return place.problem(f"{unknown[0]!r} is not a factor{close}")
        if len(set(names)) < len(names):
            return place.problem("has a factor twice; write it once")
        return tuple(names)

    return listed(parse_effect)


_MEASURE_SCHEMA = {"type": "string", "pattern": f"^{_MEASURE}$"}
_EFFECT = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
EFFECTS_SCHEMA = {"type": "array", "items": _EFFECT, "minItems": 1}
FORMS: dict[str, Form] = {
    **{name: TEXT_FORMS[name] for name in ("text", "name", "names", "count", "paths")},
    "experiment": matching(EXPERIMENT_NAME, "at most 40 small letters, digits and -"),
    "boolean": Form(_boolean, {"type": "boolean"}),
    "duration": Form(_seconds, _TEXT),
    "time": Form(_time, _TEXT),
    "number": number(-math.inf),
    "positive": number(0, above=True),
    "not_negative": number(0),
    "share": number(0, 90),
    "step": number(0, 100, above=True),
    "alpha": number(0.0001, 0.5),
    "power": number(0.5, 0.999),
    "rate": Form(_one_measure, _MEASURE_SCHEMA),
    "mean": Form(_measure, _MEASURE_SCHEMA),
    "ratio": Form(
        _two_measures, {"type": "array", "items": _MEASURE_SCHEMA, "minItems": 2, "maxItems": 2}
    ),
    "resolution": word(3, 4, 5, 6),
    "header": matching(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", "the name of a request header"),
}
