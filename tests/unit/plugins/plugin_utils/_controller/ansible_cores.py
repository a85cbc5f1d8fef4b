# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of every ansible-core that is supported: those that the tests' requirements allow."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path

import ansible
import pytest

TESTS = Path(__file__).parents[4]
SETUP = TESTS / "testbed" / "setup.sh"
INSTALLED = "installed"


def supported() -> list[str]:
    """Return the versions that the tests' requirements allow."""
    text = (TESTS / "requirements.txt").read_text()
    (first, end) = re.findall(r"^ansible-core>=2\.(\d+),<2\.(\d+)$", text, re.MULTILINE)[0]
    return [f"2.{minor}" for minor in range(int(first), int(end))]


VERSIONS = [INSTALLED, *supported()]


@functools.cache
def core(version: str) -> Path:
    """Return the folder of an ansible-core's package; skip where it cannot be had."""
    if version == INSTALLED:
        return Path(ansible.__file__).parent
    done = subprocess.run([SETUP, "core", version], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"ansible-core {version} cannot be installed here: {done.stderr.strip()}")
    return Path(done.stdout.strip()) / "ansible"
