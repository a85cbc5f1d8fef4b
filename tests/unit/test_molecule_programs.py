# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the test bed that scenarios of molecule start.

Molecule runs last, so what cannot start is told here first.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAYS = "".join(play.read_text() for play in ROOT.glob("molecule/*/*.yml"))
PROGRAMS = sorted(set(re.findall(r"\[python3, -m, ([\w.]+)", PLAYS)))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_of_a_scenario_tells_its_usage_without_the_collection(program: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run(
        [sys.executable, "-m", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"python3 -m {program} " in told.stdout + told.stderr
    assert "Traceback" not in told.stderr
