# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import Entry
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Host,
    User,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.decide import Decision
from ansible_collections.shipping.code.plugins.plugin_utils._membership.explain import (
    Explained,
    Question,
    answer,
    bare_login,
    changes,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.facts import MembershipFacts

from .test_decide import (
    NOW,
    OPTIONS,
    entry,
    group,
    host,
    user,
)

SETTINGS = settings.read(OPTIONS, "test")


def explained(
    projects: list[Entry], users: list[Entry], hosts: list[Entry], *more: Entry, **options: Any
) -> Explained:
    wanted = settings.read({**OPTIONS, **options}, "test")
    groups = {item.key: item for item in [*projects, *more]}
    decision = Decision(
        MembershipFacts(tuple(projects), groups, {item.key: item for item in users}, tuple(hosts)),
        wanted,
        NOW,
    )
    return Explained(wanted, decision, decision.membership("time:control:1"), NOW)


def one(found: Explained, *users: str, **question: Any) -> dict[str, Any]:
    (user,) = answer(found, Question(users, **question))["users"]
    return user


@pytest.mark.parametrize("order", [1, -1])
def test_the_shortest_path_is_reported(order: int):
    inner = entry("cn=inner,dc=x", cn="inner", member="cn=core,dc=x")
    core = group("core", "ada")
    outer = entry("cn=a,dc=x", cn="a", member=["cn=inner,dc=x", "cn=core,dc=x"][::order])
    shown = one(explained([outer], [user("ada")], [host("pc1", "ada")], inner, core), "ada")
    assert shown["projects"] == [{"name": "a", "through": ["cn=a,dc=x", "cn=core,dc=x"]}]
    assert shown["why"] == "a through cn=a,dc=x > cn=core,dc=x; on pc1.example.com"


def test_reasons_are_reported_in_order():
    """The first thing to do is reported first."""
    users = [user("ada", nsAccountLock="TRUE")]
    assert one(explained([group("a")], users, []), "ada")["cause"] == "disabled"
    assert one(explained([group("a")], [user("ada")], []), "ada")["cause"] == "not_a_member"
    assert one(explained([group("a", "ada")], [user("ada")], []), "ada")["cause"] == "no_host"


def test_a_user_without_a_login():
    nobody = entry("cn=ada,dc=x", cn="ada", entryUUID="1")
    found = explained(
        [entry("cn=a,dc=x", cn="a", member="cn=ada,dc=x")],
        [nobody],
        [entry("cn=pc1,dc=x", cn="pc1", owner="cn=ada,dc=x")],
    )
    (user,) = answer(found, Question())["users"]
    assert (user["cause"], user["gets_tools"]) == ("no_login", False)
    assert answer(found, Question())["projects"][0]["members"] == []


@pytest.mark.parametrize(
    ("login_format", "name", "expected"),
    [
        ("{name}", "ada", "ada"),
        ("{name}@x", "ada@x", "ada"),
        ("{name}@x", "ada", "ada"),
        ("AD\\{name}", "AD\\ada", "ada"),
        ("a{name}", "a", "a"),
    ],
)
def test_a_name_as_on_hosts_or_as_in_the_directory(login_format: str, name: str, expected: str):
    assert (
        bare_login(
            name, settings.read({**OPTIONS, "users": {"login_format": login_format}}, "test")
        )
        == expected
    )


def test_users_without_a_selected_project_or_host_are_left_out():
    found = explained(
        [group("a", "ada"), group("b", "bob")],
        [user("ada"), user("bob"), user("cy")],
        [host("pc1", "ada", "bob")],
    )
    assert [user["name"] for user in answer(found, Question())["users"]] == ["ada", "bob"]
    assert [user["name"] for user in answer(found, Question(projects=["b"]))["users"]] == ["bob"]
    assert [user["name"] for user in answer(found, Question(hosts=["pc1"]))["users"]] == [
        "ada",
        "bob",
    ]
    assert [item["host"] for item in answer(found, Question(["cy"]))["hosts"]] == []


def test_what_is_different():
    before = [
        Host("pc1", (User("ada", "1", ("a", "b")),)),
        Host("pc2", (User("bob", "2", ("a",)),)),
    ]
    after = [
        Host("pc1", (User("ada2", "1", ("b", "c")),)),
        Host("pc3", (User("bob", "2", ("a",)),)),
    ]
    assert changes(before, after, Question(), SETTINGS) == {
        "added": [
            {"user": "ada2", "host": "pc1", "project": "c"},
            {"user": "bob", "host": "pc3", "project": "a"},
        ],
        "removed": [
            {"user": "ada", "host": "pc1", "project": "a"},
            {"user": "bob", "host": "pc2", "project": "a"},
        ],
    }
    assert changes(before, before, Question(), SETTINGS) == {"added": [], "removed": []}
    assert changes(before, after, Question(projects=["c"]), SETTINGS)["removed"] == []


def test_the_same_login_of_another_user_is_a_change():
    before, after = ([Host("pc1", (User("ada", uid, ("a",)),))] for uid in ("1", "2"))
    found = changes(before, after, Question(), SETTINGS)
    assert found["added"] == found["removed"] == [{"user": "ada", "host": "pc1", "project": "a"}]


def test_each_login_name_selects_the_same_user():
    found = explained(
        [group("a", "ada")], [user("ada", uids=["ada.lovelace", "ada"])], [host("pc1", "ada")]
    )
    shown = one(found, "ada.lovelace", projects=["a"])
    assert (shown["name"], shown["gets_tools"]) == ("ada", True)


def test_a_user_with_an_uncertain_host_gets_nothing():
    twin = entry("cn=PC1.example.com,dc=x", cn="PC1.example.com")
    found = explained([group("a", "ada")], [user("ada")], [host("pc1", "ada"), twin])
    shown = one(found, "ada")
    assert (shown["gets_tools"], shown["cause"]) == (False, "uncertain")
    assert shown["why"].startswith("two entries are the host pc1.example.com: ")
