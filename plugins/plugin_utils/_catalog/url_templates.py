# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expand texts with the tool's version and platform, such as ``t-{version}-{arch}``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...module_utils._core.errors import suggestion

NAMES = ("version", "os", "arch")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def problems(text: str) -> Iterator[str]:
    """Yield the problems of a template."""
    if "{{" in text or "}}" in text:
        yield "is not a Jinja template; write {version}, {os} or {arch} in single braces"
        return
    for name in dict.fromkeys(_PLACEHOLDER.findall(text)):
        if name not in NAMES:
            known = ", ".join(f"{{{known}}}" for known in NAMES)
            yield f"unknown placeholder {{{name}}}{suggestion(name, NAMES)}; {known} are known"
    if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
        yield "has a brace without its pair; in a URL, write %7B or %7D for a brace itself"


def lacking(text: str, values: Mapping[str, str]) -> list[str]:
    """Return the placeholders that have no value."""
    return [name for name in dict.fromkeys(_PLACEHOLDER.findall(text)) if not values.get(name)]


def expand(text: str, values: Mapping[str, str]) -> str:
    """Return a template with its values."""
    # One pass: a version that looks like a placeholder stays as it is.
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)
