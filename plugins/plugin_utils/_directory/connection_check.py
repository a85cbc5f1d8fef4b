# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the connection to a directory step by step, for the user who sets it up.

Each step reports its outcome, and a hint if it failed.
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
from .connection import LdapSession, bind, close, ldap_library, open_connection
from .directory_errors import DirectoryError, Inaccessible, Unanswered
from .discover import discover
from .settings import ConnectionSettings, Server, Settings


@dataclass(frozen=True)
class CheckStep:
    """One step: the check, the server, and the outcome."""

    step: str
    server: str
    ok: bool
    text: str
    hint: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Return the step as plain data."""
        return {
            "step": self.step,
            "server": self.server,
            "ok": self.ok,
            "text": self.text,
            "hint": self.hint,
            "facts": dict(self.facts),
        }


CheckContents = Callable[[LdapSession, Settings], Iterator[CheckStep]]


def check(settings: Settings, check_contents: CheckContents) -> Iterator[CheckStep]:
    """Yield all steps; every server is tried until a step fails.

    ``check_contents`` yields the steps about what is in the directory, which is read from the first
    server with a bind that works.
    """
    library, has_read = ldap_library(), False
    servers = settings.connection.servers
    if settings.connection.srv_name:
        step, servers = _discovery(settings.connection)
        yield step
    for server in servers:
        server_check = _ServerCheck(library, settings.connection, server)
        yield from server_check.steps()
        if server_check.session and not has_read:
            has_read = True
            yield from check_contents(server_check.session, settings)
        server_check.close()
        if server_check.rejected:  # The password is not tried at the next one.
            return


def _discovery(connection: ConnectionSettings) -> tuple[CheckStep, tuple[Server, ...]]:
    try:
        servers = discover(connection)
    except DirectoryError as error:
        return failed_step("discovery", connection.srv_name, error), ()
    uris = [server.uri for server in servers]
    return (
        CheckStep(
            "discovery",
            connection.srv_name,
            True,
            f"DNS names {', '.join(uris)}",
            facts={"uris": uris},
        ),
        servers,
    )


def failed_step(step: str, server: str, error: ShippingError, **facts: Any) -> CheckStep:
    """Return a step that failed with an error."""
    return CheckStep(
        step,
        server,
        False,
        f"{error.what}: {error.why}" if error.why else error.what,
        error.hint,
        facts,
    )


class _ServerCheck:
    """The check of one server: its name, its port, its certificate, the bind."""

    def __init__(self, library: Any, connection: ConnectionSettings, server: Server) -> None:
        self.library = library
        self.settings = connection
        self.server = server
        self.session: LdapSession | None = None
        self.rejected = False
        self._connection: Any = None

    def steps(self) -> Iterator[CheckStep]:
        """Yield the steps until one has failed."""
        for step_of in self._steps_of_scheme():
            step = step_of()
            yield step
            if not step.ok:
                return

    def _steps_of_scheme(self) -> list[Callable[[], CheckStep]]:
        scheme = self.server.scheme
        if scheme == "ldapi":
            return [self._socket, self._bind]
        if scheme == "ldaps" or self.settings.start_tls:
            return [self._name, self._port, self._tls, self._bind]
        return [self._name, self._port, self._bind]

    def close(self) -> None:
        """Close the connection."""
        if self.session:
            self.session.close()
        elif self._connection:
            close(self._connection)

    def _step(self, step: str, text: str, **facts: Any) -> CheckStep:
        return CheckStep(step, self.server.uri, True, text, facts=facts)

    def _name(self) -> CheckStep:
        host = self.server.host
        try:
            resolved = socket.getaddrinfo(host, self.server.port, type=socket.SOCK_STREAM)
        except OSError as error:
            hint = "Check the name in uris and the name servers of this host"
            return failed_step(
                "name",
                self.server.uri,
                Unanswered(f"{host} cannot be resolved", error.strerror or str(error), hint),
            )
        addresses = sorted({str(item[4][0]) for item in resolved})
        return self._step("name", f"{host} is {', '.join(addresses)}", addresses=addresses)

    def _port(self) -> CheckStep:
        started = time.monotonic()
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
            hint = (
                "Check the port in uris, that the server listens there, and every firewall between"
            )
            return failed_step(
                "tcp", self.server.uri, Unanswered(f"{where} cannot be reached", why, hint)
            )
        took = round((time.monotonic() - started) * 1000, 1)
        return self._step(
            "tcp", f"{where} answers within {took} ms", address=peer, milliseconds=took
        )

    def _socket(self) -> CheckStep:
        try:
            with socket.socket(socket.AF_UNIX) as plain:
                plain.connect(self.server.host)
        except OSError as error:
            hint = "Check the path in uris, that the server runs, and the rights on its socket"
            return failed_step(
                "socket",
                self.server.uri,
                Unanswered(
                    f"{self.server.host} cannot be opened", error.strerror or str(error), hint
                ),
            )
        return self._step("socket", f"{self.server.host} can be opened")

    def _tls(self) -> CheckStep:
        # First, since a failed handshake shows nothing.
        facts = self._shown_by_server()
        try:
            self._connection = open_connection(self.library, self.settings, self.server)
        except DirectoryError as error:
            return failed_step(
                "tls",
                self.server.uri,
                type(error)(error.what, error.why, error.hint or _tls_hint(error.why, facts)),
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
            else "; validate_certs is false, so that any server may answer"
        )
        return self._step(
            "tls",
            f"{facts.get('version', 'TLS')} with {facts.get('cipher', '')}{shown}{trust}",
            **facts,
        )

    def _shown_by_server(self) -> dict[str, Any]:
        """Return the certificate and the TLS version of the server, trusted or not."""
        with contextlib.suppress(DirectoryError, OSError, ValueError):
            # Not validated, so that a certificate that is not trusted can be shown. Nothing is sent
            # over this connection: it is never bound.
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

    def _bind(self) -> CheckStep:
        try:
            self._connection = self._connection or open_connection(
                self.library, self.settings, self.server
            )
            bind(self.library, self._connection, self.settings, self.server)
            self.session = LdapSession(self.library, self._connection, self.settings, self.server)
        except DirectoryError as error:
            self.rejected = isinstance(error, Inaccessible)
            return failed_step("bind", self.server.uri, error)
        identity = self._identity()
        root = self.session.root
        facts = {
            "bind": self.settings.bind,
            "who": identity,
            "vendor": root.text("vendorName"),
            "trees": root.texts("namingContexts"),
        }
        return self._step(
            "bind", f"bound as {identity or 'anonymous'} ({self.settings.bind})", **facts
        )

    def _identity(self) -> str:
        """Return our identity at the server (RFC 4532), if the server reports it."""
        with contextlib.suppress(Exception):
            return str(self._connection.extend.standard.who_am_i() or "")
        return self.settings.bind_dn


def certificate(raw: bytes, now: datetime) -> dict[str, Any]:
    """Return the subject, issuer, validity and names of a certificate."""
    x509 = importlib.import_module("cryptography.x509")
    content = x509.load_der_x509_certificate(raw)
    names: list[str] = []
    with contextlib.suppress(x509.ExtensionNotFound):
        alternatives = content.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [
            *alternatives.get_values_for_type(x509.DNSName),
            *map(str, alternatives.get_values_for_type(x509.IPAddress)),
        ]
    return {
        "subject": content.subject.rfc4514_string(),
        "issuer": content.issuer.rfc4514_string(),
        "names": names,
        "not_before": _shown(content.not_valid_before_utc),
        "not_after": _shown(content.not_valid_after_utc),
        "days_left": (content.not_valid_after_utc - now).days,
    }


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _tls_hint(why: str, facts: Mapping[str, Any]) -> str:
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
