# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer that was brought up to date is the one that would have been given anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import Entry
from ansible_collections.shipping.code.plugins.plugin_utils._events.membership_cache import (
    Picture,
    Reading,
    absorbs,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.facts import Facts
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from .._membership.test_decide import (
    NOW,
    OPTIONS,
    entry,
    group,
    machine,
    person,
)

PEOPLE = [f"u{number}" for number in range(6)]
GROUPS = ["p0", "p1", "t0", "t1"]
MACHINES = [f"pc{number}" for number in range(4)]


class World:
    """A directory: people, who is closed, groups inside of groups, machines."""

    def __init__(self) -> None:
        self.closed: set[str] = set()
        self.members: dict[str, set[str]] = {name: {"u0"} for name in GROUPS}
        self.owners: dict[str, set[str]] = {
            name: {PEOPLE[number]} for number, name in enumerate(MACHINES)
        }
        self.people = set(PEOPLE)

    def person(self, uid: str) -> Entry:
        return person(uid, **({"shadowExpire": "1"} if uid in self.closed else {}))

    def group(self, name: str) -> Entry:
        inside = sorted(self.members[name])
        return entry(
            f"cn={name},dc=x",
            cn=name,
            member=[f"cn={one},dc=x" if one in GROUPS else f"uid={one},dc=x" for one in inside],
        )

    def facts(self) -> Facts:
        projects = tuple(self.group(name) for name in GROUPS if name.startswith("p"))
        groups = {item.key: item for item in map(self.group, GROUPS)}
        reached, waiting = set[str](), [item.key for item in projects]
        while waiting:
            key = waiting.pop()
            reached.add(key)
            inside = {f"cn={one},dc=x" for one in self.members[key[3:-5]] if one in GROUPS}
            waiting += inside - reached
        people = {item.key: item for item in map(self.person, sorted(self.people))}
        machines = tuple(
            machine(name, *sorted(self.owners[name] & self.people)) for name in MACHINES
        )
        return Facts(projects, {key: groups[key] for key in reached}, people, machines)

    def reading(self, name: str) -> Reading:
        if name in PEOPLE:
            found = self.person(name)
            return Reading(found.key, person=found)
        if name in MACHINES:
            found = machine(name, *sorted(self.owners[name]))
            return Reading(found.key, machine=found)
        found = self.group(name)
        return Reading(found.key, **{"project" if name.startswith("p") else "group": found})


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
    name = MACHINES[one % len(MACHINES)]
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
    picture = Picture(world.facts(), options, NOW)
    for first in range(0, len(changes), batch):
        names = [toggle(world, *change) for change in changes[first : first + batch]]
        if not picture.absorb([world.reading(name) for name in dict.fromkeys(names)], NOW):
            picture = Picture(world.facts(), options, NOW)
        assert picture.fleet == Picture(world.facts(), options, NOW).fleet


def absorbed(change: Callable[[World], Reading], **more: Any) -> bool:
    world = World()
    picture = Picture(world.facts(), wanted(**more), NOW)
    return picture.absorb([change(world)], NOW)


def test_a_join_is_absorbed():
    def join(world: World) -> Reading:
        world.members["p0"].add("u3")
        return world.reading("p0")

    assert absorbed(join)
    assert not absorbed(
        join,
        layout="custom",
        projects={"filter": "(cn=*)", "member_of": ["memberOf"], "members": ["member"]},
    )


def test_what_is_not_certain_is_read_anew():
    gone = (Reading(f"uid={uid},dc=x") for uid in ("u1",))
    assert not absorbed(lambda _world: next(gone))
    assert not absorbed(lambda _world: Reading("cn=p0,dc=x"))
    assert not absorbed(lambda _world: Reading("cn=pc1,dc=x"))
    assert not absorbed(lambda _world: Reading("cn=p9,dc=x", project=group("p9", "u1")))
    assert not absorbed(lambda _world: Reading("cn=p0,dc=x", project=group("p0", "nobody")))
    assert not absorbed(
        lambda _world: Reading("cn=p0,dc=x", project=group("p0"))
    )  # it cannot be empty
    assert not absorbed(
        lambda _world: Reading("uid=u1,dc=x", person=person("u1", entryUUID="another"))
    )
    assert not absorbed(lambda _world: Reading("cn=pc1,dc=x", machine=machine("other", "u1")))


def test_somebody_new_and_a_new_machine():
    world = World()
    picture = Picture(world.facts(), wanted(), NOW)
    assert picture.absorb(
        [
            Reading("uid=new,dc=x", person=person("new")),
            Reading("cn=pc9,dc=x", machine=machine("pc9", "new")),
        ],
        NOW,
    )
    assert picture.absorb([Reading("cn=p0,dc=x", project=group("p0", "u0", "new"))], NOW)
    assert [(user.name, user.projects) for user in picture.fleet["pc9.example.com"].users] == [
        ("new", ("p0",))
    ]


def test_what_nobody_names_does_not_matter():
    world = World()
    picture = Picture(world.facts(), wanted(), NOW)
    before = dict(picture.fleet)
    assert picture.absorb(
        [Reading("cn=elsewhere,dc=x", group=group("elsewhere", "nobody")), Reading("ou=x,dc=x")],
        NOW,
    )
    assert picture.fleet == before


def test_which_settings_let_single_entries_decide():
    assert absorbs(wanted())
    assert not absorbs(wanted(netgroups={}))
    assert not absorbs(wanted(people={"machines": "host"}))
