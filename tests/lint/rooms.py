# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read how the plugins depend on each other: imports, circles, names, private attributes. Pure.

A room is a folder below ``plugins/module_utils`` or ``plugins/plugin_utils``, or a folder of
plugins. Files are given as a mapping of their paths in the repository to their sources.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import chain, islice
from typing import NamedTuple

PACKAGE = "ansible_collections.shipping.code."
PLATFORMS = "module_utils/_platforms"
_DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
_UTILS = {"module_utils", "plugin_utils"}
# Methods of every NamedTuple, and a function of the standard library: public, in spite of the name.
_PUBLIC = {"_asdict", "_exit", "_fields", "_make", "_replace"}
# Four questions are put to each of some two hundred files.
_parsed = cache(ast.parse)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Import(NamedTuple):
    """A file that imports another one."""

    importer: str
    imported: str


def room(path: str) -> str:
    """Return the room of a file; each platform is a room of its own."""
    _plugins, *folders, _file = path.split("/")
    if folders[0] not in _UTILS:
        return folders[0]
    depth = 3 if "/".join(folders[:2]) == PLATFORMS else 2
    return "/".join(folders[:depth])


def imports(sources: Mapping[str, str]) -> set[Import]:
    """Return the imports of each file, at the top of a file or inside of functions.

    That a package is imported on the way to one of its files does not count.
    """
    edges: set[Import] = set()
    for importer, source in sources.items():
        imported = _imported(importer, source, sources) - {importer}
        edges.update(Import(importer, file) for file in imported)
    return edges


def classes(source: str) -> Iterator[str]:
    """Yield the names of a file's classes at its top."""
    for node in _parsed(source).body:
        if isinstance(node, ast.ClassDef):
            yield node.name


def circle(edges: Iterable[Import]) -> list[str]:
    """Return the files of a circle of imports, or nothing if the imports have no circle."""
    graph: dict[str, set[str]] = {}
    for edge in edges:
        graph.setdefault(edge.importer, set()).add(edge.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def names(source: str, words: Iterable[str]) -> list[str]:
    """Return the identifiers and strings of a program that contain one of the words.

    Comments, docstrings and documentation blocks do not count.
    """
    pattern = re.compile("|".join(words), re.IGNORECASE)
    return [text for text in _texts(_parsed(source)) if pattern.search(text)]


def private_attributes(source: str) -> list[str]:
    """Return the private attributes that a file reaches for in objects of other files.

    What the file itself defines or assigns to ``self`` is its own business.
    """
    tree = _parsed(source)
    own = set(_defined(tree))
    return [
        f"{ast.unparse(node.value)}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and _is_foreign(node) and node.attr not in own
    ]


def _imported(importer: str, source: str, known: Mapping[str, str]) -> set[str]:
    imported: set[str] = set()
    for node in ast.walk(_parsed(source)):
        for candidates in _modules(importer, node):
            files = chain.from_iterable(map(_files, candidates))
            imported.update(islice(filter(known.__contains__, files), 1))
    return imported


def _files(dotted: str) -> tuple[str, str]:
    path = dotted.removeprefix(PACKAGE).replace(".", "/")
    return f"{path}.py", f"{path}/__init__.py"


def _modules(importer: str, node: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield what each name of an import may mean: a module, else something in the module before."""
    if isinstance(node, ast.Import):
        yield from ((alias.name,) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = importer.split("/")[: -node.level] if node.level else []
        base = ".".join([*package, *filter(None, [node.module])])
        yield from ((f"{base}.{alias.name}", base) for alias in node.names)


def _texts(tree: ast.Module) -> Iterator[str]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if _is_documentation(node):
            continue
        for _field, value in ast.iter_fields(node):
            if isinstance(value, str):
                yield value
        waiting.extend(ast.iter_child_nodes(node))


def _is_documentation(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    targets = node.targets if isinstance(node, ast.Assign) else ()
    return any(isinstance(name, ast.Name) and name.id in _DOCUMENTATION for name in targets)


def _defined(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a file gives to attributes, methods and functions."""
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            # An assignment to an attribute of another object does not make it this file's.
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _is_foreign(node: ast.Attribute) -> bool:
    if not node.attr.startswith("_") or node.attr.endswith("__") or node.attr in _PUBLIC:
        return False
    owner = ast.unparse(node.value)
    return owner not in ("self", "cls") and not owner.startswith("super(")
