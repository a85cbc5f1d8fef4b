# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute which files of the repository a file depends on, from what it imports and names.

A Python file refers to what it imports anywhere, also inside functions, and to what its strings
name: a path, a module for ``python -m``, a plugin, role or playbook of the collection. Other code
(YAML, shell, INI, JSON) refers to what its words name. Documentation refers to nothing. The closure
is rather too large than too small: a file that is listed without need costs a test run, a file that
is missing hides a fault.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeGuard

from tests.testbed.checkout_copy import files_of

NAMESPACE = "shipping.code."
PACKAGE = f"ansible_collections.{NAMESPACE}"
_CODE = {".py", ".yml", ".yaml", ".sh", ".cfg", ".ini", ".toml", ".json", ".txt", ".j2", ".service"}
_DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
_PLUGIN = re.compile(r"\bshipping\.code\.(\w+)")
_FRAGMENT = re.compile(r"^ *- *shipping\.code\.(\w+)(?:\.\w+)?$", re.MULTILINE)
_WORD = re.compile(r"[\w.-]+(?:/[\w.-]+)*")
_NAMED = [
    re.compile(r"plugins/[a-z]+/(\w+)\.py$"),
    re.compile(r"extensions/eda/(?:plugins/event_source|rulebooks)/(\w+)\.\w+$"),
    re.compile(r"playbooks/(\w+)\.yml$"),
    re.compile(r"roles/(\w+)/"),
]
_COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)
# The methods of the tests that start a play by the name of a module or playbook.
_STARTING = {"run", "start", "play", "task"}
# Where a relative name in code may start, in addition to the folder of the file that has it.
_TOPS = ("", "plugins/", "plugins/module_utils/")


class _Start(NamedTuple):
    """A play that a test starts: of one module with its options, or a playbook with words.

    ``player.run("rollback", {"app": app})`` and ``operator.run("rollback", "-e", "release=2")``.
    """

    name: str
    has_options: bool


class _Mentions(NamedTuple):
    """The imports and names of a Python file, before they are resolved to files."""

    imports: tuple[ast.Import | ast.ImportFrom, ...] = ()
    fragments: tuple[str, ...] = ()
    strings: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    starts: frozenset[_Start] = frozenset()


class Files:
    """The files of a repository by name, and what each refers to."""

    def __init__(self, names: Iterable[str], read: Callable[[str], str]) -> None:
        """Take the files' names, relative to the top, and a function that returns a file's text."""
        self.names = frozenset(names)
        self.read = read
        parents = chain.from_iterable(PurePosixPath(name).parents for name in self.names)
        self.folders = set(map(str, parents))
        self.plugins = _plugins(self.names)
        self.references = cache(self._references)

    def closure(self, roots: Iterable[str], without: re.Pattern[str] | None = None) -> set[str]:
        """Return the roots and all that they depend on; ``without`` matches what is left out."""
        found: set[str] = set()
        waiting = list(chain.from_iterable(map(self.under, roots)))
        while waiting:
            name = waiting.pop()
            if name not in found and not (without and without.search(name)):
                found.add(name)
                waiting.extend(self.references(name))
        return found

    def under(self, name: str) -> list[str]:
        """Return a file, or all files of a folder."""
        if name in self.names:
            return [name]
        return [file for file in self.names if file.startswith(f"{name}/")]

    def _references(self, name: str) -> frozenset[str]:
        if PurePosixPath(name).suffix not in _CODE and PurePosixPath(name).name != "Makefile":
            return frozenset()
        found = set(self._of_python(name) if name.endswith(".py") else self._of_text(name))
        # A role is applied as a whole.
        parts = name.split("/")
        if parts[0] == "roles":
            found.update(self.under("/".join(parts[:2])))
        return frozenset(found - {name})

    def _of_python(self, name: str) -> Iterator[str]:
        yield from self._packages(name)
        mentions = _mentions(self.read(name))
        for node in mentions.imports:
            yield from self._imports(node, name)
        for fragment in mentions.fragments:
            yield from self.under(f"plugins/doc_fragments/{fragment}.py")
        for text in mentions.strings:
            yield from self._named(text, name)
        for text in mentions.paths:
            yield from self._path(text, name)
        for start in mentions.starts if name.startswith("tests/") else ():
            yield from self._started(start)

    def _imports(self, node: ast.Import | ast.ImportFrom, name: str) -> Iterator[str]:
        if isinstance(node, ast.ImportFrom):
            yield from self._imported(name, node)
        else:
            for alias in node.names:
                yield from self.module(alias.name)

    def _started(self, start: _Start) -> set[str]:
        """Return the files of what a test starts, which may be a module and a playbook by name."""
        named = self.plugins.get(start.name, set())
        playbooks = {file for file in named if file.startswith("playbooks/")}
        others = {file for file in named if file.startswith("plugins/")}
        return (others if start.has_options else playbooks) or named

    def _of_text(self, name: str) -> Iterator[str]:
        for word in _WORD.findall(_COMMENT.sub("", self.read(name))):
            yield from self._named(word, name)

    def _imported(self, name: str, node: ast.ImportFrom) -> Iterator[str]:
        base = node.module or ""
        if node.level:
            package = name.split("/")[: -node.level]
            base = ".".join([*package, *([node.module] if node.module else [])])
        for alias in node.names:
            yield from self.module(f"{base}.{alias.name}") or self.module(base)

    def module(self, dotted: str) -> list[str]:
        """Return the file of a module of the repository, with the packages that it is in."""
        path = dotted.removeprefix(PACKAGE).replace(".", "/")
        for file in (f"{path}.py", f"{path}/__init__.py"):
            if file in self.names:
                return [file, *self._packages(file)]
        return []

    def _packages(self, name: str) -> list[str]:
        return [
            init
            for parent in PurePosixPath(name).parents
            if (init := f"{parent}/__init__.py") in self.names
        ]

    def _named(self, text: str, name: str) -> Iterator[str]:
        """Yield what a string names.

        Plugins, roles, playbooks, a module, or a path with a slash or dot.
        """
        for plugin in _PLUGIN.findall(text):
            yield from self.plugins.get(plugin, ())
        if not _WORD.fullmatch(text):
            return
        if "." in text:
            for top in _TOPS:
                yield from self.module(f"{top.replace('/', '.')}{text}")
        if "/" in text or "." in text or text.startswith("_"):
            yield from self._path(text, name)

    def _path(self, text: str, name: str) -> Iterator[str]:
        if text.strip("./") == "":
            return
        for top in (*_TOPS, f"{PurePosixPath(name).parent}/"):
            path = _normal(f"{top}{text}")
            if path in self.names or (
                path in self.folders and path not in {".", "tests", "plugins"}
            ):
                yield from self.under(path)


def of_repository(root: Path) -> Files:
    """Return the files below a checkout that git tracks or would add."""
    names = [name for name in files_of(root) if not (root / name).is_symlink()]
    return Files(names, lambda name: (root / name).read_text(errors="replace"))


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _plugins(names: frozenset[str]) -> dict[str, set[str]]:
    """Return the files of what has a name in the collection, such as ``release``."""
    found: dict[str, set[str]] = {}
    for name in names:
        for pattern in _NAMED:
            match = pattern.match(name)
            if match:
                found.setdefault(match[1], set()).add(name)
    return found


@cache
def _mentions(source: str) -> _Mentions:
    """Return what a Python file mentions.

    Kept by the text, since reading the repository takes seconds, of which this is nearly all. A new
    selection after a change reads the changed files only.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:  # whatever needs it fails, whatever else it would have needed
        return _Mentions()
    nodes = _nodes(tree)
    return _Mentions(
        tuple(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)),
        tuple(_FRAGMENT.findall(_documentation(tree))),
        frozenset(_strings(nodes)),
        frozenset(_joined(nodes)),
        frozenset(_starts(nodes)),
    )


def _documentation(tree: ast.Module) -> str:
    """Return a plugin's documentation, which names the fragments that extend it."""
    values = [node.value for node in tree.body if _is_documentation(node)]
    return "\n".join(str(value.value) for value in values if isinstance(value, ast.Constant))


def _is_documentation(node: ast.AST) -> TypeGuard[ast.Assign]:
    if not isinstance(node, ast.Assign):
        return False
    return any(isinstance(name, ast.Name) and name.id in _DOCUMENTATION for name in node.targets)


def _nodes(tree: ast.Module) -> list[ast.AST]:
    """Return the nodes of a program, without docstrings and documentation."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if not _is_documentation(node) and not _is_bare_text(node):
            found.append(node)
            waiting.extend(ast.iter_child_nodes(node))
    return found


def _strings(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the strings of a program."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _is_bare_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _joined(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the paths that are joined from constants, as in ``ROOT / "tests" / "samples"``."""
    chains = [node for node in nodes if _is_division(node)]
    inner = {id(node.left) for node in chains}
    for node in chains:
        if id(node) not in inner:
            yield "/".join(_parts(node))


def _is_division(node: ast.AST) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)


def _parts(node: ast.expr) -> list[str]:
    """Return the constants that a chain of divisions begins with, after where it starts."""
    if not _is_division(node):
        return []
    before = _parts(node.left)
    is_whole = not _is_division(node.left) or len(before) == _length(node.left)
    if is_whole and isinstance(node.right, ast.Constant) and isinstance(node.right.value, str):
        return [*before, node.right.value]
    return before


def _length(node: ast.expr) -> int:
    return 1 + _length(node.left) if _is_division(node) else 0


def _starts(nodes: Iterable[ast.AST]) -> Iterator[_Start]:
    """Yield what plays are started with: the first argument of methods such as ``player.run``."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            first, *others = node.args
            if node.func.attr in _STARTING and isinstance(first, ast.Constant):
                yield _Start(str(first.value), bool(others) and not _is_word(others[0]))


def _is_word(argument: ast.expr) -> bool:
    """Return whether an argument is a word of a command line, or several."""
    if isinstance(argument, ast.Constant):
        return isinstance(argument.value, str)
    return isinstance(argument, ast.Starred | ast.JoinedStr)
