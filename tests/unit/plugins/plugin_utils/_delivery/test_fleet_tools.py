# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools of the whole fleet count, however few hosts a run delivers to."""

from __future__ import annotations

from typing import Any

from ansible_collections.shipping.code.plugins.plugin_utils._delivery.fleet import HostDelivery
from ansible_collections.shipping.code.plugins.plugin_utils._delivery.fleet_tools import (
    HostTools,
    after_run,
    drops,
)

PC, ARM = "linux x86_64", "linux aarch64"


def answer(platform: str = PC, cause: str = "dropped", **tools: tuple[str, str]) -> dict[str, Any]:
    """Return an answer; each user has a first text of tools, and would lose those of the second."""
    users = [
        {"id": user, "tools": [{"project": "p", "name": name} for name in f"{kept}{lost}"]}
        for user, (kept, lost) in tools.items()
    ]
    removals = [
        {"id": user, "project": "p", "tools": list(lost), "cause": cause, "blocked": True}
        for user, (_kept, lost) in tools.items()
        if lost
    ]
    return {"installed_state": [], "platform": platform, "users": users, "removals": removals}


def host(platform: str = PC, dropped: str = "", **tools: str) -> HostTools:
    """Return the tools of users with names of one letter; ``dropped`` ones are the user x's."""
    has: set[tuple[str, str, str]] = set()
    for user, names in tools.items():
        has.update((user, "p", name) for name in names)
    return HostTools(platform, frozenset(has), frozenset(("x", "p", name) for name in dropped))


def test_a_run_for_one_host_counts_the_users_of_all():
    hosts = [HostDelivery("pc1", (), answer(ada=("u", "t")), {})]
    records = {"pc1": host(ada="tu"), "pc2": host(bob="t", cy="tu"), "arm": host(ARM, dee="t")}
    found = drops(hosts, records)
    assert found.had["p", "t", PC] == {"ada", "bob", "cy"} == found.dropped["p", "t", PC]
    assert found.had["p", "u", PC] == {"ada", "cy"} and ("p", "u", PC) not in found.dropped
    assert found.had["p", "t", ARM] == {"dee"} and ("p", "t", ARM) not in found.dropped
    assert found.current == {("p", "t", PC)} and not found.for_other_platforms


def test_what_former_runs_have_dropped_counts_as_well():
    hosts = [HostDelivery("pc1", (), answer(ada=("", "u")), {})]
    found = drops(hosts, {"pc1": host(dropped="t"), "pc2": host(dropped="v")})
    assert found.dropped == {
        ("p", "t", PC): {"x"},
        ("p", "u", PC): {"ada"},
        ("p", "v", PC): {"x"},
    }
    assert found.current == {("p", "u", PC)}


def test_a_tool_for_other_platforms_only():
    hosts = [HostDelivery("pc1", (), answer(ARM, "platform", ada=("", "t")), {})]
    found = drops(hosts, {})
    assert found.current == found.for_other_platforms == {("p", "t", ARM)}


def test_what_a_run_leaves_for_the_next_one():
    first = answer(ada=("u", "t"))
    done = HostDelivery("pc1", (), first, answer(ada=("u", "")))
    removed = HostTools(PC, host(ada="u").tools, frozenset({("ada", "p", "t")}))
    assert after_run(done, host(ada="tu"), [], is_new_baseline=False) == removed
    assert after_run(done, host(ada="tu"), ["p"], is_new_baseline=False) == host(ada="u")
    assert after_run(done, host(ada="tu"), [], is_new_baseline=True) == host(ada="u")
    blocked = HostDelivery("pc1", (), first, {})
    assert after_run(blocked, host(), [], is_new_baseline=False) == host(ada="ut")
    silent = HostDelivery("pc1", (), {"unreachable": True}, {})
    assert after_run(silent, removed, [], is_new_baseline=False) == removed
    assert after_run(silent, removed, [], is_new_baseline=True) == host(ada="u")
    assert HostTools.from_data(removed.as_data()) == removed
