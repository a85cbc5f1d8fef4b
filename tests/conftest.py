# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all suites share: which long tests are left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import compatibility

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """What to run."""
    parser.addoption("--everything", action="store_true", help="also long tests about what has not changed since they last passed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long tests that would find what they found."""
    if config.getoption("--everything"):
        return
    for item in items:
        if item.get_closest_marker("main_road"):
            continue
        name = str(item.path.relative_to(HERE))
        if name.startswith("integration/"):
            name += f" on {config.getoption('--platform')}"
        if compatibility.unchanged(name):
            item.add_marker(pytest.mark.skip(reason=f"nothing that {name} is about has changed since it last passed; --everything runs it"))
