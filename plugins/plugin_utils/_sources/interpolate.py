# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``${VAR}`` in Compose files.

Syntax: https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md
Unlike ``docker compose``, a variable without a value and without a default is an error, not blank.
As in ``docker compose``, a dollar sign that begins no variable is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...module_utils._core.errors import Problem, suggestion
from .yaml_reader import Override

_START = re.compile(r"\$(?:(?P<escaped>\$)|(?P<named>[A-Za-z_]\w*)|(?P<braced>\{)|)", re.ASCII)
_VARIABLE = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<operator>:?[-+?])?", re.ASCII)


class Unset(ValueError):
    """A variable has no value, or the expression is not valid."""


@dataclass
class Values:
    """The sources of variables; secret ones are allowed only below ``secrets``.

    ``hint`` returns what to add to the message for a variable without a value. ``lacking`` collects
    the names of variables that have none.
    """

    plain: Mapping[str, str] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict)
    secrets_anywhere: bool = False
    hint: Callable[[str], str] = field(default=lambda name: "", repr=False)
    lacking: set[str] = field(default_factory=set)

    def find(self, name: str, path: str) -> str | None:
        """Return the value of ``name`` for use at ``path``, or None."""
        if name not in self.secret:
            if name not in self.plain:
                self.lacking.add(name)
            return self.plain.get(name)
        if not self.secrets_anywhere and not path.startswith("secrets."):
            raise Unset(
                f"${{{name}}} is a secret value and would be readable by every user who can inspect"
                " the service; declare it under secrets: and let the service read the file, or set"
                " allow_secret_environment: true"
            )
        return self.secret[name]

    def missing(self, name: str) -> str:
        """Return the message for a variable that has no value."""
        close = suggestion(name, [*self.plain, *self.secret])
        return (
            f"${{{name}}} has no value; set it in values, give it a default:"
            f" ${{{name}:-default}}, or write $$ for a plain dollar sign{close}{self.hint(name)}"
        )

    def with_plain(self, plain: Mapping[str, str]) -> Values:
        """Return the same with other plain variables."""
        return replace(self, plain=plain)


def interpolate(content: Any, values: Values, problems: list[Problem], path: str = "") -> Any:
    """Return ``content`` with the variables of its texts replaced; keys stay as they are."""
    if isinstance(content, Override):
        return Override(interpolate(content.value, values, problems, path))
    if isinstance(content, dict):
        return {
            key: interpolate(item, values, problems, f"{path}.{key}" if path else str(key))
            for key, item in content.items()
        }
    if isinstance(content, list):
        return [
            interpolate(item, values, problems, f"{path}[{index}]")
            for index, item in enumerate(content)
        ]
    if not isinstance(content, str) or "$" not in content:
        return content
    try:
        return substitute(content, values, path)
    except Unset as error:
        problems.append(Problem(path, str(error)))
        return content


def substitute(text: str, values: Values, path: str = "") -> str:
    """Return one text with its variables replaced; raises :class:`Unset`."""
    result, position = [], 0
    while match := _START.search(text, position):
        result.append(text[position : match.start()])
        position = match.end()
        if match["escaped"]:
            result.append("$")
        elif match["named"]:
            result.append(_value(match["named"], "", "", values, path))
        elif match["braced"]:
            inner, position = _braces(text, position)
            result.append(_braced(inner, values, path))
        else:
            # Not shown: what follows may be a part of a password.
            raise Unset("has a $ that begins no variable; write $$ for a plain dollar sign")
    return "".join([*result, text[position:]])


def _braces(text: str, start: int) -> tuple[str, int]:
    """Return the text up to the closing brace, and the position behind it."""
    depth = 1
    for index in range(start, len(text)):
        # Counted, since a default may hold variables in braces itself.
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return text[start:index], index + 1
    raise Unset(f"${{{text[start:]} lacks its closing brace; write $$ for a plain dollar sign")


def _braced(inner: str, values: Values, path: str) -> str:
    match = _VARIABLE.match(inner)
    operator = match["operator"] or "" if match else ""
    if not match or (not operator and match.end() < len(inner)):
        raise Unset(f"${{{inner}}} is no variable; write $$ for a plain dollar sign")
    return _value(match["name"], operator, inner[match.end() :], values, path)


def _value(name: str, operator: str, word: str, values: Values, path: str) -> str:
    value = values.find(name, path)
    is_set = value is not None and (value != "" or not operator.startswith(":"))
    action = operator[-1:]
    if action == "+":
        # Only the branch that is used is replaced: variables of the other one need no values.
        return substitute(word, values, path) if is_set else ""
    if is_set:
        return value or ""
    if action == "-":
        return substitute(word, values, path)
    if action == "?":
        raise Unset(
            f"${{{name}}} is required{': ' + substitute(word, values, path) if word else ''}; set"
            " it in values"
        )
    raise Unset(values.missing(name))
