# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how long the sums of an experiment take beside other programs, and how much memory."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.testbed.machine import run

from .experiment_contenders import CONTENDERS

OURS = "shipping.code"
REQUIREMENTS = "tests/requirements-experiments.txt"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class ExperimentSize:
    """Numbers of units, events and rounds."""

    units: int
    events: int
    rounds: int


SIZE, QUICK = ExperimentSize(2_000_000, 10_000_000, 3), ExperimentSize(20_000, 100_000, 1)


@dataclass
class ContenderRuns:
    """Seconds, processor seconds and peak memory in MiB of each round."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)
    results: dict[str, list[float]] = field(default_factory=dict)

    def medians(self) -> tuple[float, float, float]:
        """Return the medians of all rounds."""
        median = statistics.median
        return median(self.seconds), median(self.cpu), median(self.mebibytes)


def measure(folder: Path, size: ExperimentSize) -> dict[str, ContenderRuns]:
    """Return the runs of all contenders on the same files, in turn; they must agree."""
    python = f"{run('tests/testbed/setup.sh', 'python', REQUIREMENTS).strip()}/python"
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / '.collections'}:{ROOT}"}
    code = "from tests.benchmarks.experiment_contenders import generate; from pathlib import Path"
    call = f"generate(Path({str(folder)!r}), {size.units}, {size.events})"
    run(python, "-c", f"{code}; {call}", env=environment)
    runs = {name: ContenderRuns() for name in CONTENDERS}
    for _round in range(size.rounds):
        for name, contender in runs.items():
            words = ("-m", "tests.benchmarks.experiment_contenders", name, str(folder))
            outcome = json.loads(run(python, *words, env=environment).splitlines()[-1])
            contender.seconds.append(outcome["seconds"])
            contender.cpu.append(outcome["cpu"])
            contender.mebibytes.append(outcome["mebibytes"])
            contender.results = outcome["results"]
    _check(runs)
    return runs


def _check(runs: dict[str, ContenderRuns]) -> None:
    """Raise ValueError if two programs differ by more than their slopes on the pre-period do."""
    for name, (difference, error) in runs[OURS].results.items():
        for contender, theirs in runs.items():
            if abs(theirs.results[name][0] - difference) > 0.01 * error:
                raise ValueError(f"{contender} has another difference of {name}")


def table(runs: dict[str, ContenderRuns]) -> Sequence[str]:
    """Return the rows of the page."""
    ours = runs[OURS].medians()
    lines = [
        "| program | seconds | CPU seconds | peak MiB | times as long (CPU) |",
        "| --- | --: | --: | --: | --: |",
    ]
    for name, contender in runs.items():
        seconds, cpu, mebibytes = contender.medians()
        ratio = cpu / ours[1]
        lines.append(f"| {name} | {seconds:.1f} | {cpu:.1f} | {mebibytes:.0f} | {ratio:.2f} |")
    return lines
