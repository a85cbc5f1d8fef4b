# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Define the forms of values in a shipping file: a parser and a JSON schema for each. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...module_utils._core import units
from ...module_utils._core.image_references import Reference
from ...module_utils._core.parsing import kind_of
from ...module_utils._toolbox import checked_names
from .._catalog.document_reader import DocumentNode, Parser, text_line
from .._catalog.value_forms import Form

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_PLATFORM = r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?"


@dataclass(frozen=True)
class FileKey:
    """A key of the file: the form of its value, its purpose, and whether it must be there."""

    form: Form
    text: str
    required: bool = False


def _matching(pattern: str, what: str) -> Parser:
    def parse(place: DocumentNode) -> Any:
        value = text_line(place)
        if value is None or re.fullmatch(pattern, value):
            return value
        return place.problem(f"must be {what}, not {value!r}")

    return parse


def _path(place: DocumentNode) -> Any:
    value = text_line(place)
    if value is None:
        return None
    path = value.removeprefix("./").rstrip("/") or "."
    if path == "." or checked_names.is_inside(path):
        return path
    return place.problem(f"must be a path below the folder of the file, not {value!r}")


def _repository(place: DocumentNode) -> Any:
    value = text_line(place)
    if value is None:
        return None
    try:
        reference = Reference.parse(value)
    except ValueError:
        return place.problem(f"must be registry/name, not {value!r}")
    if reference.digest or not reference.familiar.startswith(f"{value}:"):
        return place.problem(f"must have no tag and no digest, which each build sets: {value!r}")
    return value


def _seconds(place: DocumentNode) -> Any:
    try:
        seconds = units.nanoseconds(place.value) / units.SECOND
    except ValueError as error:
        return place.problem(str(error))
    return seconds if seconds > 0 else place.problem("must be more than 0s")


def _count(place: DocumentNode) -> Any:
    value = place.value
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return place.problem(f"must be a whole number of at least 1, not {value!r}")


def _one_or_more(parse: Parser) -> Parser:
    """Return a parser for a list; a single value counts as a list of one."""

    def parse_all(place: DocumentNode) -> Any:
        if not isinstance(place.value, list):
            value = parse(place)
            return None if value is None else [value]
        return listed(parse)(place)

    return parse_all


def listed(parse: Parser) -> Parser:
    """Return a parser for a list that is not empty."""

    def parse_all(place: DocumentNode) -> Any:
        values = [parse(element) for element in place.elements()]
        if values == [] and isinstance(place.value, list):
            return place.problem("must have at least one entry")
        return None if None in values else values

    return parse_all


def _pairs(convert: Callable[[Any], Any], what: str) -> Parser:
    """Return a parser for a mapping of single values."""

    def parse(place: DocumentNode) -> Any:
        values: dict[str, Any] = {}
        for name, _key, value in place.items():
            plain = value.value
            if plain is None or isinstance(plain, (dict, list)):
                value.problem(f"must be {what}, not {kind_of(plain)}")
            else:
                values[name] = convert(plain)
        return values

    return parse


_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_LIST: dict[str, Any] = {"type": "array", "items": _TEXT, "minItems": 1}
_ONE_OR_MORE = {"anyOf": [_TEXT, _LIST]}
_SCALARS = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}

FORMS: dict[str, Form] = {
    "text": Form(text_line, _TEXT),
    "name": Form(
        _matching(_NAME, "a name of letters, digits and _ . -"),
        {"type": "string", "pattern": f"^{_NAME}$"},
    ),
    "path": Form(_path, _TEXT),
    "paths": Form(_one_or_more(_path), _ONE_OR_MORE),
    "names": Form(_one_or_more(text_line), _ONE_OR_MORE),
    "command": Form(listed(text_line), _LIST),
    "repository": Form(_repository, _TEXT),
    "count": Form(_count, {"type": "integer", "minimum": 1}),
    "duration": Form(_seconds, _TEXT),
    "build_args": Form(_pairs(units.scalar_text, "a single value"), _SCALARS),
    "values": Form(_pairs(lambda value: value, "a single value"), _SCALARS),
    "build_platform": Form(
        _matching(_PLATFORM, "os/architecture"), {"type": "string", "pattern": f"^{_PLATFORM}$"}
    ),
}
