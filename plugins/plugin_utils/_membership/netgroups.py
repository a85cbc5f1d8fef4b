# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netgroups: triples of host, user and domain, and netgroups inside of netgroups.

RFC 2307 2.3, netgroup(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .._directory.distinguished_names import any_of
from .._directory.search import Entry, Query, Session, read_all
from .._directory.settings import Settings

_INSIDE = "memberNisNetgroup"
"""The attribute with the netgroups inside of one."""
ATTRIBUTES = ("cn", "nisNetgroupTriple", _INSIDE)
_TRIPLE = re.compile(r"\(\s*([^,()]*?)\s*,\s*([^,()]*?)\s*,\s*([^,()]*?)\s*\)")


@dataclass(frozen=True)
class Triple:
    """A host and a user; empty means any, ``-`` means none.

    The domain is that of NIS, and decides nothing here.
    """

    host: str
    user: str

    @property
    def is_pair(self) -> bool:
        """Return whether it gives this host to this user."""
        return self.host not in ("", "-") and self.user not in ("", "-")


def triples(entry: Entry) -> Iterator[Triple]:
    """Yield the triples of one netgroup; pure."""
    for text in entry.texts("nisNetgroupTriple"):
        match = _TRIPLE.fullmatch(text.strip())
        if match:
            yield Triple(match[1], match[2])


def malformed(entry: Entry) -> list[str]:
    """Return values of a netgroup that are not triples; pure."""
    return [
        text for text in entry.texts("nisNetgroupTriple") if not _TRIPLE.fullmatch(text.strip())
    ]


def users_named(netgroups: Iterable[Entry]) -> set[str]:
    """Return the login names in triples; pure."""
    users: set[str] = set()
    for entry in netgroups:
        users.update(triple.user for triple in triples(entry) if triple.is_pair)
    return users


def read_netgroups(
    session: Session, settings: Settings
) -> tuple[tuple[Entry, ...], frozenset[str]]:
    """Return all netgroups that are chosen or inside of these, and names that do not exist."""
    place = settings.netgroups
    if place is None:
        return (), frozenset()
    ranged = ("nisNetgroupTriple", _INSIDE)
    netgroups = {
        entry.key: entry
        for entry in read_all(
            session, Query(place.base, place.filter, ATTRIBUTES, place.scope), ranged
        )
    }
    known = _names(netgroups.values(), "cn")
    lost: set[str] = set()
    waiting = _names(netgroups.values(), _INSIDE) - known
    while waiting:
        batch, rest = sorted(waiting)[: settings.batch_size], sorted(waiting)[settings.batch_size :]
        # By cn: memberNisNetgroup has names, not DNs.
        chosen = f"(&(objectClass=nisNetgroup){any_of('cn', batch)})"
        new = {
            entry.key: entry
            for entry in read_all(session, Query(settings.base, chosen, ATTRIBUTES), ranged)
        }
        netgroups.update(new)
        named = _names(new.values(), "cn")
        lost |= set(batch) - named
        # Also names that were not found, so that circles and lost names end.
        known |= named | set(batch)
        waiting = ({*rest} | _names(new.values(), _INSIDE)) - known
    return tuple(netgroups.values()), frozenset(lost)


def _names(entries: Iterable[Entry], attribute: str) -> set[str]:
    return set[str]().union(*(entry.texts(attribute) for entry in entries))
