# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we know now: everything that decides who works where, and the answer that follows from it. Pure.

An entry that was read again is put in its place, and only what depends on it is decided anew, by
the same rules. Where that cannot be said of a change with certainty, ``absorb`` says so, and
everything is to be read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from .._directory.distinguished_names import dn_key, member_dn, relative_id
from .._directory.search import Entry
from .._directory.settings import Settings
from .._membership import accounts
from .._membership.assignments import Machine
from .._membership.decide import Decision, Person
from .._membership.facts import Facts


@dataclass(frozen=True)
class Reading:
    """An entry as it is now, for each of the places where it counts.

    Nothing where it counts no more, or is gone.
    """

    key: str
    project: Entry | None = None
    group: Entry | None = None
    person: Entry | None = None
    machine: Entry | None = None


class Doubt(Exception):
    """What a change comes to is not certain."""


class Picture:
    """The facts and what was decided from them."""

    def __init__(self, facts: Facts, settings: Settings, now: datetime) -> None:
        """Raises what the decision raises where there is a gap."""
        self.settings = settings
        self.groups = dict(facts.groups)
        self.people = dict(facts.people)
        self.decision = Decision(
            replace(facts, groups=self.groups, people=self.people), settings, now
        )
        answer = self.decision.membership("time:control:0")
        self.projects = answer.projects
        self.remarks = answer.remarks
        self.fleet: dict[str, Machine] = {machine.machine: machine for machine in answer.machines}
        self.next_end = self._next_end()
        """When the next account closes by its date."""
        self._projects = {entry.key: name for name, entry in self.decision.projects.items()}
        self._machines = {
            entry.key: self.decision.name_of_machine(entry) for entry in facts.machines
        }
        self._fleet_of: dict[str, set[str]] = defaultdict(set)
        for name, keys in self.decision.machines.items():
            for key in keys:
                self._fleet_of[key].add(name)
        self._inside_of: dict[str, set[str]] = defaultdict(set)
        """Of each group those that have it inside."""
        owners = {
            dn_key(dn)
            for machine in facts.machines
            for dn in machine.texts(*self.decision.layout.machines_owners)
        }
        self._owning = owners & self.groups.keys()
        """The groups whose members have machines."""
        written = {text for names in self.decision.unresolved.values() for text in names}
        self._lost = written | {dn_key(text) for text in written}
        """What cannot be found, as names and as DNs."""
        for group in self.groups.values():
            for key in self._named(group):
                if key in self.groups:
                    self._inside_of[key].add(group.key)

    @property
    def closed(self) -> frozenset[str]:
        """The ids of accounts that are there and closed."""
        entries = (entry for key, entry in self.people.items() if key not in self.decision.people)
        return frozenset(
            self.decision.id_of(entry)
            for entry in entries
            if entry.raw(self.decision.layout.people_id)
        )

    def ended(self, now: datetime) -> list[Reading]:
        """The people whose accounts have closed by their dates meanwhile."""
        late = [
            key
            for key, person in self.decision.people.items()
            if not accounts.is_open(person.entry, now)
        ]
        return [Reading(key, person=self.people[key]) for key in late]

    def absorb(self, readings: Iterable[Reading], now: datetime) -> bool:
        """Take in what was read again.

        False where everything is to be read anew, and this picture is not to be used any more.
        """
        try:
            self._absorb(list(readings), now)
        except Doubt:
            return False
        if self.next_end and self.next_end <= now:
            self.next_end = self._next_end()
        return True

    def kind_of(self, key: str) -> str:
        """As what an entry is known."""
        if key in self._projects:
            return "project"
        return (
            "person"
            if key in self.people
            else "machine"
            if key in self._machines
            else "group"
            if key in self.groups
            else ""
        )

    def _absorb(self, readings: list[Reading], now: datetime) -> None:
        self._doubt(not absorbs(self.settings))
        touched: set[str] = set()
        for reading in readings:
            if reading.person or reading.key in self.people:
                touched |= self._person(reading, now)
        for reading in readings:
            if reading.machine or reading.key in self._machines:
                touched |= self._machine(reading)
        groups = [reading for reading in readings if not reading.person and not reading.machine]
        for reading in groups:
            self._take_group(reading)
        touched |= self._members({reading.key for reading in groups if reading.key in self.groups})
        for name in touched & self.decision.machines.keys():
            self.fleet[name] = Machine(
                name, tuple(sorted(self.decision.users_of(self.decision.machines[name])))
            )

    def _next_end(self) -> datetime | None:
        ends = (accounts.next_end(person.entry) for person in self.decision.people.values())
        return min((end for end in ends if end), default=None)

    @staticmethod
    def _doubt(there_is: bool) -> None:
        if there_is:
            raise Doubt

    # People

    def _person(self, reading: Reading, now: datetime) -> set[str]:
        former, layout = self.people.get(reading.key), self.decision.layout
        entry = _certain(
            reading.person,
            reading.machine is not None or (former is None and self._is_known(reading.key)),
        )
        login = entry.text(layout.people_login)
        if former is None:
            self._doubt(
                bool(self._lost or self.decision.logins.get(login))
                or login in self.decision.facts.other_logins
            )
            self._doubt(self._primary(entry) in self._primaries())
            self.decision.logins[login].append(reading.key)
            if layout.primary_group:
                self.decision.primary.setdefault(self._primary(entry), []).append(reading.key)
        else:
            same = (layout.people_login, layout.people_id, "primaryGroupID", "gidNumber")
            self._doubt(any(entry.raw(name) != former.raw(name) for name in same))
        self.people[reading.key] = entry
        if accounts.is_open(entry, now):
            self.next_end = min(
                filter(None, (self.next_end, accounts.next_end(entry))), default=None
            )
            mine = {
                name for name, members in self.decision.members.items() if reading.key in members
            }
            self.decision.people[reading.key] = Person(entry, login, mine)
        else:
            self.decision.people.pop(reading.key, None)
        return self._fleet_of.get(reading.key, set())

    def _is_known(self, key: str) -> bool:
        return bool(self.kind_of(key)) or key in self.decision.facts.others

    @staticmethod
    def _primary(entry: Entry) -> str:
        return entry.text("primaryGroupID") or f"gid {entry.text('gidNumber')}"

    def _primaries(self) -> set[str]:
        """The primary groups that make somebody a member."""
        if not self.decision.layout.primary_group:
            return set()
        sids = ((group.raw("objectSid"), group.text("gidNumber")) for group in self.groups.values())
        return {str(relative_id(sid[0])) if sid else f"gid {gid}" for sid, gid in sids}

    # Machines

    def _machine(self, reading: Reading) -> set[str]:
        former = self._machines.get(reading.key)
        entry = _certain(
            reading.machine,
            bool(self.settings.machine_map) or (former is None and self._is_known(reading.key)),
        )
        name = self.decision.name_of_machine(entry)
        self._doubt(name in self.fleet if former is None else name != former)
        owners = {dn_key(dn) for dn in entry.texts(*self.decision.layout.machines_owners)}
        self._doubt(not owners <= self.people.keys() | {reading.key} | self.decision.facts.others)
        self.decision.strangers.pop(f"machine {name}", None)
        self._machines[reading.key] = name
        for key in self.decision.machines.get(name, ()):
            self._fleet_of[key].discard(name)
        self.decision.machines[name] = set(self.decision.owners_of(entry, name))
        for key in self.decision.machines[name]:
            self._fleet_of[key].add(name)
        return {name}

    # Groups

    def _take_group(self, reading: Reading) -> None:
        name, former = self._projects.get(reading.key), self.groups.get(reading.key)
        self._doubt((reading.project is not None) != (name is not None))
        if former is None:
            # Nobody has named it until now, and whoever names it from now on is read again as well.
            self._doubt(reading.key in self.decision.facts.others)
            return
        entry = _certain(reading.project or reading.group)
        named = set(self._named(entry))
        self._doubt(not named and not self.decision.layout.empty_groups)
        self._doubt(not all(self._is_known(key) or key in self._lost for key in named))
        logins = entry.texts(*self.decision.layout.member_logins)
        self._doubt(
            not all(
                login in self.decision.logins
                or login in self.decision.facts.other_logins
                or login in self._lost
                for login in logins
            )
        )
        if name is not None:
            self._doubt(self.decision.name_of_project(entry) != name)
            self.decision.projects[name] = entry
        for key in self._named(former):
            self._inside_of[key].discard(reading.key)
        for key in named & self.groups.keys():
            self._inside_of[key].add(reading.key)
        self.groups[reading.key] = entry

    def _named(self, group: Entry) -> Iterator[str]:
        return (dn_key(member_dn(text)) for text in group.texts(*self.decision.layout.member_dns))

    def _members(self, changed: set[str]) -> set[str]:
        """Decide the members of all projects that have these groups inside.

        The machines that it touches.
        """
        touched: set[str] = set()
        above = self._above(changed)
        self._doubt(bool(above & self._owning))
        for key in above & self._projects.keys():
            name = self._projects[key]
            where = f"project {name}"
            self.decision.strangers.pop(where, None)
            before, after = (
                self.decision.members[name],
                self.decision.members_of(self.decision.projects[name], where),
            )
            self.decision.members[name] = after
            for person in before.keys() ^ after.keys():
                self._set_project(person, name, person in after)
                touched |= self._fleet_of.get(person, set())
        return touched

    def _set_project(self, key: str, project: str, member: bool) -> None:
        person = self.decision.people.get(key)
        if person:
            (person.projects.add if member else person.projects.discard)(project)

    def _above(self, keys: set[str]) -> set[str]:
        found, waiting = set(keys), list(keys)
        while waiting:
            more = self._inside_of.get(waiting.pop(), set()) - found
            found |= more
            waiting += more
        return found


def _certain(entry: Entry | None, doubtful: bool = False) -> Entry:
    if entry is None or doubtful:
        raise Doubt
    return entry


def absorbs(settings: Settings) -> bool:
    """Whether these settings let a single entry decide."""
    return not (
        settings.nested == "in_chain"
        or settings.netgroups
        or settings.layout.member_of
        or settings.user_attribute
    )
