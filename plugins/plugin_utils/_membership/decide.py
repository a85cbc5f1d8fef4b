# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who works where, from what was read. Pure: no input or output, and no clock of its own."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._directory.directory_errors import Contradiction, Incomplete
from .._directory.distinguished_names import (
    dn_key,
    first_value,
    group_name,
    identifier,
    is_odd,
    machine_name,
    member_dn,
    relative_id,
)
from .._directory.search import Entry
from .._directory.settings import Settings
from .accounts import is_open
from .assignments import Machine, Membership, User, ordered
from .facts import Facts
from .netgroups import triples

_SHOWN = 3
type Way = tuple[str, ...]
"""Groups inside of each other, from a project to the one that names somebody, by the normal forms of their DNs."""


def decide(facts: Facts, settings: Settings, serial: str, now: datetime) -> Membership:
    """The membership records of all machines."""
    return Decision(facts, settings, now).membership(serial)


@dataclass(slots=True)
class Person:
    """Somebody whose account is open."""

    entry: Entry
    login: str
    projects: set[str] = field(default_factory=set)


class Decision:
    """Who works where, and through which groups."""

    def __init__(self, facts: Facts, settings: Settings, now: datetime) -> None:
        self.facts = facts
        self.settings = settings
        self.layout = settings.layout
        self.remarks: list[str] = []
        self.people = {
            key: Person(entry, entry.text(self.layout.people_login))
            for key, entry in facts.people.items()
            if is_open(entry, now)
        }
        self.logins: dict[str, list[str]] = defaultdict(list)
        for key, entry in facts.people.items():
            self.logins[entry.text(self.layout.people_login)].append(key)
        self.primary = self._by_primary_group()
        self.inside = self._by_member_of()
        self.strangers: dict[str, set[str]] = defaultdict(set)
        self.unresolved: dict[str, set[str]] = defaultdict(set)
        self.projects = self._projects()
        self.members = {
            name: self.members_of(entry, f"project {name}") for name, entry in self.projects.items()
        }
        """Of each project the people, by their keys, each with the groups that lead to them, from the project on."""
        for name, found in self.members.items():
            for key in found.keys() & self.people.keys():
                self.people[key].projects.add(name)
        self.machines = self._assignments()
        """The keys of each machine's people."""

    def membership(self, serial: str) -> Membership:
        """The answer; raises where it would have a gap."""
        self._check_memberships()
        self._refuse_unresolved()
        groups = self._group_names(self.projects)
        machines = ordered(
            Machine(name, tuple(sorted(self.users_of(keys))))
            for name, keys in self.machines.items()
        )
        self._check_logins(machines)
        for where, found in self.strangers.items():
            self.remarks.append(
                f"{where} names who is not among the people of people.base: {_some(found)}"
            )
        return Membership(serial, machines, groups, tuple(sorted(self.remarks)))

    def _check_memberships(self) -> None:
        """A group that somebody is in, and that cannot be seen, may be inside of a project."""
        if self.settings.nested == "none" or not self.layout.member_of:
            return
        for entry in [*self.facts.people.values(), *self.facts.groups.values()]:
            for dn in entry.texts(*self.layout.member_of):
                key = dn_key(dn)
                if key not in self.facts.groups and key not in self.facts.others:
                    self.unresolved[f"{self.layout.member_of[0]} of {entry.dn}"].add(dn)

    def _refuse_unresolved(self) -> None:
        """A name that leads nowhere is somebody who was deleted, or somebody who is hidden from this account."""
        for name in self.facts.lost_netgroups:
            self.unresolved["a netgroup"].add(name)
        if not self.unresolved:
            return
        told = [f"{where} names {_some(found)}" for where, found in sorted(self.unresolved.items())]
        if self.settings.unresolved == "warn":
            self.remarks += [
                f"{text}, which cannot be found and is taken for gone" for text in told
            ]
            return
        remedy = (
            "Give this account the right to read them, or take the names out; where such names are"
            " left of people who are gone, write unresolved: warn"
        )
        why = "they are not there, or this account may not see them"
        raise Incomplete(f"{'; '.join(told[:_SHOWN])}, which cannot be found", why, remedy)

    # Projects and their members

    def _projects(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for entry in sorted(self.facts.projects, key=lambda item: item.key):
            name = self.name_of_project(entry)
            if name in found:
                raise Contradiction(
                    f"two groups are the project {name}",
                    f"{found[name].dn} and {entry.dn}",
                    "Narrow projects.base or projects.filter",
                )
            found[name] = entry
        return dict(sorted(found.items()))

    def name_of_project(self, entry: Entry) -> str:
        """The name of a project by its group."""
        attribute, prefix = self.layout.projects_name, self.settings.prefix
        names = entry.texts(attribute)
        if len(names) > 1:  # The DN has the one that distinguishes it.
            own = first_value(entry.dn, attribute)
            names = [
                name
                for name in names
                if own is not None and dn_key(f"x={name}") == dn_key(f"x={own}")
            ] or sorted(names)
        name = names[0].removeprefix(prefix).strip() if names else ""
        if not name:
            raise Incomplete(
                f"{entry.dn} has no name",
                f"its {attribute} is empty or cannot be read",
                "Correct projects.name, or the right to read it",
            )
        return name

    def _group_names(self, projects: Iterable[str]) -> dict[str, str]:
        owners: dict[str, str] = {}
        for project in projects:
            name = group_name(project)
            if name in owners:
                raise Contradiction(
                    f"two projects would be the group {name}",
                    f"{owners[name]} and {project}",
                    "Rename one, or narrow projects.filter",
                )
            owners[name] = project
            if is_odd(project):
                self.remarks.append(f"the project {project!r} is the group {name}")
        return {project: name for name, project in owners.items()}

    def members_of(self, group: Entry, where: str) -> dict[str, Way]:
        """The people in a group, over all groups inside of it, each with a shortest way to them."""
        found: dict[str, Way] = {}
        seen, top = {group.key}, (group.key,)
        waiting: deque[tuple[Way, str, str]] = deque(
            (top, *item) for item in self._direct(group, where)
        )
        # The server's own rule says who, not how: it has the last word.
        late = [(top, key, key) for key in self.facts.chains.get(group.key, ())]
        while waiting or late:
            if not waiting:
                waiting, late = deque(late), []
            way, key, written = waiting.popleft()
            if key in self.facts.people:
                found.setdefault(key, way)
            elif key not in self.facts.groups:
                self._stranger(where, key, written)
            elif key not in seen and self.settings.nested != "none":
                seen.add(key)
                waiting.extend(
                    ((*way, key), *item) for item in self._direct(self.facts.groups[key], where)
                )
        return found

    def _direct(self, group: Entry, where: str) -> Iterator[tuple[str, str]]:
        for text in group.texts(*self.layout.member_dns):
            yield dn_key(member_dn(text)), text
        for login in group.texts(*self.layout.member_logins):
            yield self._person_by_login(login, where), login
        for key in (*self.inside.get(group.key, ()), *self._primary_members(group)):
            yield key, key

    def _person_by_login(self, login: str, where: str) -> str:
        keys = self.logins.get(login, [])
        if len(keys) > 1:
            dns = " and ".join(sorted(self.facts.people[key].dn for key in keys))
            raise Contradiction(
                f"{where} has a member {login!r} who is not one person",
                dns,
                "Narrow people.base or people.filter",
            )
        return keys[0] if keys else ""

    def _by_member_of(self) -> Mapping[str, list[str]]:
        inside: dict[str, list[str]] = defaultdict(list)
        for key, entry in [*self.facts.people.items(), *self.facts.groups.items()]:
            for dn in entry.texts(*self.layout.member_of):
                inside[dn_key(dn)].append(key)
        return inside

    def _by_primary_group(self) -> dict[str, list[str]]:
        by: dict[str, list[str]] = defaultdict(list)
        if self.layout.primary_group:
            for key, entry in self.facts.people.items():
                by[entry.text("primaryGroupID") or f"gid {entry.text('gidNumber')}"].append(key)
        return by

    def _primary_members(self, group: Entry) -> list[str]:
        """Active Directory has a person's primary group nowhere else (MS-ADA3 2.120).

        POSIX likewise.
        """
        if not self.layout.primary_group:
            return []
        sid, gid = group.raw("objectSid"), group.text("gidNumber")
        if not sid and not gid:
            what = (
                "neither objectSid nor gidNumber can be read, so that those with this primary group"
                " are unknown"
            )
            raise Incomplete(
                f"the members of {group.dn} are incomplete",
                what,
                "Give the right to read them, or write projects.primary_group: false",
            )
        return self.primary.get(str(relative_id(sid[0])) if sid else f"gid {gid}", [])

    def _stranger(self, where: str, key: str, written: str) -> None:
        known = key in self.facts.others or written in self.facts.other_logins
        (self.strangers if known else self.unresolved)[where].add(written)

    # Machines and their users

    def _assignments(self) -> dict[str, set[str]]:
        fleet: dict[str, set[str]] = {}
        origins: dict[str, str] = {}
        for entry in self.facts.machines:
            name = self.name_of_machine(entry)
            if name in origins:
                raise Contradiction(
                    f"two entries are the machine {name}",
                    f"{origins[name]} and {entry.dn}",
                    "Narrow machines.base or machines.filter",
                )
            origins[name] = entry.dn
            fleet[name] = set(self.owners_of(entry, name))
        for name, logins in self.settings.machine_map.items():
            self._assign_by_map(fleet, name, logins)
        self._assign_by_user(fleet)
        self._assign_by_netgroup(fleet)
        return fleet

    def name_of_machine(self, entry: Entry) -> str:
        """The name of a machine."""
        attribute, domain = self.layout.machines_name, self.settings.domain
        written = entry.text(attribute) or (domain and first_value(entry.dn, "cn")) or ""
        name = machine_name(written, domain)
        if name is None:
            why = (
                f"its {attribute}"
                f" {'is ' + repr(written) if written else 'is empty or cannot be read'}"
            )
            remedy = (
                "Correct it or machines.name, or leave it out with a filter such as"
                f" ({attribute}=*)"
            )
            raise Incomplete(f"{entry.dn} has no name that a machine can have", why, remedy)
        return name

    def owners_of(self, machine: Entry, name: str) -> Iterator[str]:
        """The keys of the people who have a machine."""
        for dn in machine.texts(*self.layout.machines_owners):
            key = dn_key(dn)
            if key in self.facts.people:
                yield key
            elif key in self.facts.groups:
                yield from self.members_of(self.facts.groups[key], f"group {dn}")
            elif key != machine.key:  # FreeIPA's hosts manage themselves.
                self._stranger(f"machine {name}", key, dn)

    def _assign_by_map(
        self, fleet: dict[str, set[str]], written: str, logins: Iterable[str]
    ) -> None:
        name = machine_name(written, self.settings.domain)
        if name is None:
            raise Contradiction(
                f"{written!r} in machine_map is no machine's name",
                "",
                "Write a name such as pc1.example.com",
            )
        users = fleet.setdefault(name, set())
        for login in logins:
            key = self._person_by_login(login, f"machine_map, {name},")
            if key:
                users.add(key)
            else:
                self._stranger(f"machine {name} in machine_map", "", login)

    def _assign_by_user(self, fleet: dict[str, set[str]]) -> None:
        if not self.settings.user_attribute:
            return
        for key, person in self.people.items():
            for written in person.entry.texts(self.settings.user_attribute):
                name = machine_name(written, self.settings.domain)
                if name in fleet:
                    fleet[name].add(key)
                else:
                    self.remarks.append(
                        f"{self.settings.user_attribute} of {person.entry.dn} names {written!r},"
                        " which is not among the machines"
                    )

    def _assign_by_netgroup(self, fleet: dict[str, set[str]]) -> None:
        for entry in self.facts.netgroups:
            where = f"netgroup {entry.text('cn')}"
            for triple in triples(entry):
                name = machine_name(triple.machine, self.settings.domain)
                if not triple.machine and triple.user not in ("", "-"):
                    self.remarks.append(
                        f"{where} gives {triple.user} any machine, which is passed over"
                    )
                elif triple.is_pair and name not in fleet:
                    self.remarks.append(
                        f"{where} names {triple.machine!r}, which is not among the machines"
                    )
                elif triple.is_pair and name is not None:
                    key = self._person_by_login(triple.user, where)
                    fleet[name].update([key] if key else [])
                    if not key:
                        self._stranger(where, "", triple.user)

    def users_of(self, keys: Iterable[str]) -> Iterator[User]:
        """These people as a record has them; those whose accounts are closed are left out."""
        for key in keys:
            person = self.people.get(key)
            if person is None:  # The account is closed.
                continue
            if not person.login:
                self.remarks.append(
                    f"{person.entry.dn} has no {self.layout.people_login} and is left out"
                )
                continue
            name = self.settings.login_format.replace("{name}", person.login)
            yield User(
                name, self.id_of(person.entry), tuple(sorted(person.projects)), _hints(person.entry)
            )

    def id_of(self, entry: Entry) -> str:
        """What identifies somebody for ever."""
        values = entry.raw(self.layout.people_id)
        if not values:
            remedy = (
                "Give this account the right to read it, or write another attribute that never"
                " changes to people.id"
            )
            raise Incomplete(
                f"{entry.dn} has no {self.layout.people_id}",
                "it is empty or cannot be read",
                remedy,
            )
        return identifier(self.layout.people_id, values[0])

    def _check_logins(self, machines: Iterable[Machine]) -> None:
        """A login name means one person."""
        ids: dict[str, str] = {}
        for user in (user for machine in machines for user in machine.users):
            if ids.setdefault(user.name, user.id) != user.id:
                raise Contradiction(
                    f"two people have the login name {user.name}",
                    f"{ids[user.name]} and {user.id}",
                    "Narrow people.base or people.filter",
                )


def _some(found: Iterable[str]) -> str:
    names = sorted(found)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _hints(entry: Entry) -> dict[str, Any]:
    home, uid = (
        entry.text("unixHomeDirectory") or entry.text("homeDirectory"),
        entry.text("uidNumber"),
    )
    return {
        **({"uid": int(uid)} if uid.isdigit() else {}),
        **({"home": home} if home.startswith("/") else {}),
    }
