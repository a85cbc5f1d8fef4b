# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.shipping.code.plugins.plugin_utils._events import payloads
from ansible_collections.shipping.code.plugins.plugin_utils._events.blocked_removals import (
    BlockedRemovals,
)
from ansible_collections.shipping.code.plugins.plugin_utils._events.membership_diff import (
    Context,
    Fleet,
    MembershipChange,
    Why,
    compare,
    renames,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Host,
    User,
)


def fleet(**hosts: dict[str, list[str]]) -> Fleet:
    return {
        name: Host(
            name,
            tuple(
                sorted(User(uid, f"id-{uid}", tuple(projects)) for uid, projects in users.items())
            ),
        )
        for name, users in hosts.items()
    }


def short(
    changes: list[MembershipChange],
) -> list[tuple[str, str, str, str, tuple[str, ...], bool]]:
    return [(one.type, one.project, one.name, str(one.why), one.hosts, one.has) for one in changes]


def test_nothing():
    before = fleet(pc1={"ada": ["a"]})
    assert compare(before, fleet(pc1={"ada": ["a"]})) == []


def test_join_and_leave_name_all_hosts():
    before, after = (
        fleet(pc1={"ada": []}, pc2={"ada": []}),
        fleet(pc1={"ada": ["a"]}, pc2={"ada": ["a"]}),
    )
    assert short(compare(before, after)) == [
        ("joined", "a", "ada", "membership", ("pc1", "pc2"), True)
    ]
    assert short(compare(after, before)) == [
        ("left", "a", "ada", "membership", ("pc1", "pc2"), False)
    ]


def test_another_project_is_not_touched():
    before, after = fleet(pc1={"ada": ["a"]}), fleet(pc1={"ada": ["a", "b"]})
    assert short(compare(before, after)) == [("joined", "b", "ada", "membership", ("pc1",), True)]


def test_a_host_more_and_a_host_less():
    before, after = fleet(pc1={"ada": ["a"]}, pc2={}), fleet(pc1={}, pc2={"ada": ["a"]})
    assert short(compare(before, after)) == [
        ("changed", "a", "ada", "host", ("pc1",), False),
        ("changed", "a", "ada", "host", ("pc2",), True),
    ]


def test_the_first_host_and_the_last_one():
    before, after = fleet(pc1={}), fleet(pc1={"ada": ["a"]})
    assert short(compare(before, after)) == [("joined", "a", "ada", "host", ("pc1",), True)]
    assert short(compare(after, before)) == [("left", "a", "ada", "host", ("pc1",), False)]


def test_an_account_that_is_closed():
    before, after = fleet(pc1={"ada": ["a"]}), fleet(pc1={})
    assert short(compare(before, after, Context({"id-ada"}.__contains__))) == [
        ("changed", "a", "ada", "account", ("pc1",), False)
    ]


def test_a_new_login_name_is_no_leave():
    before = fleet(pc1={"ada": ["a"]})
    after = {"pc1": Host("pc1", (User("countess", "id-ada", ("a",)),))}
    (change,) = compare(before, after)
    assert (change.type, change.why, change.name, change.former) == (
        "changed",
        Why.LOGIN,
        "countess",
        "ada",
    )


def test_a_login_name_that_now_belongs_to_another_user():
    before = fleet(pc1={"ada": ["a"]})
    after = {"pc1": Host("pc1", (User("ada", "id-other", ("a",)),))}
    assert sorted((one.type, one.id) for one in compare(before, after)) == [
        ("joined", "id-other"),
        ("left", "id-ada"),
    ]


def test_a_project_is_renamed_or_deleted():
    before, after = fleet(pc1={"ada": ["a"], "bob": ["b"]}), fleet(pc1={"ada": ["z"], "bob": []})
    renamed = renames(before, after, {"a", "b"}, {"z"})
    assert renamed == {"a": "z"}
    found = compare(before, after, Context(renamed=renamed, deleted=frozenset({"a", "b"})))
    assert short(found) == [
        ("changed", "b", "bob", "project", ("pc1",), False),
        ("changed", "z", "ada", "project", ("pc1",), True),
    ]
    assert found[1].former == "a"


def test_one_event_for_all_joins_of_a_project():
    before, after = (
        fleet(pc1={"ada": []}, pc2={"bob": []}),
        fleet(pc1={"ada": ["a"]}, pc2={"bob": ["a", "b"]}),
    )
    events = list(payloads.changed(compare(before, after), {"revision": "csn:x:1"}))
    assert [
        (event["type"], event["project"], event["hosts"], event["meta"]["hosts"])
        for event in events
    ] == [
        ("joined", "a", ["pc1", "pc2"], ["pc1", "pc2"]),
        ("joined", "b", ["pc2"], ["pc2"]),
    ]
    assert events[0]["users"] == [
        {"id": "id-ada", "name": "ada", "hosts": ["pc1"]},
        {"id": "id-bob", "name": "bob", "hosts": ["pc2"]},
    ]
    assert events[0]["revision"] == "csn:x:1" and events[0]["why"] == "membership"


def test_a_blocked_event_has_the_approval():
    blocked = BlockedRemovals(("a would lose all",), (("pc1", "id-ada", "a"),))
    event = payloads.blocked(blocked, "/state", {})
    assert event["approval"] == blocked.id and f"touch /state/approve-{blocked.id}" in event["hint"]
    assert (
        event["removals"] == [{"host": "pc1", "id": "id-ada", "project": "a"}]
        and event["meta"] == {}
    )


def test_what_is_pending_limits_no_play_by_itself():
    """A host that an earlier play has brought all is not in the inventory any more.

    A limit of nothing would be an error.
    """
    assert payloads.pending(["pc2", "pc1"], {})["hosts"] == ["pc1", "pc2"]
    assert payloads.pending(["pc1"], {})["meta"] == {}
