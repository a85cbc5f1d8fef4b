# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timing whole commands, one after the other in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Runs:
    """What the runs of one contender took: seconds, and the kilobytes of the largest process."""

    seconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def peak(self) -> float:
        """The median of the memory, in MB."""
        return statistics.median(self.memory) / 1000


@dataclass(frozen=True)
class Contender:
    """A way to do it: ``command`` makes the words to run for a number of services and a value to ship."""

    name: str
    command: Callable[[int, str], Sequence[str | Path]]
    expect: int = 0


def once(contender: Contender, services: int, value: str, environment: dict[str, str], folder: Path, into: Runs, says: str = "") -> None:
    """One run; it must end as expected, and what it prints must have ``says``."""
    words = [str(word) for word in contender.command(services, value)]
    with (folder / "output.txt").open("wb") as log:
        begun = time.perf_counter()
        process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, cwd=folder)
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    printed = (folder / "output.txt").read_text()
    if process.returncode != contender.expect or says not in printed:
        raise RuntimeError(f"{contender.name} ended with {process.returncode}, and not with {contender.expect} and {says!r}:\n{printed[-3000:]}")
    into.seconds.append(seconds)
    into.memory.append(usage.ru_maxrss)
