# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of error messages, from the calls that create errors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from .rst import list_table
from .source_strings import VALUE, string_of

AREAS: Mapping[str, tuple[str, ...]] = {
    "errors of services": (
        "module_utils/_compose",
        "module_utils/_core",
        "module_utils/_deploy",
        "module_utils/_platforms",
        "module_utils/_registry",
        "plugin_utils/_controller",
        "plugin_utils/_sources",
    ),
    "errors of deliveries": (
        "action",
        "module_utils/_toolbox",
        "plugin_utils/_catalog",
        "plugin_utils/_delivery",
    ),
    "errors of directories": (
        "plugin_utils/_directory",
        "plugin_utils/_events",
        "plugin_utils/_membership",
    ),
    "errors of pushes": ("plugin_utils/_shipping",),
    "errors of AWX": ("module_utils/_awx",),
}
_ROOT_CLASS = "ShippingError"


def error_table(plugins: Path, area: str) -> list[str]:
    """Return the table of one area: message, cause, and what to do."""
    errors = _error_classes(plugins)
    rows: dict[tuple[str, str, str], None] = {}
    for folder in AREAS[area]:
        for file in sorted((plugins / folder).rglob("*.py")):
            rows.update(dict.fromkeys(_rows(ast.parse(file.read_text()), errors)))
    cells = ((_literal(what), _literal(why), f"{hint}.") for what, why, hint in sorted(rows))
    return list_table(("message", "cause", "what to do"), cells)


@cache
def _error_classes(plugins: Path) -> frozenset[str]:
    """Return the names of all classes of errors that have a message, a cause and a hint."""
    bases: dict[str, list[str]] = {}
    for file in plugins.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    found = {_ROOT_CLASS}
    while more := {name for name, of in bases.items() if found & set(of)} - found:
        found |= more
    return frozenset(found)


def _rows(tree: ast.Module, errors: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in errors:
            what, why, hint = ([*map(_text, node.args[:3])] + [""] * 3)[:3]
            # Without a literal hint or a literal message, readers cannot look it up.
            if re.search(r"\w{3}", what) and re.search(r"\w{3}", hint):
                yield what, why, hint


def _text(node: ast.expr) -> str:
    text = string_of(node)
    return VALUE if text is None else text.strip()


def _literal(text: str) -> str:
    return "" if text in ("", VALUE) else f"``{text.replace('`', '')}``"
