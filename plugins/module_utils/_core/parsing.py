# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small parsers that compose into the reading of a spec and report every problem they meet.

A parser takes a value and a :class:`SpecReader` with the value's path. It returns the value
in its one normal form, or None where there is nothing or a problem was noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import units
from .errors import Problem, suggestion

Parser = Callable[[object, "SpecReader"], object]

# For a value without a text of its own.
_NOT_SUPPORTED = "not supported here; leave it out"


@dataclass(frozen=True)
class Written:
    """A place in the user's file; ``parts``: what is below has the same keys as the normal form."""

    path: str
    parts: bool = True


class SpecReader:
    """A place in the spec, with the lists that all places note their problems and remarks in.

    ``notes`` has what is ignored at a place. ``refused_values`` has what to write instead of a
    value that cannot be honored; a text may have a place for the value. ``written`` has the places
    of the user's file whose values the normal form has elsewhere: problems name the former.
    """

    def __init__(
        self,
        path: str = "",
        problems: list[Problem] | None = None,
        notes: list[str] | None = None,
        refused_values: Mapping[str, str] | None = None,
        written: dict[str, Written] | None = None,
    ) -> None:
        self.path = path
        self.problems: list[Problem] = [] if problems is None else problems
        self.notes: list[str] = [] if notes is None else notes
        self.refused_values: Mapping[str, str] = refused_values or {}
        self.written: dict[str, Written] = {} if written is None else written

    def at(self, key: object) -> SpecReader:
        """Return the place below this one; a number is a list's index."""
        if isinstance(key, int):
            return self.elsewhere(f"{self.path}[{key}]")
        return self.elsewhere(f"{self.path}.{key}" if self.path else str(key))

    def elsewhere(self, path: str) -> SpecReader:
        """Return another place of the same spec."""
        return SpecReader(path, self.problems, self.notes, self.refused_values, self.written)

    def moved_to(self, path: str) -> None:
        """Note that the normal form has the value of this place at ``path``, in another form."""
        self.written[path] = Written(self.place(), parts=False)

    def ordered(self, places: Sequence[Written]) -> None:
        """Note the places of the items of the normal form's list in the user's file."""
        for index, place in enumerate(places):
            path = self.at(index).path
            self.written.pop(path, None)
            if place.path != path:
                self.written[path] = place

    def place(self) -> str:
        """Return this place as the user's file has it."""
        return self.origin().path

    def origin(self) -> Written:
        """Return the same, and whether the file has what is below in the same form."""
        path, rest = self.path, ""
        while path and path not in self.written:
            shorter = path[: max(path.rfind("."), path.rfind("["), 0)]
            path, rest = shorter, path[len(shorter) :] + rest
        if not path:
            return Written(self.path)
        origin = self.written[path]
        return Written(f"{origin.path}{rest}") if origin.parts else origin

    def problem(self, text: str) -> None:
        """Note a problem at this place; always None, so that a parser can return it."""
        self.problems.append(Problem(self.place(), text))

    def refuse_value(self, what: str, value: object = "") -> None:
        """Note what to write instead of a value that cannot be honored; always None."""
        return self.problem(self.refused_values.get(what, _NOT_SUPPORTED).format(value))

    def note(self, text: str) -> None:
        """Note that something at this place is ignored."""
        self.notes.append(f"{self.place()}: {text}")


def text(value: object, reader: SpecReader) -> object:
    """Read a scalar as text."""
    if isinstance(value, (dict, list)) or value is None:
        return reader.problem(f"must be a text, not {kind_of(value)}")
    return units.scalar_text(value)


_BOOLEANS = {
    "true": True,
    "y": True,
    "yes": True,
    "on": True,
    "false": False,
    "n": False,
    "no": False,
    "off": False,
}


def boolean(value: object, reader: SpecReader) -> object:
    """Read true or false; also as words, since interpolation yields words and YAML 1.1 had more."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    return reader.problem(f"must be true or false, not {value!r}")


def integer(minimum: int = 0, maximum: int | None = None) -> Parser:
    """Return the parser of a whole number in a range; without ``maximum`` it is open."""

    def parse(value: object, reader: SpecReader) -> object:
        try:
            number = int(str(value), 10)
        except ValueError:
            return reader.problem(f"must be a whole number, not {value!r}")
        if isinstance(value, bool) or number < minimum:
            return reader.problem(f"must be a whole number of at least {minimum}, not {value!r}")
        if maximum is not None and number > maximum:
            return reader.problem(f"must be a whole number of at most {maximum}, not {value!r}")
        return number

    return parse


def ratio(value: object, reader: SpecReader) -> object:
    """Read a number from 0 to 1."""
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    return (
        number
        if 0 <= number <= 1
        else reader.problem(f"must be a number from 0 to 1, not {value!r}")
    )


def word(*allowed: str) -> Parser:
    """Return the parser of one of the words ``allowed``."""

    def parse(value: object, reader: SpecReader) -> object:
        if value in allowed:
            return value
        return reader.problem(
            f"{value!r} is not one of {', '.join(allowed)}{suggestion(str(value), allowed)}"
        )

    return parse


def measured(convert: Callable[[object], int], form: Callable[[int], str]) -> Parser:
    """Return the parser of a quantity with a unit, kept as its shortest text."""

    def parse(value: object, reader: SpecReader) -> object:
        try:
            return form(convert(value))
        except ValueError as error:
            return reader.problem(str(error))

    return parse


duration = measured(units.nanoseconds, units.duration)
size = measured(units.octets, units.size)
cpus = measured(units.nanocpus, units.cpus)


# Modes without the leading zero, as users write them by mistake.
_USUAL_MODES = frozenset(
    (1777, 777, 775, 770, 755, 750, 700, 666, 664, 660, 644, 640, 600, 444, 440, 400)
)


def octal(value: object, reader: SpecReader) -> object:
    """Read a file mode: a number as YAML read it, or octal digits in a text."""
    try:
        mode = value if isinstance(value, int) else int(str(value), 8)
    except ValueError:
        mode = -1
    # A bool is an int in Python: `mode: true` would be 0001.
    if isinstance(value, bool) or not 0 <= mode <= 0o7777:
        return reader.problem(f"must be a file mode such as 0440, not {value!r}")
    # Docker's own clients read 1777 as a decimal number, too.
    if isinstance(value, int) and value in _USUAL_MODES:
        reader.note(f"{value} is the mode 0{mode:o}; write 0{value} where you mean that")
    return mode


def words(value: object, reader: SpecReader) -> object:
    """Read a list of texts; one text counts as a list of one."""
    items = value if isinstance(value, list) else [value]
    return [
        item
        for item in (text(item, reader.at(index)) for index, item in enumerate(items))
        if item is not None
    ]


def pairs(value: object, reader: SpecReader) -> object:
    """Read a mapping of texts, also written as a list of ``KEY=value``."""
    if isinstance(value, list):
        value = dict(_pair(item, reader.at(index)) for index, item in enumerate(value))
    if not isinstance(value, dict):
        return reader.problem(f"must be a mapping or a list of KEY=value, not {kind_of(value)}")
    return {
        str(key): "" if item is None else text(item, reader.at(key)) for key, item in value.items()
    }


def _pair(item: object, reader: SpecReader) -> tuple[str, str]:
    key, _equals, value = str(text(item, reader)).partition("=")
    return key, value


def listing(parse_item: Parser) -> Parser:
    """Return the parser of a list of items; an item that yields a list is spread."""

    def parse(value: object, reader: SpecReader) -> object:
        if not isinstance(value, list):
            return reader.problem(f"must be a list, not {kind_of(value)}")
        result: list[object] = []
        places: list[Written] = []
        for index, item in enumerate(value):
            parsed = parse_item(item, reader.at(index))
            if parsed is not None:
                items = parsed if isinstance(parsed, list) else [parsed]
                result.extend(items)
                places.extend([Written(reader.at(index).path)] * len(items))
        # At the end: until here, places are those of the file.
        reader.ordered(places)
        return result

    return parse


def mapping(
    parsers: Mapping[str, Parser],
    refused: Mapping[str, str] | None = None,
    ignored: frozenset[str] = frozenset(),
) -> Parser:
    """Return the parser of a mapping with the keys of ``parsers``.

    ``refused`` has what to write instead of keys that cannot be honored; one that is empty or
    switched off is not an error. ``ignored`` keys concern only local work. Keys that begin with
    ``x-`` are the user's own.
    """
    instead = {"x-shipping": "not supported here; write it in a service", **(refused or {})}

    def parse(value: object, reader: SpecReader) -> object:
        if not isinstance(value, dict):
            return reader.problem(f"must be a mapping, not {kind_of(value)}")
        result: dict[str, object] = {}
        for key, item in value.items():
            name, place = str(key), reader.at(key)
            if name in parsers:
                parsed = None if item is None else parsers[name](item, place)
                if parsed is not None:
                    result[name] = parsed
            elif name not in ignored:
                _refuse(name, item, instead, parsers, place)
        return result

    return parse


def refused_value(what: str) -> Parser:
    """Return the parser of a setting that cannot be honored, unless it is switched off."""

    def parse(value: object, reader: SpecReader) -> object:
        # `is not False`: by equality 0 would be False, too, and a 0 does ask for something.
        return reader.refuse_value(what) if value not in ([], {}) and value is not False else None

    return parse


def _refuse(
    name: str,
    item: object,
    instead: Mapping[str, str],
    parsers: Mapping[str, Parser],
    reader: SpecReader,
) -> None:
    """Report a key that is not read, unless it is empty, switched off or the user's own."""
    if name in instead:
        if item not in (None, [], {}) and item is not False:
            reader.problem(instead[name])
    # https://github.com/compose-spec/compose-spec/blob/main/11-extension.md
    elif not name.startswith("x-"):
        reader.problem(f"unknown key{suggestion(name, [*parsers, *instead])}")


def kind_of(value: object) -> str:
    """Return the type of a value in the words of YAML."""
    if value is None:
        return "nothing"
    kinds = {dict: "a mapping", list: "a list", bool: "true or false"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), f"{value!r}")
