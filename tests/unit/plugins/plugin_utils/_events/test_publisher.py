# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted is on disk before it is announced, within the removal limit."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._delivery.removal_limit import (
    RemovalLimits,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    Unanswered,
)
from ansible_collections.shipping.code.plugins.plugin_utils._events import directory_reader
from ansible_collections.shipping.code.plugins.plugin_utils._events.announcer import Announcer
from ansible_collections.shipping.code.plugins.plugin_utils._events.directory_reader import (
    Behind,
    DirectoryReader,
)
from ansible_collections.shipping.code.plugins.plugin_utils._events.membership_cache import (
    MembershipCache,
)
from ansible_collections.shipping.code.plugins.plugin_utils._events.publisher import Publisher
from ansible_collections.shipping.code.plugins.plugin_utils._events.reread_queue import (
    RereadRequest,
)
from ansible_collections.shipping.code.plugins.plugin_utils._events.source import EventSource
from ansible_collections.shipping.code.plugins.plugin_utils._events.source_options import Options
from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state
from ansible_collections.shipping.code.plugins.plugin_utils._membership.facts import MembershipFacts

from .._membership.test_decide import NOW, OPTIONS, entry, group, host, user

PEOPLE = [f"u{number}" for number in range(4)]


def facts(*members: str) -> MembershipFacts:
    project = group("atlas", *members)
    return MembershipFacts(
        (project,),
        {project.key: project},
        {item.key: item for item in map(user, PEOPLE)},
        tuple(host(f"pc{number}", uid) for number, uid in enumerate(PEOPLE)),
    )


def options(folder: Path) -> Options:
    directory = settings.read(OPTIONS, "test")
    return Options(directory, folder, "auto", 30, 900, 5, 0.25, RemovalLimits(), False, {})


class Published:
    """A publisher, its events, and the project's members that were on disk at each of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[dict[str, Any]] = []
        self.on_disk: list[set[str]] = []
        self.publisher = Publisher(options(folder), Announcer(self.put))
        self.number = 0

    def put(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self.on_disk.append(self.members())

    def members(self) -> set[str]:
        hosts = membership_state.read_wanted(self.folder).membership.hosts
        return {host.users[0].name for host in hosts if host.projects}

    def publish(self, *members: str) -> list[str]:
        """Publish these members; the types of the events."""
        self.number += 1
        self.events.clear()
        self.on_disk.clear()
        cache = MembershipCache(facts(*members), settings.read(OPTIONS, "test"), NOW)
        self.publisher.publish(cache, f"time:control:{self.number}", None, {})
        return [event["type"] for event in self.events]


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path / "state")


def test_it_is_on_disk_when_it_is_announced(published: Published):
    assert published.publish("u0") == ["snapshot", "pending"]
    assert published.publish("u0", "u1") == ["joined", "pending"]
    assert published.on_disk == [{"u0", "u1"}] * 2
    assert published.events[1]["revision"] == "time:control:2" == published.publisher.revision
    assert published.publish("u0", "u1") == []


def test_what_is_blocked_stays_until_it_is_approved(published: Published):
    published.publish("u0", "u1", "u2")
    assert published.publish() == ["blocked"]
    assert published.members() == {"u0", "u1", "u2"}
    blocked = published.events[0]["approval"]
    assert published.publish() == [] and not published.publisher.removals.approved()
    approval = published.folder / f"approve-{blocked}"
    approval.touch()
    assert published.publisher.removals.approved() == blocked
    assert published.publish() == ["left", "unblocked", "pending"]
    assert published.members() == set() and not approval.exists()


def test_the_next_source_announces_again_what_is_not_delivered(published: Published):
    published.publish("u0")
    for name in ("pc0.example.com", "pc1.example.com", "pc2.example.com", "pc3.example.com"):
        record = membership_state.read_wanted(published.folder).membership.record(name)
        membership_state.write_delivered(published.folder, record)
    published.publish("u0", "u1")  # and is killed
    after = Published(published.folder)
    after.number = published.number
    assert after.publish("u0", "u1") == ["snapshot", "joined", "pending"]
    assert after.events[1]["again"] and after.events[2]["hosts"] == ["pc1.example.com"]


class IdleSession:
    """Stands in for a connection."""

    uri = "ldap://x"

    class root:
        @staticmethod
        def raw(_name: str) -> tuple[bytes, ...]:
            return ()


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DirectoryReader:
    monkeypatch.setattr(directory_reader, "read_facts", lambda *_arguments: facts("u0"))
    monkeypatch.setattr(
        directory_reader.revision, "read_revision", lambda *_arguments: "time:control:5"
    )
    return DirectoryReader(options(tmp_path))


def read(reader: DirectoryReader, request: RereadRequest, published: str = "") -> Any:
    return reader.read(IdleSession(), request, published)  # type: ignore[arg-type]


def test_everything_is_read_once_and_then_nothing(reader: DirectoryReader):
    cache, updates = read(reader, RereadRequest())
    assert updates == [] and reader.cache is cache and reader.revision == "time:control:5"
    assert read(reader, RereadRequest()) == (cache, None)
    assert 0 < reader.seconds_until_due() <= 900
    assert read(reader, RereadRequest(everything=True))[0] is not cache


def test_an_older_directory_is_not_read(reader: DirectoryReader):
    with pytest.raises(Behind, match="older than what was published"):
        read(reader, RereadRequest(), "time:control:6")


def test_a_half_updated_cache_is_not_used_again(
    reader: DirectoryReader, monkeypatch: pytest.MonkeyPatch
):
    """What an update has done before it failed would be missing in the next one."""
    cache, _updates = read(reader, RereadRequest())
    monkeypatch.setattr(directory_reader, "reread", lambda *_arguments: None)

    def fail(*_arguments: object) -> None:
        raise Unanswered("in the middle", "", "")

    monkeypatch.setattr(cache, "update", fail)
    with pytest.raises(Unanswered):
        read(reader, RereadRequest({"cn=atlas,dc=x"}))
    assert reader.cache is None


def test_each_object_has_few_attributes(tmp_path: Path):
    """The source was one object with 26 attributes and five state hosts."""
    source = EventSource(options(tmp_path), lambda _event: None, threading.Event())
    parts = [source, *vars(source).values()]
    ours = [part for part in parts if "_events" in type(part).__module__]
    assert len(ours) >= 8
    assert {type(part).__name__: len(vars(part)) for part in ours if len(vars(part)) > 11} == {}


def test_a_host_of_which_nothing_is_known_keeps_what_was_published(tmp_path: Path):
    published = Published(tmp_path)
    known = facts("u0", "u1")
    cache = MembershipCache(known, options(tmp_path).directory, NOW)
    published.publisher.publish(cache, "time:control:1", None, {})
    twin = entry("cn=PC1.example.com,dc=x", cn="PC1.example.com")
    # u1 has left, but two entries say that they are the host.
    left = facts("u0")
    twice = MembershipFacts(left.projects, left.groups, left.users, (*left.hosts, twin))
    cache = MembershipCache(twice, options(tmp_path).directory, NOW)
    published.publisher.publish(cache, "time:control:2", None, {})
    assert published.members() == {"u0", "u1"}
    assert [event["type"] for event in published.events if event["type"] == "left"] == []
