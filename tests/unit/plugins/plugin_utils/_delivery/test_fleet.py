# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many hosts answered, and what it comes to."""

from __future__ import annotations

from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._toolbox.failed_tool import FailedTool
from ansible_collections.shipping.code.plugins.module_utils._toolbox.generation_model import (
    Tool,
    View,
)
from ansible_collections.shipping.code.plugins.plugin_utils._delivery import fleet
from ansible_collections.shipping.code.plugins.plugin_utils._delivery.fleet import (
    HostDelivery,
)


def user(name: str, *projects: str) -> dict[str, Any]:
    return {"id": f"id-{name}", "name": name, "projects": list(projects)}


def host(name: str, *users: dict[str, Any], **first_result: Any) -> HostDelivery:
    return HostDelivery(name, users, first_result, {})


def test_whom_a_run_concerns():
    users = [user("ada", "atlas", "beta"), user("bob")]
    assert fleet.concerns(users, frozenset({"bob"}), frozenset())
    assert fleet.concerns(users, frozenset(), frozenset({"beta"}))
    assert not fleet.concerns(users, frozenset({"cy"}), frozenset({"gamma"}))


def test_what_a_later_part_of_the_play_is_to_have_counts_from_the_beginning():
    asked = host("pc1", installed_state=[user("ada", "atlas")], removals=[])
    later = host("pc2")
    delivered = {
        name: {"users": [user(who, "atlas")]} for name, who in (("pc2", "bob"), ("pc3", "cy"))
    }
    had = {name: fleet.memberships_of(about["users"]) for name, about in delivered.items()}
    assert (
        fleet.memberships_after([asked, later], delivered, had, [later], complete=False)["pc2"]
        == frozenset()
    )
    assert fleet.memberships_after([asked, later], delivered, had, complete=False)[
        "pc2"
    ] == fleet.memberships_of([user("bob", "atlas")])


def test_what_a_machine_is_likely_to_answer():
    """Who was given what, and is to have it no more; that it is so is for the host to say."""
    now = host("pc1", user("ada", "atlas"), user("bob", "beta"))
    likely = fleet.with_expected_result(
        now, {"users": [user("ada", "atlas", "beta"), user("cy", "gamma")]}
    )
    assert [(one["name"], one["project"]) for one in likely.removals] == [
        ("ada", "beta"),
        ("cy", "gamma"),
    ]
    assert likely.has_blocked_removals and likely.memberships_after == fleet.memberships_of(
        now.users
    )
    assert not fleet.with_expected_result(now, {"users": list(now.users)}).has_blocked_removals


def test_a_reason_of_many_lines_does_not_break_the_table():
    rows = fleet.result_rows(
        [
            host("pc1", failed=True, msg="2 mistakes:\n  one\n  two"),
            host("pc2", ready=True, installed_state=[], failures=[]),
        ],
        {},
        removals_blocked=False,
        check_mode=False,
    )
    assert fleet.result_table(rows)[1:] == [
        "pc1   failed                 2 mistakes: …",
        "pc2   ready                  nothing",
    ]


def test_why_a_machine_is_not_ready():
    ready = {"ready": True, "installed_state": [], "failures": []}
    assert host("pc1", **ready).reason() == ""
    assert host("pc1", unreachable=True).reason() == "unreachable"
    assert host("pc1", failed=False, msg="no root").reason() == "no root"
    assert host("pc1", failed=False, msg="no root").state(removals_blocked=False) == fleet.FAILED
    assert host("pc1", failed=True).reason() == "no reason was returned"
    failed = FailedTool(
        View("id-ada", "ada", 1), Tool("atlas", "t", "script", "2", "", "", {}), "it ended with 3"
    )
    assert host("pc1", failures=[failed.as_data()]).reason() == "atlas t for ada: it ended with 3"


def removal(
    name: str, project: str, *tools: str, cause: str = "left", blocked: bool = True
) -> dict:
    return {
        "id": f"id-{name}",
        "name": name,
        "project": project,
        "tools": list(tools),
        "cause": cause,
        "blocked": blocked,
    }


def with_tools(name: str, project: str, *tools: str) -> dict[str, Any]:
    return {
        "id": f"id-{name}",
        "name": name,
        "tools": [{"project": project, "name": tool} for tool in tools],
    }


def test_what_the_catalog_drops_is_no_loss_of_a_membership():
    asked = host(
        "pc1",
        user("ada", "atlas"),
        installed_state=[user("ada", "atlas", "beta")],
        blocked=True,
        removals=[removal("ada", "atlas", "t", cause="dropped"), removal("ada", "beta", "u")],
    )
    assert asked.memberships_after == fleet.memberships_of([user("ada", "atlas")])
    assert [one["project"] for one in asked.removals] == ["beta"]
    assert [one["project"] for one in asked.dropped_tools] == ["atlas"]


def test_what_was_removed_is_reported_by_project_and_cause():
    first = {"installed_state": [], "removals": [removal("ada", "atlas", "t")], "blocked": True}
    done = {
        "installed_state": [],
        "removals": [removal("ada", "atlas", "t", blocked=False)],
        "blocked": False,
    }
    bob = removal("bob", "atlas", "t", blocked=False)
    dropped = removal("cy", "beta", "u", "v", cause="dropped", blocked=False)
    hosts = [
        HostDelivery("pc1", (), first, done),
        host("pc2", installed_state=[], removals=[bob, dropped]),
        host("pc3", installed_state=[], removals=[removal("dee", "atlas", "t")]),
    ]
    assert fleet.removal_lines(hosts) == [
        "removed: atlas t from ada on pc1, bob on pc2 (left the project)",
        "removed: beta u, v from cy on pc2 (the catalog has it no more)",
    ]


def test_check_mode_reports_what_would_be_removed():
    removals = [
        removal("ada", "atlas", "t", cause="left"),
        removal("ada", "beta", "u", cause="platform"),
    ]
    hosts = [host("pc1", installed_state=[], blocked=True, removals=removals)]
    leaves = "would be removed: atlas t from ada on pc1 (left the project)"
    assert fleet.removal_lines(hosts, check_mode=True) == [
        leaves,
        "would be removed: beta u from ada on pc1 (the catalog has it for other platforms only)",
    ]
    assert fleet.removal_lines(hosts, check_mode=True, blocked=["platform"]) == [leaves]
    assert fleet.removal_lines(hosts) == []


def test_an_error_of_the_catalog_is_named_once_and_fails_no_machine():
    faults = [
        {"project": "atlas", "tool": "", "reason": "atlas.yml:1:1: it is empty"},
        {"project": "beta", "tool": "t", "reason": "beta.yml: t: t.sh cannot be read"},
    ]
    hosts = [
        host(name, ready=False, installed_state=[], failures=[], catalog_errors=faults)
        for name in ("a", "b")
    ]
    assert fleet.catalog_errors(hosts) == [fault["reason"] for fault in faults]
    assert hosts[0].state(removals_blocked=False) == fleet.INCOMPLETE
    assert hosts[0].reason() == ("not updated because of errors in the catalog: atlas, beta t")
    # As a call that may remove answers: it fails, and what it answers besides is whole.
    failed = host(
        "c", failed=True, ready=False, installed_state=[], failures=[], catalog_errors=faults
    )
    assert failed.state(removals_blocked=False) == fleet.INCOMPLETE
