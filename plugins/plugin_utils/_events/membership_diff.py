# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened between two memberships. Pure.

People are told apart by their ids, so that a new login name is neither a join nor a leave.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .._membership.assignments import Machine

Fleet = Mapping[str, Machine]
"""The machines by their names."""


class Why(StrEnum):
    """What in the directory a change came of."""

    MEMBERSHIP = "membership"
    ACCOUNT = "account"
    MACHINE = "machine"
    """The machines that somebody has, or somebody with machines as a whole."""
    LOGIN = "login"
    PROJECT = "project"


@dataclass(frozen=True, order=True)
class Change:
    """One person in one project: ``joined``, ``left`` or ``changed``, on these machines."""

    project: str
    type: str
    why: Why
    id: str
    name: str
    machines: tuple[str, ...]
    has: bool
    """Whether the person has the project's tools on these machines afterwards."""
    former: str = ""
    """The former name of the login or of the project."""


@dataclass
class _Person:
    """Somebody with machines."""

    name: str
    machines: set[str]
    projects: dict[str, set[str]]
    """Each with the machines that it is for."""


@dataclass(frozen=True)
class Context:
    """What the machines alone do not tell."""

    closed: Callable[[str], bool] = lambda _id: False
    """Whether the account with an id is closed now."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """New names of projects by the former ones."""
    deleted: frozenset[str] = frozenset()
    """Projects that are there no more."""


def compare(before: Fleet, after: Fleet, context: Context | None = None) -> list[Change]:
    """All changes, by project and person."""
    known = context or Context()
    ids = {
        user.id
        for fleet in (before, after)
        for name in differing(before, after)
        if name in fleet
        for user in fleet[name].users
    }
    had, has = _people(before, ids), _people(after, ids)
    return sorted(
        change for one in ids for change in _of_person(one, had.get(one), has.get(one), known)
    )


def differing(before: Fleet, after: Fleet) -> set[str]:
    """The machines that are not the same in both.

    Those that have not changed are the very same objects, of which there may be many.
    """
    found = {
        name
        for name, machine in after.items()
        if (former := before.get(name)) is not machine and former != machine
    }
    return found | (before.keys() - after.keys())


def _people(fleet: Fleet, ids: set[str]) -> dict[str, _Person]:
    found: dict[str, _Person] = {}
    for machine in fleet.values():
        for user in machine.users:
            if user.id in ids:
                person = found.setdefault(user.id, _Person(user.name, set(), defaultdict(set)))
                person.machines.add(machine.machine)
                for project in user.projects:
                    person.projects[project].add(machine.machine)
    return found


def _of_person(
    one: str, had: _Person | None, has: _Person | None, context: Context
) -> Iterator[Change]:
    before, after = had or _Person("", set(), {}), has or _Person("", set(), {})
    name = after.name or before.name
    former = {context.renamed.get(project, project): project for project in before.projects}
    for project in former.keys() | after.projects.keys():
        was, now = (
            before.projects.get(former.get(project, ""), set()),
            after.projects.get(project, set()),
        )
        if was and now:
            yield from _still(project, one, before, after, former[project])
        elif now:
            yield Change(
                project,
                "joined",
                Why.MEMBERSHIP if had else Why.MACHINE,
                one,
                name,
                tuple(sorted(now)),
                True,
            )
        else:
            yield Change(
                project, *_gone(project, one, has, context), one, name, tuple(sorted(was)), False
            )


def _gone(project: str, one: str, has: _Person | None, context: Context) -> tuple[str, Why]:
    if context.closed(one):
        return "changed", Why.ACCOUNT
    if project in context.deleted:
        return "changed", Why.PROJECT
    return "left", Why.MEMBERSHIP if has else Why.MACHINE


def _still(
    project: str, one: str, before: _Person, after: _Person, former: str
) -> Iterator[Change]:
    was, now = before.projects[former], after.projects[project]
    if former != project:
        yield Change(
            project, "changed", Why.PROJECT, one, after.name, tuple(sorted(now)), True, former
        )
    for machines, has in ((now - was, True), (was - now, False)):
        if machines:
            yield Change(
                project, "changed", Why.MACHINE, one, after.name, tuple(sorted(machines)), has
            )
    if before.name != after.name:
        yield Change(
            project, "changed", Why.LOGIN, one, after.name, tuple(sorted(now)), True, before.name
        )


def renames(before: Fleet, after: Fleet, gone: set[str], new: set[str]) -> dict[str, str]:
    """Projects that have gone, each with the new one that has exactly its people."""
    if not gone or not new:
        return {}
    had, has = _everybody(before, gone), _everybody(after, new)
    by_people = {people: project for project, people in sorted(has.items())}
    return {
        project: by_people[people] for project, people in sorted(had.items()) if people in by_people
    }


def _everybody(fleet: Fleet, projects: set[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for user in (user for machine in fleet.values() for user in machine.users):
        for project in projects.intersection(user.projects):
            found[project].add(user.id)
    return {project: frozenset(people) for project, people in found.items()}
