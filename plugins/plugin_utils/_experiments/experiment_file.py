# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an experiment file, with the line and column of each problem. Pure.

The JSON schema and the tables of the guide are generated from the keys.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...module_utils._core.errors import SpecError
from .._catalog.document_reader import DocumentNode, Parser, mapping
from .._sources.yaml_reader import tree
from .experiment import (
    AB,
    DECREASE,
    FRACTION,
    FULL_FACTORIAL,
    INCREASE,
    MEAN,
    PLACKETT_BURMAN,
    RATE,
    RATIO,
    DesignChoice,
    Experiment,
    Factor,
    RampStep,
    Response,
    ResponseSource,
    Sample,
)
from .experiment_values import FORMS, NAME, FileKey, effects_of, listed, matching, word
from .factor_levels import read_factors

FILE_KEYS: dict[str, FileKey] = {
    "name": FileKey(
        FORMS["experiment"], "The name of the experiment, one of its service.", required=True
    ),
    "app": FileKey(FORMS["name"], "The app.", required=True),
    "service": FileKey(FORMS["name"], "The service, which has a route.", required=True),
    "unit": FileKey(
        word("visitor", "header", "request"),
        "The unit that is assigned, as `unit` of the route. `visitor` by default.",
    ),
    "start": FileKey(
        FORMS["time"], "The earliest time at which units are assigned, with a time zone."
    ),
    "deadline": FileKey(
        FORMS["duration"],
        "The time from the start until it is decided at the latest, such as `14d`.",
        required=True,
    ),
    "default": FileKey(
        FORMS["text"],
        "The decision at the deadline if the data decide nothing: `roll_back`, `inconclusive` or"
        " the name of a cell. `roll_back` by default.",
    ),
    "holdout": FileKey(
        FORMS["share"], "The percentage of the units that never take part. `0` by default."
    ),
    "retention": FileKey(
        FORMS["duration"], "How long the data of units are kept. `90d` by default."
    ),
    "aa": FileKey(
        FORMS["boolean"],
        "Whether all cells get what the control has, to test the way of the data. `false` by"
        " default.",
    ),
    "seed": FileKey(FORMS["count"], "The seed of the order of the cells. `1` by default."),
}
DESIGN_KEYS: dict[str, FileKey] = {
    "type": FileKey(
        word(AB, FULL_FACTORIAL, FRACTION, PLACKETT_BURMAN),
        "`ab` (one factor), `full_factorial` (all combinations), `fraction` (part of them) or"
        " `plackett_burman` (main effects of many factors).",
        required=True,
    ),
    "resolution": FileKey(
        FORMS["resolution"],
        "The smallest resolution of a fraction. With 3, main effects are free of each other. With"
        " 4, they are free of interactions of two factors, and with 5 these are, too.",
    ),
    "generators": FileKey(
        FORMS["names"],
        "The generators of a fraction instead of `resolution`, such as `ABC`: the factors have the"
        " letters A, B, C in their order.",
    ),
    "fold_over": FileKey(
        FORMS["boolean"],
        "Whether each run is repeated at the opposite levels. `false` by default.",
    ),
    "center_points": FileKey(
        FORMS["boolean"],
        "Whether a cell has the `center` of all factors, which shows curvature. `false` by"
        " default.",
    ),
    "block_time": FileKey(
        FORMS["duration"], "How long each block runs; the blocks run one after the other."
    ),
}
RESPONSE_KEYS: dict[str, FileKey] = {
    RATE: FileKey(FORMS["rate"], "The share of units with at least one such event."),
    MEAN: FileKey(
        FORMS["mean"],
        "The mean over units of the number of an event, or with `.value` of the sum of its values.",
    ),
    RATIO: FileKey(
        FORMS["ratio"], "The numerator and the denominator, such as `[errors, requests]`."
    ),
    "goal": FileKey(
        word(INCREASE, DECREASE),
        "The better direction. `decrease` of errors and durations by default, else `increase`.",
    ),
    "cap": FileKey(FORMS["positive"], "The largest value of one unit; larger ones count as it."),
    "baseline": FileKey(
        FORMS["not_negative"], "The expected value with the control, for the sample size."
    ),
    "deviation": FileKey(
        FORMS["positive"], "The expected standard deviation between units, for the sample size."
    ),
    "smallest_effect": FileKey(
        FORMS["positive"], "The smallest difference from the control that matters."
    ),
}
MARGIN = FileKey(FORMS["positive"], "How much worse than the control it may become.", required=True)
SAMPLE_KEYS: dict[str, FileKey] = {
    "units": FileKey(
        FORMS["count"],
        "The planned units of each cell. Computed from the primary response by default.",
    ),
    "min_units": FileKey(
        FORMS["count"], "The units of each cell below which nothing is decided. `100` by default."
    ),
    "alpha": FileKey(
        FORMS["alpha"], "The largest probability of a false decision. `0.05` by default."
    ),
    "power": FileKey(
        FORMS["power"],
        "The probability with which the smallest effect is found. `0.8` by default.",
    ),
}
RAMP_KEYS: dict[str, FileKey] = {
    "share": FileKey(FORMS["step"], "The percentage of the units in all cells.", required=True),
    "for": FileKey(FORMS["duration"], "The time until the next step.", required=True),
}
EVENT_KEYS: dict[str, FileKey] = {
    "type": FileKey(
        word("router", "files", "sql"),
        "`router` (events that clients send to the router), `files` or `sql`. `router` by default.",
    ),
    "files": FileKey(
        FORMS["names"], "The paths of files of CSV, Parquet or JSON lines; `*` is any text."
    ),
    "database": FileKey(
        FORMS["text"], "The address of the database, such as `postgres://host/shop`."
    ),
    "table": FileKey(FORMS["text"], "The table or view with an event a row."),
    "units": FileKey(
        word("hmac", "plain"),
        "`plain` if the data have the value of the cookie or header, `hmac` if they have that of"
        " the log. `hmac` by default.",
    ),
    "window": FileKey(
        FORMS["duration"], "How long after its first request the events of a unit count."
    ),
    "pre_period": FileKey(
        FORMS["duration"],
        "The time before the start whose events make the comparison more exact (CUPED).",
    ),
}
COLUMN_NAMES = ("unit", "time", "name", "value", "id")
COLUMNS_TEXT = "The columns that have `unit`, `time`, `name`, `value` and `id`, if named otherwise."
FACTORS_TEXT = "The factors, by name."
DESIGN_TEXT = "The design. `full_factorial` by default; a type alone may be written as a text."
BLOCKS_TEXT = "The interactions whose signs are the blocks."
ESTIMATE_TEXT = "The effects that the design must separate."
RESPONSES_TEXT = "The responses, by name. The first one is the primary response."
GUARDRAILS_TEXT = "The responses that must not become worse by more than their margin, by name."
SAMPLE_TEXT = "The size of the sample."
RAMP_TEXT = "The steps of the ramp. Without it, all units take part at once."
EVENTS_TEXT = "The source of the events."
_NAMES = matching(NAME, "at most 32 letters, digits and _, the first one a letter")
_REQUIRED = {"factors", "responses"}
_LESS_IS_BETTER = ("errors", "duration")


def read(text: str, file: str) -> Experiment:
    """Return the experiment of a file.

    Raise :class:`SpecError` with all problems, each with its line and column.
    """
    node, plain = tree(text, file)
    if node is None:
        raise SpecError([], f"{file}: it is empty")
    place = DocumentNode(node, file, plain)
    factors = _factors_of(place)
    parsers: dict[str, Parser] = {
        **_parsers(FILE_KEYS),
        "factors": lambda _place: factors,
        "design": lambda value: _design(value, factors),
        "responses": _responses,
        "guardrails": _guardrails,
        "sample": lambda value: Sample(**_entry(value, SAMPLE_KEYS, "sample")),
        "ramp": _ramp,
        "events": _events,
    }
    required = _REQUIRED | _required(FILE_KEYS)
    content = mapping(place, parsers, required, "an experiment")
    _check(place, content)
    if place.problems:
        raise SpecError(place.problems, file)
    content["is_aa"] = content.pop("aa", False)
    return Experiment(**content)


def _parsers(keys: Mapping[str, FileKey]) -> dict[str, Parser]:
    return {name: key.form.parse for name, key in keys.items()}


def _required(keys: Mapping[str, FileKey]) -> set[str]:
    return {name for name, key in keys.items() if key.required}


def _entry(place: DocumentNode, keys: Mapping[str, FileKey], what: str) -> dict[str, Any]:
    return mapping(place, _parsers(keys), _required(keys), what)


def _factors_of(place: DocumentNode) -> tuple[Factor, ...]:
    """Return the factors, which other keys name, before all else is read."""
    value = place.get("factors")
    return read_factors(value, _NAMES.parse) if value else ()


def _design(place: DocumentNode, factors: tuple[Factor, ...]) -> DesignChoice | None:
    type_of = DESIGN_KEYS["type"].form.parse
    if not isinstance(place.value, dict):
        name = type_of(place)
        values: dict[str, Any] = {"type": name} if name else {}
    else:
        effects = effects_of([factor.name for factor in factors])
        parsers = {**_parsers(DESIGN_KEYS), "blocks": effects, "estimate": effects}
        values = mapping(place, parsers, _required(DESIGN_KEYS), "a design")
    before = len(place.problems)
    _check_design(place, values, factors)
    if len(place.problems) > before:
        return None
    listed_keys = {"generators", "blocks", "estimate"} & {*values}
    return DesignChoice(**{**values, **{key: tuple(values[key]) for key in listed_keys}})


def _check_design(
    place: DocumentNode, values: Mapping[str, Any], factors: tuple[Factor, ...]
) -> None:
    chosen = values.get("type", FULL_FACTORIAL)
    if chosen == AB and len(factors) > 1:
        place.problem(f"ab has one factor, and there are {len(factors)}; write full_factorial")
    if chosen in (FRACTION, PLACKETT_BURMAN):
        _check_two_levels(place, chosen, factors)
    if chosen == FRACTION and ("resolution" in values) == ("generators" in values):
        place.problem("a fraction needs either resolution or generators")
    for key in {"resolution", "generators"} & {*values} if chosen != FRACTION else ():
        place.problem(f"{chosen} has no {key}; remove it, or write fraction")
    if ("blocks" in values) != ("block_time" in values):
        place.problem("blocks and block_time need each other")
    _check_center(place, values, factors)


def _check_two_levels(place: DocumentNode, chosen: str, factors: tuple[Factor, ...]) -> None:
    for factor in factors:
        count = len(factor.levels)
        if count != 2:
            place.problem(f"{chosen} needs factors of two levels, and {factor.name} has {count}")


def _check_center(
    place: DocumentNode, values: Mapping[str, Any], factors: tuple[Factor, ...]
) -> None:
    without = [factor.name for factor in factors if factor.center is None]
    if values.get("center_points") and without:
        place.problem(f"center_points need a center of each factor; {without[0]} has none")


def _responses(place: DocumentNode) -> tuple[Response, ...]:
    return _named_responses(place, RESPONSE_KEYS)


def _guardrails(place: DocumentNode) -> tuple[Response, ...]:
    return _named_responses(place, {**RESPONSE_KEYS, "margin": MARGIN})


def _named_responses(place: DocumentNode, keys: Mapping[str, FileKey]) -> tuple[Response, ...]:
    found = []
    for name, key, value in place.items():
        _NAMES.parse(key)
        before = len(place.problems)
        entry = _entry(value, keys, name)
        types = [word for word in (RATE, MEAN, RATIO) if word in entry]
        if len(place.problems) == before and len(types) != 1:
            value.problem(f"{name} needs one of {RATE}, {MEAN} and {RATIO}")
        if len(place.problems) == before:
            found.append(_response(name, types[0], entry))
    if isinstance(place.value, dict) and not place.value:
        place.problem("must have at least one response")
    return tuple(found)


def _response(name: str, type_of: str, entry: dict[str, Any]) -> Response:
    measures = entry.pop(type_of)
    numerator, denominator = measures if isinstance(measures, list) else (measures, None)
    goal = DECREASE if numerator.name in _LESS_IS_BETTER else INCREASE
    return Response(name, type_of, numerator, denominator, **{"goal": goal, **entry})


def _ramp(place: DocumentNode) -> tuple[RampStep, ...]:
    def step(value: DocumentNode) -> RampStep | None:
        entry = _entry(value, RAMP_KEYS, "a step")
        complete = _required(RAMP_KEYS) <= {*entry}
        return RampStep(entry["share"], entry["for"]) if complete else None

    steps = listed(step)(place) or []
    shares = [step.share for step in steps]
    if shares != sorted(set(shares)):
        place.problem("each step needs a larger share than the one before")
    return tuple(steps)


def _events(place: DocumentNode) -> ResponseSource:
    def columns(value: DocumentNode) -> dict[str, str]:
        return mapping(value, dict.fromkeys(COLUMN_NAMES, FORMS["text"].parse), set(), "columns")

    parsers = {**_parsers(EVENT_KEYS), "columns": columns}
    entry = mapping(place, parsers, set(), "events")
    needed = {"files": {"files"}, "sql": {"database", "table"}}
    chosen = entry.get("type", "router")
    missing = sorted(needed.get(chosen, set()) - {*entry})
    if missing:
        place.problem(f"{chosen} needs {', '.join(missing)}")
    if "files" in entry:
        entry["files"] = tuple(entry["files"])
    return ResponseSource(**entry)


def _check(place: DocumentNode, content: Mapping[str, Any]) -> None:
    """Note problems of values that exclude each other."""
    responses = content.get("responses", ())
    if responses:
        _check_primary(place, responses[0], content.get("sample", Sample()))
    names = [response.name for response in (*responses, *content.get("guardrails", ()))]
    for name in sorted({name for name in names if names.count(name) > 1}):
        place.problem(f"{name} is a response and a guardrail; give one of them another name")
    ramp = sum(step.seconds for step in content.get("ramp", ()))
    if content.get("deadline") and ramp >= content["deadline"]:
        place.problem("the ramp ends after the deadline; shorten it, or write a later deadline")
    if content.get("deadline", 0.0) > content.get("retention", math.inf):
        place.problem("the retention ends before the deadline; write a longer retention")


def _check_primary(place: DocumentNode, primary: Response, sample: Sample) -> None:
    """Note which values the sample size lacks."""
    if sample.units:
        return
    needed = ["smallest_effect", "baseline" if primary.type == RATE else "deviation"]
    missing = [name for name in needed if getattr(primary, name) is None]
    if missing:
        place.problem(
            f"the primary response {primary.name} needs {' and '.join(missing)} for the sample"
            " size; write them, or sample.units"
        )
