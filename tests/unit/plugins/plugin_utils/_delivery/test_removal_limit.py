# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When so many leave at once that it is likely a mistake."""

from __future__ import annotations

import itertools
import json

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._delivery import fleet, fleet_state
from ansible_collections.shipping.code.plugins.plugin_utils._delivery.fleet import (
    HostDelivery,
)
from ansible_collections.shipping.code.plugins.plugin_utils._delivery.removal_limit import (
    RemovalLimits,
    ToolDrops,
    check_dropped_tools,
    check_removals,
)
from hypothesis import given
from hypothesis import strategies as st

PC, ARM = "linux x86_64", "linux aarch64"


def company(people: int, *projects: str) -> dict[str, frozenset[tuple[str, str]]]:
    """Each person has a host and is in all of the projects."""
    return {
        f"pc{number}": frozenset((str(number), project) for project in projects)
        for number in range(people)
    }


def without(had: dict, project: str, people: range) -> dict:
    return {
        name: frozenset(pair for pair in pairs if pair[1] != project or int(pair[0]) not in people)
        for name, pairs in had.items()
    }


def test_ten_may_always_leave():
    had = company(12, "atlas", "beta")
    assert not check_removals(had, without(had, "atlas", range(10)), RemovalLimits()).blocked
    assert check_removals(had, without(had, "atlas", range(11)), RemovalLimits()).blocked


def test_more_than_a_fifth():
    had = company(100, "atlas")
    assert not check_removals(had, without(had, "atlas", range(20)), RemovalLimits()).blocked
    check = check_removals(had, without(had, "atlas", range(21)), RemovalLimits())
    assert check.reasons == (
        (
            "21 of 100 memberships on hosts would be removed, which is 21 %; the limit is 20 %"
            " (delivery_max_shrink)"
        ),
    )
    assert (
        len(check.lost) == 21
        and not check_removals(
            had, without(had, "atlas", range(21)), RemovalLimits(max_shrink=25)
        ).blocked
    )


def test_a_project_does_not_lose_all_of_three():
    had = {
        **company(3, "small"),
        **{f"x{number}": frozenset({(f"x{number}", "big")}) for number in range(200)},
    }
    check = check_removals(
        had, {**had, "pc0": frozenset(), "pc1": frozenset(), "pc2": frozenset()}, RemovalLimits()
    )
    assert check.reasons == ("small would lose all of its 3 members (delivery_may_empty: [small])",)
    assert not check_removals(
        had,
        {**had, "pc0": frozenset(), "pc1": frozenset(), "pc2": frozenset()},
        RemovalLimits(may_empty=frozenset({"small"})),
    ).blocked
    assert not check_removals(
        had, {**had, "pc0": frozenset(), "pc1": frozenset()}, RemovalLimits()
    ).blocked


def test_a_project_of_two_may_end():
    had = {
        **company(2, "pair"),
        **{f"x{number}": frozenset({(f"x{number}", "big")}) for number in range(200)},
    }
    assert not check_removals(
        had, {**had, "pc0": frozenset(), "pc1": frozenset()}, RemovalLimits()
    ).blocked


def test_machines_that_vanish_count():
    had = company(60, "atlas")
    assert check_removals(
        had, {name: pairs for name, pairs in had.items() if int(name[2:]) < 40}, RemovalLimits()
    ).blocked


def test_a_machine_that_changes_hands_is_no_end_of_a_project():
    had = {"pc1": frozenset({("1", "a"), ("2", "a"), ("3", "a")})}
    assert not check_removals(
        had, {"pc1": frozenset(), "pc2": frozenset({("1", "a")})}, RemovalLimits()
    ).blocked


@given(
    st.dictionaries(
        st.sampled_from("abc"),
        st.frozensets(st.tuples(st.sampled_from("123"), st.sampled_from("xyz"))),
    )
)
def test_nothing_leaves_nothing_stops(had: dict):
    assert (
        check_removals(had, had, RemovalLimits(max_shrink=0))
        == check_removals({}, had, RemovalLimits())
        and not check_removals(had, had, RemovalLimits()).blocked
    )


def host(name: str, users: list, installed: list | None, **more) -> HostDelivery:
    first = {"installed_state": installed, "ready": True, **more} if installed is not None else more
    return HostDelivery(name, tuple(users), first, {})


def test_thirty_single_events_count_together():
    """A group of thirty that is emptied by thirty changes, each with a run of its own."""
    everybody = company(30, "atlas")
    baseline = {"hosts": {name: fleet.users_with(pairs) for name, pairs in everybody.items()}}
    delivered: dict = {}
    blocked = []
    for number in range(30):
        had = [{"id": str(number), "name": f"u{number}", "projects": ["atlas"]}]
        gone = [{"id": str(number), "name": f"u{number}", "project": "atlas", "tools": ["t"]}]
        users = [{"id": str(number), "name": f"u{number}", "projects": []}]
        hosts = [host(f"pc{number}", users, had, removals=gone)]
        before = fleet.memberships_before(hosts, baseline)
        check = check_removals(
            before,
            fleet.memberships_after(hosts, delivered, before, complete=False),
            RemovalLimits(),
        )
        blocked.append(check.blocked)
        if not check.blocked:
            delivered[f"pc{number}"] = {"users": users}
    assert blocked == [False] * 10 + [True] * 20


def test_without_a_baseline_the_installed_states_are_compared():
    had = [{"id": str(number), "name": f"u{number}", "projects": ["atlas"]} for number in range(3)]
    gone = [
        {"id": str(number), "name": f"u{number}", "project": "atlas", "tools": ["t"]}
        for number in range(3)
    ]
    hosts = [
        host(
            "pc1",
            [{"id": str(number), "name": f"u{number}", "projects": []} for number in range(3)],
            had,
            removals=gone,
        )
    ]
    before = fleet.memberships_before(hosts, None)
    assert check_removals(
        before, fleet.memberships_after(hosts, {}, before, complete=True), RemovalLimits()
    ).blocked


def test_a_project_whose_file_is_gone_is_seen():
    """The directory says they are members, and nothing is offered any more."""
    users = [
        {"id": str(number), "name": f"u{number}", "projects": ["atlas"]} for number in range(3)
    ]
    gone = [
        {"id": str(number), "name": f"u{number}", "project": "atlas", "tools": ["t"]}
        for number in range(3)
    ]
    hosts = [host("pc1", users, users, removals=gone)]
    before = fleet.memberships_before(hosts, {"hosts": {"pc1": users}})
    assert check_removals(
        before, fleet.memberships_after(hosts, {}, before, complete=True), RemovalLimits()
    ).blocked


@pytest.mark.parametrize(
    ("first", "second", "blocked", "state"),
    [
        ({"installed_state": [], "ready": True}, {}, False, "ready"),
        ({"unreachable": True}, {}, False, "waiting"),
        ({"skipped": True}, {}, False, "not selected"),
        ({"failed": True, "msg": "disk full"}, {}, False, "failed"),
        (
            {
                "installed_state": [],
                "ready": False,
                "removals": [{"id": "1", "project": "p"}],
                "blocked": True,
            },
            {},
            True,
            "blocked",
        ),
        (
            {
                "installed_state": [],
                "ready": False,
                "removals": [{"id": "1", "project": "p"}],
                "blocked": True,
            },
            {"ready": True},
            False,
            "ready",
        ),
        (
            {
                "installed_state": [],
                "ready": False,
                "removals": [{"id": "1", "project": "p"}],
                "blocked": True,
            },
            {"unreachable": True},
            False,
            "waiting",
        ),
        (
            {"installed_state": [], "ready": False, "unknown": ["bob"]},
            {"skipped": True},
            False,
            "incomplete",
        ),
        ({"installed_state": [], "ready": False, "failures": [{}]}, {}, False, "failed"),
    ],
)
def test_states(first: dict, second: dict, blocked: bool, state: str):
    assert HostDelivery("pc1", (), first, second).state(removals_blocked=blocked) == state


def test_what_would_go_and_what_has_gone():
    """pc1 has reported what it blocks, pc2 is off, pc3 comes later, pc4 is not in the play.

    pc5 is not asked.
    """
    blocked = [
        {"id": "1", "project": "p", "blocked": True},
        {"id": "1", "project": "q", "blocked": False},
    ]
    hosts = [
        HostDelivery("pc1", (), {"installed_state": [], "removals": blocked, "blocked": True}, {}),
        HostDelivery("pc2", (), {"unreachable": True}, {}),
        HostDelivery("pc3", (), {}, {}),
        HostDelivery("pc5", (), {}, {}),
    ]
    names = ("pc1", "pc2", "pc3", "pc4", "pc5")
    lost = [(name, "1", project) for name, project in itertools.product(names, "pqr")]
    there, gone = fleet.split_lost(
        lost, hosts, fleet.in_later_batches(hosts, ["pc1", "pc2", "pc3"])
    )
    assert there == [("pc1", "1", "p"), *(one for one in lost if one[0] in ("pc2", "pc3"))]
    assert gone == [one for one in lost if one not in there]


def test_state_path(tmp_path):
    path = str(tmp_path / "state")
    assert fleet_state.read_delivered(path) == {} and fleet_state.read_baseline(path) is None
    fleet_state.write_waiting(path, "pc1", "then")
    delivered = {"host": "pc1", "revision": "time:control:1", "users": []}
    fleet_state.write_delivered(path, delivered)
    fleet_state.write_baseline(path, "time:control:1", {"pc1": []})
    assert (
        fleet_state.read_delivered(path) == {"pc1": delivered}
        and fleet_state.read_waiting(path) == {}
        and fleet_state.read_baseline(path)["hosts"] == {"pc1": []}
    )
    assert (tmp_path / "state" / "delivered" / "pc1.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "state" / "baseline.json").write_text("{")
    with pytest.raises(ShippingError, match="Restore it, or delete it"):
        fleet_state.read_baseline(path)
    with pytest.raises(ShippingError, match="cannot be a file's name"):
        fleet_state.write_waiting(path, "../x", "then")


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        # As it was before its keys were renamed: without hosts, the limit would compare nothing.
        ("baseline.json", {"serial": "time:control:1", "machines": {}}, fleet_state.read_baseline),
        ("waiting/pc1.json", {"host": "pc1"}, fleet_state.read_waiting),
        ("tools/pc1.json", {"host": "pc1", "platform": PC, "tools": []}, fleet_state.read_tools),
        (
            "tools/pc1.json",
            {"host": "pc1"},
            lambda path: fleet_state.read_tools_of(path, ["pc1"]),
        ),
    ],
)
def test_a_state_that_lacks_a_key(tmp_path, name, content, read):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(ShippingError, match=f"{name} cannot be read: it has no .* Restore it"):
        read(str(tmp_path))


def users(count: int, first: int = 0) -> set[str]:
    return {f"id-{number}" for number in range(first, first + count)}


APPROVAL = "(removed: [{}] in p.yml, or delivery_may_empty: [p])"


@pytest.mark.parametrize(
    ("had", "dropped", "reasons"),
    [
        pytest.param({}, {}, [], id="nothing"),
        pytest.param({("p", "t", PC): users(2)}, {("p", "t", PC): users(2)}, [], id="two users"),
        pytest.param(
            {("p", "t", PC): users(3), ("p", "u", PC): users(3)},
            {("p", "t", PC): users(3), ("p", "u", PC): users(3)},
            [f"all users of p would lose t, u {APPROVAL.format('t, u')}"],
            id="a whole project",
        ),
        pytest.param(
            {("p", "t", PC): users(12), ("q", "t", PC): users(90)},
            {("p", "t", PC): users(2)},
            [],
            id="others keep it",
        ),
        pytest.param(
            {("p", "t", PC): users(12), ("p", "t", ARM): users(3)},
            {("p", "t", ARM): users(3)},
            [f"all users of p would lose t {APPROVAL.format('t')}"],
            id="all of one platform",
        ),
        pytest.param(
            {("p", "t", PC): users(100)},
            {("p", "t", PC): users(21)},
            [
                "21 of 100 tools of users would be removed, which is 21 %; the limit is 20 %"
                " (delivery_max_shrink)",
                "21 of 100 tools of the users of p would be removed, which is 21 %; the limit is"
                f" 20 % {APPROVAL.format('t')}",
            ],
            id="more than a fifth",
        ),
        pytest.param(
            {
                **{("p", f"t{number}", PC): users(2) for number in range(6)},
                ("q", "t", PC): users(99),
            },
            {("p", f"t{number}", PC): users(2) for number in range(6)},
            [
                "12 of 12 tools of the users of p would be removed, which is 100 %; the limit is"
                f" 20 % {APPROVAL.format('t0, t1, t2, t3, t4, t5')}"
            ],
            id="all of a small project",
        ),
    ],
)
def test_tools_that_the_catalog_drops(had: dict, dropped: dict, reasons: list[str]):
    drops = ToolDrops(had, dropped, frozenset(dropped))
    assert check_dropped_tools(drops, RemovalLimits()) == reasons
    allowed = RemovalLimits(max_shrink=100, may_empty=frozenset({"p"}))
    assert check_dropped_tools(drops, allowed) == []
    # What former runs have dropped does not stop one that drops nothing.
    assert check_dropped_tools(ToolDrops(had, dropped, frozenset()), RemovalLimits()) == []


def test_a_slip_in_platforms_names_the_platform():
    keys = {("p", "t", ARM): users(3)}
    drops = ToolDrops(keys, keys, frozenset(keys), frozenset(keys))
    assert check_dropped_tools(drops, RemovalLimits()) == [
        f"all users of p on {ARM} would lose t (delivery_may_empty: [p])"
    ]
