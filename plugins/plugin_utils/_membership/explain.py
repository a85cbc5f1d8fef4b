# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain the answer of the inventory, with its reasons.

Pure, except the search for users that are not in the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._directory.distinguished_names import any_of, host_name
from .._directory.search import Entry, Query, Session, read_all
from .._directory.settings import Settings
from .accounts import ATTRIBUTES, why_closed
from .assignments import Host, Membership
from .decide import Decision
from .directory_users import ActiveUser


@dataclass(frozen=True)
class Question:
    """The selected users, projects and hosts; empty means all."""

    users: Sequence[str] = ()
    projects: Sequence[str] = ()
    hosts: Sequence[str] = ()


@dataclass(frozen=True)
class Explained:
    """Everything that a question may be about."""

    settings: Settings
    decision: Decision
    membership: Membership
    now: datetime
    outside: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    """Entries with the login name of a selected user that are not among the users."""


def look_outside(
    session: Session, settings: Settings, decision: Decision, logins: Iterable[str]
) -> dict[str, list[Entry]]:
    """Return the entries of selected users that are not among the users."""
    attribute = settings.layout.users_login
    missing = sorted(
        {
            bare_login(name, settings)
            for name in logins
            if not decision.users.has_login(bare_login(name, settings))
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
    """Return the login name in the directory of a user with this name on hosts."""
    # A user may be named in the form of the hosts or of the directory.
    before, _mark, after = settings.login_format.partition("{name}")
    if name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after):
        return name[len(before) : len(name) - len(after)]
    return name


def answer(explained: Explained, question: Question) -> dict[str, Any]:
    """Return the answer to a question, as plain data."""
    hosts = [host for host in explained.membership.hosts if _is_selected(host, question, explained)]
    return {
        "revision": explained.membership.revision,
        "hosts": [{**host.as_data(), "projects": host.projects} for host in hosts],
        "projects": list(_projects(explained, question)),
        "users": [*_users(explained, question), *_unknown(explained, question)],
        "remarks": list(explained.membership.remarks),
    }


def _is_selected(host: Host, question: Question, explained: Explained) -> bool:
    names = {bare_login(user.name, explained.settings) for user in host.users}
    return (
        (not question.hosts or host.name in _known_hosts(question, explained))
        and (not question.users or bool(names & _known_logins(question, explained)))
        and (not question.projects or bool({*host.projects} & {*question.projects}))
    )


def _host_names(question: Question, settings: Settings) -> set[str]:
    return {host_name(name, settings.domain) or name for name in question.hosts}


def _known_hosts(question: Question, explained: Explained) -> set[str]:
    """Return the names of the selected hosts, including aliases."""
    names = _host_names(question, explained.settings)
    return {explained.decision.hosts.known(name) or name for name in names}


def _logins(question: Question, settings: Settings) -> set[str]:
    return {bare_login(name, settings) for name in question.users}


def _known_logins(question: Question, explained: Explained) -> set[str]:
    """Return the login names of the selected users, including aliases."""
    users = explained.decision.users
    logins = _logins(question, explained.settings)
    aliased = (users.by_alias[login] for login in logins if login in users.by_alias)
    keys = set[str]().union(*aliased)
    return logins | {users.login_of(users.entries[key]) for key in keys}


def _projects(explained: Explained, question: Question) -> Iterator[dict[str, Any]]:
    logins = _known_logins(question, explained)
    for name, entry in explained.decision.projects.items():
        if question.projects and name not in question.projects:
            continue
        users = list(_active_members(explained.decision, name))
        if logins and logins.isdisjoint(user.login for user in users):
            continue
        yield {
            "name": name,
            "group": explained.membership.projects[name],
            "dn": entry.dn,
            "members": sorted(_name(user, explained.settings) for user in users),
        }


def _active_members(decision: Decision, project: str) -> Iterator[ActiveUser]:
    for key in decision.members[project]:
        user = decision.users.active.get(key)
        if user and user.login:
            yield user


def _users(explained: Explained, question: Question) -> Iterator[dict[str, Any]]:
    hosts = _hosts_by_user(explained)
    users = sorted(
        explained.decision.users.entries.items(),
        key=lambda item: (explained.decision.users.login_of(item[1]), item[0]),
    )
    for key, entry in users:
        user = _user(explained, key, entry, hosts.get(key, []))
        if _is_user_selected(user, question, explained):
            yield {**user, **_outcome(explained, key, entry, user, question)}


def _hosts_by_user(explained: Explained) -> dict[str, list[str]]:
    hosts: dict[str, list[str]] = {}
    for name, keys in sorted(explained.decision.hosts.users_of.items()):
        for key in keys:
            hosts.setdefault(key, []).append(name)
    return hosts


def _user(explained: Explained, key: str, entry: Entry, hosts: list[str]) -> dict[str, Any]:
    settings, decision = explained.settings, explained.decision
    paths = {name: members[key] for name, members in decision.members.items() if key in members}
    return {
        "name": settings.login_format.replace("{name}", decision.users.login_of(entry)),
        "id": decision.users.id_of(entry),
        "dn": entry.dn,
        "hosts": hosts,
        "projects": [
            {"name": name, "through": [_dn(decision, name, group) for group in path]}
            for name, path in paths.items()
        ],
    }


def _dn(decision: Decision, project: str, key: str) -> str:
    top = decision.projects[project]
    return top.dn if key == top.key else decision.groups.entries[key].dn


def _is_user_selected(user: Mapping[str, Any], question: Question, explained: Explained) -> bool:
    """Return whether an answer has a user.

    It contains users selected by name, otherwise users with a selected project or host.
    """
    if question.users:
        login = bare_login(user["name"], explained.settings)
        return login in _known_logins(question, explained)
    if not question.projects and not question.hosts:
        return bool(user["projects"] or user["hosts"])
    projects = {project["name"] for project in user["projects"]}
    by_project = not question.projects or bool(projects & {*question.projects})
    return by_project and (
        not question.hosts or bool({*user["hosts"]} & _known_hosts(question, explained))
    )


def _outcome(
    explained: Explained, key: str, entry: Entry, user: Mapping[str, Any], question: Question
) -> dict[str, Any]:
    # Only the first reason, which is the one to correct first.
    cause, why = next(_obstacles(explained, key, entry, user, question), ("", ""))
    return {
        "gets_tools": not cause,
        "cause": cause or "member",
        "why": why or _paths_in_words(user, question),
    }


def _obstacles(
    explained: Explained, key: str, entry: Entry, user: Mapping[str, Any], question: Question
) -> Iterator[tuple[str, str]]:
    """Yield the reasons why a user does not get the selected tools, the first one first."""
    settings = explained.settings
    closed = why_closed(entry, explained.now)
    if closed:
        yield "disabled", f"the account {entry.dn} is disabled or has expired: {closed}"
    if not entry.text(settings.layout.users_login):
        yield "no_login", f"{entry.dn} has no {settings.layout.users_login}"
    yield from _about_projects(explained, user, question)
    if not user["hosts"]:
        yield "no_host", f"{user['name']} has no host: {_where_hosts(settings)}"
    uncertain = explained.decision.uncertain_hosts
    if user["hosts"] and uncertain.keys() >= {*user["hosts"]}:
        yield "uncertain", f"{uncertain[user['hosts'][0]]}, so nothing is delivered"
    selected = _known_hosts(question, explained)
    if selected and not selected & {*user["hosts"]}:
        yield from _about_hosts(explained, user, selected)


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


def _about_hosts(
    explained: Explained, user: Mapping[str, Any], selected: set[str]
) -> Iterator[tuple[str, str]]:
    for name in sorted(selected):
        if name not in explained.decision.hosts.users_of:
            yield "no_such_host", f"there is no host {name} in the inventory"
    has = ", ".join(user["hosts"])
    yield "not_on_host", f"{user['name']} has {has}, not {', '.join(sorted(selected))}"


def _where_hosts(settings: Settings) -> str:
    owners = "/".join(settings.layout.hosts_owners)
    sources = [
        f"no {owners} of a host names the account" if settings.hosts and owners else "",
        f"its {settings.host_attribute} names none" if settings.host_attribute else "",
        "host_map does not name it" if settings.host_map else "",
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
    return f"{paths}; on {', '.join(user['hosts'])}"


def _unknown(explained: Explained, question: Question) -> Iterator[dict[str, Any]]:
    """Yield the selected users that are not among the users."""
    settings = explained.settings
    for name in question.users:
        login = bare_login(name, settings)
        if explained.decision.users.has_login(login):
            continue
        others = explained.outside.get(login, ())
        nothing = {
            "name": name,
            "id": "",
            "dn": others[0].dn if others else "",
            "hosts": [],
            "projects": [],
            "gets_tools": False,
        }
        if others:
            place = settings.users
            yield {
                **nothing,
                "cause": "not_counted",
                "why": (
                    f"{others[0].dn} is not among the users below {place.base} by the filter"
                    f" {place.filter}"
                ),
            }
        else:
            attribute = settings.layout.users_login
            why = (
                f"there is no entry with the {attribute} {login} below {settings.base} that this"
                " account may see"
            )
            yield {**nothing, "cause": "unknown", "why": why}


def _name(user: ActiveUser, settings: Settings) -> str:
    return settings.login_format.replace("{name}", user.login)


def changes(
    former: Iterable[Host], present: Iterable[Host], question: Question, settings: Settings
) -> dict[str, Any]:
    """Return the projects that users get and lose between two answers, by the users' ids."""
    old, new = _grants(former), _grants(present)
    added = [_grant(key, new[key]) for key in new.keys() - old.keys()]
    removed = [_grant(key, old[key]) for key in old.keys() - new.keys()]
    selected = [
        [item for item in items if _is_change_selected(item, question, settings)]
        for items in (added, removed)
    ]
    return {"added": sorted(selected[0], key=_order), "removed": sorted(selected[1], key=_order)}


def _grants(hosts: Iterable[Host]) -> dict[tuple[str, str, str], str]:
    grants: dict[tuple[str, str, str], str] = {}
    for host in hosts:
        for user in host.users:
            for project in user.projects:
                # By id: the same login name may be another user's now.
                grants[host.name, user.id, project] = user.name
    return grants


def _grant(key: tuple[str, str, str], name: str) -> dict[str, str]:
    host, _id, project = key
    return {"user": name, "host": host, "project": project}


def _is_change_selected(item: Mapping[str, str], question: Question, settings: Settings) -> bool:
    return (
        (not question.users or bare_login(item["user"], settings) in _logins(question, settings))
        and (not question.projects or item["project"] in question.projects)
        and (not question.hosts or item["host"] in _host_names(question, settings))
    )


def _order(item: Mapping[str, str]) -> tuple[str, str, str]:
    return item["user"], item["host"], item["project"]
