# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a directory, and the users who have each. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from functools import cached_property

from .._directory.directory_errors import Contradiction, Incomplete
from .._directory.distinguished_names import dn_key, first_value, host_name
from .._directory.search import Entry
from .._directory.settings import Settings
from .directory_users import DirectoryUsers
from .entry_names import main_value
from .facts import MembershipFacts
from .groups import Groups
from .listing import some
from .netgroups import Triple, malformed, triples
from .unmatched_names import UnmatchedNames

_SHOWN = 10
"""How many bad entries a message names, since each of them has to be corrected."""
_UNREADABLE = "its {} is empty or cannot be read"


class HostOwners:
    """The keys of each host's users, by the host's name.

    A user gets a host by an attribute of the host or of the user, by ``host_map`` or
    by a netgroup.
    """

    def __init__(
        self,
        facts: MembershipFacts,
        settings: Settings,
        users: DirectoryUsers,
        groups: Groups,
        unmatched: UnmatchedNames,
    ) -> None:
        self.remarks: list[str] = []
        self.uncertain_hosts: dict[str, str] = {}
        """The hosts with uncertain assignments, with the reason."""
        self._unusable: list[tuple[Entry, str]] = []
        """The entries whose names no host can have, with these names."""
        self._aliases: dict[str, str] = {}
        """The names of hosts by the further values of their naming attribute."""
        self._settings = settings
        self._users = users
        self._groups = groups
        self._unmatched = unmatched
        self._names: dict[str, str] = {}
        """The name of each host's entry, by its DN in normal form."""
        self._owner_groups: set[str] = set()
        """The groups whose members have a host through them."""
        self.users_of: dict[str, set[str]] = {}
        self._assign_by_owner(facts.hosts)
        for name, logins in settings.host_map.items():
            self._assign_by_map(name, logins)
        self._assign_by_user()
        for netgroup in facts.netgroups:
            self._assign_by_netgroup(netgroup)
        self._report_unusable()

    @cached_property
    def by_user(self) -> dict[str, set[str]]:
        """Return the names of each user's hosts, which hardly anything but updates needs."""
        hosts: dict[str, set[str]] = defaultdict(set)
        for name, keys in self.users_of.items():
            for key in keys:
                hosts[key].add(name)
        return hosts

    def of_user(self, key: str) -> Set[str]:
        """Return the names of a user's hosts."""
        return self.by_user.get(key, frozenset())

    def name_of(self, key: str) -> str | None:
        """Return the name of the host with this DN; None where it is not among them."""
        return self._names.get(key)

    def depend_on(self, groups: Set[str]) -> bool:
        """Return whether the members of one of these groups have a host through it."""
        return bool(self._owner_groups & groups)

    def _assign_by_owner(self, hosts: Iterable[Entry]) -> None:
        origins: dict[str, str] = {}
        name_key = self._settings.layout.hosts_name.lower()
        for entry in hosts:
            name = self.named(entry)
            if name is None:
                self._unusable.append((entry, self._written_name(entry)))
                continue
            if name in origins:
                self.uncertain_hosts[name] = (
                    f"two entries are the host {name}: {origins[name]} and {entry.dn}"
                )
            origins[name] = entry.dn
            self._names[entry.key] = name
            owners = self.users_of.setdefault(name, set())
            owners.update(self._owners(entry, name))
            if len(entry.values.get(name_key, ())) > 1:
                self._add_aliases(entry, name)

    def _add_aliases(self, host: Entry, name: str) -> None:
        for written in host.texts(self._settings.layout.hosts_name):
            alias = host_name(written, self._settings.domain)
            other = self._aliases.setdefault(alias, name) if alias else name
            if other != name:
                for uncertain in (other, name):
                    self.uncertain_hosts[uncertain] = (
                        f"the hosts {other} and {name} are both called {alias}"
                    )

    def known(self, name: str | None) -> str | None:
        """Return the name of the host with a name or an alias, or None."""
        if name is None or name in self.users_of:
            return name
        return self._aliases.get(name)

    def named(self, host: Entry) -> str | None:
        """Return the name that an entry gives to its host; None where it gives no usable one."""
        domain = self._settings.domain
        name = host_name(self._written_name(host), domain)
        if name is None:
            written = host.texts(self._settings.layout.hosts_name)
            usable = (host_name(text, domain) for text in sorted(written))
            name = next((other for other in usable if other), None)
        return name

    def _written_name(self, host: Entry) -> str:
        written = main_value(host, self._settings.layout.hosts_name)
        return written or (self._settings.domain and first_value(host.dn, "cn")) or ""

    def _report_unusable(self) -> None:
        """Report the entries without a usable name; raise where no host has one."""
        if not self._unusable:
            return
        attribute = self._settings.layout.hosts_name
        named = (
            f"{entry.dn} ({written!r})" if written else entry.dn
            for entry, written in self._unusable
        )
        entry, written = self._unusable[0]
        hint = (
            "Write letters, digits and hyphens only, correct hosts.name, or leave it out by"
            " hosts.filter"
        )
        if not self.users_of:
            why = f"its {attribute} is {written!r}" if written else _UNREADABLE.format(attribute)
            raise Incomplete(f"{entry.dn} has no name that a host can have", why, hint)
        self.remarks.append(
            f"{some(named, shown=_SHOWN)} is left out, as no host can have its {attribute} as a"
            f" name. {hint}"
        )

    def _owners(self, host: Entry, name: str) -> Iterator[str]:
        for dn in host.texts(*self._settings.layout.hosts_owners):
            key = dn_key(dn)
            if key in self._settings.placeholders:
                continue
            if key in self._users.entries:
                yield key
            elif key in self._groups.entries:
                # An update of such a group moves hosts, which update() leaves to a full
                # decision.
                self._owner_groups.add(key)
                yield from self._groups.members_of(self._groups.entries[key], f"group {dn}")
            elif key != host.key:  # FreeIPA's hosts manage themselves.
                self._unmatched.add(f"host {name}", key, dn)
        if self._settings.layout.hosts_owner_logins:
            yield from self._owners_by_login(host, name)

    def _owners_by_login(self, host: Entry, name: str) -> Iterator[str]:
        for login in host.texts(*self._settings.layout.hosts_owner_logins):
            keys = self._users.with_login(login, f"host {name}")
            yield from keys
            if not keys:
                self._unmatched.add(f"host {name}", "", login)

    def _assign_by_map(self, written: str, logins: Iterable[str]) -> None:
        name = host_name(written, self._settings.domain)
        if name is None:
            raise Contradiction(
                f"{written!r} in host_map is no host's name",
                "",
                "Write a name such as pc1.example.com",
            )
        owners = self.users_of.setdefault(self.known(name) or name, set())
        for login in logins:
            keys = self._users.with_login(login, f"host_map of {name}")
            owners.update(keys)
            if not keys:
                self._unmatched.add(f"host {name} in host_map", "", login)

    def _assign_by_user(self) -> None:
        attribute = self._settings.host_attribute
        if not attribute:
            return
        for key, user in self._users.active.items():
            for written in user.entry.texts(attribute):
                name = self._named_by_user(written)
                # ``hosts`` is the list of the fleet: an attribute of a user does not add to
                # it, or a host would be lost together with its last user.
                if name in self.users_of:
                    self.users_of[name].add(key)
                elif "=" not in written:
                    self.remarks.append(
                        f"{attribute} of {user.entry.dn} names {written!r},"
                        " which is not among the hosts"
                    )

    def _named_by_user(self, written: str) -> str | None:
        """Return the host that an attribute of a user names, by name or by DN."""
        if "=" in written:
            return self._names.get(dn_key(written))
        return self.known(host_name(written, self._settings.domain))

    def _assign_by_netgroup(self, netgroup: Entry) -> None:
        where = f"netgroup {main_value(netgroup, 'cn')}"
        for text in malformed(netgroup):
            self._mark_named_in(text, where)
        for triple in triples(netgroup):
            if triple.is_pair:
                self._assign_pair(triple, where)
            elif not triple.host and triple.user not in ("", "-"):
                self.remarks.append(f"{where} gives {triple.user} any host, which is ignored")

    def _mark_named_in(self, text: str, where: str) -> None:
        """Mark the hosts that an unreadable triple names as uncertain."""
        reason = f"{where} has {text!r}, which is no triple (host,user,domain)"
        words = (host_name(word, self._settings.domain) for word in re.split(r"[^\w.-]+", text))
        names = {self.known(word) for word in words if word} & self.users_of.keys()
        self.uncertain_hosts.update({name: reason for name in names if name})
        if not names:
            self.remarks.append(f"{reason} and is ignored. Correct it in the directory")

    def _assign_pair(self, triple: Triple, where: str) -> None:
        name = self.known(host_name(triple.host, self._settings.domain))
        if name is None or name not in self.users_of:
            self.remarks.append(f"{where} names {triple.host!r}, which is not among the hosts")
            return
        keys = self._users.with_login(triple.user, where)
        self.users_of[name].update(keys)
        if not keys:
            self._unmatched.add(where, "", triple.user)

    def names_only_users(self, host: Entry) -> bool:
        """Return whether an entry names as owners only users, itself, and entries outside."""
        owners = host.texts(*self._settings.layout.hosts_owners)
        keys = {dn_key(dn) for dn in owners} - self._users.entries.keys() - {host.key}
        keys -= self._settings.placeholders
        logins = host.texts(*self._settings.layout.hosts_owner_logins)
        return all(self._unmatched.is_outside(key) for key in keys) and all(
            map(self._users.has_login, logins)
        )

    def put(self, key: str, host: Entry, name: str) -> str:
        """Add a host, or replace its entry; return its name."""
        self._unmatched.host_keys.add(key)
        self._unmatched.forget(f"host {name}")
        self._names[key] = name
        for owner in self.users_of.get(name, ()):
            self.by_user[owner].discard(name)
        self.users_of[name] = set(self._owners(host, name))
        for owner in self.users_of[name]:
            self.by_user[owner].add(name)
        return name
