# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files as YAML 1.2, with ``!reset`` and ``!override``, and never as templates.

YAML 1.1, which PyYAML reads by itself, makes a number of ``22:22`` and a boolean of ``no``, and
lets duplicate keys pass. Scalars are resolved here as Compose resolves them
(https://yaml.org/spec/1.2.2/#103-core-schema, with 0777 as octal and 1_000 as a number).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ...module_utils._core.errors import Problem, SpecError
from .yaml_scanner import TabScanner


@dataclass(frozen=True)
class Reset:
    """``!reset``: the key is taken out of the merged file."""


@dataclass(frozen=True)
class Override:
    """``!override``: the value replaces the value of earlier files instead of being merged."""

    value: Any


class _Loader(TabScanner, yaml.SafeLoader):
    """A safe loader with the scalars of YAML 1.2 and without duplicate keys."""


_INT = re.compile(
    r"[-+]?(?:0[bB]_*[01][01_]*|0[oO]?_*[0-7][0-7_]*|0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|[1-9][0-9_]*|0_*)"
)
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_NULL = re.compile(r"~|null|Null|NULL|")

_KINDS = ("null", "bool", "int", "float", "str", "seq", "map")

# PyYAML's own types beyond YAML 1.2: dates, binary data, sets. Without a constructor a tag of
# one is an error; the table is a class's own, so that other loaders stay as they are.
_Loader.yaml_constructors = {
    tag: build
    for tag, build in _Loader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in _KINDS
}
_Loader.yaml_implicit_resolvers = {}
# PyYAML looks for a resolver by the first character of a scalar, hence the third field.
for _tag, _pattern, _first in (
    ("bool", _BOOL, "tTfF"),
    ("int", _INT, "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
    ("null", _NULL, ["~", "n", "N", ""]),
    ("merge", re.compile("<<"), "<"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern.pattern})$"), list(_first)
    )


def _int(loader: _Loader, node: ScalarNode) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.lstrip("+"))
    # int(text, 0) rejects `0777`, which file modes are written as.
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _mapping(loader: _Loader, node: MappingNode) -> dict[str, Any]:
    # Before the merge keys are resolved, which puts merged keys beside those of the mapping.
    _refuse_duplicates(node)
    loader.flatten_mapping(node)
    return {_key(key): loader.construct_object(value, deep=True) for key, value in node.value}


def _key(node: Node) -> str:
    """Return a key as it is written: ``no`` and ``80`` are names here."""
    if not isinstance(node, ScalarNode):
        raise ConstructorError(
            None,
            None,
            "has a list or mapping as a key; put a text that begins with [ or { between quotes. A"
            " Compose file is no template: write ${NAME} for a variable",
            node.start_mark,
        )
    return str(node.value)


def _refuse_duplicates(node: MappingNode) -> None:
    """Reject a duplicate key; own keys may repeat merged ones (``<<``)."""
    seen: dict[str, Node] = {}
    for node_of_key, _value in node.value:
        key = _key(node_of_key)
        if key in seen:
            first = seen[key].start_mark.line + 1
            remedy = "write <<: [*one, *other]" if key == "<<" else "remove or rename one of them"
            raise ConstructorError(
                None,
                None,
                f"has the key {key} twice, first in line {first}; {remedy}",
                node_of_key.start_mark,
            )
        seen[key] = node_of_key


def _override(loader: _Loader, node: Node) -> Override:
    return Override(_plain(loader, node))


def _plain(loader: _Loader, node: Node) -> Any:
    """Return what a node with a tag of our own holds, as if it had none."""
    if isinstance(node, MappingNode):
        return _mapping(loader, node)
    if isinstance(node, SequenceNode):
        return loader.construct_sequence(node, deep=True)
    plain = ScalarNode(
        loader.resolve(ScalarNode, node.value, (True, False)),
        node.value,
        node.start_mark,
        node.end_mark,
    )
    return loader.construct_object(plain)


_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
# A `<<` that is a plain value, and no key, stays a text.
_Loader.add_constructor("tag:yaml.org,2002:merge", lambda loader, node: node.value)
_Loader.add_constructor("!reset", lambda loader, node: Reset())
_Loader.add_constructor("!override", _override)


class _MendedLoader(TabScanner, yaml.SafeLoader):
    """A safe loader for where PyYAML has no libyaml."""


class _Composer(yaml.CSafeLoader if yaml.__with_libyaml__ else _MendedLoader):  # type: ignore[misc]
    """Makes nodes by the same rules, and several times faster where PyYAML has libyaml."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def parse(text: str, name: str) -> dict[str, Any]:
    """Return the mapping in ``text``; ``name`` is the file's name in error messages."""
    # A safe loader: only the two tags above are added to it.
    content = _loaded(lambda: yaml.load(text, Loader=_Loader), text, name)  # noqa: S506
    if not isinstance(content, dict):
        text = f"is {_kind(content)}; write services: with the services below it"
        raise SpecError([Problem(name, text)], name)
    return content


def _kind(content: Any) -> str:
    if content is None:
        return "empty"
    return "a list" if isinstance(content, list) else "a single text"


def parse_all(text: str, name: str) -> list[Any]:
    """Return all documents in ``text``."""
    documents: list[Any] = _loaded(lambda: list(yaml.load_all(text, Loader=_Loader)), text, name)
    return documents


def tree(text: str, name: str) -> tuple[Node | None, Callable[[Node], Any]]:
    """Return the nodes of the one document in ``text``, which know their places.

    Also return the function that makes plain data of a node.
    """
    loader = _Loader("")
    node: Node | None = _loaded(lambda: yaml.compose(text, Loader=_Composer), text, name)
    return node, lambda part: _loaded(lambda: loader.construct_object(part, deep=True), text, name)


def _loaded(load: Callable[[], Any], text: str, name: str) -> Any:
    """Return what ``load`` makes of the text, with its errors in words."""
    try:
        return load()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The end of the file is not the place of the mistake.
        if error.problem == "found unexpected end of stream":
            mark = error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise SpecError([Problem(place, _reason(error))], name) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpecError(
            [
                Problem(
                    f"{name}:{line}",
                    f"has the character U+{error.character:04X}, which YAML does not allow",
                )
            ],
            name,
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError([Problem(name, str(error))], name) from error


_INDENT = "align it with its siblings by spaces"
# How the scanner and the parser begin what they say -> the same for a user. By PyYAML 6.0's
# scanner.py and parser.py, and by libyaml's scanner.c and parser.c.
_REASONS = {
    "but found another document": (
        "begins a second document; put it into a file of its own, and list both under compose"
    ),
    "found character '\\t' that": "is indented by a tab, which YAML forbids; indent by spaces",
    "found a tab character that violates": (
        "is indented by a tab, which YAML forbids; indent by spaces"
    ),
    "found character '@' that": "begins with @, which YAML reserves; put the value between quotes",
    "found character '`' that": "begins with `, which YAML reserves; put the value between quotes",
    "found character '%' that": "begins with %, which YAML reserves; put the value between quotes",
    # libyaml does not show the character.
    "found character that": (
        "begins with a tab or with a character that YAML reserves; indent by spaces, and put such"
        " a value between quotes"
    ),
    "mapping values are not allowed": (
        "has a second ': ' in one line, or is indented further than the line before; put a value"
        " with ': ' between quotes, or correct the indentation"
    ),
    "expected <block end>, but found": (
        f"is indented in another way than the lines around it; {_INDENT}"
    ),
    "did not find expected key": f"is indented in another way than the lines around it; {_INDENT}",
    "could not find expected ':'": (
        "lacks the ':' behind a key; write key: value, or close the quote or bracket above"
    ),
    "found unexpected end of stream": "begins a quoted text that does not end; close the quote",
    "expected a mapping for merging": "is merged by << and is no mapping; merge a mapping",
    "expected a mapping or list of mappings for merging": (
        "is merged by << and is no mapping; merge a mapping"
    ),
    "found undefined alias": "{}; define the anchor above its first use",
    "expected ',' or '}'": "lacks a comma or the closing brace of a mapping; add it",
    "expected ',' or ']'": "lacks a comma or the closing bracket of a list; add it",
}


def _reason(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem or error.context)
    for beginning, reason in _REASONS.items():
        if problem.startswith(beginning):
            return reason.format(problem)
    return problem
