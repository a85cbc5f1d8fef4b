# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a change in the directory until a command works on a host.

The whole road by ansible-rulebook, and its parts.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state

from tests.directory import company_entries
from tests.events import event_feeds
from tests.events.rulebook import Rulebook, installed
from tests.testbed.directory_servers import (
    READER_PASSWORD,
    SUFFIX,
    DirectoryServer,
    SambaDomain,
    Slapd,
)
from tests.testbed.machine import Machine, run
from tests.testbed.user_machine import UserMachine

from .measure import Spread, spread
from .measure_directory import DirectorySize, company_ldif
from .seen import connected

CHANGES, BURST, FLOOR_RUNS = 50, 20, 10
QUICK_SIZE, QUICK_CHANGES = DirectorySize(200, 10, 1), 4
PROJECT, USER, HOST, COMMAND = "project1", "user0", "pc0.example.com", "hello"
PARTS = ("seen", "play begun", "first task", "command works", "host has reported")
TOLD = dict(
    zip(
        PARTS,
        (
            "seen, and wanted is on disk",
            "ansible-rulebook has begun a play",
            "its first task begins",
            "the command works",
            "the host has reported",
        ),
        strict=True,
    )
)
"""The parts, as the picture names them."""
_PATIENCE = 120.0


@dataclass
class Latencies:
    """Seconds from the change to each part, for each change of a kind."""

    parts: dict[str, list[float]] = field(default_factory=lambda: {part: [] for part in PARTS})

    def add(self, found: Mapping[str, float]) -> None:
        """Put one change to the others."""
        for part, seconds in found.items():
            self.parts[part].append(seconds)

    def row(self, part: str) -> Spread:
        """Return how long one part took."""
        return spread(self.parts[part])


@dataclass(frozen=True)
class MeasuredDirectory:
    """A directory of a size, how one is started, and how it is read with the password in a file."""

    name: str
    size: DirectorySize
    start: Callable[[Machine, DirectorySize], Slapd | DirectoryServer | SambaDomain]
    options: Callable[[Any], dict[str, Any]]
    person: str
    """Return the DN of a user."""
    project: str
    """That of a project."""
    password: str = ""
    """The password of the account that reads it, if it needs one."""


def company(size: DirectorySize) -> company_entries.Company:
    """Users with a host and a project each, without teams."""
    logins = [f"user{number}" for number in range(size.machines)]
    return company_entries.Company(
        people=tuple(
            company_entries.Person(login, 1000 + number) for number, login in enumerate(logins)
        ),
        projects={
            f"project{number}": tuple(logins[number :: size.projects])
            for number in range(size.projects)
        },
        teams={},
        inside={},
        machines={f"pc{number}": (login,) for number, login in enumerate(logins)},
    )


_PERSON, _PROJECT = f"uid={{}},ou=people,{SUFFIX}", f"cn={{}},ou=projects,{SUFFIX}"
# Adding twenty users to a Samba takes a second.
PLACES = (
    MeasuredDirectory(
        "OpenLDAP",
        DirectorySize(10_000, 200, 1),
        lambda machine, size: event_feeds.slapd_of(machine, "\n".join(company_ldif(size))),
        Slapd.options,
        _PERSON,
        _PROJECT,
        READER_PASSWORD,
    ),
    MeasuredDirectory(
        "389-ds",
        DirectorySize(10_000, 200, 1),
        lambda machine, size: event_feeds.ds389_of(machine, "\n".join(company_ldif(size))),
        event_feeds.ds389_options,
        _PERSON,
        _PROJECT,
    ),
    MeasuredDirectory(
        "Samba AD",
        DirectorySize(1_000, 100, 1),
        lambda machine, size: event_feeds.samba_server(machine, company(size)),
        event_feeds.samba_options,
        f"CN={{}},OU=People,{SambaDomain.suffix}",
        f"CN={{}},OU=Projects,{SambaDomain.suffix}",
        SambaDomain.password,
    ),
)
QUICK = tuple(replace(place, size=QUICK_SIZE) for place in PLACES)


class BenchFleet:
    """One host that exists, of a company whose other hosts are recorded as up to date.

    It takes the place of a company for a rulebook.
    """

    def __init__(self, folder: Path, place: MeasuredDirectory) -> None:
        self.folder = folder
        self.place = place
        self._place()
        self.inventory, self.catalog = folder / "company", folder / "projects"

    def _place(self) -> None:
        self.home = Machine("bench-events")
        self.machine = UserMachine("bench-events-pc0")

    def up(self) -> None:
        """Start everything, and write what the rulebook needs."""
        self.down()
        self._place()
        self.server = self.place.start(self.home, self.place.size)
        self.machine.up(USER)
        self.inventory.mkdir(parents=True)
        (self.folder / "password").write_text(self.place.password)
        (self.inventory / "ldap_projects.yml").write_text(
            json.dumps({"plugin": "shipping.code.ldap_projects", **self.options()})
        )
        (self.inventory / "reached.yml").write_text(
            json.dumps({"all": {"hosts": {HOST: self.machine.connection}}})
        )
        script = b"#!/bin/sh\necho hello\n"
        (self.catalog / PROJECT).mkdir(parents=True)
        (self.catalog / PROJECT / "hello.sh").write_bytes(script)
        tool = {
            "type": "script",
            "version": "1",
            "file": f"{PROJECT}/hello.sh",
            "commands": [COMMAND],
        }
        (self.catalog / f"{PROJECT}.yml").write_text(
            json.dumps({"description": "A greeting", "tools": {COMMAND: tool}})
        )

    def down(self) -> None:
        """Remove it."""
        self.machine.down()
        self.home.down()

    def options(self) -> dict[str, Any]:
        """Return how the directory is read."""
        secret = (
            {"bind_password_file": str(self.folder / "password")} if self.place.password else {}
        )
        return {**self.place.options(self.server), **secret}

    @property
    def works(self) -> bool:
        """Return whether the user's view of the host has the command.

        It looks from outside, since a query takes longer than waiting.
        """
        opt = self.machine.path("/opt/shipping")
        with contextlib.suppress(OSError):
            return os.path.lexists(
                opt / os.readlink(opt / "current") / "users" / USER / "bin" / COMMAND
            )
        return False


class EventsBench:
    """A directory, a host, and a rulebook that delivers."""

    def __init__(self, folder: Path, place: MeasuredDirectory) -> None:
        self.folder = folder / f"events-{place.name.replace(' ', '-')}"
        self.place = place
        self.fleet = BenchFleet(self.folder / "fleet", place)
        self.moments = self.folder / "moments"
        self._ldap: Any = None

    def up(self) -> None:
        """Deliver everything once, as far as records show; wait until the rulebook follows."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.fleet.up()
        collections = installed(self.folder / "installed")
        self.rulebook = Rulebook(
            self.fleet,
            self.folder,
            collections,
            {
                "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback")),
                "ANSIBLE_CALLBACKS_ENABLED": "moments",
                "MOMENTS": str(self.moments),
            },
        )
        self.rulebook.write()
        self._deliver_to_the_others()
        self.rulebook.start()
        delivered = self.rulebook.state / "delivered" / f"{HOST}.json"
        self.rulebook.wait(delivered.exists, _PATIENCE)
        self._ldap = connected(self.fleet.server)

    def down(self) -> None:
        """Remove everything."""
        if hasattr(self, "rulebook"):
            self.rulebook.kill()
        self.fleet.down()

    def _deliver_to_the_others(self) -> None:
        """Record deliveries to the hosts that do not exist."""
        first = Rulebook(self.fleet, self.folder, self.rulebook.collections)
        first.start(str(Path(__file__).with_name("look.yml")))
        try:
            first.wait((first.state / "wanted.json").exists, _PATIENCE)
        finally:
            first.kill()
        membership = membership_state.read_wanted(first.state).membership
        for host in membership.hosts:
            if host.name != HOST:
                users = [
                    {"id": user.id, "name": user.name, "projects": list(user.projects)}
                    for user in host.users
                ]
                membership_state.write_delivered(
                    first.state,
                    {"host": host.name, "revision": membership.revision, "users": users},
                )

    def change(self, *, joins: bool, project: str = PROJECT) -> float:
        """Write it to the directory; the second before."""
        kind, begun = (0, time.time()) if joins else (1, time.time())
        self._ldap.modify_s(
            self.place.project.format(project),
            [(kind, "member", [self.place.person.format(USER).encode()])],
        )
        return begun

    def one(self, *, joins: bool) -> dict[str, float]:
        """Make one change; return the seconds to each part."""
        wanted, delivered = (
            self.rulebook.state / "wanted.json",
            self.rulebook.state / "delivered" / f"{HOST}.json",
        )
        self.moments.write_text("")
        before, reported = wanted.stat().st_mtime_ns, delivered.stat().st_mtime_ns
        begun = self.change(joins=joins)
        works = self._when(lambda: self.fleet.works is joins)
        self._when(lambda: delivered.stat().st_mtime_ns != reported)
        assert wanted.stat().st_mtime_ns != before  # noqa: S101
        play, task = (float(line) for line in self.moments.read_text().split()[:2])
        if self.fleet.machine.ssh(USER, COMMAND).returncode != (0 if joins else 127):
            raise RuntimeError("the command does not do what its file has")
        moments = (
            wanted.stat().st_mtime_ns / 1e9,
            play,
            task,
            works,
            delivered.stat().st_mtime_ns / 1e9,
        )
        return {part: moment - begun for part, moment in zip(PARTS, moments, strict=True)}

    def _when(self, what: Callable[[], bool]) -> float:
        deadline = time.monotonic() + _PATIENCE
        while not what():
            if time.monotonic() > deadline:
                raise RuntimeError(f"nothing has happened:\n{self.rulebook.text()[-3000:]}")
            time.sleep(0.002)
        return time.time()

    def burst(self, count: int) -> float:
        """So many changes one right after the other.

        The seconds until the host has the last one.
        """
        delivered = self.rulebook.state / "delivered" / f"{HOST}.json"
        begun = time.time()
        projects = [f"project{number}" for number in range(2, 2 + count)]
        for project in projects:
            self.change(joins=True, project=project)
        ended = self._when(
            lambda: set(projects) <= set(json.loads(delivered.read_text())["users"][0]["projects"])
        )
        return ended - begun

    def timer(self) -> float:
        """Return the seconds of a play that reads the whole directory.

        A timer starts it so, with no changes on the one host.
        """
        begun = time.monotonic()
        self._deliver({})
        return time.monotonic() - begun

    def floor(self) -> Spread:
        """Return the seconds of the module alone.

        Ansible has sent it; one SSH command runs it, with no changes.
        """
        self._deliver({"ANSIBLE_KEEP_REMOTE_FILES": "1"}, delivery_pipelining=False)
        machine = self.fleet.machine
        module = machine.run(
            "sh", "-c", "ls -t /root/.ansible/tmp/*/AnsiballZ_toolbox.py | head -1"
        ).strip()
        seconds = []
        for _number in range(FLOOR_RUNS):
            begun = time.monotonic()
            answer = json.loads(machine.run("/usr/bin/python3", module))
            seconds.append(time.monotonic() - begun)
            assert answer["ready"] and not answer["changed"], answer  # noqa: S101
        return spread(seconds)

    def _deliver(self, environment: dict[str, str], **more: object) -> None:
        given = {
            "delivery_catalog": str(self.fleet.catalog),
            "delivery_state_path": str(self.rulebook.state),
            "target": HOST,
            **more,
        }
        words = ("-i", self.fleet.inventory, "shipping.code.deliver", "-e", json.dumps(given))
        run("ansible-playbook", *words, env={**self.rulebook.environment, **environment})


@dataclass
class EventResults:
    """The measured figures."""

    place: MeasuredDirectory
    changes: int
    joins: Latencies
    leaves: Latencies
    burst: tuple[int, float]
    timer: float
    floor: Spread


def measure(bench: EventsBench, changes: int) -> EventResults:
    """Each kind half of the changes, in turn, wider apart than one play.

    A burst, the timer and the floor follow.
    """
    print(
        f"events, {bench.place.name}, {bench.place.size.machines} people, {changes} changes",
        flush=True,
    )
    joins, leaves = Latencies(), Latencies()
    for number in range(changes):
        (leaves if number % 2 else joins).add(bench.one(joins=number % 2 == 0))
        time.sleep(1.5)
    count = min(BURST, bench.place.size.projects // 4)
    return EventResults(
        bench.place,
        changes,
        joins,
        leaves,
        (count, bench.burst(count)),
        bench.timer(),
        bench.floor(),
    )
