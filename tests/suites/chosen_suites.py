# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the suites of a checkout: its files, its record and its commits, put together."""

from __future__ import annotations

from pathlib import Path

from . import full_run
from .catalog import Suite, suites
from .dependencies import of_repository
from .selection import Choice, choose

Chosen = list[tuple[Suite, Choice]]


def choose_suites(root: Path) -> Chosen:
    """Return all suites with what is chosen of them, the most urgent first."""
    record = full_run.read(root)
    files = of_repository(root)
    by_name = {suite.name: suite for suite in suites(files) if not suite.session.is_for_full_runs}
    choices = choose(
        {name: suite.dependencies(files) for name, suite in by_name.items()},
        full_run.changes(root, record),
        record.suites,
        [name for name, suite in by_name.items() if suite.is_long],
        full_run.head(root),
    )
    return [(by_name[choice.suite], choice) for choice in choices]


def all_suites(root: Path) -> Chosen:
    """Return all suites, each to run whole."""
    return [
        (suite, Choice(suite.name, True, "everything")) for suite in suites(of_repository(root))
    ]
