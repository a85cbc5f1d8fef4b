# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of a directory, by DN, login name and primary group. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._directory.directory_errors import Contradiction, Incomplete
from .._directory.distinguished_names import identifier, relative_id
from .._directory.search import Entry
from .._directory.settings import Settings
from . import accounts
from .assignments import User


@dataclass(slots=True)
class ActivePerson:
    """A person whose account is open."""

    entry: Entry
    login: str
    projects: set[str] = field(default_factory=set)


class People:
    """All people, of whom those with an open account are ``active``."""

    def __init__(self, entries: Mapping[str, Entry], settings: Settings, now: datetime) -> None:
        self.entries = dict(entries)
        self._layout = settings.layout
        self._login_format = settings.login_format
        self.active = {
            key: ActivePerson(entry, self.login_of(entry))
            for key, entry in self.entries.items()
            if accounts.is_open(entry, now)
        }
        # Letter by letter, as Unix compares login names, although directories ignore case.
        self.by_login: dict[str, list[str]] = defaultdict(list)
        self._by_primary_group: dict[str, list[str]] = defaultdict(list)
        for key, entry in self.entries.items():
            self._index(key, entry)

    def _index(self, key: str, entry: Entry) -> None:
        self.by_login[self.login_of(entry)].append(key)
        if self._layout.primary_group:
            self._by_primary_group[primary_group_of(entry)].append(key)

    def login_of(self, entry: Entry) -> str:
        """Return the login name as the directory has it."""
        return entry.text(self._layout.people_login)

    def id_of(self, entry: Entry) -> str:
        """Return what identifies a person for ever."""
        values = entry.raw(self._layout.people_id)
        if not values:
            remedy = (
                "Give this account the right to read it, or write another attribute that never"
                " changes to people.id"
            )
            raise Incomplete(
                f"{entry.dn} has no {self._layout.people_id}",
                "it is empty or cannot be read",
                remedy,
            )
        return identifier(self._layout.people_id, values[0])

    def with_login(self, login: str, where: str) -> str:
        """Return the key of the person with a login name, or nothing; ``where`` names it."""
        keys = self.by_login.get(login, [])
        if len(keys) > 1:
            dns = " and ".join(sorted(self.entries[key].dn for key in keys))
            raise Contradiction(
                f"{where} has a member {login!r} who is not one person",
                dns,
                "Narrow people.base or people.filter",
            )
        return keys[0] if keys else ""

    def with_primary_group(self, group: Entry) -> list[str]:
        """Return the keys of the people whose primary group this is.

        Neither Active Directory (MS-ADA3 2.120) nor POSIX has it among the members of the group.
        """
        if not self._layout.primary_group:
            return []
        number = number_of_group(group)
        if number is None:
            what = (
                "neither objectSid nor gidNumber can be read, so that those with this primary group"
                " are unknown"
            )
            raise Incomplete(
                f"the members of {group.dn} are incomplete",
                what,
                "Give the right to read them, or write projects.primary_group: false",
            )
        return self._by_primary_group.get(number, [])

    def users(self, keys: Iterable[str]) -> Iterator[User]:
        """Yield these people as a record has them, without those that cannot log in."""
        for key in keys:
            person = self.active.get(key)
            if person is not None and person.login:
                yield User(
                    self._login_format.replace("{name}", person.login),
                    self.id_of(person.entry),
                    tuple(sorted(person.projects)),
                    _hints(person.entry),
                )

    def closed_ids(self) -> frozenset[str]:
        """Return the ids of the accounts that exist and are closed."""
        closed = (self.entries[key] for key in self.entries.keys() - self.active.keys())
        return frozenset(self.id_of(entry) for entry in closed if entry.raw(self._layout.people_id))

    def expired(self, now: datetime) -> list[str]:
        """Return the keys of the active people whose accounts have closed by their dates."""
        return [
            key for key, person in self.active.items() if not accounts.is_open(person.entry, now)
        ]

    def next_expiry(self, keys: Iterable[str] | None = None) -> datetime | None:
        """Return when the next account closes by its date, of these people or of all."""
        people = self.active.values() if keys is None else self._active_among(keys)
        ends = (accounts.next_end(person.entry) for person in people)
        return min((end for end in ends if end), default=None)

    def _active_among(self, keys: Iterable[str]) -> Iterator[ActivePerson]:
        return (self.active[key] for key in keys if key in self.active)

    def add(self, key: str, entry: Entry, now: datetime) -> None:
        """Add a person whom no project names yet."""
        self._index(key, entry)
        self.replace(key, entry, set(), now)

    def replace(self, key: str, entry: Entry, projects: set[str], now: datetime) -> None:
        """Replace the entry of a person who keeps login name, id and primary group."""
        self.entries[key] = entry
        if accounts.is_open(entry, now):
            self.active[key] = ActivePerson(entry, self.login_of(entry), projects)
        else:
            self.active.pop(key, None)

    def set_project(self, key: str, project: str, *, is_member: bool) -> None:
        """Put a person into a project, or take one out; nothing where the account is closed."""
        person = self.active.get(key)
        if person and is_member:
            person.projects.add(project)
        elif person:
            person.projects.discard(project)

    def is_same_person(self, key: str, entry: Entry) -> bool:
        """Return whether an entry differs from the former one in nothing that identifies it."""
        former = self.entries[key]
        # The keys by which groups and machines name a person; another one needs a full decision.
        names = (
            self._layout.people_login,
            self._layout.people_id,
            "primaryGroupID",
            "gidNumber",
        )
        return all(entry.raw(name) == former.raw(name) for name in names)


def primary_group_of(person: Entry) -> str:
    """Return the number of a person's primary group, as ``number_of_group`` has it."""
    return person.text("primaryGroupID") or f"gid {person.text('gidNumber')}"


def number_of_group(group: Entry) -> str | None:
    """Return the number by which people name their primary group; None where it has none."""
    sid, gid = group.raw("objectSid"), group.text("gidNumber")
    if sid:
        return str(relative_id(sid[0]))
    return f"gid {gid}" if gid else None


def _hints(entry: Entry) -> dict[str, Any]:
    home, uid = (
        entry.text("unixHomeDirectory") or entry.text("homeDirectory"),
        entry.text("uidNumber"),
    )
    return {
        **({"uid": int(uid)} if uid.isdigit() else {}),
        **({"home": home} if home.startswith("/") else {}),
    }
