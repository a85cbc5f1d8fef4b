# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every supported ansible-core has what we use of it privately, and we use nothing else."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .ansible_cores import VERSIONS, core
from .private_api import ATTRIBUTES, CALLS, WORDS

ROOT = Path(__file__).parents[5]
OURS = ["plugins/action", "plugins/plugin_utils/_controller"]
# What the developer guide lets every action set.
DOCUMENTED = re.compile(r"_(supports|requires)_\w+")
# Of modules and of namedtuples, not of ansible-core.
OF_PYTHON = {"_asdict"}


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def members(place: Path, name: str) -> list[ast.stmt]:
    """Return the statements of a module or a class."""
    body = tree(place).body
    if not name:
        return body
    return next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == name)


def signature(place: Path, name: str) -> inspect.Signature:
    """Return the signature of a function or a method without ``self``."""
    owner, _dot, function = name.rpartition(".")
    arguments = next(
        node.args
        for node in members(place, owner)
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    parameters = list(read_parameters(arguments))
    return inspect.Signature(parameters[1:] if owner else parameters)


def read_parameters(arguments: ast.arguments) -> Iterator[inspect.Parameter]:
    """Yield the parameters of a function, with None for each default."""
    required = len(arguments.args) - len(arguments.defaults)
    for number, argument in enumerate(arguments.args):
        default = inspect.Parameter.empty if number < required else None
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        yield inspect.Parameter(argument.arg, kind, default=default)
    if arguments.vararg:
        yield inspect.Parameter(arguments.vararg.arg, inspect.Parameter.VAR_POSITIONAL)
    for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        default = inspect.Parameter.empty if value is None else None
        yield inspect.Parameter(argument.arg, inspect.Parameter.KEYWORD_ONLY, default=default)
    if arguments.kwarg:
        yield inspect.Parameter(arguments.kwarg.arg, inspect.Parameter.VAR_KEYWORD)


def names_set(place: Path, name: str) -> set[str]:
    """Return the attributes that a class and its methods set or declare."""
    names: set[str] = set()
    for node in members(place, name):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
                names.add(inner.attr)
            elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                names.add(inner.id)
    return names


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("file", "name"), CALLS, ids=lambda part: str(part).rpartition(".")[2])
def test_private_functions_can_be_called_as_we_call_them(version, file, name):
    by_position, by_name = CALLS[file, name]
    signature(core(version) / file, name).bind(*[None] * by_position, **dict.fromkeys(by_name))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("file", "owner", "attribute"), ATTRIBUTES)
def test_private_attributes_are_there(version, file, owner, attribute):
    assert attribute in names_set(core(version) / file, owner)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("file", "text"), WORDS)
def test_private_words_are_there(version, file, text):
    is_there = text in (core(version) / file).read_text()
    assert is_there


def test_a_call_that_no_longer_fits_is_noticed(tmp_path):
    place = tmp_path / "action.py"
    place.write_text("class ActionBase:\n    def _execute_module(self, name, *, options=1): pass\n")
    with pytest.raises(TypeError):
        signature(place, "ActionBase._execute_module").bind(module_args=None, task_vars=None)
    place.write_text("class ActionBase:\n    def execute_module(self): pass\n")
    tree.cache_clear()
    with pytest.raises(StopIteration):
        signature(place, "ActionBase._execute_module")


def our_nodes() -> Iterator[ast.AST]:
    """Yield everything in our files that are near to ansible-core."""
    for place in OURS:
        for path in sorted((ROOT / place).glob("*.py")):
            yield from ast.walk(tree(path))


def is_defined(node: ast.AST) -> bool:
    is_stored = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    return is_stored or isinstance(node, (ast.FunctionDef, ast.ClassDef))


def private_names() -> set[str]:
    """Return the underscored names that our files read and do not define themselves."""
    nodes = list(our_nodes())
    defined = {
        getattr(node, "attr", getattr(node, "name", "")) for node in nodes if is_defined(node)
    }
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return {name for name in used - defined - OF_PYTHON if re.match("_[^_]", name)}


def test_nothing_else_private_is_used():
    known = {name.rpartition(".")[2] for _file, name in CALLS}
    known |= {attribute for _file, _owner, attribute in ATTRIBUTES}
    used = private_names()
    assert {name for name in used - known if not DOCUMENTED.fullmatch(name)} == set()
    assert {name for name in known - used if name.startswith("_")} <= {"_IS_WINDOWS"}
