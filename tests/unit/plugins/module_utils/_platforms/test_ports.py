# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports keep nothing between two calls, and have no method that only raises or does nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PLATFORMS = Path(__file__).parents[5] / "plugins/module_utils/_platforms"
FILES = (
    "adoption",
    "completion",
    "diagnoser",
    "driver",
    "manifest_source",
    "object_writer",
    "preview",
    "reader",
    "rehearsal",
    "removal",
)


def classes():
    for name in FILES:
        for file in sorted(PLATFORMS.glob(f"*/{name}.py")):
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    yield pytest.param(node, id=f"{file.parent.name} {node.name}")


def methods(node):
    return [entry for entry in node.body if isinstance(entry, ast.FunctionDef)]


def kept(method):
    """The attributes of the object that a method writes."""
    names = []
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del)):
            names.append(node.attr)
    return names


def does_nothing(method):
    body = [entry for entry in method.body if not isinstance(entry, ast.Expr)]
    if not body:
        return all(isinstance(entry.value, ast.Constant) for entry in method.body)
    return len(body) == len(method.body) - 1 == 1 and isinstance(body[0], ast.Raise)


@pytest.mark.parametrize("node", list(classes()))
def test_nothing_is_kept_between_calls(node):
    for method in methods(node):
        assert method.name == "__init__" or kept(method) == [], method.name


@pytest.mark.parametrize("node", list(classes()))
def test_no_method_only_raises_or_does_nothing(node):
    assert [method.name for method in methods(node) if does_nothing(method)] == []


EMPTY = """
class Empty:
    def nothing(self):
        "Do nothing."

    def refuse(self):
        "Refuse."
        raise ValueError("never")

    def keep(self):
        "Keep something."
        self.kept = 1
"""


def test_such_methods_are_found():
    nothing, refuse, keep = methods(ast.parse(EMPTY).body[0])
    assert does_nothing(nothing) and does_nothing(refuse) and not does_nothing(keep)
    assert kept(keep) == ["kept"]
