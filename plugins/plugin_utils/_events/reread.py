# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading entries again, by their DNs, each in the places where it counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from .._directory.distinguished_names import dn_key
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
from .._membership.facts import group_attributes, machine_attributes, person_attributes, ranged
from .membership_cache import Picture, Reading

_STAMPS = ("entryCSN", "modifyTimestamp", "whenChanged")
_TIME = re.compile(r"(\d{14})(?:[.,](\d{1,6})\d*)?Z")


@dataclass(frozen=True)
class _Kind:
    name: str
    place: SearchArea
    attributes: tuple[str, ...]


def read_again(session: Session, settings: Settings, picture: Picture, dn: str) -> Reading:
    """One entry as it is now; first as what it was known as until now."""
    key = dn_key(dn)
    known = picture.kind_of(key)
    kinds = sorted(_kinds(settings), key=lambda kind: kind.name != known)
    for kind in kinds:
        if not is_in(key, kind.place):
            continue
        entry, there = _as(session, settings, dn, kind)
        if entry:
            return Reading(key, **{kind.name: entry})
        if not there:
            break
    return Reading(key)


def _kinds(settings: Settings) -> Iterator[_Kind]:
    yield _Kind("project", settings.projects, group_attributes(settings))
    yield _Kind("person", settings.people, person_attributes(settings))
    if settings.machines:
        yield _Kind("machine", settings.machines, machine_attributes(settings))
    yield _Kind("group", SearchArea("", settings.layout.groups_filter), group_attributes(settings))


def is_in(key: str, place: SearchArea) -> bool:
    """Whether an entry is where this place looks."""
    base = dn_key(place.base) if place.base else ""
    if base and key != base and not key.endswith(f",{base}"):
        return False
    depth = len(key) - len(base) - 1
    return place.scope != "one" or (depth > 0 and "," not in key[:depth].replace("\\,", ""))


def _as(session: Session, settings: Settings, dn: str, kind: _Kind) -> tuple[Entry | None, bool]:
    """The entry where it counts as this; and whether it is there at all."""
    query = Query(dn, kind.place.filter, (*kind.attributes, *_STAMPS), "base")
    reply = session.request(query, None)
    if reply.code in (NO_SUCH_OBJECT, INVALID_DN):
        return None, False
    check(session, query, reply)
    return next((whole(session, entry, ranged(settings)) for entry in reply.entries), None), True


def changed_at(reading: Reading) -> datetime | None:
    """When the directory says that the entry was changed."""
    entry = reading.project or reading.person or reading.machine or reading.group
    stamps = (
        _TIME.match(text.partition("#")[0]) for text in (entry.texts(*_STAMPS) if entry else ())
    )
    return max((_moment(match[1], match[2]) for match in stamps if match), default=None)


def _moment(seconds: str, fraction: str | None) -> datetime:
    return datetime.strptime(seconds, "%Y%m%d%H%M%S").replace(
        tzinfo=UTC, microsecond=int((fraction or "0").ljust(6, "0"))
    )
