# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two memberships. Pure.

Users are identified by their ids, so that a new login name is neither a join nor a leave.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .._membership.assignments import Host

Fleet = Mapping[str, Host]
"""The hosts by their names."""


class Why(StrEnum):
    """The cause of a change in the directory."""

    MEMBERSHIP = "membership"
    ACCOUNT = "account"
    HOST = "host"
    """The hosts of a user changed, or a user got a first or lost the last host."""
    LOGIN = "login"
    PROJECT = "project"


@dataclass(frozen=True, order=True)
class MembershipChange:
    """One user in one project: ``joined``, ``left`` or ``changed``, on these hosts."""

    project: str
    type: str
    why: Why
    id: str
    name: str
    hosts: tuple[str, ...]
    has: bool
    """Whether the user has the project's tools on these hosts afterwards."""
    former: str = ""
    """The former name of the login or of the project."""


@dataclass
class _User:
    """A user with hosts."""

    name: str
    hosts: set[str]
    projects: dict[str, set[str]]
    """The projects, each with its hosts."""


@dataclass(frozen=True)
class Context:
    """Facts that the hosts do not show."""

    closed: Callable[[str], bool] = lambda _id: False
    """Whether the account with an id is disabled now."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """New names of projects by the former ones."""
    deleted: frozenset[str] = frozenset()
    """Projects that no longer exist."""


def compare(before: Fleet, after: Fleet, context: Context | None = None) -> list[MembershipChange]:
    """Return all changes, by project and user."""
    known = context or Context()
    names = differing(before, after)
    ids = _ids(before, names) | _ids(after, names)
    had, has = _users(before, ids), _users(after, ids)
    changes: list[MembershipChange] = []
    for user_id in ids:
        changes += _of_user(user_id, had.get(user_id), has.get(user_id), known)
    return sorted(changes)


def _ids(fleet: Fleet, names: set[str]) -> set[str]:
    """Return the ids of the users of these hosts."""
    ids: set[str] = set()
    for name in names & fleet.keys():
        ids.update(user.id for user in fleet[name].users)
    return ids


def differing(before: Fleet, after: Fleet) -> set[str]:
    """Return the hosts that differ.

    Unchanged hosts are the same objects, which makes the comparison fast.
    """
    changed = {
        name
        for name, host in after.items()
        if (former := before.get(name)) is not host and former != host
    }
    return changed | (before.keys() - after.keys())


def _users(fleet: Fleet, ids: set[str]) -> dict[str, _User]:
    users: dict[str, _User] = {}
    for host in fleet.values():
        for assigned in host.users:
            if assigned.id in ids:
                new = _User(assigned.name, set(), defaultdict(set))
                user = users.setdefault(assigned.id, new)
                user.hosts.add(host.name)
                for project in assigned.projects:
                    user.projects[project].add(host.name)
    return users


def _of_user(
    user_id: str, had: _User | None, has: _User | None, context: Context
) -> Iterator[MembershipChange]:
    before, after = had or _User("", set(), {}), has or _User("", set(), {})
    name = after.name or before.name
    former = {context.renamed.get(project, project): project for project in before.projects}
    for project in former.keys() | after.projects.keys():
        was = before.projects.get(former.get(project, ""), set())
        now = after.projects.get(project, set())
        if was and now:
            yield from _still(project, user_id, before, after, former[project])
        elif now:
            why = Why.MEMBERSHIP if had else Why.HOST
            yield MembershipChange(project, "joined", why, user_id, name, tuple(sorted(now)), True)
        else:
            kind, why = _removed(project, user_id, has, context)
            yield MembershipChange(project, kind, why, user_id, name, tuple(sorted(was)), False)


def _removed(project: str, user_id: str, has: _User | None, context: Context) -> tuple[str, Why]:
    if context.closed(user_id):
        return "changed", Why.ACCOUNT
    if project in context.deleted:
        return "changed", Why.PROJECT
    return "left", Why.MEMBERSHIP if has else Why.HOST


def _still(
    project: str, user_id: str, before: _User, after: _User, former: str
) -> Iterator[MembershipChange]:
    was, now = before.projects[former], after.projects[project]

    def change(
        why: Why, hosts: set[str], *, has: bool = True, former: str = ""
    ) -> MembershipChange:
        return MembershipChange(
            project, "changed", why, user_id, after.name, tuple(sorted(hosts)), has, former
        )

    if former != project:
        yield change(Why.PROJECT, now, former=former)
    if now - was:
        yield change(Why.HOST, now - was)
    if was - now:
        yield change(Why.HOST, was - now, has=False)
    if before.name != after.name:
        yield change(Why.LOGIN, now, former=before.name)


def renames(before: Fleet, after: Fleet, deleted: set[str], created: set[str]) -> dict[str, str]:
    """Return deleted projects, each with the new project that has exactly its users."""
    if not deleted or not created:
        return {}
    had, has = _members(before, deleted), _members(after, created)
    by_users = {users: project for project, users in sorted(has.items())}
    return {project: by_users[users] for project, users in sorted(had.items()) if users in by_users}


def _members(fleet: Fleet, projects: set[str]) -> dict[str, frozenset[str]]:
    """Return the ids of the users in each of these projects."""
    members: dict[str, set[str]] = defaultdict(set)
    for host in fleet.values():
        for user in host.users:
            for project in projects.intersection(user.projects):
                members[project].add(user.id)
    return {project: frozenset(ids) for project, ids in members.items()}
