# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to the directory, with the listeners of the mode that it offers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .._directory.connection import LdapSession, connect
from .._directory.directory_errors import DirectoryError, Inaccessible
from . import modes
from .ad_notification import Notification
from .announcer import Announcer
from .listener import Endpoint, Listener, NotOffered, ldap_library
from .modes import Mode
from .polling import bases
from .reread_queue import RereadQueue
from .source_options import Options
from .syncrepl import Syncrepl, SyncState


class DirectoryConnection:
    """One connection after the other; ``sync_states`` outlive each of them."""

    def __init__(self, options: Options, queue: RereadQueue, announcer: Announcer) -> None:
        self.mode: Mode | None = None
        self.listeners: list[Listener] = []
        self.sync_states: dict[str, SyncState] = {}
        """By the base that is listened to."""
        self._options = options
        self._settings = options.directory
        self._queue = queue
        self._announcer = announcer

    @contextmanager
    def open(self) -> Iterator[LdapSession]:
        """Connect and listen; end both afterwards."""
        try:
            session = connect(self._settings.connection)
        except Inaccessible as error:
            # A ticket may be renewed at any time; only passwords that are wrong lock an account.
            error.add_facts(bind=self._settings.connection.bind == "simple")
            raise
        with session:
            try:
                self._listen(session)
                yield session
            finally:
                self._stop_listeners()

    def take_new_password(self) -> bool:
        """Use the password that the options have now; return whether it is another one."""
        password = self._options.password()
        if password == self._settings.connection.password:
            return False
        connection = replace(self._settings.connection, password=password)
        self._settings = replace(self._settings, connection=connection)
        return True

    @property
    def cookie(self) -> str | None:
        """Return the place in the server's stream of changes, where it has one."""
        cookies = (state.cookie for state in self.sync_states.values())
        return next((cookie for cookie in cookies if cookie), None)

    def _listen(self, session: LdapSession) -> None:
        library = ldap_library()
        mode, reason = modes.choose(
            self._options.mode,
            session.root.texts("supportedControl"),
            has_library=library is not None,
        )
        if mode != Mode.POLLING and library is None:
            hint = (
                "Run pip install python-ldap for the Python that runs ansible-rulebook, or write"
                " mode: polling"
            )
            raise DirectoryError(
                f"mode {mode} is not available", "the Python library python-ldap is missing", hint
            )
        try:
            self._start_listeners(library, mode, session)
        # Controls are listed for the whole server. In OpenLDAP a database without the overlay
        # syncprov does not offer what another one does.
        except NotOffered as error:
            if self._options.mode != "auto":
                raise
            mode, reason = Mode.POLLING, f"{error.what}: {error.why}"
        self.mode = mode
        self._announcer.change_mode(mode, reason, session.uri)

    def _start_listeners(self, library: Any, mode: Mode, session: LdapSession) -> None:
        if mode == Mode.POLLING:
            return
        endpoint = Endpoint(
            library, self._settings.connection, session.uri, self._options.heartbeat
        )
        if mode == Mode.SYNCREPL:
            self.listeners = [self._syncrepl(endpoint, base) for base in bases(self._settings)]
        else:
            # Active Directory takes a subtree only from the root of a naming context (MS-ADTS
            # 3.1.1.3.4.1.9).
            contexts = sorted({_context_of(base, session) for base in bases(self._settings)})
            self.listeners = [Notification(endpoint, base, self._queue) for base in contexts]
        # All start before the first wait, so that their first refreshes run in parallel.
        for listener in self.listeners:
            listener.start()
        try:
            for listener in self.listeners:
                listener.wait()
        except NotOffered:
            self._stop_listeners()
            self._queue.take(0)  # The failure of a listener that is not needed does not count.
            raise

    def _syncrepl(self, endpoint: Endpoint, base: str) -> Syncrepl:
        state = self.sync_states.setdefault(base, SyncState())
        return Syncrepl(endpoint, base, self._queue, state)

    def _stop_listeners(self) -> None:
        for listener in self.listeners:
            listener.stop()
        self.listeners = []


def _context_of(base: str, session: LdapSession) -> str:
    """Return the root of the naming context that a base is in."""
    lower = base.lower()
    containing = (
        name
        for name in session.naming_contexts
        if lower == name.lower() or lower.endswith(f",{name.lower()}")
    )
    return max(containing, key=len, default=base)
