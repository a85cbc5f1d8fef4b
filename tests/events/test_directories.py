# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every directory tells, each in its own way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .event_feeds import Feed, Follower, agrees, modify, wanted

pytestmark = pytest.mark.long

Follow = Callable[..., Follower]


def test_a_join_and_a_leave(feed: Feed, follow: Follow, folder: Path):
    follower = follow(feed)
    assert follower.wait("mode")["mode"] == feed.mode
    follower.wait("pending")
    start = len(follower.events)
    feed.join("ada")
    joined = follower.wait("joined", start)
    assert (joined["project"], joined["hosts"]) == (
        "alpha",
        ["pc1.example.com", "pc3.example.com"],
    )
    assert joined["directory_changed_at"]
    assert follower.wait("pending", start)["hosts"] == joined["hosts"]
    start = len(follower.events)
    feed.leave("ada")
    assert follower.wait("left", start)["hosts"] == joined["hosts"]
    agrees(feed, folder)


def test_a_team_inside_of_a_project(feed: Feed, follow: Follow, folder: Path):
    follower = follow(feed)
    follower.wait("pending")
    start = len(follower.events)
    feed.join("dan", "team")
    assert follower.wait("joined", start)["project"] == "beta"
    feed.leave("dan", "team")
    assert follower.wait("left", start)["project"] == "beta"
    agrees(feed, folder)


def test_an_account_is_closed_and_opened(feed: Feed, follow: Follow, folder: Path):
    follower = follow(feed)
    follower.wait("pending")
    start = len(follower.events)
    name, _colon, value = feed.close.partition(": ")
    feed.change(modify(feed.place("bob"), "replace", feed.close))
    closed = follower.wait("changed", start)
    assert (closed["project"], closed["why"], closed["has"]) == ("beta", "account", False)
    assert "bob" not in wanted(folder)["pc2.example.com"]
    feed.change(modify(feed.place("bob"), "replace", f"{name}: {int(value) - 2}"))
    assert follower.wait("joined", start)["project"] == "beta"
    agrees(feed, folder)


def test_restarted_meanwhile(feed: Feed, follow: Follow, folder: Path):
    follower = follow(feed)
    follower.wait("pending")
    start = len(follower.events)
    feed.server.machine.stop(feed.server.name)
    follower.wait("trouble", start)
    feed.server.start()
    feed.join("eve")
    follower.wait("joined", start)
    follower.wait("recovered", start)
    start = len(follower.events)
    feed.leave("eve")
    follower.wait("left", start)
    agrees(feed, folder)
