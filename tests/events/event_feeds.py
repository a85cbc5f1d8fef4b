# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A company in each directory, and somebody who follows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._events import source_options
from ansible_collections.shipping.code.plugins.plugin_utils._events.source import EventSource
from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state
from ansible_collections.shipping.code.plugins.plugin_utils._membership.membership import (
    read_membership,
)

from tests.directory import company_entries
from tests.directory.company_entries import Company, Person, works
from tests.testbed.directory_servers import (
    READER_PASSWORD,
    SUFFIX,
    DirectoryServer,
    SambaDomain,
    Slapd,
)
from tests.testbed.machine import Machine

PATIENCE = 30.0
# Everybody who may ever be in a project, and the project that nobody is taken out of.
COMPANY = Company(
    people=tuple(
        Person(uid, number)
        for number, uid in enumerate(("ada", "bob", "cy", "dan", "eve", "zoe"), 1001)
    ),
    projects={"alpha": ("zoe",), "beta": ("bob", "zoe")},
    teams={"team": ("cy", "zoe")},
    inside={"beta": ("team",)},
    machines={"pc1": ("ada",), "pc2": ("bob", "cy"), "pc3": ("ada", "dan"), "pc4": ("eve",)},
)
PEOPLE = {person.uid: person for person in COMPANY.people}


def dn(uid: str) -> str:
    return company_entries.person_dn(PEOPLE[uid])


def group(name: str) -> str:
    return f"cn={name},ou={'teams' if name == 'team' else 'projects'},{SUFFIX}"


def place(name: str) -> str:
    return dn(name) if name in PEOPLE else group(name)


def modify(name: str, verb: str, *lines: str) -> str:
    return (
        "\n".join(
            [f"dn: {name}", "changetype: modify", f"{verb}: {lines[0].partition(':')[0]}", *lines]
        )
        + "\n"
    )


@dataclass
class Follower:
    """A source, and all its events."""

    arguments: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    error: ShippingError | None = None
    stop_event: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._some = threading.Condition()
        self.source = EventSource(source_options.read(self.arguments), self._put, self.stop_event)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _put(self, event: dict[str, Any]) -> None:
        with self._some:
            self.events.append({**event, "at": time.time()})
            self._some.notify_all()

    def _run(self) -> None:
        try:
            self.source.run()
        except ShippingError as error:
            self.error = error
        with self._some:
            self._some.notify_all()

    def stop(self) -> None:
        self.stop_event.set()
        self.source.wake()
        self._thread.join(15)
        assert not self._thread.is_alive()

    def ended(self) -> ShippingError:
        self._thread.join(PATIENCE)
        assert self.error, self.events
        return self.error

    def wait(self, kind: str, after: int = 0, **match: Any) -> dict[str, Any]:
        """The first event of a kind since the ``after``-th one, with these values."""

        def found() -> dict[str, Any] | None:
            fitting = (
                event
                for event in self.events[after:]
                if event["type"] == kind
                and all(event.get(key) == value for key, value in match.items())
            )
            return next(fitting, None)

        with self._some:
            done = self._some.wait_for(lambda: found() or self.error, PATIENCE)
        assert done and found(), (kind, match, self.error, self.events[after:])
        return found()  # type: ignore[return-value]

    def of_type(self, event_type: str, after: int = 0) -> list[dict[str, Any]]:
        return [event for event in self.events[after:] if event["type"] == event_type]


@dataclass
class Feed:
    """A directory that is followed."""

    server: Any
    options: dict[str, Any]
    change: Callable[[str], object]
    mode: str
    place: Callable[[str], str]
    """The DN of a person or a group."""
    close: str
    """What closes an account."""

    def truth(self) -> dict[str, dict[str, list[str]]]:
        known = {name: value for name, value in self.options.items() if name in settings.OPTIONS}
        return works(read_membership(settings.read(known, "the test")))

    def join(self, uid: str, name: str = "alpha") -> None:
        self.change(modify(self.place(name), "add", f"member: {self.place(uid)}"))

    def leave(self, uid: str, name: str = "alpha") -> None:
        self.change(modify(self.place(name), "delete", f"member: {self.place(uid)}"))


def wanted(folder: Path) -> dict[str, dict[str, list[str]]]:
    return works(membership_state.read_wanted(folder).membership)


def agrees(feed: Feed, folder: Path, patience: float = PATIENCE) -> None:
    """What is wanted comes to be what the directory says."""
    deadline = time.monotonic() + patience
    while wanted(folder) != feed.truth():
        assert time.monotonic() < deadline, (wanted(folder), feed.truth())
        time.sleep(0.05)


def tree(company: Company = COMPANY) -> str:
    return "\n".join(
        [
            company_entries.people(company),
            company_entries.machines(company),
            company_entries.by_dn(company, "groupOfNames"),
        ]
    )


_CONTENT_SYNCHRONIZATION = """\
dn: cn=Content Synchronization,cn=plugins,cn=config
changetype: modify
replace: nsslapd-pluginEnabled
nsslapd-pluginEnabled: on

dn: cn=Retro Changelog Plugin,cn=plugins,cn=config
changetype: modify
replace: nsslapd-pluginEnabled
nsslapd-pluginEnabled: on
-
add: nsslapd-attribute
nsslapd-attribute: nsuniqueid:targetUniqueId
"""


def slapd_server(machine: Machine, company: Company = COMPANY) -> Slapd:
    """An OpenLDAP with the company."""
    return slapd_of(machine, tree(company))


def slapd_of(machine: Machine, ldif: str) -> Slapd:
    """The same with these entries."""
    server = Slapd(machine, port=1389, secure_port=1636, maxsize=2**31)  # Samba has the others.
    server.up(ldif)
    return server


def slapd(server: Slapd, folder: Path) -> Feed:
    """Followed at once."""
    return Feed(
        server,
        server.options(bind_password=READER_PASSWORD, state_path=str(folder), heartbeat=1),
        server.change,
        "syncrepl",
        place,
        "shadowExpire: 1",
    )


def ds389_server(machine: Machine, company: Company = COMPANY) -> DirectoryServer:
    """A 389-ds with the company, which tells of its changes."""
    return ds389_of(machine, tree(company))


def ds389_of(machine: Machine, ldif: str) -> DirectoryServer:
    """The same with these entries."""
    server = DirectoryServer(machine)
    server.up(ldif)
    server.change(input=_CONTENT_SYNCHRONIZATION)
    server.machine.stop(server.name)
    server.start()
    return server


def ds389_options(server: DirectoryServer) -> dict[str, Any]:
    """How it is read, by the socket."""
    return {
        "uris": [server.socket_uri],
        "bind": "external",
        "base": SUFFIX,
        "layout": "groupofnames",
        "projects": {"base": f"ou=projects,{SUFFIX}"},
        "users": {"id": "nsUniqueId"},
        "hosts": {"base": f"ou=machines,{SUFFIX}", "domain": "example.com"},
    }


def ds389(server: DirectoryServer, folder: Path) -> Feed:
    """Followed at once."""
    given = {**ds389_options(server), "state_path": str(folder), "heartbeat": 1}
    return Feed(
        server, given, lambda ldif: server.change(input=ldif), "syncrepl", place, "shadowExpire: 1"
    )


def samba_server(machine: Machine, company: Company = COMPANY) -> SambaDomain:
    """A Samba domain with the company."""
    server = SambaDomain(machine)
    server.up(company_entries.active_directory(company, server.suffix))
    return server


def samba_options(server: SambaDomain) -> dict[str, Any]:
    """How it is read, but for the password."""
    return {
        "uris": [server.secure_uri],
        "ca_file": str(server.authority.certificate),
        "bind_dn": server.admin,
        "base": server.suffix,
        "layout": "ad",
        "projects": {"base": f"OU=Projects,{server.suffix}"},
        "hosts": {"filter": "(&(objectCategory=computer)(!(primaryGroupID=516)))"},
    }


def samba(server: SambaDomain, folder: Path) -> Feed:
    """Followed as an Active Directory is."""

    def there(name: str) -> str:
        if name in PEOPLE:
            return f"CN={PEOPLE[name].cn},OU=People,{server.suffix}"
        return f"CN={name},OU={'Teams' if name == 'team' else 'Projects'},{server.suffix}"

    given = {
        **samba_options(server),
        "bind_password": server.password,
        "state_path": str(folder),
        "heartbeat": 2,
    }
    return Feed(
        server,
        given,
        lambda ldif: server.change(input=ldif),
        "notification",
        there,
        "userAccountControl: 546",
    )
