# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the factors of an experiment file and their levels. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...module_utils._compose.variants import OVERLAY_KEYS
from ...module_utils._core import units
from ...module_utils._core.errors import suggestion
from ...module_utils._core.parsing import SpecReader, kind_of
from ...module_utils._routing.request_headers import read_headers
from .._catalog.document_reader import DocumentNode, mapping
from .experiment import Factor, Level
from .experiment_values import FORMS, LEVEL_NAME, FileKey, matching

FACTOR_KEYS: dict[str, FileKey] = {
    "header": FileKey(
        FORMS["header"],
        "The request header that hands the level to the application. Without it, the levels are"
        " settings of the service.",
    ),
}
LEVELS_TEXT = (
    "The levels, of which the first one is what the service has now. With `header`: a list of"
    " values, or a mapping of names to values. Without it: a mapping of names to settings, as in a"
    " variant."
)
CENTER_TEXT = "The level of center points: a value, or settings."
VALUE_TEXT = "The value of the header."
PROMOTE_TEXT = (
    "The settings that the service gets when this level is promoted, since the header is then"
    " removed."
)
SETTINGS = (*OVERLAY_KEYS, "deploy")
_LEVEL_NAMES = matching(LEVEL_NAME, "at most 32 letters, digits and _ . -")
_CENTER = "center"
Where = tuple[str, DocumentNode]


def read_factors(
    place: DocumentNode, check_name: Callable[[DocumentNode], Any]
) -> tuple[Factor, ...]:
    """Return the factors; note problems, also of two factors with one field."""
    factors = []
    owners: dict[str, str] = {}
    for name, key, value in place.items():
        check_name(key)
        factor = _factor(name, value)
        if factor:
            _check_fields(factor, key, owners)
            factors.append(factor)
    if isinstance(place.value, dict) and not place.value:
        place.problem("must have at least one factor")
    return tuple(factors)


def _factor(name: str, place: DocumentNode) -> Factor | None:
    before = len(place.problems)
    header_of = place.get("header")
    header = FORMS["header"].parse(header_of) if header_of else ""
    if header:
        _check_header(header, header_of or place)
    parsers = {
        "header": lambda _value: header,
        "levels": lambda value: _levels(name, value, header or ""),
        "center": lambda value: _level(_CENTER, value, header or ""),
    }
    entry = mapping(place, parsers, {"levels"}, name)
    if len(place.problems) > before:
        return None
    return Factor(name, entry["levels"], entry.get("header", ""), entry.get("center"))


def _check_header(header: str, place: DocumentNode) -> None:
    """Note a header that the router does not set."""
    reader = SpecReader()
    read_headers({header: "x"}, reader)
    for problem in reader.problems:
        place.problem(problem.text)


def _levels(name: str, place: DocumentNode, header: str) -> tuple[Level, ...]:
    if isinstance(place.value, list) and header:
        levels = [_level(_slug(value.value), value, header) for value in place.elements()]
    else:
        levels = [_named_level(key, value, header) for _name, key, value in place.items()]
    known = tuple(level for level in levels if level)
    if len(levels) < 2 and isinstance(place.value, (list, dict)):
        place.problem(f"{name} has {len(levels)} levels; write at least two")
    _check_distinct(known, place)
    return known


def _named_level(key: DocumentNode, value: DocumentNode, header: str) -> Level | None:
    # A key such as 10 is the name as it is written.
    name = str(key.node.value)
    if not re.fullmatch(LEVEL_NAME, name):
        key.problem(f"must be at most 32 letters, digits and _ . -, not {name!r}")
    return _level(name, value, header)


def _level(name: str, place: DocumentNode, header: str) -> Level | None:
    if not header:
        overlay = _overlay(place)
        return None if overlay is None else Level(name, overlay=overlay)
    if isinstance(place.value, dict):
        entry = mapping(place, {"value": _value, "promote": _overlay}, {"value"}, name)
        return Level(name, entry.get("value", ""), promote=entry.get("promote", {}))
    value = _value(place)
    return None if value is None else Level(name, value)


def _value(place: DocumentNode) -> str | None:
    reader = SpecReader()
    # As written: 010 is no 8.
    plain = place.value
    text = units.scalar_text(plain) if isinstance(plain, bool) else plain
    read_headers({"x-factor": text}, reader)
    for problem in reader.problems:
        place.problem(problem.text)
    return None if reader.problems else str(text)


def _overlay(place: DocumentNode) -> dict[str, Any] | None:
    if not isinstance(place.value, dict):
        place.problem(f"must be a mapping of settings, not {kind_of(place.value)}")
        return None
    for name, key, _value in place.items():
        if name not in SETTINGS:
            key.problem(
                f"{name} cannot be varied{suggestion(name, SETTINGS)}; use {', '.join(SETTINGS)}"
            )
    content: dict[str, Any] = place.value
    return content


def _slug(value: object) -> str:
    """Return a name of a level for a value: ``Buy now!`` is ``buy-now``."""
    text = re.sub(r"[^A-Za-z0-9_.]+", "-", units.scalar_text(value)).strip("-._")
    return text[:32].lower() or "level"


def _check_distinct(levels: tuple[Level, ...], place: DocumentNode) -> None:
    names = [level.name for level in levels]
    for name in sorted({name for name in names if names.count(name) > 1}):
        place.problem(f"the level {name} is listed twice; write a mapping with other names")
    settings = [(level.value, str(level.overlay)) for level in levels]
    if len(set(settings)) < len(settings):
        place.problem("two levels are equal; change or remove one of them")


def _check_fields(factor: Factor, place: DocumentNode, owners: dict[str, str]) -> None:
    """Note fields of the service that another factor sets already."""
    for path in sorted(set(fields_of(factor))):
        owner = owners.setdefault(path, factor.name)
        if owner != factor.name:
            place.problem(f"{path} is set by {owner} already; one field has one factor")


def fields_of(factor: Factor) -> Iterator[str]:
    """Yield the header or the settings that a factor sets, as paths."""
    if factor.header:
        yield f"the header {factor.header.lower()}"
    for level in (*factor.levels, *([factor.center] if factor.center else [])):
        for settings in (level.overlay, level.promote):
            yield from _paths(settings, "")


def _paths(settings: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, value in settings.items():
        path = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from _paths(value, f"{path}.")
        elif path == "environment" and isinstance(value, list):
            yield from (f"environment.{str(item).partition('=')[0]}" for item in value)
        else:
            yield path
