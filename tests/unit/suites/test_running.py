# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running sessions: failed, passed only when repeated, left out by the time box."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FLAKY = """
from pathlib import Path

SEEN = Path(__file__).with_name("seen")

def test_only_alone():
    first = not SEEN.exists()
    SEEN.touch()
    assert not first
"""
GOOD = "def test_good(): pass\n"
LONG = "import pytest\n\npytestmark = pytest.mark.long\n\ndef test_long(): pass\n"


@pytest.fixture
def awx(copy: Path) -> Path:
    """The folder of a session that has none of its own tests."""
    folder = copy / "tests" / "awx"
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "__init__.py").touch()
    return folder


def run(awx: Path, *words: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "tests.suites", *words, "--only", "awx"]
    done = subprocess.run(
        command, cwd=awx.parents[1], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_what_passes_only_when_repeated_alone_is_named(awx: Path) -> None:
    (awx / "test_a.py").write_text(FLAKY)
    (awx / "test_b.py").write_text(GOOD)
    status, lines = run(awx, "test")
    assert status == 0
    assert "Flaky: 1 passed only when repeated alone" in lines
    assert "  awx/test_a.py::test_only_alone (awx/test_a): assert not True" in lines
    assert [line.split()[-4:-1] for line in lines if line.startswith("awx/test_a ")] == [
        ["1", "0", "1"]
    ]
    assert lines[-1] == "2 passed, 0 failed, 0 skipped"


def test_what_fails_twice_has_failed(awx: Path) -> None:
    (awx / "test_a.py").write_text("def test_bad(): assert 'this' == 'that'\n")
    (awx / "test_b.py").write_text(GOOD)
    status, lines = run(awx, "test")
    assert status == 1
    assert any(line.startswith("FAILED awx/test_a.py::test_bad (awx/test_a): ") for line in lines)
    assert any("'this' == 'that'" in line for line in lines)
    assert lines[-1] == "1 passed, 1 failed, 0 skipped"


def test_what_cannot_be_collected_has_failed(awx: Path) -> None:
    (awx / "test_a.py").write_text("import nothing_of_this_name\n")
    (awx / "test_b.py").write_text(GOOD)
    status, lines = run(awx, "test")
    assert status == 1
    assert any("nothing_of_this_name" in line for line in lines)
    assert lines[-1] == "1 passed, 1 failed, 0 skipped"


def test_a_suite_that_skips_all_has_failed(awx: Path) -> None:
    (awx / "test_a.py").write_text("import pytest\n\ndef test_a(): pytest.skip('needs root')\n")
    status, lines = run(awx, "test")
    assert status == 1
    assert "Failed: awx/test_a skipped all of its tests" in lines


def test_what_the_time_box_leaves_out_is_named(awx: Path) -> None:
    (awx / "test_a.py").write_text(LONG)
    (awx / "test_b.py").write_text(GOOD)
    status, lines = run(awx, "test", "--minutes", "0")
    assert status == 0
    at = lines.index("Due, but the time box had no room:")
    assert lines[at + 1] == "  awx/test_a: 1 of 1 tests"
    assert run(awx, "all", "--minutes", "0")[1][-1] == "2 passed, 0 failed, 0 skipped"


def test_a_run_of_some_sessions_is_no_full_run(awx: Path) -> None:
    (awx / "test_b.py").write_text(GOOD)
    record = awx.parent / "last-full-run.json"
    before = record.read_text()
    run(awx, "all")
    assert record.read_text() == before
