# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searches whose answers are whole or an error.

Paging: RFC 2696. Range retrieval: MS-ADTS 3.1.1.3.1.3.3. Result codes: RFC 4511 appendix A.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .directory_errors import DirectoryError, Inaccessible, Incomplete
from .distinguished_names import any_of, dn_key

SUCCESS, TIME_LIMIT, SIZE_LIMIT, REFERRAL, ADMIN_LIMIT = 0, 3, 4, 10, 11
NO_SUCH_OBJECT, INVALID_DN, BUSY, UNAVAILABLE = 32, 34, 51, 52
# 1: Active Directory answers operationsError to anonymous connections.
_NO_RIGHT = (1, 8, 13, 48, 49, 50)
# Some servers send empty pages between others, and some a cookie for ever.
_EMPTY_PAGES = 100
_RANGE = re.compile(r"range=(\d+)-(\d+|\*)", re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """One search."""

    base: str
    filter: str
    attributes: tuple[str, ...]
    scope: str = "subtree"

    def __str__(self) -> str:
        return f"the search for {self.filter} below {self.base or 'the root'}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; the attributes by lower-case names, with options such as ``;range=0-1499``."""

    dn: str
    values: Mapping[str, Sequence[bytes]]

    @property
    def key(self) -> str:
        """Return the DN in its normal form."""
        return dn_key(self.dn)

    def raw(self, attribute: str) -> Sequence[bytes]:
        """Return the values as octets."""
        return self.values.get(attribute.lower(), ())

    def texts(self, *attributes: str) -> list[str]:
        """Return the values of all these attributes as text."""
        # A decision on 10,000 users calls this and text() 140,000 times. A chain of iterators here
        # made the whole decision take half as long again, and calls of raw() a tenth.
        texts: list[str] = []
        for attribute in attributes:
            octets = self.values.get(attribute.lower(), ())
            texts += [value.decode("utf-8", "backslashreplace") for value in octets]
        return texts

    def text(self, attribute: str) -> str:
        """Return the first value, or nothing."""
        values = self.values.get(attribute.lower())
        return values[0].decode("utf-8", "backslashreplace") if values else ""


@dataclass(frozen=True)
class Reply:
    """The answer of a server to one request; ``cookie`` is empty after the last page."""

    code: int = SUCCESS
    name: str = ""
    message: str = ""
    entries: Sequence[Entry] = ()
    referrals: Sequence[str] = field(default=())
    cookie: bytes = b""


class Session(Protocol):
    """A bound connection. ``request`` raises Unanswered where no answer comes."""

    uri: str

    @property
    def naming_contexts(self) -> Sequence[str]:
        """Return the DNs of the trees that this server holds."""

    def request(self, query: Query, cookie: bytes | None) -> Reply:
        """Return the answer, or one page of it; a cookie of None means without paging."""


def read_all(session: Session, query: Query, ranged: Sequence[str] = ()) -> Iterator[Entry]:
    """Yield all entries; the ``ranged`` attributes with all their values."""
    cookie, seen, page, empty_pages = b"", set[str](), 0, 0
    while True:
        page += 1
        reply = _page(session, query, cookie, page)
        for entry in reply.entries:
            if entry.dn in seen:
                raise Incomplete(
                    f"{query} at {session.uri} does not end",
                    f"page {page} has {entry.dn} a second time",
                    _OTHER_SERVER,
                )
            seen.add(entry.dn)
            yield whole(session, entry, ranged)
        empty_pages = 0 if reply.entries else empty_pages + 1
        if not reply.cookie:
            if not seen:
                _check_base(session, query)
            return
        # The same cookie again is not an end: 389-ds numbers its searches, not its pages.
        if empty_pages >= _EMPTY_PAGES or (empty_pages and reply.cookie == cookie):
            raise Incomplete(
                f"{query} at {session.uri} does not end",
                f"page {page} is empty and promises another one",
                _OTHER_SERVER,
            )
        cookie = reply.cookie


_OTHER_SERVER = "Ask another server, or one whose paging works"


def _check_base(session: Session, query: Query) -> None:
    """Raise where the base does not exist.

    389-ds answers a paged search below such a base with success and nothing.
    """
    base = Query(query.base, "(objectClass=*)", ("objectClass",), "base")
    reply = session.request(base, None)
    check(session, base, reply)
    if not reply.entries:
        check(session, base, Reply(NO_SUCH_OBJECT, "noSuchObject", "it cannot be seen"))


def _page(session: Session, query: Query, cookie: bytes, number: int) -> Reply:
    try:
        reply = session.request(query, cookie)
    except DirectoryError as error:
        if number == 1:
            raise
        what = f"{query} at {session.uri} broke off at page {number}"
        why = error.why or error.what
        failure = Incomplete(what, why, "Run again; nothing of it was used")
        raise failure from error  # pylint: disable=bad-exception-cause
    check(session, query, reply)
    return reply


def read_one(session: Session, dn: str, attributes: tuple[str, ...]) -> Entry | None:
    """Return one entry by its DN, with operational attributes; None where it cannot be seen."""
    query = Query(dn, "(objectClass=*)", attributes, "base")
    reply = session.request(query, None)
    if reply.code in (NO_SUCH_OBJECT, REFERRAL, *_NO_RIGHT):
        return None
    check(session, query, reply)
    return next(iter(reply.entries), None)


@dataclass(frozen=True)
class DnSearch:
    """A search for entries of one kind by their DNs."""

    base: str
    dn_attribute: str
    kind_filter: str
    attributes: tuple[str, ...]
    ranged: Sequence[str]
    batch_size: int


def read_dns(session: Session, search: DnSearch, dns: Iterable[str]) -> Iterator[Entry]:
    """Yield the entries among these DNs, a batch in each search."""
    remaining = list(dns)
    for first in range(0, len(remaining), search.batch_size):
        chosen = any_of(search.dn_attribute, remaining[first : first + search.batch_size])
        query = Query(search.base, f"(&{search.kind_filter}{chosen})", search.attributes)
        yield from read_all(session, query, search.ranged)


def check(session: Session, query: Query, reply: Reply) -> None:
    """Raise for every answer that is not the whole one."""
    where = f"{query} at {session.uri}"
    if reply.referrals or reply.code == REFERRAL:
        to = ", ".join(reply.referrals) or "another server"
        raise Incomplete(
            f"{where} left out a part of the tree",
            f"it is at {to}",
            "Choose a base that this server holds, or query the server that holds it",
        )
    if reply.code == SUCCESS:
        return
    message = f": {reply.message}" if reply.message else ""
    answer = f"{reply.name or 'result'} ({reply.code}){message}"
    # Directories do not distinguish a missing base from one that the account may not see.
    if reply.code in (NO_SUCH_OBJECT, INVALID_DN):
        raise Inaccessible(
            f"the base {query.base} does not exist at {session.uri}",
            answer,
            "Correct the base, or give this account the right to see it",
        )
    raise _failed_search(where, answer, reply.code)


def _failed_search(where: str, answer: str, code: int) -> DirectoryError:
    if code in (SIZE_LIMIT, TIME_LIMIT, ADMIN_LIMIT):
        return Incomplete(
            f"{where} was cut short", answer, "Raise the limits of this account, or lower page_size"
        )
    if code in _NO_RIGHT:
        return Inaccessible(
            f"{where} was rejected",
            answer,
            "Give this account the right to search there, or bind as another one",
        )
    if code in (BUSY, UNAVAILABLE):
        return Incomplete(f"{where} was not answered", answer, "Run again, or query another server")
    return DirectoryError(
        f"{where} failed", answer, "Check the base, the filter and the attributes"
    )


def whole(session: Session, entry: Entry, ranged: Sequence[str]) -> Entry:
    """Return the entry with all values of the attributes that came in ranges."""
    # The first condition is here for its speed: nearly no attribute of nearly no entry has options.
    partial = [name for name in entry.values if ";" in name and _is_range_of(name, ranged)]
    if not partial:
        return entry
    values = {name: octets for name, octets in entry.values.items() if name not in partial}
    for name in partial:
        values[_attribute(name)] = _all_values(session, entry, name)
    return Entry(entry.dn, values)


def _is_range_of(name: str, ranged: Sequence[str]) -> bool:
    return _RANGE.search(name) is not None and _attribute(name) in map(str.lower, ranged)


def _attribute(name: str) -> str:
    """Return the attribute's name without options."""
    return name.partition(";")[0]


def _all_values(session: Session, entry: Entry, name: str) -> Sequence[bytes]:
    attribute = _attribute(name)
    octets: list[bytes] = []
    part: Mapping[str, Sequence[bytes]] = entry.values
    while True:
        name, values = _next_range(session, entry, part, attribute, len(octets))
        octets += values
        if name.endswith("*"):
            return octets
        next_range = f"{attribute};range={len(octets)}-*"
        query = Query(entry.dn, "(objectClass=*)", (next_range,), "base")
        reply = session.request(query, None)
        check(session, query, reply)
        part = reply.entries[0].values if reply.entries else {}


def _next_range(
    session: Session, entry: Entry, part: Mapping[str, Sequence[bytes]], attribute: str, first: int
) -> tuple[str, Sequence[bytes]]:
    """Return the range that begins where the former one ended."""
    for name, values in part.items():
        bounds = _RANGE.search(name)
        # A server that answers a range with another one, or with fewer values than it names, would
        # make a group smaller, and its members lose their tools.
        if _attribute(name) != attribute or not bounds or int(bounds[1]) != first or not values:
            continue
        if bounds[2] == "*" or int(bounds[2]) - first + 1 == len(values):
            return bounds[0], values
    raise Incomplete(
        f"{attribute} of {entry.dn} at {session.uri} is incomplete",
        f"after {first} values the server gave {', '.join(part) or 'nothing'}",
        "Run again; nothing of it was used",
    )
