# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listen for changes with python-ldap: the common part of both modes.

A listener has its own thread and connection. It queries the server regularly, which detects dead
connections.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import ShippingError
from .._directory.authorities import system_authorities
from .._directory.directory_errors import DirectoryError, Inaccessible, Incomplete, Unanswered
from .._directory.settings import ConnectionSettings
from .reread_queue import RereadQueue

AGAIN = "The source reconnects. If the error remains, check the server and the network"
# How long python-ldap waits at once, during which it cannot be stopped. A change ends the wait: it
# took 1.7 ms to arrive.
_PATIENCE = 0.5
# By name, since this file is also loaded where python-ldap is missing.
_GONE = ("SERVER_DOWN", "CONNECT_ERROR", "TIMEOUT", "TIMELIMIT_EXCEEDED", "UNAVAILABLE", "BUSY")
_LIMITS = ("SIZELIMIT_EXCEEDED", "ADMINLIMIT_EXCEEDED")
_CREDENTIALS = (
    "INVALID_CREDENTIALS",
    "UNWILLING_TO_PERFORM",
    "INAPPROPRIATE_AUTH",
    "STRONG_AUTH_REQUIRED",
    "CONFIDENTIALITY_REQUIRED",
)


class NotOffered(DirectoryError):
    """The server lists this control but does not support it here."""


def ldap_library() -> Any:
    """Return python-ldap, or None where it is missing."""
    try:
        with _without_ldap_conf():
            library = importlib.import_module("ldap")
            # The first call of libldap reads ldap.conf, ldaprc and the variables LDAP*: never
            # again in this process.
            library.get_option(library.OPT_PROTOCOL_VERSION)
        importlib.import_module("ldap.syncrepl")
        importlib.import_module("ldap.controls")
    except ImportError:
        return None
    return library


@contextlib.contextmanager
def _without_ldap_conf() -> Iterator[None]:
    """Keep libldap from reading the files and variables of ldap.conf(5).

    They set CAs, TLS_REQCERT and the client's certificate, which ldap3 does not read.
    """
    former = os.environ.get("LDAPNOINIT")
    os.environ["LDAPNOINIT"] = "1"
    try:
        yield
    finally:
        # Not for the programs that ansible-rulebook starts.
        if former is None:
            del os.environ["LDAPNOINIT"]
        else:
            os.environ["LDAPNOINIT"] = former


@dataclass(frozen=True)
class Endpoint:
    """The server of the listeners, and the settings of the connection."""

    library: Any
    """python-ldap."""
    settings: ConnectionSettings
    uri: str
    heartbeat: float


class Listener:
    """A thread that listens below one base; each mode implements ``listen``."""

    def __init__(self, endpoint: Endpoint, base: str, queue: RereadQueue) -> None:
        self.ldap = endpoint.library
        self.settings = endpoint.settings
        self.uri = endpoint.uri
        self.base = base
        self.queue = queue
        self.ready = threading.Event()
        """Set as soon as no change can be missed."""
        self.error: Exception | None = None
        self._heartbeat = endpoint.heartbeat
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"listener to {self.uri}", daemon=True
        )

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._stop.set()
        # A probe may be waiting for its answer. The thread is a daemon, so it does not block exit.
        self._thread.join(self.settings.timeout + 2 * _PATIENCE)

    def wait(self) -> None:
        """Wait until no change can be missed; raise the error of the listener."""
        deadline = time.monotonic() + self.settings.total_timeout
        while not self.ready.wait(_PATIENCE):
            if self.error:
                raise self.error
            if time.monotonic() > deadline:
                raise Unanswered(
                    f"the connection to {self.uri} is not ready",
                    f"it did not answer within {self.settings.total_timeout} s",
                    "Raise total_timeout",
                )
        if self.error:
            raise self.error

    def listen(self, connection: Any) -> None:
        """Listen until ``stop`` is called."""
        raise NotImplementedError

    def connection_class(self) -> Any:
        """Return the connection class of python-ldap."""
        return importlib.import_module("ldap.ldapobject").SimpleLDAPObject

    def _run(self) -> None:
        connection = None
        try:
            with self.translated():
                connection = self._open()
                self.listen(connection)
        except ShippingError as error:
            self.error = error
        # A thread that ends silently would look like a dead connection.
        except Exception as error:
            self.error = Unanswered(
                f"the connection to {self.uri} broke", f"{type(error).__name__}: {error}", AGAIN
            )
        finally:
            if connection is not None:
                with contextlib.suppress(Exception):
                    connection.unbind_ext_s()
            # Also after a failure, so that wait() reports it at once.
            self.ready.set()
            if self.error:
                self.queue.fail(self.error)

    def answers(self, connection: Any, take: Callable[[float], bool]) -> None:
        """Take messages until stopped; ``take`` returns whether more can follow."""
        probed = time.monotonic()
        while not self._stop.is_set():
            try:
                if not take(_PATIENCE):
                    raise Unanswered(
                        f"the connection to {self.uri} has ended",
                        "the server reports the end of changes",
                        AGAIN,
                    )
            except self.ldap.TIMEOUT:
                pass
            if time.monotonic() - probed > self._heartbeat:
                self._probe(connection)
                probed = time.monotonic()

    def _probe(self, connection: Any) -> None:
        """Query the server on the same connection, to see that it answers."""
        number = connection.search_ext("", self.ldap.SCOPE_BASE, "(objectClass=*)", ["1.1"])
        try:
            connection.result4(number, timeout=self.settings.timeout)
        except self.ldap.TIMEOUT as error:
            raise Unanswered(
                f"the connection to {self.uri} is dead",
                f"no answer within {self.settings.timeout} s",
                AGAIN,
            ) from error

    def _open(self) -> Any:
        ldap = self.ldap
        connection = self.connection_class()(self.uri)
        connection.protocol_version = 3
        options: Mapping[str, float] = {
            # By default, libldap follows referrals with an anonymous bind.
            "OPT_REFERRALS": 0,
            "OPT_NETWORK_TIMEOUT": float(self.settings.timeout),
            "OPT_TIMEOUT": float(self.settings.timeout),
            "OPT_X_KEEPALIVE_IDLE": 30,
            "OPT_X_KEEPALIVE_PROBES": 3,
            "OPT_X_KEEPALIVE_INTERVAL": 10,
        }
        for name, value in options.items():
            connection.set_option(getattr(ldap, name), value)
        if self.uri.startswith("ldaps") or self.settings.start_tls:
            self._secure(connection)
        # After the options, and before the bind sends a password.
        if self.settings.start_tls:
            connection.start_tls_s()
        self._bind(connection)
        # Only requests with their own answer have a timeout; changes may take any time.
        connection.set_option(ldap.OPT_TIMEOUT, -1)
        return connection

    def _secure(self, connection: Any) -> None:
        ldap, settings = self.ldap, self.settings
        files = {
            "OPT_X_TLS_CACERTFILE": settings.ca_file or system_authorities(),
            "OPT_X_TLS_CERTFILE": settings.client_certificate,
            "OPT_X_TLS_KEYFILE": settings.client_key,
        }
        for name, path in files.items():
            if path:
                connection.set_option(getattr(ldap, name), path)
        demand = ldap.OPT_X_TLS_DEMAND if settings.validate_certs else ldap.OPT_X_TLS_NEVER
        connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, demand)
        connection.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, ldap.OPT_X_TLS_PROTOCOL_TLS1_2)
        # Last: it makes the context of the options above, which otherwise have no effect.
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)

    def _bind(self, connection: Any) -> None:
        settings = self.settings
        if settings.bind == "simple":
            connection.simple_bind_s(settings.bind_dn, settings.password)
        elif settings.bind == "anonymous":
            connection.simple_bind_s("", "")
        else:
            connection.sasl_non_interactive_bind_s(settings.bind.upper())

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Raise the library's errors as our own, without the password."""
        try:
            yield
        except self.ldap.LDAPError as error:
            raise self._translation(error) from None

    def _translation(self, error: Any) -> DirectoryError:
        name, why = type(error).__name__, _cause(error)
        if name in _GONE:
            return Unanswered(f"the connection to {self.uri} broke", why, AGAIN)
        if name in _LIMITS:
            hint = (
                "Let this account read without limits (limits dn.exact=... size=unlimited,"
                " nsSizeLimit: -1, or an LDAP policy)"
            )
            return Incomplete(
                f"{self.uri} does not return all entries to this account below {self.base}",
                why,
                hint,
            )
        if name in _CREDENTIALS:
            return Inaccessible(
                f"{self.uri} rejects the bind of {self.settings.bind_dn or self.settings.bind}",
                why,
                "Check bind_dn and the password",
            )
        if name == "UNAVAILABLE_CRITICAL_EXTENSION":
            return NotOffered(
                f"{self.uri} does not report changes below {self.base}", why, "Write mode: polling"
            )
        return DirectoryError(
            f"the connection to {self.uri} failed",
            why,
            "Check base and the rights of this account, or write mode: polling",
        )


def details(error: Any) -> Mapping[str, Any]:
    """Return the details of a python-ldap error, if any."""
    return error.args[0] if error.args and isinstance(error.args[0], dict) else {}


def _cause(error: Any) -> str:
    parts = (details(error).get(part) for part in ("desc", "info"))
    return ": ".join(str(part) for part in parts if part) or type(error).__name__
