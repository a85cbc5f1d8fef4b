# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find functions that ask too much of a reader. Pure.

Complexity is radon's, which counts comprehensions, conditional expressions, ``and`` and ``or``:
https://radon.readthedocs.io/en/latest/intro.html#cyclomatic-complexity
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from radon.complexity import cc_visit_ast

MOST_COMPLEX = 10
MOST_POSITIONAL = 5
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def findings(source: str, *, is_test: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of everything that is too dense in a file's source.

    ``is_test``: pytest passes fixtures and parameters by name, so their number does not count.
    """
    tree = ast.parse(source)
    yield from _complex(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.IfExp):
            yield from _nested(node)
        elif isinstance(node, _COMPREHENSIONS):
            yield from _long_comprehension(node)
        elif isinstance(node, _FUNCTIONS) and not is_test:
            yield from _parameters(node)


def _complex(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for block in cc_visit_ast(tree, no_assert=True):
        for function in [block, *getattr(block, "closures", [])]:
            is_class = hasattr(function, "methods")
            if not is_class and function.complexity > MOST_COMPLEX:
                yield function.lineno, f"{function.name} has complexity {function.complexity}"


def _nested(node: ast.IfExp) -> Iterator[tuple[int, str]]:
    inner = (child for child in ast.walk(node) if child is not node)
    if any(isinstance(child, ast.IfExp) for child in inner):
        yield node.lineno, "a conditional expression inside of another one"


def _long_comprehension(
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
) -> Iterator[tuple[int, str]]:
    if len(node.generators) > 1:
        yield node.lineno, "a comprehension with two for"
    if any(len(generator.ifs) > 1 for generator in node.generators):
        yield node.lineno, "a comprehension with two if"


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str]]:
    positional = [*node.args.posonlyargs, *node.args.args]
    if positional and positional[0].arg in ("self", "cls"):
        positional = positional[1:]
    if len(positional) > MOST_POSITIONAL:
        yield node.lineno, f"{node.name} has {len(positional)} positional parameters"
    for parameter in positional:
        annotation = parameter.annotation
        if isinstance(annotation, ast.Name) and annotation.id == "bool":
            yield node.lineno, f"{node.name} takes {parameter.arg}, a boolean, by position"


def main(paths: list[str]) -> int:
    """Print the findings in files and folders; return 1 where there are any."""
    found = 0
    for path in paths:
        place = Path(path)
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            is_test = "tests/unit" in str(file) or file.name.startswith(("test_", "conftest"))
            for line, text in findings(file.read_text(), is_test=is_test):
                print(f"{file}:{line}: {text}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
