# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect entries to read again: listeners add them in their threads, the source takes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace


@dataclass
class RereadRequest:
    """The DNs of entries to read again, or everything.

    ``since`` is the time of the first report; ``failure`` is the error that has ended a listener.
    """

    dns: set[str] = field(default_factory=set)
    everything: bool = False
    failure: Exception | None = None
    since: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.dns or self.everything or self.failure)

    def merged(self, other: RereadRequest) -> RereadRequest:
        """Return the union of both requests."""
        since = min(filter(None, (self.since, other.since)), default=0.0)
        return RereadRequest(
            self.dns | other.dns,
            self.everything or other.everything,
            self.failure or other.failure,
            since,
        )


class RereadQueue:
    """The queue of the listeners; it holds one request, because requests merge."""

    def __init__(self) -> None:
        self._request = RereadRequest()
        self._arrival = threading.Condition()

    def add(self, dns: Iterable[str]) -> None:
        """Report entries that have changed, or that are new or deleted."""
        with self._arriving() as request:
            # In place: to merge thousands of reports one by one would copy them each time.
            request.dns.update(dns)

    def add_everything(self) -> None:
        """Report changes of unknown entries."""
        with self._arriving() as request:
            request.everything = True

    def fail(self, error: Exception) -> None:
        """Report that a listener has ended."""
        with self._arriving() as request:
            request.failure = request.failure or error

    @contextmanager
    def _arriving(self) -> Iterator[RereadRequest]:
        with self._arrival:
            self._request.since = self._request.since or time.time()
            yield self._request
            self._arrival.notify()

    def wake(self) -> None:
        """End the wait of ``take`` without a report."""
        with self._arrival:
            self._arrival.notify()

    def take(self, seconds: float) -> RereadRequest:
        """Return the reports, after this many seconds at most."""
        with self._arrival:
            if not self._request:
                self._arrival.wait(max(seconds, 0))
            taken, self._request = self._request, RereadRequest()
            return taken


class RereadBacklog:
    """The entries that were taken from the queue and are not decided yet.

    The backlog survives a lost connection, so that no report is lost.
    """

    def __init__(self, queue: RereadQueue, stop: threading.Event, settle: float) -> None:
        self.request = RereadRequest()
        self._queue = queue
        self._stop = stop
        self._settle = settle
        self._decided_at = float("-inf")

    def collect(self, seconds: float) -> RereadRequest:
        """Add the reports of these seconds, and return them.

        Reports right after a decision are combined.
        """
        arrived = self._queue.take(seconds)
        rest = self._decided_at + self._settle - time.monotonic()
        if arrived and rest > 0:
            self._stop.wait(rest)
            arrived = arrived.merged(self._queue.take(0))
        self.request = self.request.merged(replace(arrived, failure=None))
        return arrived

    def add(self, dns: set[str]) -> None:
        """Add entries that no listener has reported."""
        if dns:
            self.request = self.request.merged(RereadRequest(dns, since=time.time()))

    def add_everything(self) -> None:
        """Request that everything is read again."""
        self.request.everything = True

    def clear(self) -> None:
        """Drop the entries that have been decided."""
        self.request = RereadRequest()
        self._decided_at = time.monotonic()
