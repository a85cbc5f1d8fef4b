# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer that was brought up to date is the one that would have been given anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import Entry
from ansible_collections.shipping.code.plugins.plugin_utils._events.membership_cache import (
    MembershipCache,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.decide import can_update
from ansible_collections.shipping.code.plugins.plugin_utils._membership.entry_update import (
    EntryUpdate,
    Role,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.facts import MembershipFacts
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from .._membership.test_decide import (
    NOW,
    OPTIONS,
    entry,
    group,
    host,
    user,
)

PEOPLE = [f"u{number}" for number in range(6)]
GROUPS = ["p0", "p1", "t0", "t1"]
HOSTS = [f"pc{number}" for number in range(4)]


class World:
    """A directory: users, who is closed, groups inside of groups, hosts."""

    def __init__(self) -> None:
        self.closed: set[str] = set()
        self.members: dict[str, set[str]] = {name: {"u0"} for name in GROUPS}
        self.owners: dict[str, set[str]] = {
            name: {PEOPLE[number]} for number, name in enumerate(HOSTS)
        }
        self.users = set(PEOPLE)

    def user(self, uid: str) -> Entry:
        return user(uid, **({"shadowExpire": "1"} if uid in self.closed else {}))

    def group(self, name: str) -> Entry:
        inside = sorted(self.members[name])
        return entry(
            f"cn={name},dc=x",
            cn=name,
            member=[f"cn={one},dc=x" if one in GROUPS else f"uid={one},dc=x" for one in inside],
        )

    def facts(self) -> MembershipFacts:
        projects = tuple(self.group(name) for name in GROUPS if name.startswith("p"))
        groups = {item.key: item for item in map(self.group, GROUPS)}
        reached = self.reached([item.key for item in projects])
        users = {item.key: item for item in map(self.user, sorted(self.users))}
        hosts = tuple(host(name, *sorted(self.owners[name] & self.users)) for name in HOSTS)
        return MembershipFacts(projects, {key: groups[key] for key in reached}, users, hosts)

    def reached(self, waiting: list[str]) -> set[str]:
        """Return these groups, and all that are inside of them."""
        reached = set[str]()
        while waiting:
            key = waiting.pop()
            reached.add(key)
            inside = {f"cn={one},dc=x" for one in self.members[key[3:-5]] if one in GROUPS}
            waiting += inside - reached
        return reached

    def update_of(self, name: str) -> EntryUpdate:
        if name in PEOPLE:
            found = self.user(name)
            return EntryUpdate(found.key, Role.USER, found)
        if name in HOSTS:
            found = host(name, *sorted(self.owners[name]))
            return EntryUpdate(found.key, Role.HOST, found)
        found = self.group(name)
        return EntryUpdate(found.key, Role.PROJECT if name.startswith("p") else Role.GROUP, found)


def wanted(**more: Any) -> settings.Settings:
    return settings.read({**OPTIONS, **more}, "test")


def toggle(world: World, kind: str, one: int, other: int) -> str:
    """Change something; the name of the entry that has changed."""
    if kind == "member":
        group_name, uid = GROUPS[one % len(GROUPS)], PEOPLE[1 + other % (len(PEOPLE) - 1)]
        world.members[group_name] ^= {uid}
        return group_name
    if kind == "inside":
        group_name, inner = GROUPS[one % len(GROUPS)], GROUPS[other % len(GROUPS)]
        world.members[group_name] ^= {inner}
        return group_name
    if kind == "closed":
        world.closed ^= {PEOPLE[one % len(PEOPLE)]}
        return PEOPLE[one % len(PEOPLE)]
    name = HOSTS[one % len(HOSTS)]
    world.owners[name] ^= {PEOPLE[other % len(PEOPLE)]}
    return name


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["member", "inside", "closed", "owner"]),
        st.integers(0, 11),
        st.integers(0, 11),
    ),
    min_size=1,
    max_size=12,
)


@given(CHANGES, st.integers(1, 3))
@hypothesis_settings(max_examples=300, deadline=None)
def test_up_to_date_is_as_anew(changes: list[tuple[str, int, int]], batch: int):
    world, options = World(), wanted()
    cache = MembershipCache(world.facts(), options, NOW)
    for first in range(0, len(changes), batch):
        names = [toggle(world, *change) for change in changes[first : first + batch]]
        if not cache.update([world.update_of(name) for name in dict.fromkeys(names)], NOW):
            cache = MembershipCache(world.facts(), options, NOW)
        anew = MembershipCache(world.facts(), options, NOW)
        assert (cache.fleet, cache.closed) == (anew.fleet, anew.closed)


def is_updated(change: Callable[[World], EntryUpdate], **more: Any) -> bool:
    world = World()
    cache = MembershipCache(world.facts(), wanted(**more), NOW)
    return cache.update([change(world)], NOW)


def test_a_join_is_applied():
    def join(world: World) -> EntryUpdate:
        world.members["p0"].add("u3")
        return world.update_of("p0")

    assert is_updated(join)
    assert not is_updated(
        join,
        layout="custom",
        projects={"filter": "(cn=*)", "member_of": ["memberOf"], "members": ["member"]},
    )


def test_what_is_not_certain_is_read_anew():
    gone = (EntryUpdate(f"uid={uid},dc=x") for uid in ("u1",))
    assert not is_updated(lambda _world: next(gone))
    assert not is_updated(lambda _world: EntryUpdate("cn=p0,dc=x"))
    assert not is_updated(lambda _world: EntryUpdate("cn=pc1,dc=x"))
    assert not is_updated(lambda _world: EntryUpdate("cn=p9,dc=x", Role.PROJECT, group("p9", "u1")))
    assert not is_updated(
        lambda _world: EntryUpdate("cn=p0,dc=x", Role.PROJECT, group("p0", "nobody"))
    )
    assert not is_updated(
        lambda _world: EntryUpdate("cn=p0,dc=x", Role.PROJECT, group("p0"))
    )  # it cannot be empty
    assert not is_updated(
        lambda _world: EntryUpdate("uid=u1,dc=x", Role.USER, user("u1", entryUUID="another"))
    )
    assert not is_updated(lambda _world: EntryUpdate("cn=pc1,dc=x", Role.HOST, host("other", "u1")))


def test_a_new_user_and_a_new_host():
    world = World()
    cache = MembershipCache(world.facts(), wanted(), NOW)
    assert cache.update(
        [
            EntryUpdate("uid=new,dc=x", Role.USER, user("new")),
            EntryUpdate("cn=pc9,dc=x", Role.HOST, host("pc9", "new")),
        ],
        NOW,
    )
    assert cache.update([EntryUpdate("cn=p0,dc=x", Role.PROJECT, group("p0", "u0", "new"))], NOW)
    assert [(user.name, user.projects) for user in cache.fleet["pc9.example.com"].users] == [
        ("new", ("p0",))
    ]


def test_unnamed_entries_do_not_matter():
    world = World()
    cache = MembershipCache(world.facts(), wanted(), NOW)
    before = dict(cache.fleet)
    assert cache.update(
        [
            EntryUpdate("cn=elsewhere,dc=x", Role.GROUP, group("elsewhere", "nobody")),
            EntryUpdate("ou=x,dc=x"),
        ],
        NOW,
    )
    assert cache.fleet == before


def test_which_settings_let_single_entries_decide():
    assert can_update(wanted())
    assert not can_update(wanted(netgroups={}))
    assert not can_update(wanted(users={"hosts": "host"}))


def test_the_hosts_that_an_update_does_not_concern_stay_the_same_objects():
    world = World()
    cache = MembershipCache(world.facts(), wanted(), NOW)
    before = dict(cache.fleet)
    world.members["p0"].add("u1")
    assert cache.update([world.update_of("p0")], NOW)
    assert [name for name in before if cache.fleet[name] is not before[name]] == ["pc1.example.com"]


def test_when_the_next_account_expires():
    world = World()
    cache = MembershipCache(world.facts(), wanted(), NOW)
    assert cache.next_expiry is None
    days = (NOW - datetime(1970, 1, 1, tzinfo=UTC)).days + 1
    late = user("u1", shadowExpire=str(days))
    assert cache.update([EntryUpdate(late.key, Role.USER, late)], NOW)
    assert cache.next_expiry == NOW + timedelta(days=1)
    assert not cache.is_expiry_due(NOW) and not cache.expired(NOW)
    then = NOW + timedelta(days=1)
    assert cache.is_expiry_due(then)
    assert cache.update(cache.expired(then), then)
    assert cache.next_expiry is None and "id-u1" in cache.closed


def test_a_host_in_a_group_is_ignored_as_in_a_full_reading():
    world = World()
    cache = MembershipCache(world.facts(), wanted(), NOW)
    with_host = group("p0", "u0", "u1")
    members = [*with_host.values["member"], b"cn=pc1,dc=x"]
    with_host = Entry(with_host.dn, {**with_host.values, "member": members})
    assert cache.update([EntryUpdate(with_host.key, Role.PROJECT, with_host)], NOW)
    assert [(user.name, user.projects) for user in cache.fleet["pc1.example.com"].users] == [
        ("u1", ("p0",))
    ]


def test_uncertain_hosts_cause_a_full_read():
    world = World()
    facts = world.facts()
    twin = entry("cn=PC1.example.com,dc=x", cn="PC1.example.com")
    twice = MembershipFacts(facts.projects, facts.groups, facts.users, (*facts.hosts, twin))
    cache = MembershipCache(twice, wanted(), NOW)
    assert cache.uncertain_hosts == {"pc1.example.com"} and "pc1.example.com" not in cache.fleet
    world.members["p0"].add("u1")
    assert not cache.update([world.update_of("p0")], NOW)


def test_an_account_that_opens_by_its_date():
    world = World()
    facts, late = world.facts(), user("u1", pwdStartTime="20260302000000Z")
    cache = MembershipCache(
        MembershipFacts(facts.projects, facts.groups, {**facts.users, late.key: late}, facts.hosts),
        wanted(),
        NOW,
    )
    then = NOW + timedelta(days=1)
    assert cache.next_expiry == then and cache.fleet["pc1.example.com"].users == ()
    assert cache.update(cache.expired(then), then)
    assert [user.name for user in cache.fleet["pc1.example.com"].users] == ["u1"]


def test_no_member_at_all_is_for_a_full_reading_to_say():
    world = World()
    empty = {"projects": {"empty_groups": True}, "allow_empty": False}
    for members in world.members.values():
        members.clear()
    world.members["p0"].add("u0")
    cache = MembershipCache(world.facts(), wanted(**empty), NOW)
    world.members["p0"].clear()
    assert not cache.update([world.update_of("p0")], NOW)


def test_the_groups_whose_members_the_server_computes():
    world = World()
    facts = world.facts()
    url = {"memberurl": [b"ldap:///dc=x??sub?(title=boss)"]}
    computed = Entry(facts.projects[0].dn, {**facts.projects[0].values, **url})
    groups = {**facts.groups, computed.key: computed}
    cache = MembershipCache(
        MembershipFacts((computed, facts.projects[1]), groups, facts.users, facts.hosts),
        wanted(),
        NOW,
    )
    assert cache.dynamic_groups == ["cn=p0,dc=x"]
