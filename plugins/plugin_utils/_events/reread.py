# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read entries again by their DNs, in each area that can contain them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from .._directory.distinguished_names import dn_key
from .._directory.generalized_time import parse_time
from .._directory.search import (
    INVALID_DN,
    NO_SUCH_OBJECT,
    Entry,
    Query,
    Session,
    check,
    whole,
)
from .._directory.settings import SearchArea, Settings
from .._membership.entry_update import EntryUpdate, Role
from .._membership.facts import group_attributes, host_attributes, ranged, user_attributes

_STAMPS = ("entryCSN", "modifyTimestamp", "whenChanged")


@dataclass(frozen=True)
class _RoleQuery:
    """The area of a role, and the attributes that are read."""

    role: Role
    place: SearchArea
    attributes: tuple[str, ...]


def reread(
    session: Session, settings: Settings, role_of: Callable[[str], Role | None], dn: str
) -> EntryUpdate:
    """Return one entry as it is now; its known role is tried first."""
    key = dn_key(dn)
    known_role = role_of(key)
    queries = sorted(_role_queries(settings), key=lambda query: query.role != known_role)
    for query in queries:
        if not query.place.contains(key):
            continue
        entry, exists = _read_as(session, settings, dn, query)
        if entry:
            return EntryUpdate(key, query.role, entry)
        if not exists:
            break
    return EntryUpdate(key)


def _role_queries(settings: Settings) -> Iterator[_RoleQuery]:
    yield _RoleQuery(Role.PROJECT, settings.projects, group_attributes(settings))
    yield _RoleQuery(Role.USER, settings.users, user_attributes(settings))
    if settings.hosts:
        yield _RoleQuery(Role.HOST, settings.hosts, host_attributes(settings))
    # A group inside a project may be anywhere on the server.
    anywhere = SearchArea("", settings.layout.groups_filter)
    yield _RoleQuery(Role.GROUP, anywhere, group_attributes(settings))


def _read_as(
    session: Session, settings: Settings, dn: str, role_query: _RoleQuery
) -> tuple[Entry | None, bool]:
    """Return the entry if it has this role, and whether it exists at all."""
    attributes = (*role_query.attributes, *_STAMPS)
    query = Query(dn, role_query.place.filter, attributes, "base")
    reply = session.request(query, None)
    if reply.code in (NO_SUCH_OBJECT, INVALID_DN):
        return None, False
    check(session, query, reply)
    return next((whole(session, entry, ranged(settings)) for entry in reply.entries), None), True


def changed_at(update: EntryUpdate) -> datetime | None:
    """Return when the entry was changed, according to the directory."""
    texts = update.entry.texts(*_STAMPS) if update.entry else ()
    # An entryCSN is a time with a counter and the number of the server behind it.
    moments = (parse_time(text.partition("#")[0]) for text in texts)
    return max((moment for moment in moments if moment), default=None)
