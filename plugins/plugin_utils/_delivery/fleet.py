# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluate a delivery to many hosts: their results, installed states and targets. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils._core.text_table import text_table
from .removal_limit import FleetMemberships, LostMembership, Memberships

READY, WAITING, FAILED, BLOCKED = "ready", "waiting", "failed", "blocked"
# As in the toolbox's results; its modules are not loaded here.
LEFT, DROPPED, DECLARED, OTHER_PLATFORM = "left", "dropped", "declared", "platform"
BY_CATALOG = (DROPPED, OTHER_PLATFORM)
INCOMPLETE, WOULD_CHANGE, NOT_SELECTED = "incomplete", "would change", "not selected"


@dataclass(frozen=True)
class HostDelivery:
    """A delivery to one host of the play.

    It has the users of the inventory, the first result of the toolbox, and the second one if
    removals were approved.
    """

    name: str
    users: tuple[Mapping[str, Any], ...]
    first_result: Mapping[str, Any]
    second_result: Mapping[str, Any]
    in_inventory: bool = True
    """Whether the inventory has its users."""

    @property
    def selected(self) -> bool:
        """Return whether this run delivers to it."""
        return bool(self.first_result) and not self.first_result.get("skipped")

    @property
    def answered(self) -> bool:
        """Return whether the toolbox has returned a result."""
        return (
            self.selected
            and not self.first_result.get("unreachable")
            and "installed_state" in self.first_result
        )

    @property
    def last_result(self) -> Mapping[str, Any]:
        """Return the second result, or the first if there is no second one."""
        if self.second_result and not self.second_result.get("skipped"):
            return self.second_result
        return self.first_result

    @property
    def removals(self) -> list[Mapping[str, Any]]:
        """Return the memberships that users would lose, by the host's result."""
        return self.removals_without((DECLARED, *BY_CATALOG))

    @property
    def dropped_tools(self) -> list[Mapping[str, Any]]:
        """Return the tools that users would lose because the catalog has them no more."""
        # What the catalog declares is meant so, and no limit counts it.
        return self.removals_without((DECLARED, LEFT))

    def removals_without(self, causes: Collection[str]) -> list[Mapping[str, Any]]:
        """Return the tools that users would lose, except for these causes."""
        removals = list(self.first_result.get("removals") or ()) if self.answered else []
        return [removal for removal in removals if removal.get("cause", LEFT) not in causes]

    @property
    def has_blocked_removals(self) -> bool:
        """Return whether any of the removals are blocked."""
        return self.answered and bool(self.first_result.get("blocked"))

    @property
    def done_removals(self) -> list[Mapping[str, Any]]:
        """Return the removals that were done, by the results of the host."""
        # A second result of a skipped task has no removals.
        removals = [
            *(self.first_result.get("removals") or ()),
            *(self.second_result.get("removals") or ()),
        ]
        return [removal for removal in removals if not removal["blocked"]]

    @property
    def memberships_after(self) -> Memberships:
        """Return the memberships that it must have."""
        removed = {(removal["id"], removal["project"]) for removal in self.removals}
        return memberships_of(self.users) - removed

    def state(self, *, removals_blocked: bool, check_mode: bool = False) -> str:
        """Return the outcome of the delivery to this host."""
        if not self.selected:
            return NOT_SELECTED
        # Not a failure: the next delivery updates a workstation that is off.
        if self.last_result.get("unreachable"):
            return WAITING
        if removals_blocked and self.has_blocked_removals and not self.first_result.get("failures"):
            return BLOCKED
        return self._state_of_result(check_mode=check_mode)

    def _state_of_result(self, *, check_mode: bool) -> str:
        answer = self.last_result
        # Errors of the catalog alone fail the toolbox's call, but not the workstation.
        failed = answer.get("failed") and not answer.get("catalog_errors")
        if failed or answer.get("failures") or "ready" not in answer:
            return FAILED
        if check_mode and answer.get("changed"):
            return WOULD_CHANGE
        if answer.get("unknown") or answer.get("catalog_errors"):
            return INCOMPLETE
        return READY if answer["ready"] else FAILED

    def reason(self) -> str:
        """Return the reason why it is not ready."""
        answer = self.last_result
        if answer.get("unreachable"):
            return "unreachable"
        if answer.get("failures"):
            return "; ".join(
                f"{failure['project']} {failure['tool']} for {failure['user']}: {failure['reason']}"
                for failure in answer["failures"]
            )
        if answer.get("unknown") or answer.get("catalog_errors"):
            return "; ".join(_reasons_of_incomplete(answer))
        if "ready" in answer and not answer.get("failed"):
            return ""
        return str(answer.get("msg") or "no reason was returned")


_CAUSES = {
    LEFT: "left the project",
    DROPPED: "the catalog has it no more",
    OTHER_PLATFORM: "the catalog has it for other platforms only",
    DECLARED: "the catalog declares it removed",
}


def removal_lines(
    hosts: Iterable[HostDelivery], *, check_mode: bool = False, blocked: Collection[str] = ()
) -> list[str]:
    """Return a line for each removal that was done: the tools, the users, their hosts, the cause.

    In check mode, the lines predict removals, without ``blocked`` causes.
    """
    lines: dict[tuple[str, str, str], list[str]] = {}
    for host in hosts:
        removals = host.done_removals
        if check_mode:
            removals = host.removals_without(blocked)
        for removal in removals:
            key = (removal["project"], ", ".join(removal["tools"]), removal.get("cause", LEFT))
            lines.setdefault(key, []).append(f"{removal['name']} on {host.name}")
    verb = "would be removed" if check_mode else "removed"
    return [
        f"{verb}: {project} {tools} from {', '.join(users)} ({_CAUSES[cause]})"
        for (project, tools, cause), users in sorted(lines.items())
    ]


def _reasons_of_incomplete(answer: Mapping[str, Any]) -> Iterator[str]:
    if answer.get("unknown"):
        yield f"users without an account: {', '.join(answer['unknown'])}"
    if answer.get("catalog_errors"):
        errors = answer["catalog_errors"]
        names = [f"{error['project']} {error['tool']}".rstrip() for error in errors]
        yield f"not updated because of errors in the catalog: {', '.join(names)}"


def catalog_errors(hosts: Iterable[HostDelivery]) -> list[str]:
    """Return the errors of the catalog that concern any workstation, without duplicates."""
    errors: set[tuple[str, str, str]] = set()
    for host in hosts:
        for error in host.last_result.get("catalog_errors") or ():
            errors.add((error["project"], error["tool"], error["reason"]))
    # If a helper program is missing, all tools of its types have the same reason.
    return list(dict.fromkeys(reason for _project, _tool, reason in sorted(errors)))


def memberships_of(users: Iterable[Mapping[str, Any]]) -> Memberships:
    """Return the projects of users as pairs with their ids."""
    pairs: set[tuple[str, str]] = set()
    for user in users:
        pairs.update((user["id"], project) for project in user["projects"])
    return frozenset(pairs)


def concerns(
    users: Iterable[Mapping[str, Any]], names: frozenset[str], projects: frozenset[str]
) -> bool:
    """Return whether a user has one of these names, or is in one of these projects."""
    return any(user["name"] in names or not projects.isdisjoint(user["projects"]) for user in users)


def in_later_batches(hosts: Iterable[HostDelivery], selected: Iterable[str]) -> list[HostDelivery]:
    """Return the hosts whose batch of the play comes later.

    ``selected`` has the names of hosts to deliver to.
    """
    names = frozenset(selected)
    return [host for host in hosts if not host.first_result and host.name in names]


def split_lost(
    lost: Iterable[LostMembership],
    hosts: Sequence[HostDelivery],
    later: Iterable[HostDelivery],
) -> tuple[list[LostMembership], list[LostMembership]]:
    """Return the memberships that would be removed, and those that were removed already.

    This run has removed the latter, or an earlier run for some hosts.
    """
    blocked = set(_blocked_removals(hosts))
    # What a host without a result has lost is not known, so it counts as present.
    silent = {host.name for host in hosts if host.selected and not host.answered}
    silent |= {host.name for host in later}
    present: list[LostMembership] = []
    removed: list[LostMembership] = []
    for membership in lost:
        is_present = membership in blocked or membership[0] in silent
        (present if is_present else removed).append(membership)
    return present, removed


def _blocked_removals(hosts: Iterable[HostDelivery]) -> Iterator[LostMembership]:
    for host in hosts:
        for removal in host.removals:
            if removal["blocked"]:
                yield host.name, removal["id"], removal["project"]


def with_expected_result(host: HostDelivery, delivered: Mapping[str, Any]) -> HostDelivery:
    """Return the host with the result that its last delivery predicts."""
    names = {user["id"]: user["name"] for user in delivered["users"]}
    lost = sorted(memberships_of(delivered["users"]) - memberships_of(host.users))
    removals = [
        {"id": user_id, "name": names[user_id], "project": project, "blocked": True}
        for user_id, project in lost
    ]
    # So the removal limit is checked before the first call, which then removes tools: a delivery to
    # some hosts takes one round trip.
    answer = {
        "installed_state": delivered["users"],
        "removals": removals,
        "blocked": bool(removals),
    }
    return replace(host, first_result=answer)


def memberships_before(
    hosts: Iterable[HostDelivery], baseline: Mapping[str, Any] | None
) -> FleetMemberships:
    """Return the memberships of the last delivery to all, or else of the installed states."""
    answered = {
        host.name: memberships_of(host.first_result["installed_state"])
        for host in hosts
        if host.answered
    }
    remembered = {
        name: memberships_of(users) for name, users in (baseline or {}).get("hosts", {}).items()
    }
    # The baseline before the results: thirty runs that remove one member each would not exceed the
    # limit one by one, compared with what a host still has.
    return {**answered, **remembered}


def memberships_after(
    hosts: Iterable[HostDelivery],
    delivered: Mapping[str, Mapping[str, Any]],
    before: FleetMemberships,
    later: Iterable[HostDelivery] = (),
    *,
    complete: bool,
) -> FleetMemberships:
    """Return the memberships that all users must have.

    ``later`` are hosts of later batches of the play. Hosts that are not selected count as they
    were delivered.
    """
    selected = {host.name: host.memberships_after for host in hosts if host.selected}
    if complete:
        return selected
    others = {
        name: memberships_of(delivered[name]["users"]) if name in delivered else memberships
        for name, memberships in before.items()
    }
    coming = {host.name: memberships_of(host.users) for host in later}
    return {**others, **coming, **selected}


def users_with(memberships: Memberships) -> list[dict[str, Any]]:
    """Return memberships as users with their projects, for the baseline."""
    projects: dict[str, list[str]] = {}
    for user_id, project in sorted(memberships):
        projects.setdefault(user_id, []).append(project)
    return [{"id": user_id, "projects": names} for user_id, names in projects.items()]


def login_names(hosts: Iterable[HostDelivery]) -> dict[str, str]:
    """Return login names by ID, as far as they are known; the inventory's take precedence."""
    installed: dict[str, str] = {}
    current: dict[str, str] = {}
    for host in hosts:
        users = host.first_result.get("installed_state") or ()
        installed.update((user["id"], user["name"]) for user in users)
        current.update((user["id"], user["name"]) for user in host.users)
    # A user may have got another login name since the last delivery.
    return {**installed, **current}


def result_rows(
    hosts: Iterable[HostDelivery],
    waiting_since: Mapping[str, str],
    *,
    removals_blocked: bool,
    check_mode: bool,
) -> list[dict[str, Any]]:
    """Return the result as data: each host with its state and its users' tools."""
    rows = []
    for host in hosts:
        state = host.state(removals_blocked=removals_blocked, check_mode=check_mode)
        if state != NOT_SELECTED:
            rows.append(_row(host, state, waiting_since.get(host.name, "")))
    return rows


def _row(host: HostDelivery, state: str, since: str) -> dict[str, Any]:
    answers = (host.first_result, host.second_result)
    return {
        "host": host.name,
        "state": state,
        "reason": "removals exceed the removal limit" if state == BLOCKED else host.reason(),
        "users": list(host.last_result.get("users") or ()),
        "since": since,
        "changed": any(answer.get("changed") for answer in answers),
    }


def result_table(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the result as lines of a table: one for each host, user and project.

    The play's failure has the complete reason if it has many lines.
    """
    lines: list[tuple[str, ...]] = [("HOST", "STATE", "USER", "PROJECT", "TOOLS")]
    for row in rows:
        lines += _lines_of(row)
    return text_table(lines)


def _lines_of(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the cells of one host; only its first line names it."""
    first_line, *more = row["reason"].splitlines() or [""]
    reason = f"{first_line} …" if more else first_line
    tools = list(_tools_of_users(row["users"]))
    lines = [tools[0] if tools else ("", "", reason or "nothing"), *tools[1:]]
    if tools and reason:
        lines.append(("", "", reason))
    heads = [(row["host"], _state_since(row)), *[("", "")] * (len(lines) - 1)]
    return [(*head, *line) for head, line in zip(heads, lines, strict=True)]


def _state_since(row: Mapping[str, Any]) -> str:
    if not row["since"]:
        return str(row["state"])
    return f"{row['state']} since {row['since'].replace('T', ' ').rstrip('Z')}"


def _tools_of_users(users: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield user, project and tools; only the first line of a user names it."""
    for user in users:
        projects = sorted({tool["project"] for tool in user["tools"]})
        for number, project in enumerate(projects):
            tools = ", ".join(
                f"{tool['name']} {tool['version']}".rstrip()
                for tool in user["tools"]
                if tool["project"] == project
            )
            yield user["name"] if number == 0 else "", project, tools
