# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way into a directory, step by step, for whoever sets it up.

What worked, what did not, and what to do about it.
"""

from __future__ import annotations

import contextlib
import importlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ...module_utils._core.errors import ShippingError
from .._membership.facts import group_attributes, machine_attributes, person_attributes
from .._membership.membership import membership_in
from .connection import LdapSession, bind, close, ldap_library, open_connection
from .directory_errors import DirectoryError, Refused, Unanswered
from .discover import discover
from .search import Query, read_all
from .settings import Connection, Place, Server, Settings


@dataclass(frozen=True)
class Step:
    """One step: what was tried, at which server, and what came of it."""

    step: str
    server: str
    ok: bool
    text: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """As plain data."""
        told = {
            "step": self.step,
            "server": self.server,
            "ok": self.ok,
            "text": self.text,
            "remedy": self.remedy,
        }
        return {**told, "facts": dict(self.facts)}


def check(settings: Settings) -> Iterator[Step]:
    """All steps; every server is tried as far as it goes.

    And what is in the directory is read from the first one that lets in.
    """
    library, asked = ldap_library(), False
    servers = settings.connection.servers
    if settings.connection.srv_name:
        step, servers = _discovery(settings.connection)
        yield step
    for server in servers:
        way = _Way(library, settings.connection, server)
        yield from way.steps()
        if way.session and not asked:
            asked = True
            yield from _contents(way.session, settings)
        way.close()
        if way.refused:  # The password is not tried at the next one.
            return


def _discovery(connection: Connection) -> tuple[Step, tuple[Server, ...]]:
    try:
        servers = discover(connection)
    except DirectoryError as error:
        return _failed("discovery", connection.srv_name, error), ()
    uris = [server.uri for server in servers]
    return (
        Step(
            "discovery",
            connection.srv_name,
            True,
            f"the DNS names {', '.join(uris)}",
            facts={"uris": uris},
        ),
        servers,
    )


def _failed(step: str, server: str, error: ShippingError, **facts: Any) -> Step:
    return Step(
        step,
        server,
        False,
        f"{error.what}: {error.why}" if error.why else error.what,
        error.remedy,
        facts,
    )


class _Way:
    """The way to one server: its name, its port, its certificate, the bind."""

    def __init__(self, library: Any, connection: Connection, server: Server) -> None:
        self.library = library
        self.settings = connection
        self.server = server
        self.session: LdapSession | None = None
        self.refused = False
        self._connection: Any = None

    def steps(self) -> Iterator[Step]:
        """Up to the first one that fails."""
        ways: list[Callable[[], Step]] = [self._bind]
        if self.server.scheme == "ldaps" or (
            self.server.scheme == "ldap" and self.settings.start_tls
        ):
            ways.insert(0, self._tls)
        ways = (
            [self._socket, *ways]
            if self.server.scheme == "ldapi"
            else [self._name, self._port, *ways]
        )
        for way in ways:
            step = way()
            yield step
            if not step.ok:
                return

    def close(self) -> None:
        """Leave the server."""
        if self.session:
            self.session.close()
        elif self._connection:
            close(self._connection)

    def _step(self, step: str, text: str, **facts: Any) -> Step:
        return Step(step, self.server.uri, True, text, facts=facts)

    def _name(self) -> Step:
        host = self.server.host
        try:
            found = socket.getaddrinfo(host, self.server.port, type=socket.SOCK_STREAM)
        except OSError as error:
            remedy = "Check the name in uris and the name servers of this machine"
            return _failed(
                "name",
                self.server.uri,
                Unanswered(f"{host} cannot be resolved", error.strerror or str(error), remedy),
            )
        addresses = sorted({str(item[4][0]) for item in found})
        return self._step("name", f"{host} is {', '.join(addresses)}", addresses=addresses)

    def _port(self) -> Step:
        begun = time.monotonic()
        where = f"{self.server.host} port {self.server.port}"
        try:
            with socket.create_connection(
                (self.server.host, self.server.port), self.settings.timeout
            ) as plain:
                peer = plain.getpeername()[0]
        except OSError as error:
            late = isinstance(error, TimeoutError)
            why = (
                f"no answer within {self.settings.timeout} s"
                if late
                else error.strerror or str(error)
            )
            remedy = (
                "Check the port in uris, that the server listens there, and every firewall between"
            )
            return _failed(
                "tcp", self.server.uri, Unanswered(f"{where} cannot be reached", why, remedy)
            )
        took = round((time.monotonic() - begun) * 1000, 1)
        return self._step(
            "tcp", f"{where} answers within {took} ms", address=peer, milliseconds=took
        )

    def _socket(self) -> Step:
        try:
            with socket.socket(socket.AF_UNIX) as plain:
                plain.connect(self.server.host)
        except OSError as error:
            remedy = "Check the path in uris, that the server runs, and the rights on its socket"
            return _failed(
                "socket",
                self.server.uri,
                Unanswered(
                    f"{self.server.host} cannot be opened", error.strerror or str(error), remedy
                ),
            )
        return self._step("socket", f"{self.server.host} can be opened")

    def _tls(self) -> Step:
        facts = self._seen()
        try:
            self._connection = open_connection(self.library, self.settings, self.server)
        except DirectoryError as error:
            return _failed(
                "tls",
                self.server.uri,
                type(error)(error.what, error.why, error.remedy or _tls_remedy(error.why, facts)),
                **facts,
            )
        shown = (
            f", with the certificate of {facts['subject']} by {facts['issuer']}, until"
            f" {facts['not_after']}"
            if "subject" in facts
            else ""
        )
        trust = (
            ""
            if self.settings.validate_certs
            else "; validate_certs is false, so that anybody may be the server"
        )
        return self._step(
            "tls",
            f"{facts.get('version', 'TLS')} with {facts.get('cipher', '')}{shown}{trust}",
            **facts,
        )

    def _seen(self) -> dict[str, Any]:
        """What the server shows to whoever asks, trusted or not."""
        with contextlib.suppress(DirectoryError, OSError, ValueError):
            connection = open_connection(
                self.library, replace(self.settings, validate_certs=False), self.server
            )
            try:
                plain = connection.socket
                return {
                    "version": plain.version(),
                    "cipher": plain.cipher()[0],
                    **certificate(plain.getpeercert(True), datetime.now(UTC)),
                }
            finally:
                close(connection)
        return {}

    def _bind(self) -> Step:
        try:
            self._connection = self._connection or open_connection(
                self.library, self.settings, self.server
            )
            bind(self.library, self._connection, self.settings, self.server)
            self.session = LdapSession(self.library, self._connection, self.settings, self.server)
        except DirectoryError as error:
            self.refused = isinstance(error, Refused)
            return _failed("bind", self.server.uri, error)
        who = self._who()
        root = self.session.root
        facts = {
            "bind": self.settings.bind,
            "who": who,
            "vendor": root.text("vendorName"),
            "trees": root.texts("namingContexts"),
        }
        return self._step("bind", f"let in as {who or 'nobody'} ({self.settings.bind})", **facts)

    def _who(self) -> str:
        """As the server sees it (RFC 4532); not every server says so."""
        with contextlib.suppress(Exception):
            return str(self._connection.extend.standard.who_am_i() or "")
        return self.settings.bind_dn


def certificate(raw: bytes, now: datetime) -> dict[str, Any]:
    """What a certificate says: whose it is, by whom, until when, and for which names."""
    x509 = importlib.import_module("cryptography.x509")
    found = x509.load_der_x509_certificate(raw)
    names: list[str] = []
    with contextlib.suppress(x509.ExtensionNotFound):
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [
            *alternatives.get_values_for_type(x509.DNSName),
            *map(str, alternatives.get_values_for_type(x509.IPAddress)),
        ]
    return {
        "subject": found.subject.rfc4514_string(),
        "issuer": found.issuer.rfc4514_string(),
        "names": names,
        "not_before": _shown(found.not_valid_before_utc),
        "not_after": _shown(found.not_valid_after_utc),
        "days_left": (found.not_valid_after_utc - now).days,
    }


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _tls_remedy(why: str, facts: Mapping[str, Any]) -> str:
    names = ", ".join(facts.get("names", ())) or "no name"
    if "mismatch" in why or "doesn't match" in why:
        return (
            f"Write one of the certificate's names to uris, which are {names}, or give the server a"
            " certificate with this name"
        )
    if "expired" in why or "not yet valid" in why:
        return (
            f"Renew the certificate, which is valid from {facts.get('not_before')} to"
            f" {facts.get('not_after')}, or correct the clock"
        )
    if "not trusted" in why and facts:
        return f"Write the certificate of the authority {facts.get('issuer')} to ca_file"
    return (
        "Check that the port speaks TLS in version 1.2 or newer; ldap:// with start_tls: true is"
        " another way in"
    )


def _contents(session: LdapSession, settings: Settings) -> Iterator[Step]:
    """Whether there is what the settings speak of."""
    session.limit(settings.connection.total_timeout)
    places = (
        ("projects", settings.projects, group_attributes(settings)),
        ("people", settings.people, person_attributes(settings)),
        ("machines", settings.machines, machine_attributes(settings)),
    )
    good = True
    for name, place, attributes in places:
        if place:
            step = _place(session, name, place, attributes)
            good &= step.ok
            yield step
    if good:
        yield _whole(session, settings)


def _place(session: LdapSession, name: str, place: Place, attributes: tuple[str, ...]) -> Step:
    asked = f"{place.filter} below {place.base}"
    try:
        found = list(read_all(session, Query(place.base, place.filter, attributes, place.scope)))
    except DirectoryError as error:
        return _failed(name, session.uri, error, base=place.base, filter=place.filter)
    facts = {
        "base": place.base,
        "filter": place.filter,
        "count": len(found),
        "first": [entry.dn for entry in found[:3]],
    }
    if not found:
        remedy = f"Correct {name}.base or {name}.filter, or give this account the right to see them"
        return Step(
            name,
            session.uri,
            False,
            f"the base is there, and nothing is found by {asked}",
            remedy,
            facts,
        )
    return Step(
        name,
        session.uri,
        True,
        f"{len(found)} found by {asked}, the first one is {found[0].dn}",
        facts=facts,
    )


def _whole(session: LdapSession, settings: Settings) -> Step:
    try:
        found = membership_in(session, settings)
    except ShippingError as error:
        return _failed("membership", session.uri, error)
    users = {user.id for machine in found.machines for user in machine.users}
    facts = {
        "projects": len(found.projects),
        "machines": len(found.machines),
        "users": len(users),
        "remarks": list(found.remarks),
    }
    text = (
        f"{facts['users']} people have {facts['machines']} machines and {facts['projects']}"
        " projects"
    )
    return Step("membership", session.uri, True, text, facts=facts)
