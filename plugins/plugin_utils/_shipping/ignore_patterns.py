# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which files of a build context are ignored, by Docker's rules. Pure.

Rules: https://docs.docker.com/build/concepts/context/#dockerignore-files, moby/patternmatcher and
the walk of a context in docker/pkg/archive, which descends into an ignored folder only if the text
of an exception begins with its path.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...module_utils._core.errors import Problem, SpecError

FILE_NAME = ".dockerignore"


@dataclass(frozen=True)
class IgnorePattern:
    """One line: a pattern, or with ``excepts`` an exception from the lines before it."""

    text: str
    excepts: bool
    expression: re.Pattern[str]

    def matches(self, path: str) -> bool:
        """Return whether a path or a folder above it matches."""
        parts = path.split("/")
        ends = range(1, len(parts) + 1)
        return any(self.expression.fullmatch("/".join(parts[:end])) for end in ends)


def read_patterns(text: str, file: str = FILE_NAME) -> list[IgnorePattern]:
    """Return the patterns of a ``.dockerignore``; raise SpecError for those without meaning."""
    patterns, problems = [], []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        # Docker looks for # before it removes blanks, so that an indented # begins a pattern.
        pattern = "" if line.startswith("#") else line.strip()
        if not pattern:
            continue
        try:
            patterns.append(_pattern(pattern))
        except ValueError as error:
            column = len(line) - len(line.lstrip()) + 1
            problems.append(Problem(f"{file}:{number}:{column}", str(error)))
    if problems:
        raise SpecError(problems, file)
    return patterns


def _pattern(line: str) -> IgnorePattern:
    excepts = line.startswith("!")
    text = line.removeprefix("!").strip() if excepts else line
    if not text:
        raise ValueError("excepts nothing; write a pattern after the !")
    # As filepath.Clean. normpath keeps two slashes at the beginning, which POSIX permits.
    cleaned = posixpath.normpath(re.sub("^/+", "/", text))
    cleaned = cleaned[1:] if len(cleaned) > 1 and cleaned[0] == "/" else cleaned
    try:
        expression = re.compile("".join(_translated(cleaned)))
    except re.error as error:
        raise ValueError(f"{line!r} is not a pattern: {error}") from error
    return IgnorePattern(cleaned, excepts, expression)


_TOKEN = re.compile(r"\*\*/?|\*|\?|\\.|\[[^\]]*\]|.", re.DOTALL)


def _translated(pattern: str) -> Iterator[str]:
    """Yield the parts of a regular expression."""
    for match in _TOKEN.finditer(pattern):
        token = match[0]
        if token.startswith("**"):
            yield ".*" if match.end() == len(pattern) else "(?:.*/)?"
        elif token.startswith("[") and len(token) > 1:
            # Go's classes, which are negated by ^ as those of Python.
            yield token
        elif token.startswith("\\") and len(token) > 1:
            yield re.escape(token[1:])
        elif match[0] == "[":
            raise ValueError(f"{pattern!r} has a [ without its ]; write \\[ for the character")
        else:
            yield {"*": "[^/]*", "?": "[^/]"}.get(token, re.escape(token))


def is_ignored(path: str, patterns: Iterable[IgnorePattern]) -> bool:
    """Return whether a path is ignored: the last line that matches it decides."""
    ignored = False
    for pattern in patterns:
        if pattern.excepts == ignored and pattern.matches(path):
            ignored = not pattern.excepts
    return ignored


def may_have_exceptions(folder: str, patterns: Iterable[IgnorePattern]) -> bool:
    """Return whether Docker looks for exceptions below an ignored folder."""
    return any(
        pattern.excepts and f"{pattern.text}/".startswith(f"{folder}/") for pattern in patterns
    )


def kept_paths(paths: Iterable[str], patterns: list[IgnorePattern]) -> list[str]:
    """Return the paths of a context that are not ignored, in their order.

    ``paths`` are of folders and files; a folder comes before what is below it.
    """
    kept, closed = [], set()
    for path in paths:
        if posixpath.dirname(path) in closed:
            closed.add(path)
        elif not is_ignored(path, patterns):
            kept.append(path)
        elif not may_have_exceptions(path, patterns):
            closed.add(path)
    return kept
