# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who works where, from what was read. Pure: no input or output, and no clock of its own.

A full decision on 10,000 people in 200 projects takes a quarter of a second of a processor, ten
times as long as the event source takes from a change to its event. So a decision can also be
updated with the entries that have changed, which takes 0.2 ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from .._directory.directory_errors import Contradiction, Incomplete
from .._directory.distinguished_names import dn_key, first_value, group_name, is_odd
from .._directory.search import Entry
from .._directory.settings import Settings
from .assignments import Machine, Membership, ordered
from .entry_update import EntryUpdate, Role, require
from .facts import MembershipFacts
from .groups import Groups
from .machine_owners import MachineOwners
from .people import People, primary_group_of
from .unmatched_names import UnmatchedNames, some

_SHOWN = 3


def decide(facts: MembershipFacts, settings: Settings, serial: str, now: datetime) -> Membership:
    """Return the membership records of all machines."""
    return Decision(facts, settings, now).membership(serial)


def can_update(settings: Settings) -> bool:
    """Return whether these settings let a single entry decide."""
    # With these, other entries than the one that has changed decide, too: the server's own rule,
    # netgroups, or attributes of people that name groups or machines.
    return not (
        settings.nested == "in_chain"
        or settings.netgroups
        or settings.layout.member_of
        or settings.user_attribute
    )


class Decision:
    """Who works where, and through which groups."""

    def __init__(self, facts: MembershipFacts, settings: Settings, now: datetime) -> None:
        self._settings = settings
        self._layout = settings.layout
        self._unmatched = UnmatchedNames(facts)
        self.people = People(facts.people, settings, now)
        self.groups = Groups(facts, settings, self.people, self._unmatched)
        self.projects = self._projects_by_name(facts.projects)
        self._project_names = {entry.key: name for name, entry in self.projects.items()}
        self.members = {
            name: self.groups.members_of(entry, f"project {name}")
            for name, entry in self.projects.items()
        }
        """Of each project the people, by their keys.

        Each with the groups that lead to them, from the project on.
        """
        for name, members in self.members.items():
            for key in members.keys() & self.people.active.keys():
                self.people.active[key].projects.add(name)
        self.machines = MachineOwners(facts, settings, self.people, self.groups, self._unmatched)

    def membership(self, serial: str) -> Membership:
        """Return the whole answer; raise where it would have a gap."""
        self._check_memberships()
        remarks = list(self.machines.remarks)
        remarks += self._unresolved_remarks()
        names = self._group_names()
        remarks += [
            f"the project {project!r} is the group {name}"
            for project, name in names.items()
            if is_odd(project)
        ]
        machines = ordered(self.machine(name) for name in self.machines.people_of)
        remarks += self._remarks_on_missing_logins()
        _check_logins(machines)
        remarks += [
            f"{where} names who is not among the people of people.base: {some(outside)}"
            for where, outside in self._unmatched.outside.items()
        ]
        return Membership(serial, machines, names, tuple(sorted(remarks)))

    def machine(self, name: str) -> Machine:
        """Return a machine with its users as they are decided now."""
        return Machine(name, tuple(sorted(self.people.users(self.machines.people_of[name]))))

    def role_of(self, key: str) -> Role | None:
        """Return what an entry counts as; None where it decides nothing."""
        if key in self._project_names:
            return Role.PROJECT
        if key in self.people.entries:
            return Role.PERSON
        if self.machines.name_of(key) is not None:
            return Role.MACHINE
        return Role.GROUP if key in self.groups.entries else None

    # The whole answer

    def _check_memberships(self) -> None:
        """Note the groups that a person or group is in, and that cannot be seen.

        Each may be inside of a project.
        """
        if self._settings.nested == "none" or not self._layout.member_of:
            return
        attribute = self._layout.member_of[0]
        for entry in [*self.people.entries.values(), *self.groups.entries.values()]:
            for dn in entry.texts(*self._layout.member_of):
                key = dn_key(dn)
                if key not in self.groups.entries and not self._unmatched.is_outside(key):
                    self._unmatched.unresolved[f"{attribute} of {entry.dn}"].add(dn)

    def _unresolved_remarks(self) -> list[str]:
        """Return what cannot be found; raise Incomplete where that is an error.

        A name that leads nowhere belongs to a person who was deleted, or to one who is hidden from
        this account.
        """
        unresolved = sorted(self._unmatched.unresolved.items())
        reasons = [f"{where} names {some(names)}" for where, names in unresolved]
        if not reasons:
            return []
        if self._settings.unresolved == "warn":
            return [f"{text}, which cannot be found and is taken for gone" for text in reasons]
        remedy = (
            "Give this account the right to read them, or take the names out; where such names are"
            " left of people who are gone, write unresolved: warn"
        )
        why = "they are not there, or this account may not see them"
        raise Incomplete(f"{'; '.join(reasons[:_SHOWN])}, which cannot be found", why, remedy)

    def _remarks_on_missing_logins(self) -> Iterator[str]:
        for key, person in self.people.active.items():
            if not person.login:
                for _machine in self.machines.of_person(key):
                    yield f"{person.entry.dn} has no {self._layout.people_login} and is left out"

    def _projects_by_name(self, entries: Iterable[Entry]) -> dict[str, Entry]:
        projects: dict[str, Entry] = {}
        # Sorted, so that the same directory gives the same answer in whatever order the server
        # sends.
        for entry in sorted(entries, key=lambda item: item.key):
            name = self._project_name(entry)
            if name in projects:
                raise Contradiction(
                    f"two groups are the project {name}",
                    f"{projects[name].dn} and {entry.dn}",
                    "Narrow projects.base or projects.filter",
                )
            projects[name] = entry
        return dict(sorted(projects.items()))

    def _project_name(self, entry: Entry) -> str:
        attribute, prefix = self._layout.projects_name, self._settings.prefix
        names = entry.texts(attribute)
        if len(names) > 1:  # The DN has the one that distinguishes it.
            own = first_value(entry.dn, attribute)
            names = _same_value(names, own) or sorted(names)
        name = names[0].removeprefix(prefix).strip() if names else ""
        if not name:
            raise Incomplete(
                f"{entry.dn} has no name",
                f"its {attribute} is empty or cannot be read",
                "Correct projects.name, or the right to read it",
            )
        return name

    def _group_names(self) -> dict[str, str]:
        """Return the name of each project's group in Ansible."""
        owners: dict[str, str] = {}
        for project in self.projects:
            name = group_name(project)
            if name in owners:
                raise Contradiction(
                    f"two projects would be the group {name}",
                    f"{owners[name]} and {project}",
                    "Rename one, or narrow projects.filter",
                )
            owners[name] = project
        return {project: name for name, project in owners.items()}

    # Updates

    def prepare_updates(self) -> None:
        """Build the indexes of updates, so that the first one is as quick as the others."""
        # cached_property builds by reading; an inventory, which is decided once, has no use for it.
        self.groups.parents  # noqa: B018
        self.machines.by_person  # noqa: B018

    def update(self, updates: Sequence[EntryUpdate], now: datetime) -> set[str]:
        """Apply entries that were read again; return the machines whose users may be others.

        Raises Uncertain where single entries do not say what follows, as where a project is new.
        Some of them may have been applied then: this decision must not be used any more.
        """
        require(can_update(self._settings))
        machines: set[str] = set()
        # People and machines first: a group that was changed with them may name somebody new.
        for update in filter(self._is_of_person, updates):
            machines |= self._update_person(update, now)
        for update in filter(self._is_of_machine, updates):
            machines.add(self._update_machine(update))
        groups = [update for update in updates if update.role not in (Role.PERSON, Role.MACHINE)]
        for update in groups:
            self._update_group(update)
        changed = {update.key for update in groups} & self.groups.entries.keys()
        return machines | self._update_members(changed)

    def _is_of_person(self, update: EntryUpdate) -> bool:
        return update.role == Role.PERSON or update.key in self.people.entries

    def _is_of_machine(self, update: EntryUpdate) -> bool:
        return update.role == Role.MACHINE or self.machines.name_of(update.key) is not None

    def _update_person(self, update: EntryUpdate, now: datetime) -> set[str]:
        key, entry = update.key, update.certain(Role.PERSON)
        if key in self.people.entries:
            require(self.people.is_same_person(key, entry))
            projects = {name for name, members in self.members.items() if key in members}
            self.people.replace(key, entry, projects, now)
        else:
            self._require_unnamed(key, entry)
            self.people.add(key, entry, now)
        return set(self.machines.of_person(key))

    def _require_unnamed(self, key: str, person: Entry) -> None:
        """Raise Uncertain where a group or machine may name a person who is new."""
        login = self.people.login_of(person)
        require(not self._is_known(key))
        require(not self._unmatched.unresolved_names())
        require(not self.people.by_login.get(login))
        require(not self._unmatched.is_login_outside(login))
        require(primary_group_of(person) not in self.groups.primary_groups())

    def _update_machine(self, update: EntryUpdate) -> str:
        entry = update.certain(Role.MACHINE)
        require(not self._settings.machine_map)
        name, former = self.machines.named(entry), self.machines.name_of(update.key)
        if former is None:
            require(not self._is_known(update.key) and name not in self.machines.people_of)
        else:
            require(name == former)
        require(self.machines.names_only_people(entry))
        return self.machines.put(update.key, entry)

    def _update_group(self, update: EntryUpdate) -> None:
        key, name = update.key, self._project_names.get(update.key)
        require((update.role == Role.PROJECT) == (name is not None))
        if key not in self.groups.entries:
            # No group names it until now, and one that does from now on is read again as well.
            require(not self._unmatched.is_outside(key))
            return
        entry = update.certain(Role.GROUP if name is None else Role.PROJECT)
        # A group that cannot be empty has no member now: a full reading finds whether it may be
        # read.
        require(self._layout.empty_groups or any(self.groups.named_in(entry)))
        require(self._names_only_known(entry))
        if name is not None:
            require(self._project_name(entry) == name)
            self.projects[name] = entry
        self.groups.replace(key, entry)

    def _update_members(self, groups: set[str]) -> set[str]:
        """Decide again who is in the projects that have one of these groups inside.

        Return the machines of those who have joined or left.
        """
        machines: set[str] = set()
        containing = self.groups.containing(groups)
        require(not self.machines.depend_on(containing))
        for key in containing & self._project_names.keys():
            name = self._project_names[key]
            where = f"project {name}"
            self._unmatched.forget(where)
            before = self.members[name]
            after = self.groups.members_of(self.projects[name], where)
            self.members[name] = after
            for person in before.keys() ^ after.keys():
                self.people.set_project(person, name, is_member=person in after)
                machines |= self.machines.of_person(person)
        return machines

    def _is_known(self, key: str) -> bool:
        return self.role_of(key) is not None or self._unmatched.is_outside(key)

    def _names_only_known(self, group: Entry) -> bool:
        """Return whether a group names nothing that was not looked up before."""
        unresolved = self._unmatched.unresolved_names()
        keys = self.groups.named_in(group)
        logins = group.texts(*self._layout.member_logins)
        return all(key in unresolved or self._is_known(key) for key in keys) and all(
            login in unresolved or self._is_known_login(login) for login in logins
        )

    def _is_known_login(self, login: str) -> bool:
        return login in self.people.by_login or self._unmatched.is_login_outside(login)


def _same_value(names: Iterable[str], own: str | None) -> list[str]:
    """Return the names that the directory takes for the same as this one."""
    if own is None:
        return []
    return [name for name in names if dn_key(f"x={name}") == dn_key(f"x={own}")]


def _check_logins(machines: Iterable[Machine]) -> None:
    """Raise Contradiction where a login name means two people."""
    ids: dict[str, str] = {}
    for machine in machines:
        for user in machine.users:
            if ids.setdefault(user.name, user.id) != user.id:
                raise Contradiction(
                    f"two people have the login name {user.name}",
                    f"{ids[user.name]} and {user.id}",
                    "Narrow people.base or people.filter",
                )
