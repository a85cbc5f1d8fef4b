# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find changes since the last poll by the directory's own marks; deletions are not found.

Active Directory numbers its changes (uSNChanged, MS-ADTS 3.1.1.1.9), the others note the second
(modifyTimestamp, RFC 4512 3.4.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from .._directory.connection import LdapSession
from .._directory.distinguished_names import dn_key
from .._directory.generalized_time import parse_time
from .._directory.search import Entry, Query, read_all
from .._directory.settings import Settings

# modifyTimestamp may have whole seconds only: a change later in the second of a poll has the same
# stamp.
_OVERLAP = timedelta(seconds=2)
# The two clocks may differ. Too early a start only reads entries once more.
_UNKNOWN_CLOCK = timedelta(minutes=10)
_CSN = re.compile(r"csn:.*:(\d{14})\.\d+Z#")
# A CSN of 389-ds begins with the second, in eight hexadecimal digits.
_RUV = re.compile(r"ruv:.*:([0-9a-f]{8})[0-9a-f]{12}")


def bases(settings: Settings) -> list[str]:
    """Return the bases of all areas, none below another one."""
    places = (settings.projects, settings.users, settings.hosts, settings.netgroups)
    by_key = {
        dn_key(base): base for base in (settings.base, *(place.base for place in places if place))
    }
    return [
        base
        for key, base in by_key.items()
        if not any(key.endswith(f",{above}") for above in by_key)
    ]


class Poll:
    """Poll a directory, and remember the last change seen."""

    def __init__(self, settings: Settings, session: LdapSession, revision: str) -> None:
        self._bases = bases(settings)
        self._usn = _highest_usn(session)
        self._since = clock_of(revision, datetime.now(UTC))
        self._seen: dict[str, str] = {}

    def changed(self, session: LdapSession) -> set[str]:
        """Return the DNs of entries that are new or have changed since the last poll."""
        return self._by_number(session) if self._usn is not None else self._by_time(session)

    def _by_number(self, session: LdapSession) -> set[str]:
        # The highest number is read before the search, so that no change is lost between two polls.
        session.read_root_entry()
        first, self._usn = (self._usn or 0) + 1, _highest_usn(session)
        entries = self._search(session, f"(uSNChanged>={first})", ("1.1",))
        return {entry.dn for entry in entries}

    def _by_time(self, session: LdapSession) -> set[str]:
        first = self._since.strftime("%Y%m%d%H%M%SZ")
        attributes = ("modifyTimestamp", "entryCSN")
        stamps = {
            entry.dn: entry.text("entryCSN") or entry.text("modifyTimestamp")
            for entry in self._search(session, f"(modifyTimestamp>={first})", attributes)
        }
        # The overlap finds entries of the last poll again, with the same stamp.
        changed = {dn for dn, stamp in stamps.items() if self._seen.get(dn) != stamp}
        self._seen = stamps
        self._since = max([self._since, *_moments(stamps.values())])
        return changed

    def _search(
        self, session: LdapSession, chosen: str, attributes: tuple[str, ...]
    ) -> Iterator[Entry]:
        for base in self._bases:
            yield from read_all(session, Query(base, chosen, attributes))


def clock_of(revision: str, now: datetime) -> datetime:
    """Return the server's clock at a revision if it has one; otherwise ours, minus ten minutes."""
    csn, ruv = _CSN.match(revision), _RUV.match(revision)
    if csn:
        return datetime.strptime(csn[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC) - _OVERLAP
    if ruv:
        return datetime.fromtimestamp(int(ruv[1], 16), UTC) - _OVERLAP
    return now - _UNKNOWN_CLOCK


def _moments(stamps: Iterable[str]) -> Iterable[datetime]:
    # A server may allow this account to search by a stamp but not to read it.
    moments = (parse_time(stamp.partition("#")[0]) for stamp in stamps)
    return (moment - _OVERLAP for moment in moments if moment)


def _highest_usn(session: LdapSession) -> int | None:
    text = session.root.text("highestCommittedUSN")
    return int(text) if text.isdigit() else None
