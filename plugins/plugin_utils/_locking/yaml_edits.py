# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change single values of a YAML file and leave its comments and its layout as they are. Pure.

The text is edited at the places that PyYAML's nodes know. A dumper would lose both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from yaml.nodes import MappingNode, Node, ScalarNode

# A plain scalar of these would be a number: hexadecimal digits may happen to be decimal ones.
_NUMBER = re.compile(r"[0-9]+(e[0-9]+)?")
_BLOCK_STYLES = ("|", ">")


class CannotEdit(Exception):
    """A value has no own place, such as an alias of another."""


@dataclass(frozen=True)
class Edit:
    """The value that a key of a mapping must have."""

    mapping: MappingNode
    key: str
    value: str
    after: str = ""
    """The key beside which a new one is written; by default the first one."""


@dataclass(frozen=True)
class _Replacement:
    start: int
    end: int
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with these values; ``text`` is what the nodes were composed of.

    Raise :class:`CannotEdit` for a value that cannot be written.
    """
    values: dict[tuple[int, str], str] = {}
    replacements: dict[tuple[int, str], _Replacement] = {}
    for edit in edits:
        # Two tools have one mapping where an anchor and aliases share it.
        place = (edit.mapping.start_mark.index, edit.key)
        if values.setdefault(place, edit.value) != edit.value:
            raise CannotEdit(f"{edit.key} differs between tools that share one mapping by an alias")
        replacements[place] = _replacement(text, edit)
    for one in sorted(replacements.values(), key=lambda one: one.start, reverse=True):
        text = text[: one.start] + one.text + text[one.end :]
    return text


def _replacement(text: str, edit: Edit) -> _Replacement:
    present = _pair(edit.mapping, edit.key)
    if present is None:
        return _insertion(text, edit)
    key, value = present
    written = text[value.start_mark.index : value.end_mark.index]
    # The node of an alias is that of its anchor, which is before the key. The text of an anchored
    # value begins with the anchor.
    if value.start_mark.index < key.end_mark.index or written.startswith(("&", "!")):
        raise CannotEdit(f"{edit.key} has an anchor, a tag or an alias")
    if not isinstance(value, ScalarNode) or value.style in _BLOCK_STYLES:
        raise CannotEdit(f"{edit.key} is not written as a value in one line")
    quote = value.style if value.style in ("'", '"') else ""
    return _Replacement(value.start_mark.index, value.end_mark.index, _scalar(edit.value, quote))


def _insertion(text: str, edit: Edit) -> _Replacement:
    """Return a new key, after the line of another one, or before it if that is longer."""
    if not edit.mapping.value:
        raise CannotEdit(f"there is no key beside which {edit.key} could be written")
    key, value = _pair(edit.mapping, edit.after) or edit.mapping.value[0]
    quote = '"' if key.style == '"' else ""
    pair = f"{quote}{edit.key}{quote}: {_scalar(edit.value, quote)}"
    if edit.mapping.flow_style:
        return _Replacement(key.start_mark.index, key.start_mark.index, f"{pair}, ")
    end_of_line = text.find("\n", key.end_mark.index)
    line_end = "\r\n" if text[end_of_line - 1 : end_of_line] == "\r" else "\n"
    indent = " " * key.start_mark.column
    if _ends_in_line(text, key, value) and end_of_line >= 0:
        return _Replacement(end_of_line + 1, end_of_line + 1, f"{indent}{pair}{line_end}")
    return _Replacement(key.start_mark.index, key.start_mark.index, f"{pair}{line_end}{indent}")


def _ends_in_line(text: str, key: Node, value: Node) -> bool:
    """Return whether a value ends in the line of its key; an alias counts as one that does."""
    if value.start_mark.index < key.end_mark.index:
        return True
    in_line = value.end_mark.line == key.start_mark.line
    return in_line and "\n" not in text[key.start_mark.index : value.end_mark.index]


def _pair(mapping: MappingNode, name: str) -> tuple[ScalarNode, Node] | None:
    return next((pair for pair in mapping.value if pair[0].value == name), None)


def _scalar(value: str, quote: str) -> str:
    quote = quote or ('"' if _NUMBER.fullmatch(value) else "")
    return f"{quote}{value}{quote}"
