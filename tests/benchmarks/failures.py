# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the time from the first sign of a failure on the platform to its message."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .measure import Bench, Runs


@dataclass(frozen=True)
class FailureCase:
    """Something that cannot be, and what the play must say of it.

    ``at_once``: the plan reports it; ``ends``: how often the program has to end, where that is
    what counts.
    """

    change: dict[str, Any]
    says: str
    resolve_image: str = "auto"
    at_once: bool = False
    ends: int = 1


class Sign(Protocol):
    """Looks for the first sign of a failure; ``seen`` is when it came."""

    seen: float


class FailingBench(Bench, Protocol):
    """A bench on which releases fail."""

    def failing_release(self, change: dict[str, Any], **options: Any) -> list[str | Path]:
        """Change the first service of a release to something that cannot run."""

    def sign(self, failure: FailureCase) -> AbstractContextManager[Sign]:
        """Look for the first sign while the context is open."""

    def recover(self) -> None:
        """Wait until nothing is left of a failure."""


def measure_failure(bench: FailingBench, failure: FailureCase, rounds: int) -> Runs:
    """Measure the seconds from the first sign of a failure until it is printed.

    If the plan reports it, they count from the start of the play.
    """
    runs = Runs()
    for _round in range(rounds):
        release = bench.failing_release(failure.change, resolve_image=failure.resolve_image)
        words = [str(word) for word in release]
        with bench.sign(failure) as sign:
            begun = time.time()
            process = subprocess.Popen(
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=bench.environment,
                cwd=bench.folder,
                text=True,
            )
            when = _printed_at(process, failure.says)
            process.wait()
        if process.returncode != 2 or not when or (not failure.at_once and not sign.seen):
            raise RuntimeError(f"{json.dumps(failure.change)} did not fail with {failure.says!r}")
        runs.seconds.append(when - (begun if failure.at_once else sign.seen))
        runs.memory.append(0)
        bench.recover()
    return runs


def _printed_at(process: subprocess.Popen[str], says: str) -> float:
    when = 0.0
    for line in process.stdout or ():
        if says in line and not when:
            when = time.time()
    return when
