# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes, what leaves, what is held: for any machine and any record."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._toolbox import (
    revision_order,
    targets,
    wanted_tools,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.generation_model import (
    Generation,
    View,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.host_assignment import (
    check_record,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.installers.installer import (
    SystemFacts,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.targets import Accounts
from hypothesis import given
from hypothesis import strategies as st

from .archives import entry, project, script, user

FACTS = SystemFacts("linux", "x86_64", "/usr/bin/python3", "3.11")
UIDS = {"ada": 1001, "bob": 1002, "cy": 1003}
EVERYBODY = Accounts(dict(UIDS), {uid: name for name, uid in UIDS.items()})
PROJECTS = [
    project(name, script("run", version="1"), script(f"{name}-only"))
    for name in ("alpha", "beta", "gamma")
]
NOW = "2026-11-24T12:00:00Z"

records = st.dictionaries(
    st.sampled_from(sorted(UIDS)), st.sets(st.sampled_from(["alpha", "beta", "gamma", "unknown"]))
)


def wishes(
    members: dict[str, set[str]], projects: list[dict] = PROJECTS
) -> tuple[wanted_tools.WantedUser, ...]:
    return wanted_tools.wanted(
        {"users": [user(name, *sorted(mine)) for name, mine in members.items()]}, projects, FACTS
    ).users


def after(
    have: Generation,
    members: dict[str, set[str]],
    accounts: Accounts = EVERYBODY,
    block_removals: bool = False,
    **more: Any,
) -> tuple[Generation, targets.ToolboxTarget]:
    target = targets.target(
        have, wishes(members), accounts, NOW, block_removals=block_removals, **more
    )
    return Generation(have.number + 1, NOW, target.views), target


def pairs(members: dict[str, set[str]]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for name, projects in members.items():
        found.update((f"id-{name}", project) for project in projects - {"unknown"})
    return found


@given(records, records)
def test_exactly_what_the_record_says_and_again_nothing(
    before: dict[str, set[str]], now: dict[str, set[str]]
):
    first, _target = after(Generation(), before)
    second, target = after(first, now)
    assert second.pairs == pairs(now)
    assert {(removal.id, removal.project) for removal in target.removals} == pairs(before) - pairs(
        now
    )
    third, again = after(second, now)
    assert targets.same(third.views, second.views) and again.removals == ()


@given(records, records)
def test_hold_only_adds(before: dict[str, set[str]], now: dict[str, set[str]]):
    first, _target = after(Generation(), before)
    held, target = after(first, now, block_removals=True)
    assert held.pairs == pairs(before) | pairs(now)
    again, same = after(held, now, block_removals=True)
    assert targets.same(again.views, held.views) and set(same.removals) == set(target.removals)
    applied, _target = after(held, now)
    assert applied.pairs == pairs(now)


@given(records, records, records)
def test_who_may_be_removed_is_not_held(
    before: dict[str, set[str]], now: dict[str, set[str]], may: dict[str, set[str]]
):
    first, _target = after(Generation(), before)
    second, target = after(first, now, block_removals=True, approved_removals=frozenset(pairs(may)))
    lost = pairs(before) - pairs(now)
    assert second.pairs == pairs(now) | (lost - pairs(may))
    assert {(removal.id, removal.project) for removal in target.removals} == lost
    assert {(removal.id, removal.project) for removal in target.blocked} == lost - pairs(may)
    everything, _target = after(first, now, block_removals=True, approved_removals=frozenset(lost))
    assert targets.same(everything.views, after(first, now)[0].views)


@given(records, records)
def test_back_gives_nothing_to_who_has_left(before: dict[str, set[str]], now: dict[str, set[str]]):
    first, _target = after(Generation(), before)
    second, _target = after(first, now)
    assert Generation(views=targets.rolled_back(second, first)).pairs == second.pairs


@given(records)
def test_receipts_survive_what_does_not_change(members: dict[str, set[str]]):
    first, _target = after(Generation(), members)
    ready = Generation(
        1,
        NOW,
        tuple(
            view._replace(
                tools=tuple(tool._replace(ready="then", place=tool.object) for tool in view.tools)
            )
            for view in first.views
        ),
    )
    second = targets.target(ready, wishes(members), EVERYBODY, "later").views
    assert second == ready.views


def test_an_account_that_is_gone_keeps_its_view():
    first, _target = after(Generation(), {"ada": {"alpha", "beta"}})
    gone = Accounts({"ada": None}, {1001: None})
    second, target = after(first, {"ada": {"alpha"}}, accounts=gone)
    assert (
        second.pairs == {("id-ada", "alpha")}
        and target.unknown == ()
        and "keeps the installed tools" in target.notes[0]
    )


def test_a_uid_that_is_somebody_elses_now_loses_it_at_once():
    first, _target = after(Generation(), {"ada": {"alpha"}})
    taken = Accounts({"ada": None, "bob": 1001}, {1001: "bob"})
    for hold in (True, False):
        second, target = after(first, {"ada": {"alpha"}}, taken, hold)
        assert second.pairs == set() and target.unknown == ("ada",)


def test_a_new_uid():
    first, _target = after(Generation(), {"ada": {"alpha"}})
    moved = Accounts({"ada": 2001}, {1001: None, 2001: "ada"})
    assert after(first, {"ada": {"alpha"}}, accounts=moved)[0].views[0].uid == 2001


def test_a_new_login_name_is_no_removal():
    first, _target = after(Generation(), {"ada": {"alpha"}})
    record = {"users": [{"id": "id-ada", "name": "countess", "projects": ["alpha"]}]}
    accounts = Accounts({"countess": 1001, "ada": None}, {1001: "countess"})
    target = targets.target(
        first,
        wanted_tools.wanted(record, PROJECTS, FACTS).users,
        accounts,
        NOW,
        block_removals=True,
    )
    assert [view.name for view in target.views] == ["countess"] and target.removals == ()


def test_a_login_name_that_was_given_to_somebody_else():
    first, _target = after(Generation(), {"ada": {"alpha"}})
    record = {"users": [{"id": "id-new", "name": "ada", "projects": ["beta"]}]}
    target = targets.target(
        first,
        wanted_tools.wanted(record, PROJECTS, FACTS).users,
        EVERYBODY,
        NOW,
        block_removals=True,
    )
    assert [(view.id, view.projects) for view in target.views] == [("id-new", ["beta"])]


def test_a_failed_tool_is_as_it_was_or_left_out():
    first, _target = after(Generation(), {"ada": {"alpha"}})
    second, _target = after(first, {"ada": {"alpha", "beta"}})
    failed = {("id-ada", "alpha", "run"), ("id-ada", "beta", "run")}
    left = Generation(views=targets.without(second.views, failed, first))
    names = {(tool.project, tool.name) for _view, tool in left.tools}
    assert names == {("alpha", "run"), ("alpha", "alpha-only"), ("beta", "beta-only")}


def test_not_for_this_machine():
    tools = entry(
        "binary", "run", {"os": "linux", "arch": "aarch64", "sha256": "a" * 64}, {"run": "run"}
    )
    found = wanted_tools.wanted({"users": [user("ada", "p")]}, [project("p", tools)], FACTS)
    assert found.users[0].tools == () and found.skipped == ("p run is not for linux x86_64",)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"host": "pc1", "revision": "x"}, "record.users: is required"),
        (
            {
                "host": "pc1",
                "revision": "x",
                "users": [{"id": "1", "name": "ada", "projects": "x"}],
            },
            "projects: is required, as a list",
        ),
        (
            {"host": "pc1", "revision": "x", "users": [user("ada"), user("ada")]},
            "two users have the id",
        ),
        ({"host": None, "revision": "x", "users": []}, "record.host: is required"),
    ],
)
def test_a_record_that_is_none(record: dict, said: str):
    with pytest.raises(SpecError) as caught:
        check_record(record)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("new", "last", "expected"),
    [
        ("usn:a:9", "usn:a:10", revision_order.Order(older=True)),
        ("usn:a:10", "usn:a:9", revision_order.Order()),
        ("usn:b:1", "usn:a:9", revision_order.Order(other_source=True)),
        (
            "csn:dc=x:20260101000000.000000Z#000000#000#000000",
            "csn:dc=x:20260102000000.000000Z#000000#000#000000",
            revision_order.Order(older=True),
        ),
        ("change:ldap://h:389:5", "change:ldap://h:389:40", revision_order.Order(older=True)),
        ("time:control:1", "", revision_order.Order()),
        ("time:control:1", "csn:dc=x:2", revision_order.Order(other_source=True)),
    ],
)
def test_revisions(new: str, last: str, expected: revision_order.Order):
    assert revision_order.compare(new, last) == expected


def test_views_without_tools_are_none():
    assert after(Generation(), {"ada": {"unknown"}})[0].views == ()
    assert View("1", "ada", 1).projects == []


def faulty(name: str, *tools: dict, **more: Any) -> dict[str, Any]:
    """A project, or with ``fault`` one whose file has errors."""
    return {**project(name, *tools), **more}


def target_of(
    have: Generation, members: dict[str, set[str]], projects: list[dict], **more: Any
) -> targets.ToolboxTarget:
    return targets.target(have, wishes(members, projects), EVERYBODY, NOW, **more)


def names(target: targets.ToolboxTarget) -> set[str]:
    return {
        f"{view.name} {tool.project} {tool.name}"
        for view, tool in Generation(views=target.views).tools
    }


def test_a_faulty_project_stays_as_it_is_and_its_leavers_lose_it():
    have, _target = after(Generation(), {"ada": {"alpha", "beta"}, "bob": {"alpha"}})
    broken = [faulty("alpha", fault="alpha.yml:1:1: it is empty"), PROJECTS[1]]
    target = target_of(have, {"ada": {"alpha", "beta"}, "bob": set(), "cy": {"alpha"}}, broken)
    assert names(target) == {
        "ada alpha run",
        "ada alpha alpha-only",
        "ada beta run",
        "ada beta beta-only",
    }
    assert [(removal.name, removal.cause) for removal in target.removals] == [("bob", "left")]


def test_a_faulty_tool_stays_as_it_is_and_the_others_are_updated():
    have, _target = after(Generation(), {"ada": {"alpha"}})
    broken = {**script("run", version="2"), "variants": [], "fault": "alpha.yml: run: no file"}
    projects = [project("alpha", broken, script("alpha-only", version="2"))]
    target = target_of(have, {"ada": {"alpha"}, "bob": {"alpha"}}, projects)
    assert targets.lines(target.views) == [
        "ada: alpha alpha-only 2",
        "ada: alpha run 1",
        "bob: alpha alpha-only 2",
    ]
    assert target.removals == ()


def test_faults_of_projects_that_nobody_here_has_are_not_reported():
    wanted = wanted_tools.wanted(
        {"users": [user("ada", "beta")]}, [faulty("alpha", fault="x"), PROJECTS[1]], FACTS
    )
    assert wanted.faults == ()


@pytest.mark.parametrize(
    ("projects", "cause", "lost", "blocked"),
    [
        pytest.param([], "dropped", ("alpha-only", "run"), 1, id="no file"),
        pytest.param(
            [project("alpha", script("run", version="2"))], "dropped", ("alpha-only",), 1, id="one"
        ),
        pytest.param(
            [faulty("alpha", script("run"), removed=["alpha-only"])],
            "declared",
            ("alpha-only",),
            0,
            id="declared",
        ),
        pytest.param(
            [project("alpha", script("run"), {**script("alpha-only"), "variants": []})],
            "platform",
            ("alpha-only",),
            1,
            id="not for this platform",
        ),
    ],
)
def test_what_the_catalog_has_no_more(
    projects: list[dict], cause: str, lost: tuple[str, ...], blocked: int
):
    have, _target = after(Generation(), {"ada": {"alpha"}})
    for block_removals in (False, True):
        target = target_of(have, {"ada": {"alpha"}}, projects, block_removals=block_removals)
        assert [(one.project, one.cause, one.tools) for one in target.removals] == [
            ("alpha", cause, lost)
        ]
        assert len(target.blocked) == (blocked if block_removals else 0)
        kept = {f"ada alpha {name}" for name in lost}
        assert names(target) & kept == (kept if target.blocked else set())


def test_a_user_who_may_leave_does_not_take_along_what_the_catalog_dropped():
    have, _target = after(Generation(), {"ada": {"alpha"}, "bob": {"alpha"}})
    target = target_of(
        have,
        {"ada": {"alpha"}, "bob": set()},
        [],
        block_removals=True,
        approved_removals=frozenset({("id-bob", "alpha")}),
    )
    assert names(target) == {"ada alpha run", "ada alpha alpha-only"}
    assert [(one.name, one.cause) for one in target.blocked] == [("ada", "dropped")]
