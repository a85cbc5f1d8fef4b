# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run sessions of pytest side by side, and show how far they are."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .catalog import PytestSession
from .outcomes import Outcomes

PROGRESS_EVERY = 30
_POLL = 0.5
_PATIENCE = 120


@dataclass
class Run:
    """One pytest: of a session, or of what failed in it."""

    name: str
    session: PytestSession
    command: list[str]
    environment: dict[str, str]
    folder: Path
    outcomes: Outcomes = field(default_factory=Outcomes)
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0
    seconds: float = 0
    _read: int = 0

    @property
    def log(self) -> Path:
        """Return where all that it prints is kept."""
        return self.folder / f"{self.name}.log"

    @property
    def lines(self) -> Path:
        """Return the file that it writes outcomes into."""
        return self.folder / f"{self.name}.jsonl"

    @property
    def status(self) -> int | None:
        """Return pytest's exit status; None until it ends."""
        return self.process.poll() if self.process else None

    @property
    def is_broken(self) -> bool:
        """Return whether pytest itself failed, rather than tests."""
        return self.status not in {0, 1} or not self.outcomes.results

    def start(self, root: Path) -> None:
        """Start it, without waiting for it."""
        for path in (self.log, self.lines):
            path.unlink(missing_ok=True)
        self.begun = time.monotonic()
        words = [*self.command, "--outcomes", str(self.lines)]
        with self.log.open("wb") as log:
            # In a group of its own, so that an interrupt reaches it once, when it is passed on.
            self.process = subprocess.Popen(
                words,
                cwd=root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def update(self) -> Iterator[str]:
        """Read what was written since the last time; yield what failed."""
        if not self.lines.exists():
            return
        with self.lines.open("rb") as file:
            file.seek(self._read)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode().splitlines():
            failed = self.outcomes.add(line)
            if failed:
                yield f"FAILED {failed.test} ({self.name})"

    def progress(self) -> str:
        """Return how far it is, in a few words."""
        done, failed = len(self.outcomes.results), len(self.outcomes.failed())
        words = f"{self.name} {done}/{max(self.outcomes.expected, done)}"
        return f"{words} ({failed} failed)" if failed else words

    def failures(self, limit: int = 400) -> str:
        """Return what pytest printed about failures; all that it printed, where it broke."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        places = [text.find(f"= {word} =") for word in ("FAILURES", "ERRORS")]
        found = [place for place in places if place >= 0]
        lines = text[text.rfind("\n", 0, min(found)) + 1 if found else 0 :].splitlines()
        return "\n".join(lines[-limit:] if self.is_broken else lines[:limit])


def side_by_side(
    runs: Sequence[Run], root: Path, processors: float, say: Callable[[str], None]
) -> None:
    """Run all, as many at a time as keep the processors busy.

    Ctrl-C ends them and is raised again.
    """
    waiting, running = list(runs), list[Run]()
    shown = time.monotonic()
    try:
        while waiting or running:
            for run in _next(waiting, running, processors):
                waiting.remove(run)
                running.append(run)
                run.start(root)
                say(f"{run.name} begins")
            time.sleep(_POLL)
            running = [run for run in running if _goes_on(run, say)]
            if running and time.monotonic() - shown > PROGRESS_EVERY:
                shown = time.monotonic()
                say(", ".join(run.progress() for run in running))
    except KeyboardInterrupt:
        _interrupt_all(running, say)
        raise


def _goes_on(run: Run, say: Callable[[str], None]) -> bool:
    """Show what failed since the last time, and how it ended if it did."""
    ended = run.status is not None
    for line in run.update():
        say(line)
    if ended:
        run.seconds = time.monotonic() - run.begun
        broken = f", pytest ended with {run.status}: see {run.log}" if run.is_broken else ""
        say(f"{run.progress()} done in {run.seconds:.0f} s{broken}")
    return not ended


def _next(waiting: Sequence[Run], running: Sequence[Run], processors: float) -> list[Run]:
    """Return which runs to start now: in their order, each that still fits."""
    load = sum(run.session.load for run in running)
    found: list[Run] = []
    for run in waiting:
        if load + run.session.load <= processors or not (running or found):
            found.append(run)
            load += run.session.load
    return found


def _interrupt_all(runs: Sequence[Run], say: Callable[[str], None]) -> None:
    say(f"interrupted; waiting for {', '.join(run.name for run in runs)} to clean up")
    for run in runs:
        _interrupt(run)


def _interrupt(run: Run) -> None:
    """Let a pytest and its workers tear down what they started."""
    if run.process and run.process.poll() is None:
        os.killpg(run.process.pid, signal.SIGINT)
        try:
            run.process.wait(_PATIENCE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            os.killpg(run.process.pid, signal.SIGKILL)
