# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=kwarg-superseded-by-positional-arg
from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    Contradiction,
    Incomplete,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import Entry
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Membership,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.decide import decide
from ansible_collections.shipping.code.plugins.plugin_utils._membership.facts import MembershipFacts

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPTIONS: dict[str, Any] = {
    "uris": ["ldaps://x"],
    "base": "dc=x",
    "layout": "groupofnames",
    "hosts": {"domain": "example.com"},
}


def entry(dn: str, **values: str | list[str]) -> Entry:
    return Entry(
        dn,
        {
            name.lower(): [value.encode() for value in ([held] if isinstance(held, str) else held)]
            for name, held in values.items()
        },
    )


def user(uid: str, **values: Any) -> Entry:
    own = {"uid": values.pop("uids", uid), "entryUUID": f"id-{uid}"}
    return entry(f"uid={uid},dc=x", **{**own, **values})


def group(name: str, *members: str, **values: Any) -> Entry:
    return entry(
        f"cn={name},dc=x", cn=name, member=[f"uid={uid},dc=x" for uid in members], **values
    )


def host(name: str, *owners: str) -> Entry:
    return entry(f"cn={name},dc=x", cn=name, owner=[f"uid={uid},dc=x" for uid in owners])


FOUND = ("chains", "others", "other_groups", "netgroups", "lost_netgroups")


def answer(
    projects: list[Entry],
    users: list[Entry],
    hosts: list[Entry],
    more: list[Entry] | None = None,
    /,
    **options: Any,
) -> Membership:
    groups = {item.key: item for item in [*projects, *(more or [])]}
    found = {name: options.pop(name) for name in FOUND if name in options}
    facts = MembershipFacts(
        tuple(projects), groups, {item.key: item for item in users}, tuple(hosts), **found
    )
    return decide(facts, settings.read({**OPTIONS, **options}, "test"), "time:control:1", NOW)


def projects_of(found: Membership) -> dict[str, list[str]]:
    users = chain.from_iterable(item.users for item in found.hosts)
    return {user.name: list(user.projects) for user in users}


def test_the_record():
    found = answer(
        [group("b", "ada"), group("a", "ada")],
        [user("ada", uidNumber="7", homeDirectory="/home/ada")],
        [host("PC1", "ada")],
    )
    assert found.record("pc1.example.com") == {
        "host": "pc1.example.com",
        "revision": "time:control:1",
        "users": [{"id": "id-ada", "name": "ada", "projects": ["a", "b"]}],
    }
    assert found.hosts[0].users[0].hints == {"uid": 7, "home": "/home/ada"}
    assert found.hosts[0].projects == ["a", "b"]


def test_a_record_survives_a_cache():
    users = [user("ada", uidNumber="7")]
    found = answer(
        [group("a.b", "ada", "gone")],
        users,
        [host("pc1", "ada"), host("pc2")],
        unresolved="warn",
    )
    assert len(found.remarks) == 2
    assert Membership.from_data(json.loads(json.dumps(found.as_data()))) == found


def test_the_order_of_the_answer_is_not_that_of_the_server():
    users = [user(f"u{number}") for number in range(20)]
    projects = [
        group(f"p{number}", *(f"u{other}" for other in range(0, 20, number + 1)))
        for number in range(5)
    ]
    hosts = [host(f"pc{number}", f"u{number}", f"u{(number * 7) % 20}") for number in range(20)]
    expected = answer(projects, users, hosts)
    chance = random.Random(1)
    for kind in (projects, users, hosts):
        chance.shuffle(kind)
    assert answer(projects, users, hosts) == expected


def test_deep_nesting_and_circles():
    chain = [
        entry(f"cn=g{number},dc=x", cn=f"g{number}", member=[f"cn=g{(number + 1) % 500},dc=x"])
        for number in range(500)
    ]
    last = entry("cn=g499,dc=x", cn="g499", member=["cn=g0,dc=x", "uid=ada,dc=x"])
    found = answer([chain[0]], [user("ada")], [host("pc1", "ada")], [*chain[1:499], last])
    assert projects_of(found) == {"ada": ["g0"]}
    assert not found.remarks


def test_a_group_inside_of_two_projects():
    inner = group("inner", "ada")
    outer = [entry(f"cn={name},dc=x", cn=name, member=["cn=inner,dc=x"]) for name in ("a", "b")]
    assert projects_of(answer(outer, [user("ada")], [host("pc1", "ada")], [inner])) == {
        "ada": ["a", "b"]
    }


def test_login_format_and_domain():
    found = answer(
        [], [user("ada")], [host("pc1", "ada")], users={"login_format": "{name}@example.com"}
    )
    assert [user.name for user in found.hosts[0].users] == ["ada@example.com"]


def test_prefixes_are_no_part_of_a_name():
    found = answer(
        [group("prj-a", "ada")],
        [user("ada")],
        [host("pc1", "ada")],
        projects={"prefix": "prj-"},
    )
    assert found.projects == {"a": "project_a"}


def test_a_group_with_two_names_has_the_one_of_its_dn():
    twice = entry("cn=second,dc=x", cn=["first", "Second"], member=["uid=ada,dc=x"])
    assert list(answer([twice], [user("ada")], []).projects) == ["Second"]


def test_primary_groups_of_posix():
    projects = [entry("cn=a,dc=x", cn="a", gidNumber="5000", member=["uid=bob,dc=x"])]
    users = [user("ada", gidNumber="5000"), user("bob", gidNumber="100")]
    found = answer(projects, users, [host("pc1", "ada", "bob")], projects={"primary_group": True})
    assert projects_of(found) == {"ada": ["a"], "bob": ["a"]}
    with pytest.raises(Incomplete, match="neither objectSid nor gidNumber can be read"):
        answer([group("a", "bob")], users, [], projects={"primary_group": True})


def test_hosts_that_users_name():
    users = [user("ada", host=["PC1", "pc2.example.com", "elsewhere"])]
    found = answer([group("a", "ada")], users, [host("pc1"), host("pc2")], users={"hosts": "host"})
    assert [len(item.users) for item in found.hosts] == [1, 1]
    assert found.remarks == (
        "host of uid=ada,dc=x names 'elsewhere', which is not among the hosts",
    )


def test_long_lists_of_other_entries_are_shortened():
    others = frozenset({"uid=left,dc=x", *(f"uid=service{number},dc=x" for number in range(9))})
    found = answer(
        [group("a", *(f"service{number}" for number in range(9)))],
        [user("ada")],
        [host("pc1", "left")],
        others=others,
    )
    assert found.remarks == (
        (
            "host pc1.example.com names entries that are not among the users of users.base:"
            " uid=left,dc=x"
        ),
        (
            "project a names entries that are not among the users of users.base: uid=service0,dc=x,"
            " uid=service1,dc=x, uid=service2,dc=x and 6 more"
        ),
    )


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"projects": [group("a", "ada", "gone")]}, "project a names uid=gone,dc=x"),
        ({"hosts": [host("pc1", "gone")]}, "host pc1.example.com names uid=gone,dc=x"),
        ({"host_map": {"pc1": ["gone"]}}, "host pc1.example.com in host_map names gone"),
        (
            {
                "projects": [entry("cn=a,dc=x", cn="a", memberUid=["ada", "gone"])],
                "layout": "rfc2307",
                "unresolved": "error",
            },
            "project a names gone",
        ),
        ({"lost_netgroups": frozenset({"gone"})}, "a netgroup names gone"),
        (
            {
                "netgroups": (entry("cn=n,dc=x", cn="n", nisNetgroupTriple="(pc1,gone,)"),),
                "hosts": [host("pc1")],
            },
            "netgroup n names gone",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_an_error_unless_it_is_said_otherwise(given, where):
    """Somebody who was deleted looks as somebody who is hidden does."""
    given = {"projects": [], "hosts": [], **given}
    projects, hosts = given.pop("projects"), given.pop("hosts")
    with pytest.raises(Incomplete) as caught:
        answer(projects, [user("ada")], hosts, **given)
    assert caught.value.what == f"{where}, which cannot be found"
    assert "unresolved: warn" in caught.value.hint
    remarks = answer(projects, [user("ada")], hosts, **{**given, "unresolved": "warn"}).remarks
    assert remarks == (f"{where}, which cannot be found and counts as deleted",)


def test_names_that_are_left_in_member_uid_are_common():
    posix = entry("cn=a,dc=x", cn="a", memberUid=["ada", "gone"])
    found = answer([posix], [user("ada")], [host("pc1", "ada")], layout="rfc2307")
    assert projects_of(found) == {"ada": ["a"]}
    assert found.remarks == ("project a names gone, which cannot be found and counts as deleted",)


def test_a_hidden_group_of_a_user_is_an_error():
    custom = {
        "layout": "custom",
        "projects": {"filter": "(cn=*)", "member_of": ["memberOf"]},
        "users": {"filter": "(uid=*)", "id": "entryUUID"},
    }
    users = [user("ada", memberOf=["cn=a,dc=x", "cn=hidden,dc=x"])]
    with pytest.raises(
        Incomplete, match="memberOf of uid=ada,dc=x names cn=hidden,dc=x, which cannot be found"
    ):
        answer([group("a")], users, [], **custom)
    assert not answer(
        [group("a")], users, [], others=frozenset({"cn=hidden,dc=x"}), **custom
    ).remarks


def test_whom_the_server_counts_over_groups_that_cannot_be_seen():
    chains = {"cn=a,dc=x": frozenset({"uid=ada,dc=x"})}
    assert projects_of(
        answer([group("a")], [user("ada")], [host("pc1", "ada")], chains=chains)
    ) == {"ada": ["a"]}


def test_hosts_of_netgroups():
    triples = [
        "(pc1,ada,)",
        "( pc2.example.com , bob , nis.example.com )",
        "(pc2,-,)",
        "(,ada,)",
        "(-,ada,)",
        "(pc3,,)",
        "(other,ada,)",
    ]
    netgroups = (entry("cn=n,dc=x", cn="n", nisNetgroupTriple=triples),)
    found = answer(
        [group("a", "ada", "bob")],
        [user("ada"), user("bob")],
        [host(f"pc{number}") for number in (1, 2, 3)],
        netgroups=netgroups,
    )
    assert {item.name: [user.name for user in item.users] for item in found.hosts} == {
        "pc1.example.com": ["ada"],
        "pc2.example.com": ["bob"],
        "pc3.example.com": [],
    }
    assert found.remarks == (
        "netgroup n gives ada any host, which is ignored",
        "netgroup n names 'other', which is not among the hosts",
    )


def test_a_triple_that_cannot_be_read_concerns_its_host_alone():
    netgroups = (entry("cn=n,dc=x", cn="n", nisNetgroupTriple=["(pc1,ada)", "(pc2,ada,)", "x y"]),)
    found = answer(
        [group("a", "ada")], [user("ada")], [host("pc1"), host("pc2")], netgroups=netgroups
    )
    assert [item.name for item in found.hosts] == ["pc2.example.com"]
    assert projects_of(found) == {"ada": ["a"]}
    assert any("netgroup n has '(pc1,ada)'" in remark for remark in found.remarks)
    assert any("netgroup n has 'x y'" in remark for remark in found.remarks)


def test_a_user_without_a_login_is_left_out_with_a_remark():
    found = answer(
        [],
        [entry("cn=ada,dc=x", cn="ada", entryUUID="1")],
        [entry("cn=pc1,dc=x", cn="pc1", owner="cn=ada,dc=x")],
    )
    assert found.hosts[0].users == ()
    assert found.remarks == ("cn=ada,dc=x has no uid and is left out",)


def test_a_closed_account_has_neither_projects_nor_hosts():
    found = answer([group("a", "ada")], [user("ada", nsAccountLock="TRUE")], [host("pc1", "ada")])
    assert found.hosts[0].users == ()
    assert not found.remarks


def test_two_users_of_one_login():
    """Which of them a host means is not known: their hosts are left as they are."""
    twins = [user("ada"), entry("uid=ada,ou=y,dc=x", uid="ada", entryUUID="id-2"), user("bob")]
    hosts = [
        host("pc1", "ada"),
        entry("cn=pc2,dc=x", cn="pc2", owner="uid=ada,ou=y,dc=x"),
        host("pc3", "bob"),
    ]
    found = answer([], twins, hosts)
    assert [item.name for item in found.hosts] == ["pc3.example.com"]
    assert found.remarks == (
        "two users have the login name ada: uid=ada,dc=x and uid=ada,ou=y,dc=x. Correct it in the"
        " directory; until then nothing is delivered to and removed from pc1.example.com,"
        " pc2.example.com",
    )
    posix = entry("cn=a,dc=x", cn="a", memberUid=["ada", "bob"])
    found = answer([posix], twins, hosts[:1] + hosts[2:], layout="rfc2307")
    assert projects_of(found) == {"bob": ["a"]}
    assert found.remarks[0].startswith("project a names 'ada', which is the login name of uid=ada,")


def test_login_names_are_compared_as_unix_does():
    posix = entry("cn=a,dc=x", cn="a", memberUid="Ada")
    assert projects_of(answer([posix], [user("ada")], [host("pc1", "ada")], layout="rfc2307")) == {
        "ada": []
    }


@pytest.mark.parametrize(
    ("projects", "text"),
    [
        ([entry("cn=a,dc=x")], "cn=a,dc=x has no name: its cn is empty or cannot be read"),
        ([group("a"), entry("cn=a,ou=y,dc=x", cn="a")], "two groups are the project a"),
        ([group("a b"), group("a_b")], "two projects would be the group project_a_b"),
    ],
)
def test_projects_that_contradict_each_other(projects, text):
    with pytest.raises((Contradiction, Incomplete), match=text):
        answer(projects, [], [])


def test_a_map_with_a_name_that_is_none():
    with pytest.raises(Contradiction, match="'pc 1' in host_map is no host's name"):
        answer([], [], [], host_map={"pc 1": ["ada"]})


# One bad entry concerns that entry alone


def test_an_expiry_that_cannot_be_read_is_reported_and_removes_nothing():
    users = [user("ada", shadowExpire="soon"), user("bob", shadowExpire="2147483647")]
    found = answer([group("a", "ada", "bob")], users, [host("pc1", "ada", "bob")])
    assert projects_of(found) == {"ada": ["a"], "bob": ["a"]}
    assert found.remarks == (
        "shadowExpire is ignored, as it is no number: uid=ada,dc=x ('soon'). Correct it in the"
        " directory",
    )


def test_a_host_whose_name_no_host_can_have_is_left_out_by_name():
    found = answer(
        [group("a", "ada")],
        [user("ada")],
        [host("pc_ada", "ada"), host("pc2", "ada"), entry("ou=pc3,dc=x")],
    )
    assert [item.name for item in found.hosts] == ["pc2.example.com"]
    (remark,) = found.remarks
    assert remark.startswith(
        "cn=pc_ada,dc=x ('pc_ada'), ou=pc3,dc=x is left out, as no host can have its cn as a name"
    )
    with pytest.raises(Incomplete, match="has no name that a host can have"):
        answer([group("a", "ada")], [user("ada")], [host("pc_ada", "ada")])


def test_two_entries_of_one_host_concern_that_host_alone():
    twin = entry("cn=PC1.Example.Com,dc=x", cn="PC1.Example.Com")
    found = answer(
        [group("a", "ada")], [user("ada")], [host("pc1", "ada"), twin, host("pc2", "ada")]
    )
    assert [item.name for item in found.hosts] == ["pc2.example.com"]
    assert found.remarks[0].startswith("two entries are the host pc1.example.com: ")


def test_a_user_without_an_id_concerns_the_hosts_of_that_user_alone():
    users = [user("ada"), entry("uid=bob,dc=x", uid="bob")]
    hosts = [host("pc1", "ada"), host("pc2", "ada", "bob")]
    found = answer([group("a", "ada", "bob")], users, hosts)
    assert [item.name for item in found.hosts] == ["pc1.example.com"]
    assert found.remarks[0].startswith("uid=bob,dc=x has no entryUUID. ")
    with pytest.raises(Incomplete, match="uid=bob,dc=x has no entryUUID"):
        answer([group("a", "bob")], users[1:], hosts)


def test_groups_that_cannot_be_projects_concern_their_members_alone():
    projects = [
        group("a", "ada"),
        group("b c", "bob"),
        group("b_c", "cy"),
        entry("ou=d,dc=x", member="uid=dan,dc=x"),
    ]
    names = ("ada", "bob", "cy", "dan")
    hosts = [host(f"pc-{name}", name) for name in names]
    found = answer(projects, [user(name) for name in names], hosts)
    assert [item.name for item in found.hosts] == ["pc-ada.example.com"]
    assert list(found.projects) == ["a"]
    assert [remark.partition(".")[0] for remark in found.remarks] == [
        "ou=d,dc=x has no name: its cn is empty or cannot be read",
        "two projects would be the group project_b_c: b c and b_c",
    ]


# Each value of a naming attribute


def test_each_login_name_of_a_user_is_an_alias():
    users = [
        user("ada", uids=["ada.lovelace", "ada"]),
        entry("cn=Bob,dc=x", uid=["bob.babbage", "bob"], entryUUID="id-bob"),
    ]
    posix = entry("cn=a,dc=x", cn="a", memberUid=["ada.lovelace", "bob.babbage"])
    hosts = [host("pc1", "ada"), entry("cn=pc2,dc=x", cn="pc2", owner="cn=Bob,dc=x")]
    found = answer([posix], users, hosts, layout="rfc2307", unresolved="error")
    assert projects_of(found) == {"ada": ["a"], "bob": ["a"]}


def test_a_name_takes_precedence_over_an_alias():
    users = [user("ada", uids=["ada", "bob"]), user("bob")]
    posix = entry("cn=a,dc=x", cn="a", memberUid="bob")
    hosts = [host("pc1", "ada", "bob")]
    assert projects_of(answer([posix], users, hosts, layout="rfc2307")) == {
        "ada": [],
        "bob": ["a"],
    }


def test_each_name_of_a_host_is_an_alias():
    twice = entry("cn=pc1,dc=x", cn=["desk_1", "a-desk", "pc1"])
    users = [user("ada", host="A-Desk"), user("bob")]
    netgroups = (entry("cn=n,dc=x", cn="n", nisNetgroupTriple="(a-desk,bob,)"),)
    found = answer(
        [group("a", "ada")], users, [twice], users={"hosts": "host"}, netgroups=netgroups
    )
    assert [(item.name, len(item.users)) for item in found.hosts] == [("pc1.example.com", 2)]
    assert not found.remarks


def test_a_name_with_the_prefix_is_the_name_of_the_project():
    twice = entry("cn=alpha,dc=x", cn=["alpha", "prj-one"], member="uid=ada,dc=x")
    found = answer([twice], [user("ada")], [host("pc1")], projects={"prefix": "prj-"})
    assert list(found.projects) == ["one"]


# Members that are known by another role


def test_a_host_in_a_group_is_named_as_one():
    projects = [entry("cn=a,dc=x", cn="a", member=["uid=ada,dc=x", "cn=pc2,dc=x"])]
    found = answer(projects, [user("ada")], [host("pc1", "ada"), host("pc2")])
    assert projects_of(found) == {"ada": ["a"]}
    assert found.remarks == ("project a names hosts, which are ignored: cn=pc2,dc=x",)


def test_a_login_name_that_differs_in_case_is_not_lost():
    posix = entry("cn=a,dc=x", cn="a", memberUid=["Ada", "bob"])
    found = answer(
        [posix],
        [user("ada"), user("bob")],
        [host("pc1", "ada", "bob")],
        layout="rfc2307",
        unresolved="error",
    )
    assert projects_of(found) == {"ada": [], "bob": ["a"]}
    assert found.remarks == (
        "project a names Ada, which is ignored: it differs in case from the login name ada",
    )


def test_a_group_that_is_not_followed_is_named_as_one():
    projects = [entry("cn=a,dc=x", cn="a", member=["uid=ada,dc=x", "cn=t,dc=x"])]
    team = frozenset({"cn=t,dc=x"})
    found = answer(
        projects,
        [user("ada")],
        [host("pc1")],
        projects={"nested": "none"},
        others=team,
        other_groups=team,
    )
    assert found.remarks == (
        "project a names groups, which projects.nested: none ignores: cn=t,dc=x",
    )


@pytest.mark.parametrize(
    ("inner", "layout"),
    [
        ({"objectClass": "groupOfUniqueNames", "uniqueMember": "uid=ada,dc=x#'1'B"}, "freeipa"),
        ({"objectClass": "posixGroup", "memberUid": "ada"}, "groupofnames"),
        ({"objectClass": "groupOfMembers", "member": "uid=ada,dc=x"}, "rfc2307bis"),
    ],
)
def test_a_group_of_another_class_inside(inner: dict[str, str], layout: str):
    team = entry("cn=t,dc=x", cn="t", **inner)
    users = [user("ada", ipaUniqueID="1")]
    computer = entry("cn=pc1,dc=x", cn="pc1", fqdn="pc1", owner="uid=ada,dc=x")
    managed = {"hosts": {"domain": "example.com", "owners": ["owner"]}}
    project = entry("cn=a,dc=x", cn="a", member="cn=t,dc=x")
    found = answer([project], users, [computer], [team], layout=layout, **managed)
    assert projects_of(found) == {"ada": ["a"]}


def test_what_is_left_in_member_uid_of_a_group_by_dn_does_not_count():
    team = entry("cn=t,dc=x", cn="t", objectClass="group", memberUid="ada")
    found = answer(
        [entry("cn=a,dc=x", cn="a", member=["cn=t,dc=x", "uid=bob,dc=x"])],
        [user("ada"), user("bob")],
        [host("pc1", "ada")],
        [team],
    )
    assert projects_of(found) == {"ada": []}


# Placeholders of empty groups


def test_a_placeholder_is_ignored():
    nobody = "cn=nobody,dc=x"
    projects = [
        group("a", "ada"),
        entry("cn=b,dc=x", cn="b", member=["", "CN=Nobody, dc=x"]),
    ]
    hosts = [host("pc1", "ada"), entry("cn=pc2,dc=x", cn="pc2", owner=nobody)]
    found = answer(projects, [user("ada")], hosts, placeholders=[nobody])
    assert found.remarks == ()
    assert projects_of(found) == {"ada": ["a"]}
    with pytest.raises(Incomplete, match="project b names CN=Nobody, dc=x, which cannot"):
        answer(projects, [user("ada")], hosts)


def test_hosts_by_dn_in_attributes_of_users():
    names = ["CN=PC1, dc=x", "cn=other,dc=x", "pc2"]
    users = [user("ada", seeAlso=names)]
    hosts = [host("pc1"), host("pc2")]
    found = answer([group("a", "ada")], users, hosts, users={"hosts": "seeAlso"})
    assert [len(item.users) for item in found.hosts] == [1, 1]
    assert not found.remarks


def test_owners_by_login_name():
    hosts = {"domain": "example.com", "owner_logins": ["uid"]}
    computer = entry("cn=pc1,dc=x", cn="pc1", uid="ada")
    found = answer([group("a", "ada")], [user("ada")], [computer], hosts=hosts)
    assert projects_of(found) == {"ada": ["a"]}
    with pytest.raises(Incomplete, match=r"host pc1\.example\.com names ada, which can"):
        answer([group("a", "bob")], [user("bob")], [computer], hosts=hosts)
