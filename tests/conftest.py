# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Share between all suites which long tests run, their order, the report for tests.suites."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.suites.order import TIME_BOX, spread


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that tests.suites gives."""
    group = parser.getgroup("suites")
    group.addoption(
        "--quick-only",
        action="append",
        default=[],
        metavar="FILE",
        help="leave out the long tests of this file; may be given several times",
    )
    group.addoption(
        "--long-until",
        type=float,
        metavar="TIME",
        help="start no long test after this time, in seconds since 1970",
    )
    group.addoption(
        "--outcomes", type=Path, metavar="FILE", help="append what each test came to, as JSON lines"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Report outcomes, from the process that knows all of them."""
    if config.getoption("--outcomes") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(OutcomeWriter(config.getoption("--outcomes")))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long tests that nothing has changed for; deal files to workers by urgency."""
    quick = {Path(name).resolve() for name in config.getoption("--quick-only")}
    left_out = [item for item in items if item.path in quick and item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    gone = {id(item) for item in left_out}
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = spread(
        [item for item in items if id(item) not in gone], lambda item: item.path, workers
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin no long test that the time box has no room for."""
    until = item.config.getoption("--long-until")
    if until and time.time() > until and item.get_closest_marker("long"):
        pytest.skip(TIME_BOX)


class OutcomeWriter:
    """Append a line for each phase of each test that has an outcome."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write how many tests there are, where this process runs them."""
        if session.items:
            self._write({"tests": len(session.items)})

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        """Write how many tests there are, where workers run them."""
        self._write({"tests": len(ids)})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Write which files cannot be collected."""
        if report.failed:
            self._write_phase(report.nodeid, "collect", "failed", 0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a phase of a test."""
        phase = (report.nodeid, report.when or "", report.outcome, report.duration)
        self._write_phase(*phase, _reason(report))

    def _write_phase(
        self, test: str, phase: str, outcome: str, seconds: float, reason: str = ""
    ) -> None:
        self._write(
            {"test": test, "phase": phase, "outcome": outcome, "seconds": seconds, "reason": reason}
        )

    def _write(self, line: dict[str, object]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def _reason(report: pytest.TestReport) -> str:
    """Return why a test was skipped, or the first line of what it failed with."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message.partition("\n")[0] if crash else ""
