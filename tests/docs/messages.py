# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of failed releases by kind, from the table of kinds and the code with causes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from ansible_collections.shipping.code.plugins.module_utils._deploy.failure_kinds import (
    FAILURE_KINDS,
)

from .rst import literals
from .source_strings import string_of

# The modules that find causes. Each writes a kind, and after it the text of the message.
_SOURCES = (
    "_deploy/health.py",
    "_deploy/start_failures.py",
    "_deploy/strategy/*.py",
    "_platforms/*/*.py",
    "_registry/*.py",
)


def failure_sections(module_utils: Path) -> list[str]:
    """Return a section for each kind of failure."""
    messages = _messages(module_utils)
    lines: list[str] = []
    for name, kind in FAILURE_KINDS.items():
        title = f"``{name}``"
        lines += [title, "^" * len(title), "", literals(kind.meaning), ""]
        if texts := messages.get(name):
            lines += [f"Messages: {', '.join(f'``{text}``' for text in texts)}.", ""]
        advice = [f"{literals(kind.hint)}.", literals(kind.more)] if kind.hint else [kind.more]
        lines += [" ".join(filter(None, advice)), ""] if any(advice) else []
    return lines[:-1]


def _messages(module_utils: Path) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for pattern in _SOURCES:
        for file in sorted(module_utils.glob(pattern)):
            for kind, text in _causes(ast.parse(file.read_text())):
                found.setdefault(kind, {}).setdefault(text)
    return {kind: list(texts) for kind, texts in found.items()}


def _causes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each kind of failure that a file has, with the text that follows it."""
    for node in ast.walk(tree):
        for kind, text in pairwise(_values(node)):
            name, message = string_of(kind) or "", string_of(text) or ""
            if name in FAILURE_KINDS and " " in message:
                yield name, message


def _values(node: ast.AST) -> Iterable[ast.expr]:
    if isinstance(node, ast.Call):
        return node.args
    return node.elts if isinstance(node, ast.Tuple) else ()
