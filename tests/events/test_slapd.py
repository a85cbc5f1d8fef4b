# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenLDAP tells of every change as it happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Membership,
)

from tests.directory.company_entries import entry
from tests.testbed.directory_servers import SUFFIX, Slapd

from . import event_feeds
from .event_feeds import (
    Feed,
    Follower,
    agrees,
    dn,
    group,
    modify,
    tree,
    wanted,
)

Follow = Callable[..., Follower]


def test_join_and_leave(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    assert follower.wait("mode")["mode"] == "syncrepl"
    assert follower.wait("snapshot")["host_count"] == 4
    assert follower.wait("pending")["hosts"] == [
        "pc1.example.com",
        "pc2.example.com",
        "pc3.example.com",
        "pc4.example.com",
    ]
    assert follower.of_type("joined") == []
    start = len(follower.events)
    slapd.join("ada")
    joined = follower.wait("joined", start)
    ada = {"name": "ada", "hosts": ["pc1.example.com", "pc3.example.com"]}
    assert [{key: user[key] for key in ada} for user in joined["users"]] == [ada]
    assert (
        joined["project"] == "alpha"
        and joined["meta"] == {"hosts": ada["hosts"]}
        and joined["has"] is True
    )
    assert joined["directory_changed_at"] <= joined["seen_at"] and joined["revision"].startswith(
        "csn:"
    )
    assert follower.wait("pending", start)["hosts"] == ada["hosts"]
    assert wanted(folder)["pc1.example.com"] == {"ada": ["alpha"]}
    start = len(follower.events)
    slapd.leave("ada")
    left = follower.wait("left", start)
    assert (
        left["project"] == "alpha" and left["why"] == "membership" and left["hosts"] == ada["hosts"]
    )
    agrees(slapd, folder)


def test_a_group_inside(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("snapshot")
    slapd.join("dan", "team")
    assert follower.wait("joined")["project"] == "beta"
    slapd.leave("cy", "team")
    assert [user["name"] for user in follower.wait("left")["users"]] == ["cy"]
    slapd.change(modify(group("alpha"), "add", f"member: {group('team')}"))
    assert follower.wait("joined", project="alpha")["hosts"] == ["pc3.example.com"]
    agrees(slapd, folder)


def test_an_account_is_closed(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("snapshot")
    slapd.change(modify(dn("bob"), "add", "shadowExpire: 1"))
    closed = follower.wait("changed")
    assert (closed["project"], closed["why"], closed["has"], closed["hosts"]) == (
        "beta",
        "account",
        False,
        ["pc2.example.com"],
    )
    slapd.change(modify(dn("bob"), "delete", "shadowExpire: 1"))
    assert follower.wait("joined")["project"] == "beta"
    agrees(slapd, folder)


def test_a_host_is_reassigned(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("snapshot")
    slapd.change(modify(f"cn=pc4,ou=machines,{SUFFIX}", "replace", f"owner: {dn('bob')}"))
    changed = follower.wait("changed")
    assert (changed["project"], changed["why"], changed["has"], changed["hosts"]) == (
        "beta",
        "host",
        True,
        ["pc4.example.com"],
    )
    agrees(slapd, folder)


def test_projects_come_are_renamed_and_go(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("snapshot")
    slapd.change(
        f"dn: cn=new,ou=projects,{SUFFIX}\nchangetype: add\nobjectClass: groupOfNames\ncn:"
        f" new\nmember: {dn('eve')}\n"
    )
    assert follower.wait("joined")["project"] == "new"
    slapd.change(
        f"dn: cn=new,ou=projects,{SUFFIX}\nchangetype: modrdn\nnewrdn: cn=newer\ndeleteoldrdn: 1\n"
    )
    renamed = follower.wait("changed", why="project", has=True)
    assert renamed["project"] == "newer" and renamed["users"][0]["former"] == "new"
    slapd.change(f"dn: cn=newer,ou=projects,{SUFFIX}\nchangetype: delete\n")
    assert follower.wait("changed", why="project", has=False)["project"] == "newer"
    agrees(slapd, folder)


def test_a_new_user_joins(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("snapshot")
    new = f"cn=Fay,ou=people,{SUFFIX}"
    slapd.change(
        f"dn: {new}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: fay\ncn: Fay\nsn: Fay\n"
    )
    slapd.change(
        f"dn: cn=pc9,ou=machines,{SUFFIX}\nchangetype: add\nobjectClass: device\ncn: pc9\nowner:"
        f" {new}\n"
    )
    slapd.change(modify(group("alpha"), "add", f"member: {new}"))
    assert follower.wait("joined")["hosts"] == ["pc9.example.com"]
    agrees(slapd, folder)


def test_what_happened_meanwhile(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("pending")
    follower.stop()
    for name in wanted(folder):
        membership_state.write_delivered(
            folder, membership_state.read_wanted(folder).membership.record(name)
        )
    slapd.join("ada")
    slapd.leave("bob", "beta")
    again = follow(slapd)
    assert again.wait("joined")["project"] == "alpha" and again.wait("left")["project"] == "beta"
    assert again.wait("pending")["hosts"] == [
        "pc1.example.com",
        "pc2.example.com",
        "pc3.example.com",
    ]
    again.stop()
    third = follow(slapd)
    assert third.wait("pending")["hosts"] == [
        "pc1.example.com",
        "pc2.example.com",
        "pc3.example.com",
    ]
    assert [
        (event["type"], event["again"])
        for event in third.events
        if event["type"] in ("joined", "left")
    ] == [("joined", True), ("left", True)]


def deliver(folder: Path, found: Membership) -> None:
    """As a play does at its end, with what it has read at its beginning."""
    for host in found.hosts:
        membership_state.write_delivered(folder, found.record(host.name))


@pytest.mark.parametrize("restarted", [False, True])
def test_a_user_leaves_during_the_delivery_of_the_join(
    slapd: Feed, follow: Follow, folder: Path, restarted: bool
):
    """The play of the joining ends after the leaving was told.

    What it has brought then leaves again.
    """
    follower = follow(slapd)
    follower.wait("pending")
    deliver(folder, membership_state.read_pending(folder))
    slapd.join("ada")
    joined = follower.wait("joined")["hosts"]
    begun = membership_state.read_pending(folder)
    start = len(follower.events)
    slapd.leave("ada")
    follower.wait("pending", start)
    if restarted:
        follower.stop()
        follower = follow(slapd)
        assert follower.wait("pending")["hosts"] == joined
    deliver(folder, begun)
    left = membership_state.read_pending(folder)
    assert [host.name for host in left.hosts] == joined
    deliver(folder, left)
    assert not membership_state.read_pending(folder).hosts


@pytest.mark.parametrize("mode", ["syncrepl", "polling"])
@pytest.mark.parametrize("clock", ["+1h", "-1h"])
def test_a_server_whose_clock_is_wrong(
    slapd: Feed, follow: Follow, folder: Path, clock: str, mode: str
):
    """Where it was set back, its stamps tell a poll nothing; the reconciliation tells."""
    slapd.server.stop()
    slapd.server.clock = clock
    try:
        slapd.server.start()
        follower = follow(
            slapd, mode=mode, **({"poll": 1, "reconcile": 10} if mode == "polling" else {})
        )
        follower.wait("pending")
        slapd.join("ada")
        follower.wait("joined")
        slapd.leave("ada")
        follower.wait("left")
        agrees(slapd, folder)
        assert not follower.of_type("trouble")
    finally:
        slapd.server.clock = ""


def test_members_that_the_server_computes(slapd_server: Slapd, follow: Follow, folder: Path):
    """No change of the group shows them, only a change of a person."""
    dynamic = f"cn=dynamic,ou=projects,{SUFFIX}"
    url = f"ldap:///ou=people,{SUFFIX}??sub?(title=boss)"
    slapd_server.stop()
    slapd_server.schemas = ("dyngroup",)
    slapd_server.more = "overlay dynlist\ndynlist-attrset groupOfURLs memberURL member"
    try:
        text = entry(dynamic, objectClass="groupOfURLs", cn="dynamic", memberURL=url)
        slapd_server.load(f"{tree()}\n{text}")
        slapd_server.start()
        feed = event_feeds.slapd(slapd_server, folder)
        classes = "(|(objectClass=groupOfNames)(objectClass=groupOfURLs))"
        projects = {**feed.options["projects"], "filter": classes}
        follower = follow(feed, projects=projects)
        assert follower.wait("snapshot")["dynamic_groups"] == [dynamic]
        feed.change(modify(dn("ada"), "add", "title: boss"))
        assert follower.wait("joined", project="dynamic")["users"][0]["name"] == "ada"
        feed.change(modify(dn("ada"), "delete", "title: boss"))
        follower.wait("left", project="dynamic")
    finally:
        slapd_server.schemas, slapd_server.more = (), ""


def test_what_concerns_one_entry_ends_nothing(slapd: Feed, follow: Follow, folder: Path):
    """A date that no calendar has, a name that no host has, a host in a project."""
    follower = follow(slapd)
    follower.wait("pending")
    slapd.change(modify(dn("bob"), "add", "shadowExpire: 2147483647"))
    host = entry(f"cn=pc_x,ou=machines,{SUFFIX}", objectClass="device", cn="pc_x")
    slapd.change(host.replace("objectClass", "changetype: add\nobjectClass", 1))
    slapd.change(modify(group("alpha"), "add", f"member: cn=pc1,ou=machines,{SUFFIX}"))
    slapd.join("ada")
    assert follower.wait("joined")["users"][0]["name"] == "ada"
    assert follower.of_type("trouble") == []
    agrees(slapd, folder)
