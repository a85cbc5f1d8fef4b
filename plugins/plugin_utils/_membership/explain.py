# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who, where and why: the same answer as the inventory's, with its reasons.

Pure, but for the look-up of who is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._directory.distinguished_names import any_of, machine_name
from .._directory.search import Entry, Query, Session, read_all
from .._directory.settings import Settings
from .accounts import ATTRIBUTES, why_closed
from .assignments import Machine, Membership
from .decide import Decision
from .people import ActivePerson


@dataclass(frozen=True)
class Question:
    """The users, projects and machines that a question is about; empty means all."""

    users: Sequence[str] = ()
    projects: Sequence[str] = ()
    machines: Sequence[str] = ()


@dataclass(frozen=True)
class Explained:
    """Everything that a question may be about."""

    settings: Settings
    decision: Decision
    membership: Membership
    now: datetime
    outside: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    """Entries with the login name of a person who was asked for, outside of the people."""


def look_outside(
    session: Session, settings: Settings, decision: Decision, logins: Iterable[str]
) -> dict[str, list[Entry]]:
    """Return the entries of those who are asked for, and are not among the people."""
    attribute = settings.layout.people_login
    missing = sorted(
        {
            bare_login(name, settings)
            for name in logins
            if not decision.people.has_login(bare_login(name, settings))
        }
    )
    outside: dict[str, list[Entry]] = {}
    if missing:
        for entry in read_all(
            session, Query(settings.base, any_of(attribute, missing), (attribute, *ATTRIBUTES))
        ):
            for login in entry.texts(attribute):
                outside.setdefault(login, []).append(entry)
    return outside


def bare_login(name: str, settings: Settings) -> str:
    """Return the login name in the directory of a person with this name on machines."""
    # A user may be named either way, as on hosts or as in the directory.
    before, _mark, after = settings.login_format.partition("{name}")
    if name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after):
        return name[len(before) : len(name) - len(after)]
    return name


def answer(explained: Explained, question: Question) -> dict[str, Any]:
    """Return the answer to a question, as plain data."""
    machines = [
        machine
        for machine in explained.membership.machines
        if _is_asked(machine, question, explained)
    ]
    return {
        "revision": explained.membership.revision,
        "machines": [{**machine.as_data(), "projects": machine.projects} for machine in machines],
        "projects": list(_projects(explained, question)),
        "users": [*_users(explained, question), *_unknown(explained, question)],
        "remarks": list(explained.membership.remarks),
    }


def _is_asked(machine: Machine, question: Question, explained: Explained) -> bool:
    names = {bare_login(user.name, explained.settings) for user in machine.users}
    return (
        (not question.machines or machine.machine in _known_machines(question, explained))
        and (not question.users or bool(names & _known_logins(question, explained)))
        and (not question.projects or bool({*machine.projects} & {*question.projects}))
    )


def _machine_names(question: Question, settings: Settings) -> set[str]:
    return {machine_name(name, settings.domain) or name for name in question.machines}


def _known_machines(question: Question, explained: Explained) -> set[str]:
    """Return the names of the machines that are asked for, also by other names of theirs."""
    names = _machine_names(question, explained.settings)
    return {explained.decision.machines.known(name) or name for name in names}


def _logins(question: Question, settings: Settings) -> set[str]:
    return {bare_login(name, settings) for name in question.users}


def _known_logins(question: Question, explained: Explained) -> set[str]:
    """Return the login names of the people who are asked for, also by other names of theirs."""
    people = explained.decision.people
    logins = _logins(question, explained.settings)
    aliased = (people.by_alias[login] for login in logins if login in people.by_alias)
    keys = set[str]().union(*aliased)
    return logins | {people.login_of(people.entries[key]) for key in keys}


def _projects(explained: Explained, question: Question) -> Iterator[dict[str, Any]]:
    logins = _known_logins(question, explained)
    for name, entry in explained.decision.projects.items():
        if question.projects and name not in question.projects:
            continue
        people = list(_active_members(explained.decision, name))
        if logins and logins.isdisjoint(person.login for person in people):
            continue
        yield {
            "name": name,
            "group": explained.membership.projects[name],
            "dn": entry.dn,
            "members": sorted(_name(person, explained.settings) for person in people),
        }


def _active_members(decision: Decision, project: str) -> Iterator[ActivePerson]:
    for key in decision.members[project]:
        person = decision.people.active.get(key)
        if person and person.login:
            yield person


def _users(explained: Explained, question: Question) -> Iterator[dict[str, Any]]:
    machines = _machines_by_person(explained)
    people = sorted(
        explained.decision.people.entries.items(),
        key=lambda item: (explained.decision.people.login_of(item[1]), item[0]),
    )
    for key, entry in people:
        user = _user(explained, key, entry, machines.get(key, []))
        if _is_user_asked(user, question, explained):
            yield {**user, **_outcome(explained, key, entry, user, question)}


def _machines_by_person(explained: Explained) -> dict[str, list[str]]:
    machines: dict[str, list[str]] = {}
    for name, keys in sorted(explained.decision.machines.people_of.items()):
        for key in keys:
            machines.setdefault(key, []).append(name)
    return machines


def _user(explained: Explained, key: str, entry: Entry, machines: list[str]) -> dict[str, Any]:
    settings, decision = explained.settings, explained.decision
    paths = {name: members[key] for name, members in decision.members.items() if key in members}
    return {
        "name": settings.login_format.replace("{name}", decision.people.login_of(entry)),
        "id": decision.people.id_of(entry),
        "dn": entry.dn,
        "machines": machines,
        "projects": [
            {"name": name, "through": [_dn(decision, name, group) for group in path]}
            for name, path in paths.items()
        ],
    }


def _dn(decision: Decision, project: str, key: str) -> str:
    top = decision.projects[project]
    return top.dn if key == top.key else decision.groups.entries[key].dn


def _is_user_asked(user: Mapping[str, Any], question: Question, explained: Explained) -> bool:
    """Return whether an answer has a user.

    It has those who are asked for by name, otherwise those who have some of what is asked for.
    """
    if question.users:
        login = bare_login(user["name"], explained.settings)
        return login in _known_logins(question, explained)
    if not question.projects and not question.machines:
        return bool(user["projects"] or user["machines"])
    projects = {project["name"] for project in user["projects"]}
    by_project = not question.projects or bool(projects & {*question.projects})
    return by_project and (
        not question.machines or bool({*user["machines"]} & _known_machines(question, explained))
    )


def _outcome(
    explained: Explained, key: str, entry: Entry, user: Mapping[str, Any], question: Question
) -> dict[str, Any]:
    # The first alone: what has to be corrected first is named first.
    cause, why = next(_obstacles(explained, key, entry, user, question), ("", ""))
    return {
        "gets_tools": not cause,
        "cause": cause or "member",
        "why": why or _paths_in_words(user, question),
    }


def _obstacles(
    explained: Explained, key: str, entry: Entry, user: Mapping[str, Any], question: Question
) -> Iterator[tuple[str, str]]:
    """Yield why a person does not get the tools that are asked about, the first reason first."""
    settings = explained.settings
    closed = why_closed(entry, explained.now)
    if closed:
        yield "disabled", f"the account {entry.dn} is disabled or has expired: {closed}"
    if not entry.text(settings.layout.people_login):
        yield "no_login", f"{entry.dn} has no {settings.layout.people_login}"
    yield from _about_projects(explained, user, question)
    if not user["machines"]:
        yield "no_machine", f"{user['name']} has no machine: {_where_machines(settings)}"
    held = explained.decision.held
    if user["machines"] and held.keys() >= {*user["machines"]}:
        yield "uncertain", f"{held[user['machines'][0]]}, so that nothing is delivered"
    asked = _known_machines(question, explained)
    if asked and not asked & {*user["machines"]}:
        yield from _about_machines(explained, user, asked)


def _about_projects(
    explained: Explained, user: Mapping[str, Any], question: Question
) -> Iterator[tuple[str, str]]:
    has = {project["name"] for project in user["projects"]}
    unknown = [name for name in question.projects if name not in explained.decision.projects]
    for name in unknown:
        place = explained.settings.projects
        yield (
            "no_project",
            f"there is no project {name} below {place.base} by the filter {place.filter}"
            + _prefixed(explained.settings),
        )
    if question.projects and not has & {*question.projects}:
        groups = ", ".join(
            explained.decision.projects[name].dn
            for name in question.projects
            if name not in unknown
        )
        yield "not_a_member", f"neither {groups} nor a group inside of it names {user['name']}"
    elif not has:
        count = len(explained.decision.projects)
        yield (
            "not_a_member",
            (
                f"{user['name']} is in no project: none of {count} projects, nor a group inside of"
                f" them, names {user['dn']}"
            ),
        )


def _prefixed(settings: Settings) -> str:
    return f" with a name that begins with {settings.prefix}" if settings.prefix else ""


def _about_machines(
    explained: Explained, user: Mapping[str, Any], asked: set[str]
) -> Iterator[tuple[str, str]]:
    for name in sorted(asked):
        if name not in explained.decision.machines.people_of:
            yield "no_such_machine", f"there is no machine {name} in the inventory"
    has = ", ".join(user["machines"])
    yield "not_on_machine", f"{user['name']} has {has}, not {', '.join(sorted(asked))}"


def _where_machines(settings: Settings) -> str:
    owners = "/".join(settings.layout.machines_owners)
    sources = [
        f"no {owners} of a machine names the account" if settings.machines and owners else "",
        f"its {settings.user_attribute} names none" if settings.user_attribute else "",
        "machine_map does not name it" if settings.machine_map else "",
        "no netgroup has a triple with it" if settings.netgroups else "",
    ]
    return ", ".join(source for source in sources if source)


def _paths_in_words(user: Mapping[str, Any], question: Question) -> str:
    projects = [
        project
        for project in user["projects"]
        if not question.projects or project["name"] in question.projects
    ]
    paths = "; ".join(
        f"{project['name']} through {' > '.join(project['through'])}" for project in projects
    )
    return f"{paths}; on {', '.join(user['machines'])}"


def _unknown(explained: Explained, question: Question) -> Iterator[dict[str, Any]]:
    """Yield those who are asked for and are not among the people."""
    settings = explained.settings
    for name in question.users:
        login = bare_login(name, settings)
        if explained.decision.people.has_login(login):
            continue
        others = explained.outside.get(login, ())
        nothing = {
            "name": name,
            "id": "",
            "dn": others[0].dn if others else "",
            "machines": [],
            "projects": [],
            "gets_tools": False,
        }
        if others:
            place = settings.people
            yield {
                **nothing,
                "cause": "not_counted",
                "why": (
                    f"{others[0].dn} is not among the people below {place.base} by the filter"
                    f" {place.filter}"
                ),
            }
        else:
            attribute = settings.layout.people_login
            why = (
                f"there is no entry with the {attribute} {login} below {settings.base} that this"
                " account may see"
            )
            yield {**nothing, "cause": "unknown", "why": why}


def _name(person: ActivePerson, settings: Settings) -> str:
    return settings.login_format.replace("{name}", person.login)


def changes(
    former: Iterable[Machine], present: Iterable[Machine], question: Question, settings: Settings
) -> dict[str, Any]:
    """Return who gets and who loses what, between two answers, by the people's ids."""
    old, new = _grants(former), _grants(present)
    added = [_grant(key, new[key]) for key in new.keys() - old.keys()]
    removed = [_grant(key, old[key]) for key in old.keys() - new.keys()]
    asked = [
        [item for item in items if _is_change_asked(item, question, settings)]
        for items in (added, removed)
    ]
    return {"added": sorted(asked[0], key=_order), "removed": sorted(asked[1], key=_order)}


def _grants(machines: Iterable[Machine]) -> dict[tuple[str, str, str], str]:
    grants: dict[tuple[str, str, str], str] = {}
    for machine in machines:
        for user in machine.users:
            for project in user.projects:
                # By id: the same login name may be another person's now.
                grants[machine.machine, user.id, project] = user.name
    return grants


def _grant(key: tuple[str, str, str], name: str) -> dict[str, str]:
    machine, _id, project = key
    return {"user": name, "machine": machine, "project": project}


def _is_change_asked(item: Mapping[str, str], question: Question, settings: Settings) -> bool:
    return (
        (not question.users or bare_login(item["user"], settings) in _logins(question, settings))
        and (not question.projects or item["project"] in question.projects)
        and (not question.machines or item["machine"] in _machine_names(question, settings))
    )


def _order(item: Mapping[str, str]) -> tuple[str, str, str]:
    return item["user"], item["machine"], item["project"]
