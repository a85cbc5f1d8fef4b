# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content synchronization, RFC 4533: the server tells of every entry that changes.

Of one that is deleted only its number.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .listener import Line

_REFRESH_REQUIRED = 4096


@dataclass
class Memory:
    """What outlives a connection: where each entry is, and the place in the server's stream."""

    dns: dict[str, str] = field(default_factory=dict)
    cookie: str | None = None


class Syncrepl(Line):
    """Everything below one base."""

    memory: Memory

    def connection_class(self) -> Any:
        """One that hands us what comes."""
        return _consumer(super().connection_class())

    def listen(self, connection: Any) -> None:
        """Catch up from the cookie, or begin anew where the server has forgotten it.

        Then follow.
        """
        try:
            self._follow(connection)
        except self.ldap.LDAPError as error:
            if self.memory.cookie is None or not _forgotten(error):
                raise
            self.memory.cookie = None
            self._follow(connection)

    def _follow(self, connection: Any) -> None:
        if self.memory.cookie is None:
            self.memory.dns.clear()
        connection.take_over(_Book(self))
        number = connection.syncrepl_search(
            self.base,
            self.ldap.SCOPE_SUBTREE,
            "refreshAndPersist",
            self.memory.cookie,
            filterstr="(objectClass=*)",
            attrlist=["1.1"],
        )
        self.answers(connection, lambda seconds: bool(connection.syncrepl_poll(number, seconds)))


def _forgotten(error: Any) -> bool:
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return told.get("result") == _REFRESH_REQUIRED or type(error).__name__ in (
        "UNWILLING_TO_PERFORM",
        "PROTOCOL_ERROR",
        "OTHER",
    )


class _Book:
    """Keeps book of what the server says in one connection."""

    def __init__(self, line: Syncrepl) -> None:
        self._line = line
        self._memory = line.memory
        self._anew = line.memory.cookie is None
        self._refreshing = True
        self._present: set[str] = set()

    def entry(self, dn: str, uuid: str) -> None:
        former = self._memory.dns.get(uuid)
        self._memory.dns[uuid] = dn
        self._tell({dn} if former is None else {dn, former})

    def delete(self, uuids: Iterable[str]) -> None:
        gone = (self._memory.dns.pop(uuid, None) for uuid in uuids)
        self._tell({dn for dn in gone if dn})

    def present(self, uuids: Iterable[str] | None, deletes: bool) -> None:
        """RFC 4533 3.3.2: in a present phase whatever is not named has been deleted."""
        if uuids is not None:
            self._present.update(uuids)
            return
        if self._refreshing and not deletes:
            self.delete(self._memory.dns.keys() - self._present)
        self._present.clear()

    def remember(self, cookie: str) -> None:
        self._memory.cookie = cookie

    def done(self) -> None:
        self._refreshing = False
        if self._anew:
            self._line.inbox.everything()
        self._line.ready.set()

    def _tell(self, dns: set[str]) -> None:
        if dns and not (self._anew and self._refreshing):
            self._line.inbox.note(dns)


def _consumer(base: Any) -> Any:
    sync: Any = importlib.import_module("ldap.syncrepl").SyncreplConsumer

    class Consumer(base, sync):  # type: ignore[misc]
        """What python-ldap calls."""

        def take_over(self, book: _Book) -> None:
            self._book = book

        def syncrepl_entry(self, dn: str, attrs: Any, uuid: str) -> None:
            self._book.entry(dn, uuid)

        def syncrepl_delete(self, uuids: Iterable[str]) -> None:
            self._book.delete(list(uuids))

        def syncrepl_present(
            self, uuids: Iterable[str] | None, refreshDeletes: bool = False
        ) -> None:
            self._book.present(uuids, refreshDeletes)

        def syncrepl_refreshdone(self) -> None:
            self._book.done()

        def syncrepl_set_cookie(self, cookie: str) -> None:
            self._book.remember(cookie)

        def syncrepl_get_cookie(self) -> Any:
            return None

    return Consumer
