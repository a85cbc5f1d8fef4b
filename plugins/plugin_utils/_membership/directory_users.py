# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The users of a directory, by DN, login name and primary group. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from .._directory.directory_errors import Incomplete
from .._directory.distinguished_names import identifier, relative_id
from .._directory.search import Entry
from .._directory.settings import Settings
from . import accounts
from .assignments import User
from .entry_names import main_value
from .listing import some

_SHOWN = 10
"""How many bad entries a message names, since each of them has to be corrected."""


@dataclass(slots=True)
class ActiveUser:
    """A user with an enabled account."""

    entry: Entry
    login: str
    projects: set[str] = field(default_factory=set)


class DirectoryUsers:
    """All users; those with an enabled account are ``active``."""

    def __init__(self, entries: Mapping[str, Entry], settings: Settings, now: datetime) -> None:
        self.entries = dict(entries)
        self._layout = settings.layout
        self._login_format = settings.login_format
        self.active: dict[str, ActiveUser] = {}
        # Case-sensitive, as Unix compares login names, although directories ignore case.
        self.by_login: dict[str, list[str]] = defaultdict(list)
        self.by_alias: dict[str, list[str]] = defaultdict(list)
        """The same by the further values of a login name."""
        self.without_id: set[str] = set()
        self.uncertain: dict[str, str] = {}
        """Users whose projects are uncertain, with the reason."""
        self._by_primary_group: dict[str, list[str]] = defaultdict(list)
        self._id_key = settings.layout.users_id.lower()
        self._login_key = settings.layout.users_login.lower()
        for key, entry in self.entries.items():
            self.add(key, entry, now)

    def _index(self, key: str, login: str, entry: Entry) -> None:
        self.by_login[login].append(key)
        if len(entry.values.get(self._login_key, ())) > 1:
            for alias in {*entry.texts(self._login_key)} - {login}:
                self.by_alias[alias].append(key)
        if not entry.values.get(self._id_key):
            self.without_id.add(key)
        if self._layout.primary_group:
            self._by_primary_group[primary_group_of(entry)].append(key)

    def login_of(self, entry: Entry) -> str:
        """Return the login name as the directory has it."""
        return main_value(entry, self._layout.users_login)

    def id_of(self, entry: Entry) -> str:
        """Return the permanent ID of a user; empty if it cannot be read."""
        values = entry.raw(self._layout.users_id)
        if len(values) > 1:
            return main_value(entry, self._layout.users_id)
        return identifier(self._layout.users_id, values[0]) if values else ""

    def with_login(self, login: str, where: str) -> list[str]:
        """Return the keys of the users with a login name; ``where`` names it.

        More than one is a contradiction, and all of them are uncertain then.
        """
        keys = self.by_login.get(login) or self.by_alias.get(login, [])
        if len(keys) > 1:
            dns = " and ".join(sorted(self.entries[key].dn for key in keys))
            reason = f"{where} names {login!r}, which is the login name of {dns}"
            self.uncertain.update(dict.fromkeys(keys, reason))
        return keys

    def has_login(self, login: str) -> bool:
        """Return whether a login name is one of a user's."""
        return login in self.by_login or login in self.by_alias

    @cached_property
    def folded_logins(self) -> dict[str, str]:
        """Return the login names by their lower-case forms, for messages only."""
        return {login.lower(): login for login in (*self.by_alias, *self.by_login)}

    def with_primary_group(self, group: Entry) -> list[str]:
        """Return the keys of the users whose primary group this is.

        Neither Active Directory (MS-ADA3 2.120) nor POSIX has it among the members of the group.
        """
        if not self._layout.primary_group:
            return []
        number = number_of_group(group)
        if number is None and not _can_be_primary(group):
            return []
        if number is None:
            what = (
                "neither objectSid nor gidNumber can be read, so users with this primary group are"
                " unknown"
            )
            raise Incomplete(
                f"the members of {group.dn} are incomplete",
                what,
                "Give the right to read them, or write projects.primary_group: false",
            )
        return self._by_primary_group.get(number, [])

    def assigned(self, keys: Iterable[str]) -> Iterator[User]:
        """Yield these users as in an assignment, without users that cannot log in."""
        for key in keys:
            user = self.active.get(key)
            user_id = self.id_of(user.entry) if user is not None and user.login else ""
            if user is not None and user_id:
                yield User(
                    self._login_format.replace("{name}", user.login),
                    user_id,
                    tuple(sorted(user.projects)),
                    _hints(user.entry),
                )

    def closed_ids(self) -> frozenset[str]:
        """Return the ids of the accounts that exist and are closed."""
        closed = (self.entries[key] for key in self.entries.keys() - self.active.keys())
        return frozenset(self.id_of(entry) for entry in closed if entry.raw(self._layout.users_id))

    def expired(self, now: datetime) -> list[str]:
        """Return the keys of the users whose accounts have opened or closed by their dates."""
        return [
            key
            for key, entry in self.entries.items()
            if accounts.is_open(entry, now) != (key in self.active)
        ]

    def next_expiry(self, now: datetime, keys: Iterable[str] | None = None) -> datetime | None:
        """Return when the next account opens or closes by its date, of these users or of all."""
        users = self.entries.values() if keys is None else self._among(keys)
        dates = (accounts.next_change(entry, now) for entry in users)
        return min((date for date in dates if date), default=None)

    def _among(self, keys: Iterable[str]) -> Iterator[Entry]:
        return (self.entries[key] for key in keys if key in self.entries)

    def unreadable(self) -> Iterator[str]:
        """Yield remarks on values of accounts that cannot be read."""
        dns: dict[tuple[str, str], list[str]] = defaultdict(list)
        for entry in self.entries.values():
            if accounts.has_limits(entry):
                for name, form in accounts.unreadable(entry):
                    dns[name, form].append(f"{entry.dn} ({entry.text(name)!r})")
        for (name, form), written in dns.items():
            yield (
                f"{name} is ignored, as it is no {form}: {some(written, shown=_SHOWN)}."
                " Correct it in the directory"
            )

    def add(self, key: str, entry: Entry, now: datetime) -> None:
        """Add a user that no project names yet."""
        login = self.login_of(entry)
        self._index(key, login, entry)
        self.entries[key] = entry
        if accounts.is_open(entry, now):
            self.active[key] = ActiveUser(entry, login)

    def replace(self, key: str, entry: Entry, projects: set[str], now: datetime) -> None:
        """Replace the entry of a user who keeps login name, id and primary group."""
        self.entries[key] = entry
        if accounts.is_open(entry, now):
            self.active[key] = ActiveUser(entry, self.login_of(entry), projects)
        else:
            self.active.pop(key, None)

    def set_project(self, key: str, project: str, *, is_member: bool) -> None:
        """Put a user into a project, or take one out; nothing where the account is closed."""
        user = self.active.get(key)
        if user and is_member:
            user.projects.add(project)
        elif user:
            user.projects.discard(project)

    def is_same_user(self, key: str, entry: Entry) -> bool:
        """Return whether an entry differs from the former one in nothing that identifies it."""
        former = self.entries[key]
        # The keys by which groups and hosts name a user; another one needs a full decision.
        names = (
            self._layout.users_login,
            self._layout.users_id,
            "primaryGroupID",
            "gidNumber",
        )
        return all(sorted(entry.raw(name)) == sorted(former.raw(name)) for name in names)


def primary_group_of(user: Entry) -> str:
    """Return the number of a user's primary group, as ``number_of_group`` has it."""
    return user.text("primaryGroupID") or f"gid {user.text('gidNumber')}"


def number_of_group(group: Entry) -> str | None:
    """Return the number by which users name their primary group; None where it has none."""
    sid, gid = group.raw("objectSid"), group.text("gidNumber")
    if sid:
        return str(relative_id(sid[0]))
    return f"gid {gid}" if gid else None


def _can_be_primary(group: Entry) -> bool:
    """Return whether a group may be primary; one of RFC 4519 has no number in any case."""
    classes = {name.lower() for name in group.texts("objectClass")}
    return not classes or bool(classes & {"group", "posixgroup"})


def _hints(entry: Entry) -> dict[str, Any]:
    home, uid = (
        entry.text("unixHomeDirectory") or entry.text("homeDirectory"),
        entry.text("uidNumber"),
    )
    return {
        **({"uid": int(uid)} if uid.isdecimal() else {}),
        **({"home": home} if home.startswith("/") else {}),
    }
