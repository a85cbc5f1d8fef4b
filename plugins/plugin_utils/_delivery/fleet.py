# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivery to many machines: what each one answered, what it had, what it is to have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils._core.text_table import text_table
from .removal_limit import Fleet, Lost, Pairs

READY, WAITING, FAILED, HELD, PASSED = "ready", "waiting", "failed", "held", "not selected"
INCOMPLETE, WOULD_CHANGE = "incomplete", "would change"


@dataclass(frozen=True)
class Machine:
    """One machine of the play.

    Its users by the inventory, its first answer, and its second where it was asked again.
    """

    name: str
    users: tuple[Mapping[str, Any], ...]
    first: Mapping[str, Any]
    second: Mapping[str, Any]
    known: bool = True
    """Whether the inventory says what its users are."""

    @property
    def selected(self) -> bool:
        """Whether this run is about it."""
        return bool(self.first) and not self.first.get("skipped")

    @property
    def answered(self) -> bool:
        """Whether the toolbox itself has spoken."""
        return self.selected and not self.first.get("unreachable") and "receipt" in self.first

    @property
    def last(self) -> Mapping[str, Any]:
        """What it said last."""
        return self.second if self.second and not self.second.get("skipped") else self.first

    @property
    def removals(self) -> list[Mapping[str, Any]]:
        """Who would lose what."""
        return list(self.first.get("removals") or ()) if self.answered else []

    @property
    def held(self) -> bool:
        """Whether any of the removals are still to be done."""
        return self.answered and bool(self.first.get("held"))

    @property
    def after(self) -> Pairs:
        """Who is to have which project."""
        return pairs(self.users) - {
            (removal["id"], removal["project"]) for removal in self.removals
        }

    def state(self, stopped: bool, dry: bool = False) -> str:
        """What came of it; ``dry`` in check mode."""
        if not self.selected:
            return PASSED
        if self.last.get("unreachable"):
            return WAITING
        if stopped and self.held and not self.first.get("failures"):
            return HELD
        return self._state_of_answer(dry)

    def _state_of_answer(self, dry: bool) -> str:
        if self.last.get("failed") or self.last.get("failures") or "ready" not in self.last:
            return FAILED
        if dry and self.last.get("changed"):
            return WOULD_CHANGE
        if self.last.get("unknown"):
            return INCOMPLETE
        return READY if self.last["ready"] else FAILED

    def why(self) -> str:
        """Why it is not ready, in a few words."""
        last = self.last
        if last.get("unreachable"):
            return "cannot be reached"
        if last.get("failures"):
            return "; ".join(
                f"{one['project']} {one['tool']} for {one['user']}: {one['why']}"
                for one in last["failures"]
            )
        if last.get("unknown"):
            return f"users unknown to it: {', '.join(last['unknown'])}"
        return (
            ""
            if "ready" in last and not last.get("failed")
            else str(last.get("msg") or "it gave no reason")
        )


def pairs(users: Iterable[Mapping[str, Any]]) -> Pairs:
    """Who is in which project."""
    return frozenset((user["id"], project) for user in users for project in user["projects"])


def concerns(
    users: Iterable[Mapping[str, Any]], names: frozenset[str], projects: frozenset[str]
) -> bool:
    """Whether any of these users has one of these names, or is in one of these projects."""
    return any(user["name"] in names or not projects.isdisjoint(user["projects"]) for user in users)


def coming(machines: Iterable[Machine], selected: Iterable[str]) -> list[Machine]:
    """Those that a later part of the play asks.

    ``selected`` are the names of those that the play is about.
    """
    names = frozenset(selected)
    return [machine for machine in machines if not machine.first and machine.name in names]


def told_apart(
    lost: Iterable[Lost], machines: Iterable[Machine], later: Iterable[Machine]
) -> tuple[list[Lost], list[Lost]]:
    """What would go, and what has gone already.

    It was removed by this run, or by one before it that was not about the whole fleet.
    """
    held = {
        (machine.name, one["id"], one["project"])
        for machine in machines
        for one in machine.removals
        if one["held"]
    }
    silent = {machine.name for machine in machines if machine.selected and not machine.answered} | {
        machine.name for machine in later
    }
    found: dict[bool, list[Lost]] = {True: [], False: []}
    for one in lost:
        found[one in held or one[0] in silent].append(one)
    return found[True], found[False]


def expected(machine: Machine, given: Mapping[str, Any]) -> Machine:
    """The machine as if it had answered that it has what it was given last."""
    names = {user["id"]: user["name"] for user in given["users"]}
    lost = sorted(pairs(given["users"]) - pairs(machine.users))
    removals = [
        {"id": identity, "name": names[identity], "project": project, "held": True}
        for identity, project in lost
    ]
    return replace(
        machine, first={"receipt": given["users"], "removals": removals, "held": bool(removals)}
    )


def before(machines: Iterable[Machine], baseline: Mapping[str, Any] | None) -> Fleet:
    """What everybody had: at the last delivery to all, else as the machines' own receipts say."""
    receipts = {
        machine.name: pairs(machine.first["receipt"]) for machine in machines if machine.answered
    }
    remembered = {
        name: pairs(users) for name, users in (baseline or {}).get("machines", {}).items()
    }
    return {**receipts, **remembered}


def after(
    machines: Iterable[Machine],
    delivered: Mapping[str, Mapping[str, Any]],
    had: Fleet,
    complete: bool,
    coming: Iterable[Machine] = (),
) -> Fleet:
    """What everybody is to have.

    ``coming`` are those that a later part of the play asks; machines that it is not about stay as
    they were delivered.
    """
    selected = {machine.name: machine.after for machine in machines if machine.selected}
    if complete:
        return selected
    others = {
        name: pairs(delivered[name]["users"]) if name in delivered else theirs
        for name, theirs in had.items()
    }
    return {**others, **{machine.name: pairs(machine.users) for machine in coming}, **selected}


def as_users(theirs: Pairs) -> list[dict[str, Any]]:
    """As in a membership record, for the baseline."""
    ids = sorted({identity for identity, _project in theirs})
    return [
        {"id": identity, "projects": sorted(project for one, project in theirs if one == identity)}
        for identity in ids
    ]


def names_of(machines: Iterable[Machine]) -> dict[str, str]:
    """Login names by id, as far as they are known."""
    found = {user["id"]: user["name"] for machine in machines for user in machine.users}
    return {
        **{
            one["id"]: one["name"]
            for machine in machines
            for one in machine.first.get("receipt") or ()
        },
        **found,
    }


def rows(
    machines: Iterable[Machine], stopped: bool, since: Mapping[str, str], dry: bool
) -> list[dict[str, Any]]:
    """The result as data: each machine with its state and its users' tools."""
    found = []
    for machine in machines:
        state = machine.state(stopped, dry)
        if state != PASSED:
            why = "the brake holds its removals" if state == HELD else machine.why()
            one = {
                "machine": machine.name,
                "state": state,
                "why": why,
                "users": list(machine.last.get("users") or ()),
            }
            found.append(
                {
                    **one,
                    "since": since.get(machine.name, ""),
                    "changed": bool(machine.first.get("changed") or machine.second.get("changed")),
                }
            )
    return found


def table(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """The result for people: a line for each machine, user and project.

    Reasons of many lines stand in whole where the play fails.
    """
    lines = [("MACHINE", "STATE", "USER", "PROJECT", "TOOLS")]
    for row in found:
        lines += _lines_of(row)
    return text_table(lines)


def _lines_of(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the cells of one machine; only its first line names it."""
    first_line, *more = row["why"].splitlines() or [""]
    reason = f"{first_line} …" if more else first_line
    tools = list(_tools_of_users(row["users"]))
    lines = [tools[0] if tools else ("", "", reason or "nothing"), *tools[1:]]
    if tools and reason:
        lines.append(("", "", reason))
    heads = [(row["machine"], _state_since(row)), *[("", "")] * (len(lines) - 1)]
    return [(*head, *line) for head, line in zip(heads, lines, strict=True)]


def _state_since(row: Mapping[str, Any]) -> str:
    if not row["since"]:
        return str(row["state"])
    return f"{row['state']} since {row['since'].replace('T', ' ').rstrip('Z')}"


def _tools_of_users(users: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for user in users:
        projects = sorted({tool["project"] for tool in user["tools"]})
        for number, project in enumerate(projects):
            tools = ", ".join(
                f"{tool['name']} {tool['version']}".rstrip()
                for tool in user["tools"]
                if tool["project"] == project
            )
            yield user["name"] if number == 0 else "", project, tools
