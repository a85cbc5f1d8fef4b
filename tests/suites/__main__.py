# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the test suites: ``python -m tests.suites test | all | list``.

test   all quick tests; the long ones of what has changed since the last full run, most recently
       changed first, and of a slice of the others, until the time box is full
all    everything; writes tests/last-full-run.json if all passed on a clean tree
list   which suites would run whole, and why

--since TIME    when the whole run began, in seconds since 1970; by default, now
--minutes N     how long after that long tests begin at most; by default, 65
--only NAME     this session alone, such as swarm; may be given several times
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from . import full_run
from .catalog import SESSIONS, Session, Suite, suites
from .dependencies import of_repository
from .outcomes import Row, remarks, table, totals
from .selection import Choice, choose
from .sessions import Run, side_by_side

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "tests" / "output"
SETUP = ROOT / "tests" / "testbed" / "setup.sh"
MINUTES = 65.0
# How many processors' worth of sessions run at a time, for each that is there: sessions also wait.
SHARE = 1.6
OPTIONAL = {"awx/test_real": "needs a real AWX"}
Chosen = list[tuple[Suite, Choice]]


def main(words: Sequence[str]) -> int:
    """Run one command; 0 if everything passed, 1 if something failed, 130 if interrupted."""
    given = _arguments(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    record = full_run.read(ROOT)
    chosen = _choose(record, given.command == "all")
    if given.only:
        chosen = [(suite, choice) for suite, choice in chosen if suite.session.name in given.only]
    if given.command == "list":
        print("\n".join(f"{choice.suite}: {choice.because}" for _suite, choice in chosen))
        return 0
    until = None if given.command == "all" else given.since + given.minutes * 60
    return _run(chosen, until, writes=given.command == "all" and not given.only)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.suites",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=("test", "all", "list"))
    parser.add_argument("--since", type=float, default=time.time(), help=argparse.SUPPRESS)
    parser.add_argument("--minutes", type=float, default=MINUTES, help=argparse.SUPPRESS)
    names = [session.name for session in SESSIONS]
    parser.add_argument("--only", action="append", choices=names, default=[], help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _choose(record: full_run.FullRun, everything: bool) -> Chosen:
    """Return all suites with what is chosen of them, the most urgent first."""
    files = of_repository(ROOT)
    found = {suite.name: suite for suite in suites(files)}
    if everything:
        return [(suite, Choice(suite.name, True, "everything")) for suite in found.values()]
    choices = choose(
        {name: suite.dependencies(files) for name, suite in found.items()},
        full_run.changes(ROOT, record),
        record.suites,
        [name for name, suite in found.items() if suite.is_long],
        full_run.head(ROOT),
    )
    return [(found[choice.suite], choice) for choice in choices]


def _run(chosen: Chosen, until: float | None, writes: bool) -> int:
    begun, commit, clean = time.monotonic(), full_run.head(ROOT), full_run.is_clean(ROOT)
    OUTPUT.mkdir(exist_ok=True)

    def say(line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - begun), 60)
        print(f"{minutes:3}:{seconds:02} {line}", flush=True)

    rows = {choice.suite: Row(choice) for _suite, choice in chosen}
    sessions = (_session(session, chosen, until) for session in SESSIONS)
    runs = [run for run in sessions if run]
    processors = len(os.sched_getaffinity(0)) * SHARE
    try:
        side_by_side(runs, ROOT, processors, say)
        again = _again(runs, say)
    except KeyboardInterrupt:
        print("interrupted; make clean removes what is left of the test bed")
        return 130
    _fill(rows, chosen, runs, again)
    ok = _report(list(rows.values()), runs, again, OPTIONAL)
    seconds = round(time.monotonic() - begun)
    parts = ", ".join(f"{run.name} {run.seconds:.0f} s" for run in runs)
    print(f"{seconds} s in all, side by side: {parts}")
    if writes:
        still = clean and full_run.is_clean(ROOT) and full_run.head(ROOT) == commit
        _write(rows.values(), runs, commit, seconds, ok and still)
    print(totals(rows.values()))
    return 0 if ok else 1


def _session(session: Session, chosen: Chosen, until: float | None) -> Run | None:
    """Return a session's pytest with the suites that are chosen of it; None if there are none."""
    mine = [(suite, choice) for suite, choice in chosen if suite.session == session and (choice.is_whole or not suite.is_long_alone)]
    if not mine or (session.python and not _has_python(session.python)):
        return None
    quick = [f"--quick-only={ROOT / suite.path}" for suite, choice in mine if not choice.is_whole]
    limit = [f"--long-until={until}"] if until else []
    paths = [suite.path for suite, _choice in mine]
    return _pytest(session.name, session, [*quick, *limit, *_workers(session), *paths])


def _workers(session: Session) -> list[str]:
    if session.workers == 1:
        return []
    return ["--numprocesses", str(session.workers), "--dist", "worksteal"]


def _pytest(name: str, session: Session, words: list[str]) -> Run:
    folder = _bin(session)
    fixed = ["-c", "tests/pytest.ini", "-p", "no:cacheprovider", *session.options]
    # A file that cannot be collected stops no other.
    fixed.append("--continue-on-collection-errors")
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return Run(name, session, [f"{folder}/pytest", *fixed, *words], environment, OUTPUT)


def _bin(session: Session) -> str:
    """Return the folder with the programs of a session's Python environment."""
    python = [session.python] if session.python else os.environ.get("PYTHON", "").split()
    words = [str(SETUP), "python", session.requirements, *python]
    done = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _has_python(version: str) -> bool:
    return subprocess.run([SETUP, "find", version], capture_output=True, check=False).returncode == 0


def _again(runs: Iterable[Run], say: Callable[[str], None]) -> list[Run]:
    """Repeat what failed beside other tests: alone, one session after the other."""
    found = []
    for run in runs:
        failed = run.outcomes.failed()
        if failed and not run.is_broken:
            paths = [f"tests/{test}" for test in failed]
            again = _pytest(f"{run.name}-again", run.session, paths)
            side_by_side([again], ROOT, 0, say)
            found.append(again)
    return found


def _fill(rows: dict[str, Row], chosen: Chosen, runs: Iterable[Run], again: Iterable[Run]) -> None:
    """Give each suite its tests' results, and which of them passed only when repeated alone."""
    repeated = {run.session.name: run.outcomes.results for run in again}
    for run in runs:
        names = {suite.path: suite.name for suite, _choice in chosen if suite.session == run.session}
        for test, result in run.outcomes.results.items():
            path = f"tests/{test.partition('::')[0]}"
            row = rows[names.get(path) or run.session.name]
            row.results.append(result)
            second = repeated.get(run.session.name, {}).get(test)
            row.retried += second is not None
            if second and second.outcome == "passed":
                row.flaky.append(test)


def _report(rows: list[Row], runs: list[Run], again: list[Run], optional: dict[str, str]) -> bool:
    """Print failures, the table and what it does not show; return whether everything passed."""
    failing = {row.choice.suite: row.failed for row in rows if row.failed}
    for run in [*again, *(run for run in runs if run.is_broken)]:
        if run.is_broken or run.outcomes.failed():
            print(f"\n{run.name}, see {run.log.relative_to(ROOT)}:\n{run.failures()}")
    print("", *table(rows), "", *remarks(rows, optional), sep="\n")
    for name, results in failing.items():
        print(*(f"FAILED {result.test} ({name})" for result in results), sep="\n")
    hollow = [row for row in rows if row.is_hollow and row.choice.suite not in optional]
    silent = [row for row in rows if not row.results and not _may_be_silent(row, runs)]
    print(*(f"Failed: {row.choice.suite} ran no test" for row in silent), sep="\n")
    return not (failing or hollow or silent or any(run.is_broken for run in [*runs, *again]))


def _may_be_silent(row: Row, runs: Iterable[Run]) -> bool:
    """Return whether a suite may run no test: it has long ones alone, or its Python is not here."""
    started = {run.session.name for run in runs}
    return not row.choice.is_whole or (row.choice.suite == "oldest" and "oldest" not in started)


def _write(rows: Iterable[Row], runs: Iterable[Run], commit: str, seconds: int, ok: bool) -> None:
    if not ok:
        print(f"{full_run.PLACE} is left as it was: not everything passed on a clean tree")
        return
    durations = {row.choice.suite: row.seconds for row in rows}
    sessions = {run.name: round(run.seconds) for run in runs}
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    full_run.write(ROOT, full_run.FullRun(commit, date, seconds, sessions, durations))
    print(f"{full_run.PLACE} is written; commit it")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
