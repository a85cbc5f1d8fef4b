# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWX of AWX_URL, AWX_TOKEN and AWX_REPOSITORY, else the stand-in.

All objects have names of this run's own, and are removed at the end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed import awx as standin

from .deliveries import Deliveries

_NEEDED = ("AWX_TOKEN", "AWX_REPOSITORY")


def pytest_configure() -> None:
    """Stop at once where a real AWX is meant and something is missing."""
    missing = [name for name in _NEEDED if "AWX_URL" in os.environ and name not in os.environ]
    if missing:
        raise pytest.UsageError(f"AWX_URL is set, and {' and '.join(missing)} is missing")


@pytest.fixture
def stand_in() -> Iterator[standin.AwxStandIn | None]:
    """The stand-in; None where there is a real AWX."""
    if "AWX_URL" in os.environ:
        yield None
        return
    with standin.AwxStandIn() as awx:
        yield awx


@pytest.fixture
def only_here(stand_in: standin.AwxStandIn | None) -> standin.AwxStandIn:
    """The stand-in, for what a real AWX cannot be brought to do."""
    if not stand_in:
        pytest.skip("needs a state that only the stand-in can be brought to")
    return stand_in


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """A project; a real AWX reads the one of AWX_REPOSITORY, which has the same files."""
    if "AWX_URL" in os.environ:
        return os.environ["AWX_REPOSITORY"]
    return standin.repository(tmp_path / "tools")


@pytest.fixture
def deliveries(
    stand_in: standin.AwxStandIn | None,
    repository: str,
    tmp_path: Path,
    testrun_uid: str,
    request: pytest.FixtureRequest,
) -> Iterator[Deliveries]:
    url, token = (
        (stand_in.url, standin.TOKEN)
        if stand_in
        else (os.environ["AWX_URL"].rstrip("/"), os.environ["AWX_TOKEN"])
    )
    # A name of each test: what one of them leaves behind is nothing to the others.
    number = sum(map(ord, request.node.name)) % 10_000
    found = Deliveries(tmp_path, url, token, repository, f"sc{testrun_uid[:6]}{number:04}")
    yield found
    if not stand_in:
        found.remove_all()
