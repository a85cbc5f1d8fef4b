# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of ``KEY=value`` lines, as Compose reads them.

Syntax: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...module_utils._core.errors import Problem, SpecError
from .interpolate import Unset, Values, substitute

_LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<key>[\w.[\]-]+)[ \t]*
        (?:[=:][ \t]*(?:
            '(?P<single>(?:[^'\\]|\\.)*)'
            |"(?P<double>(?:[^"\\]|\\.)*)"
            |(?P<bare>(?![ \t]*['"])[^\n]*)
        ))?
        [ \t]*(?:\#[^\n]*)?(?:\n|$)""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|$)")
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    # Doubled, since the variables of the value are replaced afterwards.
    "$": "$$",
}


def parse(
    text: str, name: str, values: Values, earlier: Mapping[str, str | None] | None = None
) -> dict[str, str | None]:
    """Return keys with values; None for a key without ``=``, whose value comes from elsewhere.

    A variable in a value is looked up in ``values`` first, then in the lines above and in the
    ``earlier`` files.
    """
    # Editors on Windows begin a file with a byte order mark and end lines with CRLF.
    text = text.lstrip("\ufeff").replace("\r\n", "\n")
    result: dict[str, str | None] = {}
    problems: list[Problem] = []
    position = 0
    while position < len(text):
        match = _BLANK.match(text, position) or _LINE.match(text, position)
        line = text.count("\n", 0, position) + 1
        if not match:
            problems.append(
                Problem(
                    f"{name}:{line}", "is no KEY=value line, or a quote in it has no counterpart"
                )
            )
            position = (text + "\n").index("\n", position) + 1
            continue
        position = match.end()
        if match.re is _LINE:
            above = {
                key: value
                for key, value in {**(earlier or {}), **result}.items()
                if value is not None
            }
            try:
                result[match["key"]] = _value(match, values.with_plain({**above, **values.plain}))
            except Unset as error:
                problems.append(Problem(f"{name}:{line}", str(error)))
                result[match["key"]] = ""
    if problems:
        raise SpecError(problems, name)
    return result


def parse_raw(text: str, name: str) -> dict[str, str | None]:
    """Return keys with values as they are written: no quotes, variables or comments in them.

    Only whole lines are comments, and blanks before a line are left out (docker/cli, pkg/kvfile).
    """
    result: dict[str, str | None] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), 1):
        line = line.removesuffix("\r").lstrip()
        key, equals, value = line.partition("=")
        if not line or line.startswith("#"):
            continue
        if re.fullmatch(r"[^ \t]+", key):
            result[key] = value if equals else None
        else:
            problems.append(Problem(f"{name}:{number}", "is no KEY=value line"))
    if problems:
        raise SpecError(problems, name)
    return result


def _value(match: re.Match[str], values: Values) -> str | None:
    if match["single"] is not None:
        # Single quotes keep a value as it is written: no variables, no other escapes.
        return match["single"].replace("\\'", "'")
    if match["double"] is not None:
        return substitute(
            re.sub(
                r"\\(.)",
                lambda escape: _ESCAPES.get(escape[1], escape[0]),
                match["double"],
                flags=re.DOTALL,
            ),
            values,
        )
    if match["bare"] is None:
        return None
    # Only after a blank: `#0a6ebd` is a value.
    return substitute(match["bare"].partition(" #")[0].strip(), values)


def defines(text: str, key: str) -> bool:
    """Return whether a file has a line that gives ``key`` a value."""
    return bool(re.search(rf"(?m)^[ \t]*(?:export[ \t]+)?{re.escape(key)}[ \t]*[=:]", text))
