# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many changes: at once, and for long. SECONDS_OF_SOAK says for how long; ten by default."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state

from tests.benchmarks.measure_directory import DirectorySize, company_ldif
from tests.directory import company_entries
from tests.testbed.directory_servers import READER_PASSWORD, SUFFIX, Slapd
from tests.testbed.machine import Machine, run

from .event_feeds import (
    COMPANY,
    Feed,
    Follower,
    agrees,
    dn,
    group,
    modify,
    place,
)
from .test_faults import PLUGIN

pytestmark = pytest.mark.long

Follow = Callable[..., Follower]
SECONDS = float(os.environ.get("SECONDS_OF_SOAK", "10"))
MANY = 1000


@pytest.fixture
def large(machine: Machine, folder: Path) -> Iterator[Feed]:
    """A thousand people with a machine each, and a project that has none of them."""
    server = Slapd(machine, "large", port=2389, secure_port=2636)
    nobody = f"cn=nobody,{SUFFIX}"
    empty = company_entries.entry(
        f"cn=new,ou=projects,{SUFFIX}", objectClass="groupOfNames", cn="new", member=nobody
    )
    stand_in = company_entries.entry(nobody, objectClass="organizationalRole", cn="nobody")
    server.up("\n".join([stand_in, *company_ldif(DirectorySize(MANY, 10, 1)), empty]))
    try:
        yield Feed(
            server,
            server.options(bind_password=READER_PASSWORD, state_path=str(folder), heartbeat=5),
            server.change,
            "syncrepl",
            place,
            "",
        )
    finally:
        server.stop()


def everybody(verb: str, each: bool) -> str:
    members = [f"member: uid=user{number},ou=people,{SUFFIX}" for number in range(MANY)]
    name = f"cn=new,ou=projects,{SUFFIX}"
    return (
        "\n".join(modify(name, verb, member) for member in members)
        if each
        else modify(name, verb, *members)
    )


def test_a_thousand_join_at_once(large: Feed, follow: Follow, folder: Path):
    follower = follow(large, max_shrink=100, may_empty=["new"])
    follower.wait("pending")
    start = len(follower.events)
    large.change(everybody("add", each=False))
    joined = follower.wait("joined", start)
    assert len(joined["users"]) == len(joined["hosts"]) == MANY
    follower.wait("pending", start)
    assert len(follower.of_type("joined", start)) == 1
    agrees(large, folder)
    large.change(everybody("delete", each=True))  # one after the other
    agrees(large, folder)
    users = chain.from_iterable(event["users"] for event in follower.of_type("left", start))
    assert sorted(user["name"] for user in users) == sorted(
        f"user{number}" for number in range(MANY)
    )
    assert len(follower.of_type("left", start)) < MANY / 4


class Chaos:
    """Whatever may happen in a directory, by chance."""

    def __init__(self, feed: Feed, chance: random.Random) -> None:
        self.feed = feed
        self.chance = chance
        self.people = [person.uid for person in COMPANY.people if person.uid != "zoe"]
        self.number = 0

    def step(self) -> None:
        """One change; one that makes no sense, such as a second join, is refused by the server."""
        kinds = [self.member] * 6 + [
            self.nested,
            self.account,
            self.machine,
            self.login,
            self.project,
        ]
        try:
            self.chance.choice(kinds)()
        except RuntimeError as error:
            assert any(word in str(error) for word in ("exists", "No such", "no such", "rdn")), (
                error
            )

    def member(self) -> None:
        name = self.chance.choice(["alpha", "beta", "team"])
        self.feed.change(
            modify(
                group(name),
                self.chance.choice(["add", "delete"]),
                f"member: {dn(self.chance.choice(self.people))}",
            )
        )

    def nested(self) -> None:
        self.feed.change(
            modify(
                group("alpha"), self.chance.choice(["add", "delete"]), f"member: {group('team')}"
            )
        )

    def account(self) -> None:
        self.feed.change(
            modify(
                dn(self.chance.choice(self.people)),
                "replace",
                f"shadowExpire: {self.chance.choice([1, -1])}",
            )
        )

    def machine(self) -> None:
        name = self.chance.choice(list(COMPANY.machines))
        self.feed.change(
            modify(
                f"cn={name},ou=machines,{SUFFIX}",
                "replace",
                f"owner: {dn(self.chance.choice(self.people))}",
            )
        )

    def login(self) -> None:
        self.number += 1
        self.feed.change(
            modify(dn(self.chance.choice(self.people)), "replace", f"uid: login{self.number}")
        )

    def project(self) -> None:
        name = f"cn=coming,ou=projects,{SUFFIX}"
        member = f"member: {dn(self.chance.choice(self.people))}"
        new = f"dn: {name}\nchangetype: add\nobjectClass: groupOfNames\ncn: coming\n{member}\n"
        self.feed.change(self.chance.choice([new, f"dn: {name}\nchangetype: delete\n"]))


def test_a_soak(slapd: Feed, folder: Path):
    """Changes and faults at random.

    Afterwards what is wanted is what the directory says, and the memory is what it was.
    """
    seed = int(os.environ.get("SEED", str(time.time_ns() % 100_000)))
    chance = random.Random(seed)
    chaos = Chaos(slapd, chance)
    given = json.dumps(
        {
            **slapd.options,
            "max_shrink": 100,
            "may_empty": ["alpha", "beta", "coming"],
            "reconcile": 60,
        }
    )
    begun = time.monotonic()
    calm, end, checked, steps, memory = begun + SECONDS / 2, begun + SECONDS, begun, 0, list[int]()

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, str(PLUGIN), given], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    process = start()
    try:
        _eventually(slapd, folder, seed)
        while time.monotonic() < end:
            chaos.step()
            steps += 1
            fault = chance.random()
            if (
                fault < 0.005 and time.monotonic() < calm
            ):  # In the second half it lives, and is weighed.
                process.kill()
                process.communicate()
                process = start()
            elif fault < 0.01:
                slapd.server.stop()
                time.sleep(chance.random())
                slapd.server.start()
            time.sleep(chance.choice([0, 0, 0.01, 0.3]))
            assert process.poll() is None, (seed, process.communicate())
            if time.monotonic() - checked > max(5, SECONDS / 60):
                _eventually(slapd, folder, seed)
                checked = time.monotonic()
                if checked > calm:
                    memory.append(int(run("ps", "-o", "rss=", "-p", str(process.pid))))
        _eventually(slapd, folder, seed)
    finally:
        process.kill()
        process.wait()
    print(f"{steps} changes with seed {seed}, memory {memory} kB")
    if len(memory) > 10:
        assert memory[-1] < memory[len(memory) // 2] * 1.2 + 5000, memory


def _eventually(feed: Feed, folder: Path, seed: int) -> None:
    deadline = time.monotonic() + 30
    while not (folder / "wanted.json").exists():
        assert time.monotonic() < deadline, seed
        time.sleep(0.1)
    membership_state.read_wanted(folder)
    agrees(feed, folder)
