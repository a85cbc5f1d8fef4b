# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a YAML document by a table of keys, with the place of each problem."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ...module_utils._core.errors import Problem, suggestion
from ...module_utils._core.parsing import kind_of

# Control characters, and the two other ends of lines of Unicode.
_LINE_BREAKING = ("Cc", "Zl", "Zp")


@dataclass(frozen=True)
class DocumentNode:
    """A node of a file, and the list of problems that all nodes share."""

    node: Node
    file: str
    plain: Callable[[Node], Any]
    problems: list[Problem] = field(default_factory=list)
    may_lack_pins: bool = False
    """Whether checksums and commits may be missing, which are to be filled in."""

    @property
    def value(self) -> Any:
        """Return the node as plain data."""
        return self.plain(self.node)

    @property
    def where(self) -> str:
        """Return ``file:line:column``."""
        return place_of(self.file, self.node)

    def problem(self, text: str) -> None:
        """Note a problem here; always None, so that a parser can return it."""
        self.problems.append(Problem(self.where, text))

    def at(self, node: Node) -> DocumentNode:
        """Return another place of the same file."""
        return replace(self, node=node)

    def items(self) -> Iterator[tuple[str, DocumentNode, DocumentNode]]:
        """Yield keys, their places and those of their values; note a problem for no mapping."""
        if not isinstance(self.node, MappingNode):
            self.problem(f"must be a mapping, not {kind_of(self.value)}")
            return
        # PyYAML's constructor silently takes the last of two equal keys.
        seen: set[str] = set()
        for key, value in self.node.value:
            name = str(key.value) if isinstance(key, ScalarNode) else ""
            if not name or name in seen:
                self.at(key).problem(
                    f"the key {name} is duplicated" if name else "a key must be text"
                )
                continue
            seen.add(name)
            yield name, self.at(key), self.at(value)

    def get(self, name: str) -> DocumentNode | None:
        """Return the value of a key of a mapping; None if it has no such key."""
        value = value_of(self.node, name)
        return None if value is None else self.at(value)

    def elements(self) -> Iterator[DocumentNode]:
        """Yield the places of a list's elements; note a problem if it is not a list."""
        if not isinstance(self.node, SequenceNode):
            self.problem(f"must be a list, not {kind_of(self.value)}")
            return
        yield from map(self.at, self.node.value)


def text_line(place: DocumentNode) -> str | None:
    """Parse one line of text, which is not empty."""
    value = place.value
    # A version such as 1.10 without quotes would arrive as the number 1.1.
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        place.problem(f"must be text; write it in quotes, as '{place.node.value}'")
    elif not isinstance(value, str) or not value:
        place.problem(f"must be text, not {kind_of(value)}")
    elif any(unicodedata.category(letter) in _LINE_BREAKING for letter in value):
        place.problem("must be one line without control characters")
    else:
        return value
    return None


def value_of(node: Node | None, name: str) -> Node | None:
    """Return the value of a key of a mapping; None if it has no such key, or is another node."""
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def place_of(file: str, node: Node) -> str:
    """Return ``file:line:column`` of a node."""
    return f"{file}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


Parser = Callable[[DocumentNode], Any]


def mapping(
    place: DocumentNode, parsers: dict[str, Parser], required: set[str], what: str
) -> dict[str, Any]:
    """Parse a mapping with the keys of ``parsers``; leave out values that are None."""
    parsed_values: dict[str, Any] = {}
    present = set()
    for name, key, value in place.items():
        present.add(name)
        if name not in parsers:
            key.problem(f"unknown key {name}{suggestion(name, parsers)}")
            continue
        parsed = parsers[name](value)
        if parsed is not None:
            parsed_values[name] = parsed
    missing = sorted(required - present)
    if missing and isinstance(place.node, MappingNode):
        place.problem(f"{what} needs {', '.join(missing)}")
    return parsed_values
