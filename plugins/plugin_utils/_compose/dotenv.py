# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of ``KEY=value`` lines, as Compose reads them.

Syntax: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
"""

from __future__ import annotations

import re

from ...module_utils._app.errors import Problem, SpecError
from .interpolate import Unset, Values, substitute

_LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][\w.-]*)[ \t]*
        (?:[=:][ \t]*(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>[^\n]*)))?
        [ \t]*(?:\#[^\n]*)?(?:\n|$)""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|$)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$$"}


def parse(text: str, name: str, values: Values) -> dict[str, str | None]:
    """Key to value; None for a key without ``=``, which takes its value from elsewhere."""
    text = text.lstrip("\ufeff").replace("\r\n", "\n")
    result: dict[str, str | None] = {}
    position = 0
    while position < len(text):
        blank = _BLANK.match(text, position)
        match = None if blank else _LINE.match(text, position)
        line = text.count("\n", 0, position) + 1
        if blank:
            position = blank.end()
            continue
        if not match:
            raise SpecError([Problem(f"{name}:{line}", "is no KEY=value line")], name)
        known = Values({**values.plain, **{key: value for key, value in result.items() if value is not None}}, values.secret, values.secrets_anywhere)
        try:
            result[match["key"]] = _value(match, known)
        except Unset as error:
            raise SpecError([Problem(f"{name}:{line}", str(error))], name) from error
        position = match.end()
    return result


def _value(match: re.Match[str], values: Values) -> str | None:
    if match["single"] is not None:
        return match["single"]
    if match["double"] is not None:
        return substitute(re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), match["double"], flags=re.DOTALL), values)
    if match["bare"] is None:
        return None
    return substitute(re.split(r"(?:^|\s)#", match["bare"])[0].strip(), values)
