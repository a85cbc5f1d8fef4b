# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being let into a directory, by the first server of the list that answers.

LDAP over TLS and StartTLS: RFC 4513 3, 5. Domain scope: MS-ADTS 3.1.1.3.4.1.13.
"""

from __future__ import annotations

import contextlib
import importlib
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .directory_errors import DirectoryError, Refused, Unanswered
from .discover import discover
from .search import Entry, Query, Reply
from .settings import Connection, Server

_DOMAIN_SCOPE = "1.2.840.113556.1.4.1339"
_PAGED = "1.2.840.113556.1.4.319"
_SCOPES = {"base": "BASE", "one": "LEVEL", "subtree": "SUBTREE"}
_ROOT = Query(
    "",
    "(objectClass=*)",
    (
        "supportedControl",
        "namingContexts",
        "defaultNamingContext",
        "highestCommittedUSN",
        "dsServiceName",
        "lastChangeNumber",
        "vendorName",
    ),
    "base",
)
_SEARCH_ENTRY = 4  # RFC 4511 4.5.2
_TOO_OLD = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION")
_CREDENTIALS = (49, 53)
_MORE_SECURITY = (7, 8, 13, 48)


class Timed:
    """A socket whose answers come within a time, also from a server that sends a byte now and then."""

    def __init__(self, plain: Any, silence: float) -> None:
        self.plain = plain
        self._silence = silence
        self.limit(silence)

    def limit(self, seconds: float) -> None:
        """From now on everything together may take so long."""
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._heard = False
        self.late = ""

    def recv(self, size: int) -> bytes:
        """What comes next."""
        data = bytes(self._timed(self.plain.recv, size))
        self._heard = True
        return data

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._timed(self.plain.sendall, data)

    def _timed(self, act: Callable[[Any], Any], argument: Any) -> Any:
        left = self._end - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError("timed out")
            self.plain.settimeout(min(left, self._silence))
            return act(argument)
        except TimeoutError:
            if self._heard and time.monotonic() >= self._end:
                self.late = f"it did not come to an end within {self._seconds:g} s"
                raise TimeoutError(self.late) from None
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


class LdapSession:
    """A bound connection; a context manager that closes it."""

    def __init__(self, library: Any, connection: Any, settings: Connection, server: Server) -> None:
        self.uri = server.uri
        self.remarks: list[str] = []
        self._library = library
        self._connection = connection
        self._socket: Timed = connection.socket
        self._settings = settings
        self._server = server
        self._page_size = settings.page_size
        self._pages = True
        self._controls: list[tuple[str, bool, None]] = []
        self.root: Entry = Entry("", {})
        self.look_around()
        self.limit(settings.total_timeout)

    def __enter__(self) -> LdapSession:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def contexts(self) -> Sequence[str]:
        """The DNs of the trees that this server holds."""
        return self.root.texts("namingContexts")

    def another(self) -> LdapSession:
        """A connection more to the same server, as the same."""
        return open_server(self._library, self._settings, self._server)

    def limit(self, seconds: float) -> None:
        """From now on all answers together may take so long."""
        self._socket.limit(seconds)

    def close(self) -> None:
        """Say goodbye; that nobody listens any more does not matter."""
        close(self._connection)

    def ask(self, query: Query, cookie: bytes | None) -> Reply:
        """One request and what came back."""
        paged: dict[str, Any] = {}
        if cookie is not None and self._pages:
            paged = {
                "paged_size": self._page_size,
                "paged_cookie": cookie or None,
                "paged_criticality": True,
            }
        try:
            self._connection.search(
                query.base,
                query.filter,
                search_scope=_SCOPES[query.scope],
                dereference_aliases="NEVER",
                attributes=list(query.attributes),
                controls=self._controls or None,
                **paged,
            )
        except self._library.core.exceptions.LDAPInvalidFilterError as error:
            raise DirectoryError(
                f"{query} cannot be sent",
                f"the filter is wrong ({error})",
                "Correct it; RFC 4515 says how filters are written",
            ) from error
        except (self._library.core.exceptions.LDAPExceptionError, OSError) as error:
            remedy = (
                "Run again, or raise total_timeout"
                if self._socket.late
                else "Run again, or raise timeout"
            )
            raise Unanswered(f"{query} at {self.uri} got no answer", _why(error), remedy) from error
        return _reply(self._connection.result, self._connection.response or ())

    def look_around(self) -> None:
        """What the server can do and how far it is, where it tells."""
        reply = self.ask(_ROOT, None)
        self.root = next(iter(reply.entries), self.root)
        controls = self.root.texts("supportedControl")
        self._pages = not controls or _PAGED in controls
        if _DOMAIN_SCOPE in controls:
            self._controls = [(_DOMAIN_SCOPE, True, None)]


def connect(settings: Connection) -> LdapSession:
    """The first server that answers.

    A refusal is final, or wrong passwords would lock the account at each of them.
    """
    library = ldap_library()
    failed: list[str] = []
    for server in settings.servers or discover(settings):
        try:
            session = open_server(library, settings, server)
        except Unanswered as error:
            failed.append(f"{server.uri}: {error.why}")
            continue
        session.remarks += [f"passed over {why}" for why in failed]
        return session
    what = (
        "no server of the directory answered" if len(failed) > 1 else "the directory did not answer"
    )
    raise Unanswered(what, "; ".join(failed), "Check the names and ports in uris, and ca_file")


def open_server(library: Any, settings: Connection, server: Server) -> LdapSession:
    """One server: reach it, make it safe, be let in."""
    connection = reach(library, settings, server)
    try:
        let_in(library, connection, settings, server)
        return LdapSession(library, connection, settings, server)
    except BaseException:
        close(connection)
        raise


def reach(library: Any, settings: Connection, server: Server) -> Any:
    """A connection to one server, with TLS where it is to be; as nobody yet."""
    tls = _tls(library, settings, server)
    secure = server.scheme == "ldaps"
    address = f"ldapi://{server.host}" if server.scheme == "ldapi" else server.host
    timeout = settings.timeout
    try:
        place = library.Server(
            address,
            port=server.port or None,
            use_ssl=secure,
            tls=tls,
            get_info="NO_INFO",
            connect_timeout=timeout,
        )
        connection = library.Connection(
            place,
            client_strategy="SYNC",
            auto_bind="NONE",
            receive_timeout=timeout,
            auto_range=False,
            return_empty_attributes=False,
            check_names=False,
            auto_referrals=False,
            raise_exceptions=False,
            **_identity(library, settings),
        )
        connection.strategy.decode_response_fast = _octets_only(
            connection.strategy.decode_response_fast
        )
    except library.core.exceptions.LDAPExceptionError as error:
        raise Unanswered(f"{server.uri} cannot be asked", _why(error)) from error
    try:
        _open(library, connection, settings, server, tls)
    except BaseException:
        close(connection)
        raise
    return connection


def ldap_library() -> Any:
    try:
        library = importlib.import_module("ldap3")
        importlib.import_module("ldap3.core.exceptions")
    except ImportError as error:
        remedy = (
            "Call pip install 'ldap3>=2.9,<3' for the Python that runs Ansible, or add it to the"
            " execution environment"
        )
        raise DirectoryError(
            "the directory cannot be asked", "the Python library ldap3 is missing", remedy
        ) from error
    return library


def _identity(library: Any, settings: Connection) -> Mapping[str, Any]:
    if settings.bind == "simple":
        return {"authentication": "SIMPLE", "user": settings.bind_dn, "password": settings.password}
    if settings.bind == "external":
        return {"authentication": "SASL", "sasl_mechanism": "EXTERNAL", "sasl_credentials": ""}
    if settings.bind == "gssapi":
        return {"authentication": "SASL", "sasl_mechanism": "GSSAPI"}
    return {"authentication": "ANONYMOUS"}


def _tls(library: Any, settings: Connection, server: Server) -> Any:
    """A setting of TLS for ldap3 that leaves everything to Python's own ssl.

    Names, addresses, versions, chains.
    """
    if server.scheme == "ldapi" or (server.scheme == "ldap" and not settings.start_tls):
        return None
    context = _context(settings)

    class Verified(library.Tls):  # type: ignore[misc]
        """Keeps what went wrong, which ldap3 tells as text only."""

        failure: Exception | None = None

        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
            try:
                plain = (
                    connection.socket.plain
                    if isinstance(connection.socket, Timed)
                    else connection.socket
                )
                connection.socket = context.wrap_socket(
                    plain, server_hostname=server.host, do_handshake_on_connect=do_handshake
                )
            except (OSError, ValueError) as error:
                self.failure = error
                raise

    return Verified()


def _context(settings: Connection) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise Refused(
            f"cannot read the authority in {settings.ca_file}",
            _why(error),
            "Write the path of a file in PEM format to ca_file",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not settings.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.client_certificate:
        try:
            context.load_cert_chain(settings.client_certificate, settings.client_key)
        except OSError as error:
            raise Refused(
                f"cannot use the certificate {settings.client_certificate}",
                _why(error),
                "Check client_certificate and client_key",
            ) from error
    return context


def _open(library: Any, connection: Any, settings: Connection, server: Server, tls: Any) -> None:
    try:
        connection.open(read_server_info=False)
        connection.socket = Timed(connection.socket, settings.timeout)
        if server.scheme == "ldap" and settings.start_tls:
            connection.start_tls(read_server_info=False)
            connection.socket = Timed(connection.socket, settings.timeout)
    except (library.core.exceptions.LDAPExceptionError, OSError) as error:
        failure = getattr(tls, "failure", None)
        raise Unanswered(
            f"{server.uri} cannot be reached", _tls_why(failure) if failure else _why(error)
        ) from (failure or error)


def let_in(library: Any, connection: Any, settings: Connection, server: Server) -> None:
    """The bind; it is tried once."""
    who = settings.bind_dn or {
        "external": "the certificate or the user of this process",
        "gssapi": "the Kerberos ticket",
    }.get(settings.bind, "anonymous")
    try:
        # Nothing of the password in what is raised: the context of an error may hold it.
        connection.bind(read_server_info=False)
    except _kerberos_errors(settings) as error:
        what, remedy = (
            f"{server.uri} was not asked as the Kerberos ticket says",
            "Call kinit as the user who runs Ansible; klist shows the ticket",
        )
        raise Refused(what, str(error).rpartition("): ")[2], remedy) from None
    except (library.core.exceptions.LDAPExceptionError, OSError) as error:
        why = _why(error)
        if settings.bind == "gssapi" and "gssapi" in why.lower():
            raise Refused(
                f"{server.uri} was not asked",
                why,
                "Install gssapi for the Python that runs Ansible, and call kinit",
            ) from None
        raise Unanswered(f"{server.uri} did not answer the bind", why) from None
    except ImportError as error:
        raise Refused(
            f"{server.uri} was not asked",
            str(error),
            "Install gssapi for the Python that runs Ansible",
        ) from None
    result = connection.result or {}
    if result.get("result") == 0:
        return
    answer = f"{result.get('description')} ({result.get('result')})" + (
        f": {result['message']}" if result.get("message") else ""
    )
    if result.get("result") in _CREDENTIALS:
        raise Refused(
            f"{server.uri} does not let in {who}",
            answer,
            "Check bind_dn and the password; it was tried once only, so that nothing is locked",
        )
    if result.get("result") in _MORE_SECURITY:
        raise Refused(
            f"{server.uri} does not let in {who} this way",
            answer,
            "Write ldaps:// or start_tls: true, or another bind",
        )
    raise Refused(f"{server.uri} does not let in {who}", answer, "Check bind and its options")


def _kerberos_errors(settings: Connection) -> tuple[type[Exception], ...]:
    """What gssapi raises, where it is there and used."""
    if settings.bind != "gssapi":
        return ()
    try:
        return (importlib.import_module("gssapi").exceptions.GSSError,)
    except ImportError:
        return ()


def _reply(result: Mapping[str, Any], response: Sequence[Mapping[str, Any]]) -> Reply:
    entries, referrals = [], list(result.get("referrals") or ())
    for item in response:
        if item["type"] == "searchResEntry":
            entries.append(Entry(item["dn"], item["raw_attributes"]))
        elif item["type"] == "searchResRef":
            referrals += item["uri"]
    paging = (result.get("controls") or {}).get(_PAGED) or {}
    cookie = (paging.get("value") or {}).get("cookie") or b""
    return Reply(
        result["result"],
        result.get("description") or "",
        result.get("message") or "",
        entries,
        referrals,
        cookie,
    )


def _octets_only(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """ldap3 decodes each value a second time, as text that nobody reads.

    That is a quarter of its time.
    """

    def decoded(message: Mapping[str, Any]) -> Any:
        if message["protocolOp"] != _SEARCH_ENTRY:
            return decode(message)
        (*_tag, dn), (*_tag, attributes) = message["payload"]
        values = {
            _text(name).lower(): [value[3] for value in held]
            for *_tag, ((*_tag, name), (*_tag, held)) in attributes
        }
        return {"type": "searchResEntry", "dn": _text(dn), "raw_attributes": values}

    return decoded


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")


def _tls_why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "it did not answer the TLS handshake in time"
    if isinstance(error, ssl.SSLEOFError) or getattr(error, "reason", "") in _TOO_OLD:
        return "it broke off the TLS handshake, as one does that has nothing newer than TLS 1.1"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error})"
    return f"TLS failed ({_why(error)})"


def _why(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if "timed out" in text or "no response from server" in text:
        return "it did not answer in time"
    if text == "invalid server address":
        return "its name cannot be resolved"
    return text.removeprefix("socket connection error while opening: ").removeprefix(
        "error receiving data: "
    )


def close(connection: Any) -> None:
    """Without a word about what is broken already."""
    with contextlib.suppress(Exception):  # Nothing more is wanted of it.
        connection.unbind()
