# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how soon the event source announces a change, in each directory."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.directory.company_entries import Company, Person
from tests.events import event_feeds
from tests.testbed.machine import Machine

from .measure import Spread, spread

NAME = "bench-seen"
CHANGES = 50
QUICK_CHANGES = 4


@dataclass(frozen=True)
class FollowedDirectory:
    """A directory with so many users, each with a host, and projects of ten of them."""

    name: str
    people: int
    server: Callable[..., Any]
    feed: Callable[..., event_feeds.Feed]


# Adding twenty users to a Samba takes a second.
PLACES = (
    FollowedDirectory("OpenLDAP", 10_000, event_feeds.slapd_server, event_feeds.slapd),
    FollowedDirectory("389-ds", 10_000, event_feeds.ds389_server, event_feeds.ds389),
    FollowedDirectory("Samba AD", 1_000, event_feeds.samba_server, event_feeds.samba),
)
QUICK = tuple(replace(place, people=50) for place in PLACES)


@dataclass(frozen=True)
class SeenSpread:
    """Seconds from the moment before a member is written until the event is in the queue."""

    place: FollowedDirectory
    joins: Spread
    leaves: Spread


def crowd(count: int) -> Company:
    """Return the company of the tests, with so many more users."""
    logins = [f"user{number}" for number in range(count)]
    people = tuple(Person(login, 2000 + number) for number, login in enumerate(logins))
    projects = {
        f"project{first // 10}": tuple(logins[first : first + 10]) for first in range(0, count, 10)
    }
    company = event_feeds.COMPANY
    return replace(
        company,
        people=(*company.people, *people),
        projects={**company.projects, **projects},
        machines={**company.machines, **{f"pc-{login}": (login,) for login in logins}},
    )


def measure(place: FollowedDirectory, folder: Path, changes: int) -> SeenSpread:
    """Make joins and leaves in turn, each seen before the next."""
    print(f"events seen, {place.name}, {place.people} people, {changes} changes", flush=True)
    Machine(NAME).down()
    machine = Machine(NAME)
    try:
        feed = place.feed(
            place.server(machine, crowd(place.people)), folder / place.name.replace(" ", "-")
        )
        follower = event_feeds.Follower(feed.options)
        try:
            follower.wait("pending")
            ldap = connected(feed.server)
            seconds = [
                _seconds_until_seen(feed, follower, ldap, joins=number % 2 == 0)
                for number in range(changes)
            ]
        finally:
            follower.stop()
    finally:
        machine.down()
    return SeenSpread(place, spread(seconds[::2]), spread(seconds[1::2]))


def _seconds_until_seen(
    feed: event_feeds.Feed, follower: event_feeds.Follower, ldap: Any, *, joins: bool
) -> float:
    time.sleep(0.5)  # longer than what comes right after an answer is taken together
    start, begun = len(follower.events), time.time()
    ldap.modify_s(
        feed.place("alpha"), [(0 if joins else 1, "member", [feed.place("ada").encode()])]
    )
    at: float = follower.wait("joined" if joins else "left", start)["at"]
    return at - begun


def connected(server: Any) -> Any:
    """Connect to write: over the socket of the server where it has one, else as its admin."""
    ldap = importlib.import_module("ldap")
    if hasattr(server, "socket_uri"):
        connection = ldap.initialize(server.socket_uri)
        connection.sasl_non_interactive_bind_s("EXTERNAL")
        return connection
    connection = ldap.initialize(server.secure_uri)
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(server.authority.certificate))
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    connection.simple_bind_s(server.admin, server.password)
    return connection
