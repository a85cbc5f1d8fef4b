# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be read again is neither forgotten nor read twice."""

from __future__ import annotations

import threading
import time

from ansible_collections.shipping.code.plugins.plugin_utils._events.reread_queue import (
    RereadBacklog,
    RereadQueue,
    RereadRequest,
)


def test_reports_are_taken_together_and_once():
    queue = RereadQueue()
    before = time.time()
    queue.add({"a"})
    queue.add({"b"})
    queue.add_everything()
    taken = queue.take(0)
    assert taken.dns == {"a", "b"} and taken.everything and before <= taken.since <= time.time()
    assert not queue.take(0)


def test_the_first_failure_is_the_one_that_counts():
    queue, first = RereadQueue(), ValueError("first")
    queue.fail(first)
    queue.fail(ValueError("second"))
    assert queue.take(0).failure is first


def test_a_report_ends_the_wait():
    queue = RereadQueue()
    threading.Timer(0.05, queue.add, [{"a"}]).start()
    begun = time.monotonic()
    assert queue.take(10).dns == {"a"} and time.monotonic() - begun < 5


def test_wake_ends_the_wait_without_a_report():
    queue = RereadQueue()
    threading.Timer(0.05, queue.wake).start()
    begun = time.monotonic()
    assert not queue.take(10) and time.monotonic() - begun < 5


def test_merged_requests_are_as_old_as_the_older_one():
    older, newer = RereadRequest({"a"}, since=1.0), RereadRequest({"b"}, since=2.0)
    assert newer.merged(older) == RereadRequest({"a", "b"}, since=1.0)
    assert newer.merged(RereadRequest()).since == 2.0


def backlog(settle: float = 0.0) -> tuple[RereadQueue, RereadBacklog]:
    queue = RereadQueue()
    return queue, RereadBacklog(queue, threading.Event(), settle)


def test_a_failure_forgets_nothing_that_was_reported():
    queue, waiting = backlog()
    queue.add({"a"})
    queue.fail(ValueError())
    arrived = waiting.collect(0)
    assert arrived.failure and waiting.request.dns == {"a"} and waiting.request.failure is None
    queue.add({"b"})
    waiting.collect(0)
    assert waiting.request.dns == {"a", "b"}
    waiting.clear()
    assert not waiting.request


def test_what_comes_right_after_a_decision_is_taken_together():
    queue, waiting = backlog(settle=0.3)
    waiting.clear()
    queue.add({"a"})
    threading.Timer(0.05, queue.add, [{"b"}]).start()
    assert waiting.collect(1).dns == {"a", "b"}


def test_what_only_polling_finds():
    _queue, waiting = backlog()
    waiting.add(set())
    assert not waiting.request and not waiting.request.since
    waiting.add({"a"})
    assert waiting.request.dns == {"a"} and waiting.request.since
