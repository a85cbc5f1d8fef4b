# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the repository, to break and to run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suites.chosen_suites import choose_suites
from tests.testbed.checkout_copy import copy_checkout

ROOT = Path(__file__).resolve().parents[3]


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def reasons(copy: Path) -> dict[str, str]:
    """Return each suite and why it is chosen."""
    return {choice.suite: choice.because for _suite, choice in choose_suites(copy)}


def listed_reasons(copy: Path) -> dict[str, str]:
    """Return each suite and why it is chosen, as ``make test-list`` prints it."""
    words = [sys.executable, "-m", "tests.suites", "list"]
    done = subprocess.run(words, cwd=copy, check=True, capture_output=True, text=True)
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which all suites have passed."""
    copy = tmp_path_factory.mktemp("copy")
    copy_checkout(copy, with_links=True)
    git(copy, "init", "--quiet")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "all")
    record = {
        "commit": git(copy, "rev-parse", "HEAD").strip(),
        "suites": dict.fromkeys(reasons(copy), 1),
    }
    (copy / "tests" / "last-full-run.json").write_text(json.dumps(record))
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "passed")
    return copy
