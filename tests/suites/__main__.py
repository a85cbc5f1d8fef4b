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
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from . import full_run
from .catalog import OTHER_VERSIONS, SESSIONS, PytestSession
from .chosen_suites import Chosen, all_suites, choose_suites
from .outcomes import Row, failed_lines, is_hollow_by_mistake, remarks, table, totals
from .sessions import Run, side_by_side

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "tests" / "output"
SETUP = ROOT / "tests" / "testbed" / "setup.sh"
MINUTES = 65.0
# The load of the sessions that run at a time, for each processor: they also wait for each other.
SHARE = 1.15
# More than that is a fault, not bad luck; to repeat it would take as long as the first time.
MOST_REPEATED = 20
OPTIONAL = {
    "integration/test_router_on_nodes on swarm": "needs SHIPPING_TEST_NODES=1",
    "awx/test_real": "needs a real AWX",
    **dict.fromkeys((session.name for session in OTHER_VERSIONS), "needs make versions"),
}


def main(words: Sequence[str]) -> int:
    """Run one command; 0 if everything passed, 1 if something failed, 130 if interrupted.

    Raises CalledProcessError where git or the Python environment does not work.
    """
    given = _arguments(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = all_suites(ROOT) if given.command == "all" else choose_suites(ROOT)
    chosen = [entry for entry in chosen if _is_due(entry[0].session, given.only)]
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
    parser.add_argument(
        "--only", action="append", choices=names, default=[], help=argparse.SUPPRESS
    )
    return parser.parse_args(words)


def _run(chosen: Chosen, until: float | None, *, writes: bool) -> int:
    begun, commit, clean = time.monotonic(), full_run.head(ROOT), full_run.is_clean(ROOT)
    OUTPUT.mkdir(exist_ok=True)

    def say(line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - begun), 60)
        print(f"{minutes:3}:{seconds:02} {line}", flush=True)

    runs = list(filter(None, (_session(session, chosen, until) for session in SESSIONS)))
    try:
        side_by_side(runs, ROOT, len(os.sched_getaffinity(0)) * SHARE, say)
        again = _again(runs, say)
    except KeyboardInterrupt:
        print("interrupted; make clean removes what is left of the test bed")
        return 130
    rows = _rows(chosen, runs, again)
    passed = _report(rows, runs, again)
    seconds = round(time.monotonic() - begun)
    parts = ", ".join(f"{run.name} {run.seconds:.0f} s" for run in runs)
    print(f"{seconds} s in all, side by side: {parts}")
    if writes and passed and _is_still(commit, clean=clean):
        _write(rows, runs, commit, seconds)
    elif writes:
        print(f"{full_run.PLACE} is left as it was: not everything passed on a clean tree")
    print(totals(rows))
    return 0 if passed else 1


def _is_still(commit: str, *, clean: bool) -> bool:
    """Return whether the tree was clean at the beginning, and has not changed since."""
    return clean and full_run.is_clean(ROOT) and full_run.head(ROOT) == commit


def _session(session: PytestSession, chosen: Chosen, until: float | None) -> Run | None:
    """Return a session's pytest with the suites that are chosen of it; None if there are none."""
    mine = [
        (suite, choice)
        for suite, choice in chosen
        if suite.session == session and (choice.is_whole or not suite.is_long_alone)
    ]
    if not mine:
        return None
    quick = [f"--quick-only={ROOT / suite.path}" for suite, choice in mine if not choice.is_whole]
    limit = [f"--long-until={until}"] if until else []
    paths = _paths(session, mine)
    return _pytest(session.name, session, [*quick, *limit, *_workers(session), *paths])


def _paths(session: PytestSession, chosen: Chosen) -> Iterable[str]:
    """Return what pytest runs: the files of the suites, or the tests that the session names."""
    return session.tests or [suite.path for suite, _choice in chosen]


def _workers(session: PytestSession) -> list[str]:
    if session.workers == 1:
        return []
    return ["--numprocesses", str(session.workers), "--dist", "worksteal"]


def _pytest(name: str, session: PytestSession, words: list[str]) -> Run:
    folder = _bin(session)
    fixed = ["-c", "tests/pytest.ini", "-p", "no:cacheprovider", *session.options]
    # A file that cannot be collected stops no other.
    fixed.append("--continue-on-collection-errors")
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return Run(name, session, [f"{folder}/pytest", *fixed, *words], environment, OUTPUT)


def _bin(session: PytestSession) -> str:
    """Return the folder with the programs of a session's Python environment."""
    python = [session.python] if session.python else os.environ.get("PYTHON", "").split()
    words = [str(SETUP), "python", session.requirements, *python]
    done = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _is_due(session: PytestSession, only: Sequence[str]) -> bool:
    """Return whether a session is among those that are wanted, if any are named, and can run."""
    return (not only or session.name in only) and _can_run(session)


def _can_run(session: PytestSession) -> bool:
    """Return whether the Python is here that a session is about."""
    words = [str(SETUP), "find", session.python]
    if (
        not session.python
        or subprocess.run(words, capture_output=True, check=False).returncode == 0
    ):
        return True
    print(f"Skipped: {session.name}: there is no Python {session.python} here")
    return False


def _again(runs: Iterable[Run], say: Callable[[str], None]) -> list[Run]:
    """Repeat what failed beside other tests: alone, one session after the other."""
    found = []
    for run in runs:
        failed = run.outcomes.failed()
        if len(failed) > MOST_REPEATED:
            say(f"{run.name}: {len(failed)} tests failed, too many to repeat")
        elif failed and not run.is_broken:
            say(f"{run.name}: repeating alone what failed beside other tests")
            paths = [f"tests/{test}" for test in _repeatable(run.session, failed)]
            again = _pytest(f"{run.name}-again", run.session, paths)
            side_by_side([again], ROOT, 0, say)
            found.append(again)
    return found


def _repeatable(session: PytestSession, tests: list[str]) -> list[str]:
    """Return what to repeat: tests that come in the order of their file take the whole file."""
    return sorted({test.partition("::")[0] for test in tests}) if session.is_in_order else tests


def _rows(chosen: Chosen, runs: Iterable[Run], again: Iterable[Run]) -> list[Row]:
    """Return a row for each suite with its tests' results.

    A row also has which of them passed only when repeated alone.
    """
    rows = {choice.suite: Row(choice) for _suite, choice in chosen}
    repeated = {run.session.name: run.outcomes.results for run in again}
    for run in runs:
        names = {
            suite.path: suite.name for suite, _choice in chosen if suite.session == run.session
        }
        for test, result in run.outcomes.results.items():
            path = f"tests/{test.partition('::')[0]}"
            row = rows[names.get(path) or run.session.name]
            row.results.append(result)
            second = repeated.get(run.session.name, {}).get(test)
            row.retried += second is not None
            if second and second.outcome == "passed":
                row.flaky.append(test)
    return list(rows.values())


def _report(rows: list[Row], runs: list[Run], again: list[Run]) -> bool:
    """Print failures, the table and what it does not show; return whether everything passed."""
    repeated = {run.session.name for run in again}
    final = [*again, *(run for run in runs if run.session.name not in repeated)]
    _print_failures(final)
    print("", *table(rows), "", *remarks(rows, OPTIONAL), sep="\n")
    failures = list(failed_lines(rows))
    print(*failures, sep="\n", end="\n" if failures else "")
    return not (
        failures
        or any(is_hollow_by_mistake(row, OPTIONAL) for row in rows)
        or any(run.is_broken for run in final)
    )


def _print_failures(runs: Iterable[Run]) -> None:
    for run in runs:
        if run.is_broken or run.outcomes.failed():
            print(f"\n{run.name}, see {run.log.relative_to(ROOT)}:\n{run.failures()}")


def _write(rows: Iterable[Row], runs: Iterable[Run], commit: str, seconds: int) -> None:
    durations = {row.choice.suite: row.seconds for row in rows}
    sessions = {run.name: round(run.seconds) for run in runs}
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    full_run.write(ROOT, full_run.FullRun(commit, date, seconds, sessions, durations))
    print(f"{full_run.PLACE} is written; commit it")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        # Its output is on the screen already, or in the error.
        print(
            f"{shlex.join(error.cmd)} failed with {error.returncode}: {error.stderr or 'see above'}"
        )
        print("The suites run in a git checkout, with the package registries in reach.")
        sys.exit(2)
