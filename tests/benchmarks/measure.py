# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timing whole commands, one after the other in turn."""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.testbed.machine import run

LAUNCH = Path(__file__).with_name("launch.py")
Results = dict[str, dict[str, "Runs"]]
Spread = tuple[float, float, float]
"""Median, 95th percentile, longest."""


def spread(seconds: Sequence[float]) -> Spread:
    """Return the median, the 95th percentile and the longest of many latencies."""
    taken = sorted(seconds)
    return statistics.median(taken), taken[min(len(taken) - 1, int(len(taken) * 0.95))], taken[-1]


@dataclass
class Runs:
    """The times of one contender's runs.

    Seconds, those of a processor, and the kilobytes of the largest process; ``said`` is its last
    word.
    """

    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    said: str = ""

    def add(self, other: Runs) -> None:
        """Take in more runs of the same."""
        self.seconds += other.seconds
        self.processor += other.processor
        self.memory += other.memory

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def processor_median(self) -> float:
        """The median of a processor's seconds, which other work on the host disturbs less."""
        return statistics.median(self.processor)

    @property
    def peak(self) -> float:
        """The median of the memory, in MB."""
        return statistics.median(self.memory) / 1000


@dataclass(frozen=True)
class Contender:
    """A way to do it.

    ``command`` makes the words to run for a number of services and a value to ship; ``counts``
    whether it names what changed.
    """

    name: str
    command: Callable[[int, str], Sequence[str | Path]]
    expect: int = 0
    counts: bool = True


class Bench(Protocol):
    """A platform of its own, and the contenders on it."""

    folder: Path
    environment: dict[str, str]

    @property
    def contenders(self) -> list[Contender]:
        """Those that are measured side by side."""

    def finish(self, contender: Contender) -> None:
        """Let the platform end what a contender only began, so that it does not slow the next."""


def play(folder: Path, name: str, tasks: list[dict[str, Any]]) -> list[str | Path]:
    """Return the command for a play with these tasks."""
    path = folder / f"{name}.json"
    path.write_text(
        json.dumps(
            [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]
        )
    )
    return [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", path]


def run_once(
    bench: Bench, contender: Contender, services: int, value: str, into: Runs, *, says: str = ""
) -> str:
    """Run a contender once and return what it printed.

    It must end as expected, and ``says`` must be found in what it prints.
    """
    words = [str(word) for word in contender.command(services, value)]
    launched = run(
        sys.executable,
        "-I",
        "-S",
        LAUNCH,
        bench.folder / "output.txt",
        *words,
        env=bench.environment,
        cwd=bench.folder,
    )
    seconds, processor, memory, code = json.loads(launched)
    printed = (bench.folder / "output.txt").read_text()
    if code != contender.expect or not re.search(says, printed):
        raise RuntimeError(
            f"{contender.name} ended with {code}, and not with {contender.expect} and"
            f" {says!r}:\n{printed[-3000:]}"
        )
    into.seconds.append(seconds)
    into.processor.append(processor)
    into.memory.append(memory)
    return printed


def compare(
    bench: Bench, services: int, values: Sequence[str], names: Sequence[str] = (), says: str = ""
) -> dict[str, Runs]:
    """Each contender once a value, in turn.

    What one prints that counts changes must have ``says``.
    """
    runs: dict[str, Runs] = {}
    for value in values:
        for contender in bench.contenders:
            if not names or contender.name in names:
                into = runs.setdefault(contender.name, Runs())
                expected = says if contender.counts else ""
                run_once(bench, contender, services, value, into, says=expected)
                bench.finish(contender)
    return runs


def add(results: Results, name: str, runs: dict[str, Runs]) -> None:
    """Put the runs of a phase to those that are there."""
    for contender, taken in runs.items():
        results.setdefault(name, {}).setdefault(contender, Runs()).add(taken)
