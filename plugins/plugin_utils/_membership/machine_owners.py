# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of a directory, and the people who have each. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from functools import cached_property

from .._directory.directory_errors import Contradiction, Incomplete
from .._directory.distinguished_names import dn_key, first_value, machine_name
from .._directory.search import Entry
from .._directory.settings import Settings
from .facts import MembershipFacts
from .groups import Groups
from .netgroups import Triple, triples
from .people import People
from .unmatched_names import UnmatchedNames


class MachineOwners:
    """The keys of each machine's people, by the machine's name.

    A person gets a machine by an attribute of the machine or of the person, by ``machine_map`` or
    by a netgroup.
    """

    def __init__(
        self,
        facts: MembershipFacts,
        settings: Settings,
        people: People,
        groups: Groups,
        unmatched: UnmatchedNames,
    ) -> None:
        self.remarks: list[str] = []
        self._settings = settings
        self._people = people
        self._groups = groups
        self._unmatched = unmatched
        self._names: dict[str, str] = {}
        """The name of each machine's entry, by its DN in normal form."""
        self._owner_groups: set[str] = set()
        """The groups whose members have a machine through them."""
        self.people_of: dict[str, set[str]] = {}
        self._assign_by_owner(facts.machines)
        for name, logins in settings.machine_map.items():
            self._assign_by_map(name, logins)
        self._assign_by_user()
        for netgroup in facts.netgroups:
            self._assign_by_netgroup(netgroup)

    @cached_property
    def by_person(self) -> dict[str, set[str]]:
        """Return the names of each person's machines, which hardly anything but updates needs."""
        machines: dict[str, set[str]] = defaultdict(set)
        for name, keys in self.people_of.items():
            for key in keys:
                machines[key].add(name)
        return machines

    def of_person(self, key: str) -> Set[str]:
        """Return the names of a person's machines."""
        return self.by_person.get(key, frozenset())

    def name_of(self, key: str) -> str | None:
        """Return the name of the machine with this DN; None where it is not among them."""
        return self._names.get(key)

    def depend_on(self, groups: Set[str]) -> bool:
        """Return whether the members of one of these groups have a machine through it."""
        return bool(self._owner_groups & groups)

    def _assign_by_owner(self, machines: Iterable[Entry]) -> None:
        origins: dict[str, str] = {}
        for entry in machines:
            name = self.named(entry)
            if name in origins:
                raise Contradiction(
                    f"two entries are the machine {name}",
                    f"{origins[name]} and {entry.dn}",
                    "Narrow machines.base or machines.filter",
                )
            origins[name] = entry.dn
            self._names[entry.key] = name
            self.people_of[name] = set(self._owners(entry, name))

    def named(self, machine: Entry) -> str:
        """Return the name that an entry gives to its machine."""
        attribute, domain = self._settings.layout.machines_name, self._settings.domain
        written = machine.text(attribute) or (domain and first_value(machine.dn, "cn")) or ""
        name = machine_name(written, domain)
        if name is None:
            state = f"is {written!r}" if written else "is empty or cannot be read"
            remedy = (
                "Correct it or machines.name, or leave it out with a filter such as"
                f" ({attribute}=*)"
            )
            raise Incomplete(
                f"{machine.dn} has no name that a machine can have",
                f"its {attribute} {state}",
                remedy,
            )
        return name

    def _owners(self, machine: Entry, name: str) -> Iterator[str]:
        for dn in machine.texts(*self._settings.layout.machines_owners):
            key = dn_key(dn)
            if key in self._people.entries:
                yield key
            elif key in self._groups.entries:
                # An update of such a group moves machines, which update() leaves to a full
                # decision.
                self._owner_groups.add(key)
                yield from self._groups.members_of(self._groups.entries[key], f"group {dn}")
            elif key != machine.key:  # FreeIPA's hosts manage themselves.
                self._unmatched.add(f"machine {name}", key, dn)

    def _assign_by_map(self, written: str, logins: Iterable[str]) -> None:
        name = machine_name(written, self._settings.domain)
        if name is None:
            raise Contradiction(
                f"{written!r} in machine_map is no machine's name",
                "",
                "Write a name such as pc1.example.com",
            )
        owners = self.people_of.setdefault(name, set())
        for login in logins:
            key = self._people.with_login(login, f"machine_map, {name},")
            if key:
                owners.add(key)
            else:
                self._unmatched.add(f"machine {name} in machine_map", "", login)

    def _assign_by_user(self) -> None:
        attribute = self._settings.user_attribute
        if not attribute:
            return
        for key, person in self._people.active.items():
            for written in person.entry.texts(attribute):
                name = machine_name(written, self._settings.domain)
                # ``machines`` is the list of the fleet: an attribute of a person does not add to
                # it, or a machine would be lost together with its last user.
                if name in self.people_of:
                    self.people_of[name].add(key)
                else:
                    self.remarks.append(
                        f"{attribute} of {person.entry.dn} names {written!r},"
                        " which is not among the machines"
                    )

    def _assign_by_netgroup(self, netgroup: Entry) -> None:
        where = f"netgroup {netgroup.text('cn')}"
        for triple in triples(netgroup):
            if triple.is_pair:
                self._assign_pair(triple, where)
            elif not triple.machine and triple.user not in ("", "-"):
                self.remarks.append(
                    f"{where} gives {triple.user} any machine, which is passed over"
                )

    def _assign_pair(self, triple: Triple, where: str) -> None:
        name = machine_name(triple.machine, self._settings.domain)
        if name is None or name not in self.people_of:
            self.remarks.append(
                f"{where} names {triple.machine!r}, which is not among the machines"
            )
            return
        key = self._people.with_login(triple.user, where)
        if key:
            self.people_of[name].add(key)
        else:
            self._unmatched.add(where, "", triple.user)

    def names_only_people(self, machine: Entry) -> bool:
        """Return whether an entry names as owners only people, itself, and entries outside."""
        owners = machine.texts(*self._settings.layout.machines_owners)
        keys = {dn_key(dn) for dn in owners} - self._people.entries.keys() - {machine.key}
        return all(self._unmatched.is_outside(key) for key in keys)

    def put(self, key: str, machine: Entry) -> str:
        """Add a machine, or replace its entry; return its name."""
        name = self.named(machine)
        self._unmatched.forget(f"machine {name}")
        self._names[key] = name
        for owner in self.people_of.get(name, ()):
            self.by_person[owner].discard(name)
        self.people_of[name] = set(self._owners(machine, name))
        for owner in self.people_of[name]:
            self.by_person[owner].add(name)
        return name
