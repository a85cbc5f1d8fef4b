# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attempts are wider and wider apart; a rejected password is not tried again by itself."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._events import backoff
from ansible_collections.shipping.code.plugins.plugin_utils._events.backoff import Backoff


class Stop(threading.Event):
    """Remembers how long it was waited for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return self.is_set()


def test_a_success_starts_over():
    stop = Stop()
    waits = Backoff(stop)
    for _attempt in range(8):
        waits.wait()
    waits.reset()
    waits.wait()
    assert stop.waits[7] > stop.waits[0] and 0.25 <= stop.waits[8] <= 0.75


def test_another_password_ends_the_wait():
    stop, passwords = Stop(), iter([False, False, True])
    Backoff(stop).wait_for_password(lambda: next(passwords), 5)
    assert stop.waits == [5, 5, 5]


def test_a_rejected_password_is_tried_again_after_a_long_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(backoff, "REJECTED", 0.05)
    begun = time.monotonic()
    Backoff(threading.Event()).wait_for_password(lambda: False, 0.01)
    assert time.monotonic() - begun >= 0.05


def test_stopping_ends_the_wait_for_a_password():
    stop = threading.Event()
    stop.set()
    Backoff(stop).wait_for_password(lambda: pytest.fail("asked"), 60)
