# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a watch waits before it looks again."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy import state as words
from ansible_collections.shipping.code.plugins.module_utils._deploy.health_watch import (
    LOOK_EVERY,
    HealthWatch,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import ServiceState, Task


class Clock:
    """Passes by waiting only."""

    now = 100.0
    waited: list[float]

    def __init__(self):
        self.waited = []

    def monotonic(self):
        return self.now

    def wait(self, seconds):
        self.waited.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


def service(name, *states, monitor=5.0):
    tasks = tuple(
        Task(str(index), "", name, "", state, current=True, sent=True, wanted=True)
        for index, state in enumerate(states)
    )
    return ServiceState(name, len(tasks), tasks, monitor=monitor)


def watching(clock, *services):
    states = {each.name: each for each in services}
    watch = SimpleNamespace(states=lambda _revisions: states, wait=clock.wait)
    platform = SimpleNamespace(reader=SimpleNamespace(watch=lambda *_args: watch))
    return HealthWatch(platform, "shop", Resolved(), 3, clock.now + 60, "1", lambda _line: None)


def test_the_last_wait_ends_with_the_monitoring(clock):
    watch = watching(
        clock, service("a", words.RUNNING, monitor=1.0), service("b", words.RUNNING, monitor=0.5)
    )
    assert watch.until_live(["a", "b"]) == []
    assert clock.waited == pytest.approx([LOOK_EVERY, LOOK_EVERY, 1.01 - 2 * LOOK_EVERY])


def test_what_still_starts_is_looked_at_as_ever(clock):
    watch = watching(clock, service("a", words.RUNNING, monitor=0.1), service("b", words.STARTING))
    watch.look(["a", "b"])
    watch.wait()
    assert clock.waited == [LOOK_EVERY]
