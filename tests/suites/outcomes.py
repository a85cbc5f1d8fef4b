# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcomes of tests: read from the lines that a session writes, and shown as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .order import TIME_BOX
from .selection import Choice

_HEADS = ("suite", "chosen because", "passed", "failed", "retried", "seconds")


@dataclass
class Result:
    """The outcome of one test, in all its phases; ``outcome`` is passed, failed or skipped."""

    test: str
    outcome: str = "passed"
    seconds: float = 0
    reason: str = ""

    @property
    def is_left_out(self) -> bool:
        """Return whether the time box had no room for it."""
        return self.outcome == "skipped" and self.reason == TIME_BOX


@dataclass
class Outcomes:
    """The results of a session by test, and how many there will be."""

    expected: int = 0
    results: dict[str, Result] = field(default_factory=dict)

    def add(self, line: str) -> Result | None:
        """Take a line that a session wrote; return the result if this phase failed."""
        entry = json.loads(line)
        if "tests" in entry:
            self.expected = entry["tests"]
            return None
        result = self.results.setdefault(entry["test"], Result(entry["test"]))
        result.seconds += entry["seconds"]
        if entry["outcome"] == "passed" or result.outcome == "failed":
            return None
        result.outcome, result.reason = entry["outcome"], entry["reason"]
        return result if result.outcome == "failed" else None

    def failed(self) -> list[str]:
        """Return the tests that failed."""
        return [name for name, result in self.results.items() if result.outcome == "failed"]


@dataclass
class Row:
    """A suite's line of the table."""

    choice: Choice
    results: list[Result] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    retried: int = 0

    @property
    def failed(self) -> list[Result]:
        """Return the results of tests that failed, also when they were repeated alone."""
        return [result for result in self.of("failed") if result.test not in self.flaky]

    @property
    def seconds(self) -> int:
        """Return the seconds that its tests took, those of parallel ones added up."""
        return round(sum(result.seconds for result in self.results))

    @property
    def is_hollow(self) -> bool:
        """Return whether the suite was skipped as a whole, other than by the time box."""
        return bool(self.results) and all(
            result.outcome == "skipped" and not result.is_left_out for result in self.results
        )

    def of(self, outcome: str) -> list[Result]:
        """Return the results of one outcome."""
        return [result for result in self.results if result.outcome == outcome]

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        passed = len(self.of("passed")) + len(self.flaky)
        counts = (passed, len(self.failed), self.retried, self.seconds)
        return (self.choice.suite, self.choice.because, *map(str, counts))


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of the table."""
    cells = [_HEADS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADS))]
    for line in cells:
        words = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(words).rstrip()


def remarks(rows: Iterable[Row], optional: Mapping[str, str]) -> Iterator[str]:
    """Yield what the table does not show: flaky, left out and skipped tests, by name.

    ``optional`` has the suites that may be skipped as a whole.
    """
    rows = list(rows)
    yield from _flaky(rows)
    yield from _left_out(rows)
    for row in rows:
        yield from _skipped(row)
        if is_hollow_by_mistake(row, optional):
            yield f"Failed: {row.choice.suite} skipped all of its tests"


def is_hollow_by_mistake(row: Row, optional: Mapping[str, str]) -> bool:
    """Return whether a suite was skipped as a whole that may not be."""
    return row.is_hollow and row.choice.suite not in optional


def failed_lines(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each test that failed, and for each suite that ran none."""
    for row in rows:
        for result in row.failed:
            yield f"FAILED {result.test} ({row.choice.suite}): {result.reason}"
    for row in rows:
        if row.choice.is_whole and not row.results:
            yield f"Failed: {row.choice.suite} ran no test"


def _flaky(rows: Iterable[Row]) -> Iterator[str]:
    lines = []
    for row in rows:
        flaky = [result for result in row.of("failed") if result.test in row.flaky]
        lines += [f"  {result.test} ({row.choice.suite}): {result.reason}" for result in flaky]
    if lines:
        yield f"Flaky: {len(lines)} passed only when repeated alone"
        yield from lines


def _left_out(rows: Iterable[Row]) -> Iterator[str]:
    counts = ((row, sum(result.is_left_out for result in row.results)) for row in rows)
    lines = [
        f"  {row.choice.suite}: {count} of {len(row.results)} tests"
        for row, count in counts
        if count
    ]
    if lines:
        yield "Due, but the time box had no room:"
        yield from lines


def _skipped(row: Row) -> Iterator[str]:
    skipped = row.of("skipped")
    for reason in sorted({result.reason for result in skipped if not result.is_left_out}):
        count = sum(result.reason == reason for result in skipped)
        yield f"Skipped: {count} of {row.choice.suite}: {reason}"


def totals(rows: Iterable[Row]) -> str:
    """Return the closing line."""
    rows = list(rows)
    passed = sum(len(row.of("passed")) + len(row.flaky) for row in rows)
    failed = sum(len(row.failed) for row in rows)
    skipped = sum(len(row.of("skipped")) for row in rows)
    return f"{passed} passed, {failed} failed, {skipped} skipped"
