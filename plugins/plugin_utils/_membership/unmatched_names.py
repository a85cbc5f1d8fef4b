# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in groups and hosts that lead to none of the users. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from .._directory.distinguished_names import dn_key
from .directory_users import DirectoryUsers
from .facts import MembershipFacts
from .listing import some


class UnmatchedNames:
    """The names that lead to no user, by the group or host that has them.

    ``outside`` exist, and are not among the users; ``unresolved`` cannot be found.
    """

    def __init__(self, facts: MembershipFacts, users: DirectoryUsers) -> None:
        self._other_keys = facts.others
        self._other_groups = facts.other_groups
        self._other_logins = facts.other_logins
        self._host_entries = facts.hosts
        self._users = users
        self.outside: dict[str, set[str]] = defaultdict(set)
        self.unresolved: dict[str, set[str]] = defaultdict(set)
        self._hosts: dict[str, set[str]] = defaultdict(set)
        self._groups: dict[str, set[str]] = defaultdict(set)
        self._other_case: dict[str, set[str]] = defaultdict(set)
        for name in facts.lost_netgroups:
            self.unresolved["a netgroup"].add(name)

    def add(self, where: str, key: str, written: str) -> None:
        """Keep a name that ``where`` has; ``key`` is its DN in normal form, empty of a login."""
        self._of_kind(key, written)[where].add(written)

    def _of_kind(self, key: str, written: str) -> dict[str, set[str]]:
        if key in self.host_keys:
            return self._hosts
        if key in self._other_groups:
            return self._groups
        if not key and written.lower() in self._users.folded_logins:
            return self._other_case
        exists = self.is_outside(key) or self.is_login_outside(written)
        return self.outside if exists else self.unresolved

    @cached_property
    def host_keys(self) -> set[str]:
        """Return the DNs of the hosts in normal form, which only names in groups need."""
        return {entry.key for entry in self._host_entries}

    def remarks(self) -> Iterator[str]:
        """Yield remarks on existing entries that are ignored."""
        for where, names in self.outside.items():
            yield f"{where} names entries that are not among the users of users.base: {some(names)}"
        for where, names in self._hosts.items():
            yield f"{where} names hosts, which are ignored: {some(names)}"
        for where, names in self._groups.items():
            yield f"{where} names groups, which projects.nested: none ignores: {some(names)}"
        for where, names in self._other_case.items():
            yield (
                f"{where} names {some(names)}, which is ignored: it differs in case from the login"
                f" name {some(self._users.folded_logins[name.lower()] for name in names)}"
            )

    def forget(self, where: str) -> None:
        """Drop the names outside that a group or host had; it is about to be read again."""
        for names in (self.outside, self._hosts, self._groups, self._other_case):
            names.pop(where, None)

    def is_outside(self, key: str) -> bool:
        """Return whether an entry exists and is neither a user nor a group."""
        return key in self._other_keys or key in self._other_groups

    def is_login_outside(self, login: str) -> bool:
        """Return whether a login name exists outside of the users."""
        return login in self._other_logins

    def unresolved_names(self) -> frozenset[str]:
        """Return what cannot be found, as it is written and as a DN in normal form."""
        written = set[str]().union(*self.unresolved.values())
        return frozenset(written | {dn_key(text) for text in written})
