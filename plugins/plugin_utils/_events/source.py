# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow the directory, and publish changes.

This module wires the parts together: the connection, the backoff, the entries to read again, the
cache, and publishing on disk and in events.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime

from ...module_utils._core.errors import ShippingError
from .._directory import revision
from .._directory.connection import LdapSession
from .._directory.directory_errors import Inaccessible, Unanswered
from .announcer import Announcer, Put
from .backoff import Backoff
from .directory_connection import DirectoryConnection
from .directory_reader import Behind, DirectoryReader
from .listener import AGAIN
from .modes import Mode
from .polling import Poll
from .publisher import Publisher
from .reread import changed_at
from .reread_queue import RereadBacklog, RereadQueue
from .source_options import Options
from .unreported_changes import UnreportedChanges

_APPROVAL_INTERVAL = 1.0
"""Seconds between two checks for an approval."""
_PASSWORD_INTERVAL = 5.0
"""Seconds between two checks for another password, at most."""
_SLOW = 30.0
"""Seconds that a notification may take; some servers check for changes at intervals."""


class EventSource:
    """The event source, in the thread that calls ``run``."""

    def __init__(self, options: Options, put: Put, stop: threading.Event) -> None:
        self._options = options
        self._stop = stop
        self._queue = RereadQueue()
        self._backlog = RereadBacklog(self._queue, stop, options.settle)
        self._unreported = UnreportedChanges()
        self._backoff = Backoff(stop)
        self._announcer = Announcer(put)
        self.connection = DirectoryConnection(options, self._queue, self._announcer)
        self._reader = DirectoryReader(options)
        self._publisher = Publisher(options, self._announcer)

    def wake(self) -> None:
        """Let ``run`` notice at once that it must stop."""
        self._queue.wake()

    def run(self) -> None:
        """Follow the directory until stopped.

        At the very first start every error ends the source. At later starts it waits for a
        directory that does not answer or lags, which may have been started together with this
        host. Once the source follows the directory, no error ends it.
        """
        while not self._stop.is_set():
            try:
                with self.connection.open() as session:
                    self._follow(session)
            except ShippingError as error:
                if not self._is_survived(error):
                    raise
                self._announcer.trouble(error)
                self._wait_after(error)

    def _is_survived(self, error: ShippingError) -> bool:
        if self._publisher.has_published:
            return True
        return self._publisher.was_published and isinstance(error, (Unanswered, Behind))

    def _wait_after(self, error: ShippingError) -> None:
        if isinstance(error, Inaccessible) and error.facts.get("bind") is True:
            self._backoff.wait_for_password(
                self.connection.take_new_password,
                min(self._options.heartbeat, _PASSWORD_INTERVAL),
            )
        else:
            self._backoff.wait()

    def _follow(self, session: LdapSession) -> None:
        settings = self._options.directory
        session.limit(settings.connection.total_timeout)
        poll = Poll(settings, session, revision.read_revision(session, settings.base))
        poll.changed(session)  # Existing entries are read below.
        # Only a synchronization resumes from its cookie. Other modes do not know what they missed.
        if self._reader.cache is None or self.connection.mode != Mode.SYNCREPL:
            self._backlog.add_everything()
        beat = looked = time.monotonic()
        self._collect(0)
        self._decide(session)
        # Not directly after the connection: a server that breaks each read would otherwise get
        # requests without a pause.
        self._backoff.reset()
        self._announcer.recovered()
        while not self._stop.is_set():
            self._collect(self._seconds_to_wait(beat, looked))
            if self._stop.is_set():
                return
            session.limit(settings.connection.total_timeout)
            if time.monotonic() - looked >= self._poll_interval():
                self._poll(session, poll)
                looked = time.monotonic()
            self._decide(session)
            if time.monotonic() - beat >= self._options.heartbeat:
                self._announcer.heartbeat(session.uri, self._publisher.counts())
                beat = time.monotonic()

    def _poll_interval(self) -> float:
        # With listeners, a poll only checks that they still report, which detects dead connections.
        is_polling = self.connection.mode == Mode.POLLING
        return self._options.poll if is_polling else self._options.heartbeat

    def _seconds_to_wait(self, beat: float, looked: float) -> float:
        now = time.monotonic()
        seconds = min(
            beat + self._options.heartbeat - now,
            looked + self._poll_interval() - now,
            self._reader.seconds_until_due(),
        )
        is_blocked = bool(self._publisher.removals.blocked.id)
        return min(seconds, _APPROVAL_INTERVAL) if is_blocked else seconds

    def _collect(self, seconds: float) -> None:
        """Take the listeners' reports; raise the error that has ended one of them."""
        arrived = self._backlog.collect(seconds)
        self._unreported.report(arrived.dns)
        if arrived.failure:
            raise arrived.failure

    def _poll(self, session: LdapSession, poll: Poll) -> None:
        """Find changes by the directory's own marks, and check that listeners report them."""
        polled = poll.changed(session)
        # After the poll: changes that a listener has reported meanwhile are not missing.
        self._collect(0)
        if self.connection.mode == Mode.POLLING:
            self._backlog.add(polled)
            return
        request, cache = self._backlog.request, self._reader.cache
        unknown = self._unreported.unknown(polled, request.dns)
        if unknown and cache and not request.everything:
            before = dict(cache.fleet)
            self._backlog.add(unknown)
            self._decide(session)
            # Everything may have been read meanwhile, into a new cache.
            if self._reader.cache and self._reader.cache.fleet != before:
                self._unreported.expect(unknown)
        overdue = self._unreported.take_overdue(self._patience())
        if overdue:
            raise Unanswered(
                f"the connection to {session.uri} is dead",
                f"it has not reported {min(overdue)}",
                AGAIN,
            )

    def _patience(self) -> float:
        """Return the seconds that a listener may take to report a change."""
        if self.connection.mode == Mode.NOTIFICATION:
            return max(self._options.heartbeat, _SLOW)
        return self._options.heartbeat

    def _decide(self, session: LdapSession) -> None:
        """Read and publish the collected entries, and changes due by the clock."""
        request = self._backlog.request
        cache, updates = self._reader.read(session, request, self._publisher.revision)
        moments: dict[str, str] = {}
        if updates is None and not self._publisher.removals.approved():
            return
        if updates is not None:
            stamps = [stamp for stamp in map(changed_at, updates) if stamp]
            latest: datetime | None = max(stamps, default=None)
            moments = self._announcer.moments(request.since or time.time(), latest)
            self._unreported.decided(request.dns)
        self._publisher.publish(cache, self._reader.revision, self.connection.cookie, moments)
        if updates is not None:
            self._backlog.clear()
