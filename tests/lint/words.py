# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find words in text for readers that the glossary replaces. Pure, except for ``main``.

``python -m tests.lint.words [PATH ...]`` checks files and folders; ``words.yml`` is the list.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
WORDS = Path(__file__).with_suffix(".yml")
LONGEST_SENTENCE = 25
UNREAD = ("tests/samples/*", "tests/lint/words*", "LICENSES/*", "COPYING", "*.json", "*.svg")
# There, string literals are inputs and expected outputs.
TESTS = re.compile(r"^tests/(?!testbed|suites|docs|lint|benchmarks|quickstart)|/test_\w+\.py$")
_MASK = "\N{CURRENCY SIGN}"
_MASKED = re.compile(
    "|".join(
        [
            r"``.+?``",
            r"`[^`\n]+`",
            r"\b(?:C|V|O|E|RV|M|P|U|L|R)\((?:[^()\\]|\\.)*\)",
            r"https?://\S+",
            r"\{\{.*?\}\}|\{%.*?%\}",
            r"<!--.*?-->",
            r"(?<=\])\([^)\s]+\)",
        ]
    ),
    re.DOTALL,
)
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_DIRECTIVE = re.compile(
    r"^( *)(?:\.\. (?!note|warning|tip|seealso|list-table)\S.*|(?!\s*\.\.).*::)$"
)


@dataclass(frozen=True)
class Passage:
    """Text that a person reads, at a line of a file."""

    line: int
    text: str
    role: str  # prose, docstring, literal or comment


@dataclass(frozen=True)
class Finding:
    """A phrase at a line, with what to write instead."""

    path: str
    line: int
    found: str
    write: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found!r}: write {self.write}"


@dataclass(frozen=True)
class WordList:
    """The content of ``words.yml``."""

    phrases: list[tuple[re.Pattern[str], str]]
    first_words: tuple[str, ...]
    exceptions: list[dict[str, str]]
    spelling: list[dict[str, str]]
    unchecked: list[dict[str, str]]
    long_sentences: int

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> WordList:
        """Compile the patterns."""
        phrases: list[tuple[re.Pattern[str], str]] = []
        for entry in data["phrases"]:
            phrases += [(_pattern(text), entry["write"]) for text in entry["patterns"]]
        return cls(
            phrases,
            tuple(data["first_words"]),
            data["exceptions"],
            data["spelling"],
            data["unchecked"],
            data["long_sentences"],
        )


def _pattern(text: str) -> re.Pattern[str]:
    # A look-behind has a fixed width, so a space in one stays a space.
    parts = re.split(r"(\(\?<[!=][^)]*\)|\[[^\]]*\])", text)
    spaced = [
        part if number % 2 else part.replace(" ", r"\s+") for number, part in enumerate(parts)
    ]
    return re.compile("".join(spaced), re.IGNORECASE | re.MULTILINE)


def passages(path: str, text: str) -> Iterator[Passage]:
    """Yield what a person reads in a file."""
    if path.endswith((".rst", ".md")):
        yield Passage(1, _masked_blocks(text), "prose")
    elif path.endswith(".py"):
        yield from _python(text, literals=not TESTS.search(path))
    elif path.endswith((".yml", ".yaml")):
        yield Passage(1, _without_comment_marks(text), "literal")
    elif path.endswith(".sh") or Path(path).name == "Makefile":
        yield from _comments_of_lines(text)


def _masked_blocks(text: str) -> str:
    """Mask code in a page, so that lines keep their numbers."""
    text = _FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)
    lines, inside = [], -1
    for line in text.splitlines():
        indentation = len(line) - len(line.lstrip())
        if inside >= 0 and line.strip() and indentation <= inside:
            inside = -1
        if inside < 0 and (directive := _DIRECTIVE.match(line)):
            inside = len(directive[1])
            line = line if line.endswith("::") and not line.lstrip().startswith("..") else ""
        elif inside >= 0:
            line = ""
        lines.append(line)
    return "\n".join(lines)


def _mask(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", _MASK, match[0])


def _without_comment_marks(text: str) -> str:
    return re.sub(r"^(\s*)# ?", r"\1", text, flags=re.MULTILINE)


def _comments_of_lines(text: str) -> Iterator[Passage]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") and not line.startswith("#!"):
            yield Passage(number, line.lstrip("# "), "comment")


def _python(text: str, *, literals: bool) -> Iterator[Passage]:
    tree = ast.parse(text)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                docstrings.add(first.value)
                yield Passage(first.lineno, str(first.value.value), "docstring")
    if literals:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node not in docstrings:
                yield from _literal(node)
    yield from _python_comments(text)


def _literal(node: ast.Constant) -> Iterator[Passage]:
    # One word alone is a name; a message has several.
    if isinstance(node.value, str) and " " in node.value.strip():
        yield Passage(node.lineno, node.value, "literal")


def _python_comments(text: str) -> Iterator[Passage]:
    line, lines = 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if lines and token.start[0] != line + len(lines):
                yield Passage(line, "\n".join(lines), "comment")
                lines = []
            line = line if lines else token.start[0]
            lines.append(token.string.lstrip("# "))
    if lines:
        yield Passage(line, "\n".join(lines), "comment")


def findings(path: str, text: str, words: WordList) -> Iterator[Finding]:
    """Yield the phrases of one file that the list replaces."""
    exceptions = [entry for entry in words.exceptions if fnmatch(path, entry["path"])]
    for passage in passages(path, text):
        readable = _MASKED.sub(_mask, passage.text)
        allowed = list(chain.from_iterable(_spans(entry["text"], readable) for entry in exceptions))
        for pattern, write in words.phrases:
            for match in pattern.finditer(readable):
                if not _is_within(match.span(), allowed):
                    yield _finding(path, passage, readable, match, write)
        yield from _first_word(path, passage, words)


def _spans(pattern: str, text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _pattern(pattern).finditer(text))


def _is_within(span: tuple[int, int], allowed: Iterable[tuple[int, int]]) -> bool:
    return any(begin <= span[0] and span[1] <= end for begin, end in allowed)


def _finding(
    path: str, passage: Passage, readable: str, match: re.Match[str], write: str
) -> Finding:
    line = passage.line + readable.count("\n", 0, match.start())
    return Finding(path, line, " ".join(match[0].split()), write)


def _first_word(path: str, passage: Passage, words: WordList) -> Iterator[Finding]:
    first = passage.text.split(None, 1)[:1]
    if passage.role == "docstring" and first and first[0].lower() in words.first_words:
        yield Finding(path, passage.line, first[0], "an imperative: Return, Read, Deploy")


def long_sentences(path: str, text: str) -> Iterator[Finding]:
    """Yield the sentences of a page that have more than 25 words."""
    readable = _MASKED.sub(_mask, _masked_blocks(text))
    for block in re.finditer(r"\S.*?(?=\n\s*\n|\n\s*(?:[-*|]|\d+\.) |\Z)", readable, re.DOTALL):
        for sentence in re.finditer(r"\S.*?(?:[.?!|][*)]*(?=\s)|\Z)", block[0], re.DOTALL):
            count = len(re.findall(rf"[\w{_MASK}][\w{_MASK}'.-]*", sentence[0]))
            if count > LONGEST_SENTENCE:
                line = 1 + readable.count("\n", 0, block.start() + sentence.start())
                yield Finding(
                    path, line, f"{count} words", f"at most {LONGEST_SENTENCE} a sentence"
                )


def checked_files(paths: Iterable[str], root: Path, unchecked: Iterable[str]) -> Iterator[str]:
    """Yield the names of the files below the paths that have text for readers."""
    unread = (*UNREAD, *unchecked)
    for path in paths:
        place = root / path
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            relative = file.relative_to(root)
            hidden = any(part.startswith(".") for part in relative.parts)
            if file.is_file() and not hidden and not _matches(str(relative), unread):
                yield str(relative)


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatch(name, glob) for glob in globs)


def read_words() -> WordList:
    """Read ``words.yml``."""
    return WordList.from_data(yaml.safe_load(WORDS.read_text()))


def _of_files(
    names: Iterable[str], root: Path, words: WordList
) -> tuple[list[Finding], list[Finding]]:
    """Return the phrases and the long sentences of files."""
    found, long = list[Finding](), list[Finding]()
    for name in names:
        text = (root / name).read_text(errors="replace")
        found += findings(name, text, words)
        if name.endswith((".rst", ".md")):
            long += long_sentences(name, text)
    return found, long


def main(paths: list[str], root: Path = ROOT) -> int:
    """Print the findings and their number by area; return 1 where there are any."""
    words = read_words()
    unchecked = [] if paths else [entry["path"] for entry in words.unchecked]
    found, long = _of_files(checked_files(paths or ["."], root, unchecked), root, words)
    too_many = len(long) > words.long_sentences
    print(*found, *(long if paths or too_many else ()), sep="\n")
    areas = Counter("/".join(finding.path.split("/")[:3]) for finding in found)
    print(*(f"{number:5} {area}" for area, number in sorted(areas.items())), sep="\n")
    print(f"{len(found):5} phrases, {len(long)} sentences of more than {LONGEST_SENTENCE} words")
    return 1 if found or too_many else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
