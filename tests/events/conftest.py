# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of events share: the directories, and followers that end with a test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.directory_servers import DirectoryServer, SambaDomain, Slapd
from tests.testbed.machine import Machine

from . import event_feeds
from .event_feeds import Feed, Follower, tree


@pytest.fixture(scope="session")
def machine(testrun_uid: str, worker_id: str) -> Iterator[Machine]:
    machine = Machine(f"ev{testrun_uid[:4]}-{worker_id}")
    try:
        yield machine
    finally:
        machine.down()


@pytest.fixture(autouse=True)
def nothing_rejected() -> None:
    """Forget rejected passwords: all tests run in one process, with passwords that change back."""
    # ansible-rulebook and the tests load the same file by different names.
    for name, module in list(sys.modules.items()):
        if name.endswith("_directory.rejections"):
            module._in_process.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture(scope="session")
def slapd_server(machine: Machine) -> Slapd:
    return event_feeds.slapd_server(machine)


@pytest.fixture
def slapd(slapd_server: Slapd, folder: Path) -> Feed:
    """The company as it was at first."""
    slapd_server.stop()
    slapd_server.load(tree())
    slapd_server.start()
    return event_feeds.slapd(slapd_server, folder)


@pytest.fixture
def polled(slapd: Feed) -> Feed:
    """The same, asked now and then."""
    return replace(slapd, options={**slapd.options, "mode": "polling", "poll": 1}, mode="polling")


@pytest.fixture(scope="session")
def ds389_server(machine: Machine) -> DirectoryServer:
    return event_feeds.ds389_server(machine)


@pytest.fixture
def ds389(ds389_server: DirectoryServer, folder: Path) -> Feed:
    return event_feeds.ds389(ds389_server, folder)


@pytest.fixture(scope="session")
def samba_server(machine: Machine) -> SambaDomain:
    return event_feeds.samba_server(machine)


@pytest.fixture
def ad(samba_server: SambaDomain, folder: Path) -> Feed:
    return event_feeds.samba(samba_server, folder)


FEEDS = ("slapd", "polled", "ds389", "ad")


@pytest.fixture(params=FEEDS)
def feed(request: pytest.FixtureRequest) -> Feed:
    """Each directory in turn; what a test leaves there is what the next one begins with."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def follow() -> Iterator[Callable[..., Follower]]:
    """Followers that end with the test."""
    followers: list[Follower] = []

    def start(feed: Feed, **changes: Any) -> Follower:
        followers.append(Follower({**feed.options, **changes}))
        return followers[-1]

    yield start
    for follower in followers:
        follower.stop()
