# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of a directory, and the users in them over groups inside of groups. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from .._directory.distinguished_names import dn_key, member_dn
from .._directory.search import Entry
from .._directory.settings import Settings
from .directory_users import DirectoryUsers, number_of_group
from .facts import MembershipFacts
from .group_members import dn_attributes, is_dynamic, logins_in
from .unmatched_names import UnmatchedNames

type GroupPath = tuple[str, ...]
"""Groups inside of each other, from a project to the one that names a user.

Each by the normal form of its DN.
"""


class Groups:
    """The groups by the normal forms of their DNs."""

    def __init__(
        self,
        facts: MembershipFacts,
        settings: Settings,
        users: DirectoryUsers,
        unmatched: UnmatchedNames,
    ) -> None:
        self.entries = dict(facts.groups)
        self._users = users
        self._unmatched = unmatched
        self._layout = settings.layout
        self._is_nested = settings.nested != "none"
        self._placeholders = settings.placeholders
        self._projects = {entry.key for entry in facts.projects}
        self._dns_of_project = dn_attributes(settings.layout, is_project=True)
        self._dns_of_group = dn_attributes(settings.layout, is_project=False)
        self._chains = facts.chains
        self._by_member_of = self._index_member_of()

    def _index_member_of(self) -> Mapping[str, list[str]]:
        members: dict[str, list[str]] = defaultdict(list)
        if self._layout.member_of:
            for key, entry in [*self._users.entries.items(), *self.entries.items()]:
                for dn in entry.texts(*self._layout.member_of):
                    members[dn_key(dn)].append(key)
        return members

    @cached_property
    def parents(self) -> dict[str, set[str]]:
        """Return of each group those that name it as a member, which only updates need."""
        parents: dict[str, set[str]] = defaultdict(set)
        for key, group in self.entries.items():
            self._link(parents, key, group)
        return parents

    def _link(self, parents: dict[str, set[str]], key: str, group: Entry) -> None:
        for member in self.named_in(group):
            if member in self.entries:
                parents[member].add(key)

    def named_in(self, group: Entry) -> Iterator[str]:
        """Yield the DNs that a group names as its members, in normal form."""
        keys = (dn_key(member_dn(text)) for text in self._dns_in(group))
        return (key for key in keys if key not in self._placeholders)

    def _dns_in(self, group: Entry) -> list[str]:
        is_project = group.key in self._projects
        return group.texts(*(self._dns_of_project if is_project else self._dns_of_group))

    def logins_in(self, group: Entry) -> list[str]:
        """Return the login names that a group has as its members."""
        return logins_in(self._layout, group, is_project=group.key in self._projects)

    def names_anybody(self, group: Entry) -> bool:
        """Return whether a group has a readable member, including placeholders."""
        return bool(self._dns_in(group))

    def members_of(self, group: Entry, where: str) -> dict[str, GroupPath]:
        """Return the users in a group, over all groups inside of it.

        Each with a shortest path to them. ``where`` is what messages call the group.
        """
        members: dict[str, GroupPath] = {}
        seen, top = {group.key}, (group.key,)
        # Breadth first, so that the first path to a user is a shortest one.
        waiting: deque[tuple[GroupPath, str, str]] = deque(
            (top, *item) for item in self._direct_members(group, where)
        )
        # The server's rule decides the members, but not the groups that lead to them.
        in_chain = [(top, key, key) for key in self._chains.get(group.key, ())]
        while waiting or in_chain:
            if not waiting:
                waiting, in_chain = deque(in_chain), []
            path, key, written = waiting.popleft()
            if key in self._users.entries:
                members.setdefault(key, path)
            elif key not in self.entries:
                self._unmatched.add(where, key, written)
            # Groups may be inside of each other in a circle.
            elif key not in seen:
                seen.add(key)
                waiting.extend(self._inner_members((*path, key), where))
        return members

    def _inner_members(self, path: GroupPath, where: str) -> Iterator[tuple[GroupPath, str, str]]:
        """Yield the members of the last group of a path, where groups inside of groups count."""
        if self._is_nested:
            for key, written in self._direct_members(self.entries[path[-1]], where):
                yield path, key, written

    def _direct_members(self, group: Entry, where: str) -> Iterator[tuple[str, str]]:
        """Yield key and written name of each member, from all attributes."""
        placeholders = self._placeholders
        for text in self._dns_in(group):
            key = dn_key(member_dn(text))
            if key not in placeholders:
                yield key, text
        for login in self.logins_in(group):
            for key in self._users.with_login(login, where) or ("",):
                yield key, login
        for key in self._by_member_of.get(group.key, ()):
            yield key, key
        for key in self._users.with_primary_group(group):
            yield key, key

    def containing(self, keys: Iterable[str]) -> set[str]:
        """Return these groups, and all that have one of them inside, at any depth."""
        containing, waiting = set(keys), list(keys)
        while waiting:
            parents = self.parents.get(waiting.pop(), set()) - containing
            containing |= parents
            waiting += parents
        return containing

    def replace(self, key: str, group: Entry) -> None:
        """Replace the entry of a group."""
        for member in self.named_in(self.entries[key]):
            self.parents[member].discard(key)
        self.entries[key] = group
        self._link(self.parents, key, group)

    def dynamic(self) -> list[str]:
        """Return the DNs of the groups whose members the server computes."""
        return sorted(group.dn for group in self.entries.values() if is_dynamic(group))

    def primary_groups(self) -> set[str]:
        """Return the numbers of the groups that users may have as their primary group."""
        if not self._layout.primary_group:
            return set()
        numbers = (number_of_group(group) for group in self.entries.values())
        return {number for number in numbers if number is not None}
