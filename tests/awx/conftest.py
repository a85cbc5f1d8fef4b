# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWX of AWX_URL and AWX_TOKEN, else the stand-in.

All objects have names of this run's own, and are removed at the end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed import awx as standin

from .deliveries import Deliveries


@pytest.fixture
def stand_in() -> Iterator[standin.AwxStandIn | None]:
    """The stand-in; None where there is a real AWX."""
    if "AWX_URL" in os.environ:
        yield None
        return
    with standin.AwxStandIn() as awx:
        yield awx


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """A project; a real AWX reads the one of AWX_REPOSITORY, which has the same files."""
    if "AWX_URL" in os.environ:
        return os.environ["AWX_REPOSITORY"]
    return standin.repository(tmp_path / "tools")


@pytest.fixture
def deliveries(
    stand_in: standin.AwxStandIn | None, repository: str, tmp_path: Path, testrun_uid: str
) -> Iterator[Deliveries]:
    url, token = (
        (stand_in.url, standin.TOKEN)
        if stand_in
        else (os.environ["AWX_URL"], os.environ["AWX_TOKEN"])
    )
    found = Deliveries(tmp_path, url, token, repository, f"sc{testrun_uid[:6]}")
    yield found
    if not stand_in:
        assert found.play(awx_sync_state="absent").rc == 0
