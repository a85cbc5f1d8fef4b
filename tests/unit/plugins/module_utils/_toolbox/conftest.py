# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A toolbox for each test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .archives import Box


@pytest.fixture
def box() -> Iterator[Box]:
    """Where others can look as well: a folder that everybody may enter."""
    if os.geteuid():
        pytest.skip("needs root")
    top = Path(tempfile.mkdtemp(prefix="shipping-toolbox-"))
    top.chmod(0o755)
    (top / "etc" / "security").mkdir(parents=True)
    try:
        yield Box(top)
    finally:
        shutil.rmtree(top)
