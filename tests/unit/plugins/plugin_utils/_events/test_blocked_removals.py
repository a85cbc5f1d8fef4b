# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.shipping.code.plugins.plugin_utils._delivery.removal_limit import (
    RemovalLimits,
)
from ansible_collections.shipping.code.plugins.plugin_utils._events.blocked_removals import (
    WINDOW,
    RecentRemovals,
    recent_removals_from,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Host,
    User,
)

from .test_membership_diff import fleet


def users(count: int, project: str = "a", first: int = 0) -> dict[str, Host]:
    return fleet(
        **{f"pc{number}": {f"u{number}": [project]} for number in range(first, first + count)}
    )  # type: ignore[return-value]


def without(whole: dict[str, Host], *numbers: int) -> dict[str, Host]:
    return {**whole, **fleet(**{f"pc{number}": {f"u{number}": []} for number in numbers})}


def test_a_single_leave_is_not_blocked():
    before = users(20)
    after, blocked, recent = RecentRemovals().apply(before, without(before, 1), 100.0)
    assert after == without(before, 1) and not blocked.id
    assert recent.recent == ((100.0, ("pc1", "id-u1", "a")),)


def test_many_at_once_are_blocked_and_joins_go_on():
    before = users(100)
    seen = {**without(before, *range(30)), "new": Host("new", (User("x", "id-x", ("a",)),))}
    after, blocked, _recent = RecentRemovals().apply(before, seen, 0.0)
    assert len(blocked.removals) == 30 and "30 of 100" in blocked.reasons[0]
    assert after == {**before, "new": seen["new"]}


def test_a_join_while_the_leave_is_blocked():
    before = fleet(pc1={"u1": ["a"]}, pc2={"u2": ["a"]}, pc3={"u3": ["a"]})
    after, blocked, _recent = RecentRemovals().apply(
        before, fleet(pc1={"u1": ["b"]}, pc2={}, pc3={"u3": []}), 0.0
    )
    assert blocked.id and after == fleet(
        pc1={"u1": ["a", "b"]}, pc2={"u2": ["a"]}, pc3={"u3": ["a"]}
    )


def test_a_host_that_is_removed_completely():
    before = users(3)
    after, blocked, _recent = RecentRemovals().apply(before, {}, 0.0)
    assert blocked.id and after == before


def test_one_by_one_counts_together():
    """A group of thirty, emptied by thirty single changes, beside a large company."""
    everybody = {**users(30), **users(1000, "other", 100)}
    wanted, recent = everybody, RecentRemovals()
    for number in range(30):
        wanted, blocked, recent = recent.apply(
            wanted, without(everybody, *range(number + 1)), float(number)
        )  # type: ignore[assignment]
    assert blocked.id and "a would lose all of its 30 members" in blocked.reasons[0]


def test_what_is_long_ago_does_not_count():
    everybody = users(100)
    wanted, recent, second = everybody, RecentRemovals(), 0.0
    for first in range(0, 60, 10):
        second += WINDOW + 1
        wanted, blocked, recent = recent.apply(
            wanted, without(everybody, *range(first + 10)), second
        )  # type: ignore[assignment]
        assert not blocked.id


def test_approved_removals_apply_and_do_not_count_again():
    before = users(100)
    seen = without(before, *range(50))
    _after, blocked, recent = RecentRemovals().apply(before, seen, 0.0)
    assert recent.apply(before, seen, 1.0, "another")[1].id == blocked.id
    after, none, recent = recent.apply(before, seen, 1.0, blocked.id)
    assert after == seen and not none.id and recent.recent == ()
    more, blocked, _recent = recent.apply(after, without(before, *range(55)), 2.0)
    assert more == without(before, *range(55)) and not blocked.id


def test_the_id_is_that_of_what_is_blocked():
    before = users(100)
    one, other = (
        RecentRemovals().apply(before, without(before, *range(count)), 0.0)[1] for count in (30, 31)
    )
    assert one.id != other.id
    assert one.id == RecentRemovals().apply(before, without(before, *range(30)), 9.0)[1].id


def test_projects_that_may_be_emptied():
    before = users(5)
    assert RecentRemovals().apply(before, without(before, *range(5)), 0.0)[1].id
    limits = RemovalLimits(may_empty=frozenset({"a"}))
    assert not RecentRemovals(limits).apply(before, without(before, *range(5)), 0.0)[1].id


def test_it_resumes_after_a_restart():
    _after, _blocked, recent = RecentRemovals().apply(users(20), without(users(20), 1), 100.0)
    assert recent_removals_from(recent.as_data(), RemovalLimits()) == recent
    for odd in (None, "x", [["a"]], [["x", 1, 2, 3]]):
        assert recent_removals_from(odd, RemovalLimits()).recent == ()
