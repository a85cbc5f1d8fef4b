# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content synchronization, RFC 4533: the server reports each entry that changes.

Of a deleted entry it sends only the number.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .listener import Endpoint, Listener, details
from .reread_queue import RereadQueue

# e-syncRefreshRequired, RFC 4533 2.6.
_REFRESH_REQUIRED = 4096


@dataclass
class SyncState:
    """The state that survives a connection: the DN of each entry, and the cookie."""

    dns: dict[str, str] = field(default_factory=dict)
    cookie: str | None = None


class Syncrepl(Listener):
    """A listener for everything below one base."""

    def __init__(self, endpoint: Endpoint, base: str, queue: RereadQueue, state: SyncState) -> None:
        super().__init__(endpoint, base, queue)
        self.state = state

    def connection_class(self) -> Any:
        """Return a connection class that passes messages to us."""
        return _consumer(super().connection_class())

    def listen(self, connection: Any) -> None:
        """Catch up from the cookie, or from the start if the server has lost it; then follow."""
        try:
            self._follow(connection)
        except self.ldap.LDAPError as error:
            if self.state.cookie is None or not _forgotten(error):
                raise
            self.state.cookie = None
            self._follow(connection)

    def _follow(self, connection: Any) -> None:
        if self.state.cookie is None:
            self.state.dns.clear()
        connection.take_over(_SyncLog(self))
        number = connection.syncrepl_search(
            self.base,
            self.ldap.SCOPE_SUBTREE,
            "refreshAndPersist",
            self.state.cookie,
            filterstr="(objectClass=*)",
            # No attributes (RFC 4511 4.5.1.8): the entry is read again by a search of its own.
            attrlist=["1.1"],
        )
        self.answers(connection, lambda seconds: bool(connection.syncrepl_poll(number, seconds)))


def _forgotten(error: Any) -> bool:
    # Servers also answer these to a cookie that they cannot use.
    return details(error).get("result") == _REFRESH_REQUIRED or type(error).__name__ in (
        "UNWILLING_TO_PERFORM",
        "PROTOCOL_ERROR",
        "OTHER",
    )


class _SyncLog:
    """Keep track of what the server sends over one connection."""

    def __init__(self, listener: Syncrepl) -> None:
        self._listener = listener
        self._state = listener.state
        self._anew = listener.state.cookie is None
        self._refreshing = True
        self._present: set[str] = set()

    def entry(self, dn: str, uuid: str) -> None:
        former = self._state.dns.get(uuid)
        self._state.dns[uuid] = dn
        # An entry that was moved is read again at both of its DNs.
        self._report({dn} if former is None else {dn, former})

    def delete(self, uuids: Iterable[str]) -> None:
        deleted = (self._state.dns.pop(uuid, None) for uuid in uuids)
        self._report({dn for dn in deleted if dn})

    def present(self, uuids: Iterable[str] | None, *, refresh_deletes: bool) -> None:
        """Delete what a present phase has not named (RFC 4533 3.3.2)."""
        if uuids is not None:
            self._present.update(uuids)
            return
        if self._refreshing and not refresh_deletes:
            self.delete(self._state.dns.keys() - self._present)
        self._present.clear()

    def remember(self, cookie: str) -> None:
        self._state.cookie = cookie

    def done(self) -> None:
        self._refreshing = False
        if self._anew:
            self._listener.queue.add_everything()
        self._listener.ready.set()

    def _report(self, dns: set[str]) -> None:
        # A first refresh sends every entry: done() has them read together.
        if dns and not (self._anew and self._refreshing):
            self._listener.queue.add(dns)


def _consumer(base: Any) -> Any:
    sync: Any = importlib.import_module("ldap.syncrepl").SyncreplConsumer

    class Consumer(base, sync):  # type: ignore[misc]
        """The callbacks of python-ldap."""

        def take_over(self, log: _SyncLog) -> None:
            self._log = log

        def syncrepl_entry(self, dn: str, attrs: Any, uuid: str) -> None:
            self._log.entry(dn, uuid)

        def syncrepl_delete(self, uuids: Iterable[str]) -> None:
            self._log.delete(list(uuids))

        # python-ldap passes refreshDeletes by its name, which is not ours to choose.
        def syncrepl_present(
            self, uuids: Iterable[str] | None, *, refreshDeletes: bool = False
        ) -> None:
            self._log.present(uuids, refresh_deletes=refreshDeletes)

        def syncrepl_refreshdone(self) -> None:
            self._log.done()

        def syncrepl_set_cookie(self, cookie: str) -> None:
            self._log.remember(cookie)

        def syncrepl_get_cookie(self) -> Any:
            # python-ldap calls this where no cookie is passed: then it starts over.
            return None

    return Consumer
