# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect to a directory: to the first server of the list that answers.

LDAP over TLS and StartTLS: RFC 4513 3, 5. Domain scope: MS-ADTS 3.1.1.3.4.1.13.
"""

from __future__ import annotations

import contextlib
import importlib
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...module_utils._core.slow_calls import waiting_for
from . import rejections
from .directory_errors import DirectoryError, Inaccessible, Rejected, Unanswered
from .discover import discover
from .search import Entry, Query, Reply
from .settings import ConnectionSettings, Server

# Without this control a search at the root of Active Directory always returns referrals to its DNS
# zones and its configuration, which live elsewhere.
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
# ldap3 2.9.1 raises a bare KeyError, IndexError or the like for octets that are not LDAP.
_NO_LDAP = "its answer is not LDAP; the port may belong to another protocol, such as HTTP"
_SEARCH_ENTRY = 4  # RFC 4511 4.5.2
_TOO_OLD = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION")
# Result codes of a bind, RFC 4511 appendix A.
# 49 invalidCredentials; 53 unwillingToPerform, which 389-ds returns for a disabled account.
_CREDENTIALS = (49, 53)
# 7 authMethodNotSupported, 8 strongerAuthRequired, 13 confidentialityRequired, 48
# inappropriateAuthentication.
_MORE_SECURITY = (7, 8, 13, 48)
_IDENTITIES = {
    "external": "the certificate or the user of this process",
    "gssapi": "the Kerberos ticket",
}


class TimeLimitedSocket:
    """A socket with a total time limit for answers.

    A server that sends single bytes never exceeds the timeout of a plain socket.
    """

    def __init__(self, plain: Any, silence: float) -> None:
        self.plain = plain
        self._silence = silence
        self.limit(silence)

    def limit(self, seconds: float) -> None:
        """Allow this time for all further data together."""
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._has_received = False
        self.late = ""

    def recv(self, size: int) -> bytes:
        """Receive what comes next."""
        data = bytes(self._timed(self.plain.recv, size))
        self._has_received = True
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
            if self._has_received and time.monotonic() >= self._end:
                self.late = f"it did not end within {self._seconds:g} s"
                raise TimeoutError(self.late) from None
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


class LdapSession:
    """A bound connection; a context manager that closes it."""

    def __init__(
        self, library: Any, connection: Any, settings: ConnectionSettings, server: Server
    ) -> None:
        self.uri = server.uri
        self.remarks: list[str] = []
        self._library = library
        self._connection = connection
        self._socket: TimeLimitedSocket = connection.socket
        self._settings = settings
        self._server = server
        self._page_size = settings.page_size
        self._pages = True
        self._controls: list[tuple[str, bool, None]] = []
        self.root: Entry = Entry("", {})
        self.read_root_entry()
        self.limit(settings.total_timeout)

    def __enter__(self) -> LdapSession:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def naming_contexts(self) -> Sequence[str]:
        """Return the DNs of the trees that this server holds."""
        return self.root.texts("namingContexts")

    def second_session(self) -> LdapSession:
        """Open a second connection to the same server, with the same bind."""
        return open_server(self._library, self._settings, self._server)

    def limit(self, seconds: float) -> None:
        """Allow this time for all further answers together."""
        self._socket.limit(seconds)

    def close(self) -> None:
        """Unbind, even if the server no longer answers."""
        close(self._connection)

    def request(self, query: Query, cookie: bytes | None) -> Reply:
        """Send one request, and return the reply."""
        paged: dict[str, Any] = {}
        if cookie is not None and self._pages:
            paged = {
                "paged_size": self._page_size,
                "paged_cookie": cookie or None,
                # Else a server that cannot page may ignore the control (RFC 4511 4.1.11), and cut
                # the answer at its limit.
                "paged_criticality": True,
            }
        try:
            with waiting_for(f"the directory at {self.uri}"):
                self._connection.search(
                    query.base,
                    query.filter,
                    search_scope=_SCOPES[query.scope],
                    dereference_aliases="NEVER",
                    attributes=list(query.attributes),
                    controls=self._controls or None,
                    **paged,
                )
            return _reply(self._connection.result, self._connection.response or ())
        except self._library.core.exceptions.LDAPInvalidFilterError as error:
            raise DirectoryError(
                f"{query} cannot be sent",
                f"the filter is wrong ({error})",
                "Correct it; RFC 4515 describes filters",
            ) from error
        except (self._library.core.exceptions.LDAPExceptionError, OSError) as error:
            hint = (
                "Run again, or raise total_timeout"
                if self._socket.late
                else "Run again, or raise timeout"
            )
            raise Unanswered(f"{query} at {self.uri} got no answer", _why(error), hint) from error
        except Exception as error:
            raise Unanswered(
                f"{query} at {self.uri} got no answer",
                _NO_LDAP,
                "Run again, or query another server",
            ) from error

    def read_root_entry(self) -> None:
        """Read the root entry: what the server can do, and how far its changes are."""
        reply = self.request(_ROOT, None)
        self.root = next(iter(reply.entries), self.root)
        controls = self.root.texts("supportedControl")
        # A server that does not show its controls may page all the same; the critical control
        # decides.
        self._pages = not controls or _PAGED in controls
        if _DOMAIN_SCOPE in controls:
            self._controls = [(_DOMAIN_SCOPE, True, None)]


def connect(settings: ConnectionSettings) -> LdapSession:
    """Return a session with the first server that answers.

    A rejection is final, or a wrong password would lock the account at each of them.
    """
    library = ldap_library()
    unanswered: list[str] = []
    for server in settings.servers or discover(settings):
        try:
            session = open_server(library, settings, server)
        # Only for missing answers. Five wrong passwords lock an account in many directories, and
        # the list of servers may be that long.
        except Unanswered as error:
            unanswered.append(f"{server.uri}: {error.why}")
            continue
        session.remarks += [f"skipped {why}" for why in unanswered]
        return session
    several = len(unanswered) > 1
    what = "no server of the directory answered" if several else "the directory did not answer"
    raise Unanswered(what, "; ".join(unanswered), "Check the names and ports in uris, and ca_file")


def open_server(library: Any, settings: ConnectionSettings, server: Server) -> LdapSession:
    """Return a session with one server: connected, encrypted and bound."""
    with waiting_for(f"the directory at {server.uri}"):
        connection = open_connection(library, settings, server)
    try:
        with waiting_for(f"the directory at {server.uri}"):
            bind(library, connection, settings, server)
        return LdapSession(library, connection, settings, server)
    except BaseException:
        close(connection)
        raise


def open_connection(library: Any, settings: ConnectionSettings, server: Server) -> Any:
    """Return a connection to one server, with TLS if configured; not bound yet."""
    tls = _tls(library, settings, server)
    secure = server.scheme == "ldaps"
    address = f"ldapi://{server.host}" if server.scheme == "ldapi" else server.host
    timeout = settings.timeout
    try:
        ldap3_server = library.Server(
            address,
            port=server.port or None,
            use_ssl=secure,
            tls=tls,
            # ldap3 would read the whole schema of the server first.
            get_info="NO_INFO",
            connect_timeout=timeout,
        )
        connection = library.Connection(
            ldap3_server,
            client_strategy="SYNC",
            auto_bind="NONE",
            receive_timeout=timeout,
            # search.py follows ranges, and treats a gap in them as an error. Referrals are errors
            # too. Attribute names are not checked, because no schema is read.
            auto_range=False,
            return_empty_attributes=False,
            check_names=False,
            auto_referrals=False,
            raise_exceptions=False,
            **_identity(library, settings),
        )
        # Not public: the strategy's own decoder is replaced. See _octets_only.
        connection.strategy.decode_response_fast = _octets_only(
            connection.strategy.decode_response_fast
        )
    except library.core.exceptions.LDAPExceptionError as error:
        raise Unanswered(f"{server.uri} cannot be queried", _why(error)) from error
    try:
        _open(library, connection, settings, server, tls)
    except BaseException:
        close(connection)
        raise
    return connection


def ldap_library() -> Any:
    """Return ldap3, which is imported only when it is used."""
    try:
        library = importlib.import_module("ldap3")
        importlib.import_module("ldap3.core.exceptions")
    except ImportError as error:
        hint = (
            "Run pip install 'ldap3>=2.9,<3' for the Python that runs Ansible, or add it to the"
            " execution environment"
        )
        raise DirectoryError(
            "the directory cannot be queried", "the Python library ldap3 is missing", hint
        ) from error
    return library


def _identity(library: Any, settings: ConnectionSettings) -> Mapping[str, Any]:
    if settings.bind == "simple":
        return {"authentication": "SIMPLE", "user": settings.bind_dn, "password": settings.password}
    if settings.bind == "external":
        return {"authentication": "SASL", "sasl_mechanism": "EXTERNAL", "sasl_credentials": ""}
    if settings.bind == "gssapi":
        return {"authentication": "SASL", "sasl_mechanism": "GSSAPI"}
    return {"authentication": "ANONYMOUS"}


def _tls(library: Any, settings: ConnectionSettings, server: Server) -> Any:
    """Return a TLS setting for ldap3 that leaves everything to Python's own ssl.

    Names, addresses, versions, chains. None where the connection has no TLS.
    """
    if server.scheme == "ldapi" or (server.scheme == "ldap" and not settings.start_tls):
        return None
    context = _context(settings)

    class Verified(library.Tls):  # type: ignore[misc]
        """Keep the error, because ldap3 only keeps its text."""

        failure: Exception | None = None

        def wrap_socket(self, connection: Any, *, do_handshake: bool = False) -> None:
            try:
                # For StartTLS the socket is wrapped already, and ssl takes none but a real one.
                plain = (
                    connection.socket.plain
                    if isinstance(connection.socket, TimeLimitedSocket)
                    else connection.socket
                )
                connection.socket = context.wrap_socket(
                    plain, server_hostname=server.host, do_handshake_on_connect=do_handshake
                )
            except (OSError, ValueError) as error:
                self.failure = error
                raise

    return Verified()


def _context(settings: ConnectionSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise Inaccessible(
            f"cannot read the authority in {settings.ca_file}",
            _why(error),
            "Write the path of a file in PEM format to ca_file",
        ) from error
    # RFC 8996 deprecates TLS 1.0 and 1.1.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not settings.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.client_certificate:
        try:
            context.load_cert_chain(settings.client_certificate, settings.client_key)
        except OSError as error:
            raise Inaccessible(
                f"cannot use the certificate {settings.client_certificate}",
                _why(error),
                "Check client_certificate and client_key",
            ) from error
    return context


def _open(
    library: Any, connection: Any, settings: ConnectionSettings, server: Server, tls: Any
) -> None:
    try:
        connection.open(read_server_info=False)
        # Not a public interface of ldap3: its strategy SYNC sends, receives and closes by this
        # attribute.
        connection.socket = TimeLimitedSocket(connection.socket, settings.timeout)
        if server.scheme == "ldap" and settings.start_tls:
            connection.start_tls(read_server_info=False)
            connection.socket = TimeLimitedSocket(connection.socket, settings.timeout)
    except (library.core.exceptions.LDAPExceptionError, OSError) as error:
        failure = getattr(tls, "failure", None)
        raise Unanswered(
            f"{server.uri} cannot be reached", _tls_why(failure) if failure else _why(error)
        ) from (failure or error)
    except Exception as error:
        raise Unanswered(f"{server.uri} cannot be reached", _NO_LDAP) from error


def bind(library: Any, connection: Any, settings: ConnectionSettings, server: Server) -> None:
    """Bind once, and not again after a rejection."""
    rejections.require_untried(settings)
    try:
        # Raise from None: the context of an error may contain the password.
        connection.bind(read_server_info=False)
    # The text is ``Major (CODE): ..., Minor (CODE): ...``; the minor one names the cause.
    except _kerberos_errors(settings) as error:
        raise Inaccessible(
            f"{server.uri} was not queried with the Kerberos ticket",
            str(error).rpartition("): ")[2],
            "Run kinit as the user who runs Ansible; klist shows the ticket",
        ) from None
    except (library.core.exceptions.LDAPExceptionError, OSError) as error:
        raise _bind_error(settings, server, _why(error)) from None
    # ldap3 imports gssapi when it binds, not before.
    except ImportError as error:
        raise Inaccessible(
            f"{server.uri} was not queried",
            str(error),
            "Install gssapi for the Python that runs Ansible",
        ) from None
    except Exception:
        raise Unanswered(f"{server.uri} did not answer the bind", _NO_LDAP) from None
    result = connection.result or {}
    if result.get("result") != 0:
        rejection = _rejected_bind(settings, server, result)
        if isinstance(rejection, Rejected):
            rejections.remember(settings, rejection)
        raise rejection
    rejections.forget(settings)


def _bind_error(settings: ConnectionSettings, server: Server, why: str) -> DirectoryError:
    if settings.bind == "gssapi" and "gssapi" in why.lower():
        return Inaccessible(
            f"{server.uri} was not queried",
            why,
            "Install gssapi for the Python that runs Ansible, and run kinit",
        )
    return Unanswered(f"{server.uri} did not answer the bind", why)


def _rejected_bind(
    settings: ConnectionSettings, server: Server, result: Mapping[str, Any]
) -> Inaccessible:
    identity = settings.bind_dn or _IDENTITIES.get(settings.bind, "anonymous")
    code, message = result.get("result"), result.get("message")
    answer = f"{result.get('description')} ({code})" + (f": {message}" if message else "")
    if code in _CREDENTIALS:
        return Rejected(
            f"{server.uri} rejects the bind of {identity}",
            answer,
            "Check bind_dn and the password; it was tried once only, so that nothing is locked",
        )
    if code in _MORE_SECURITY:
        return Inaccessible(
            f"{server.uri} rejects the bind of {identity} this way",
            answer,
            "Write ldaps:// or start_tls: true, or another bind",
        )
    return Inaccessible(
        f"{server.uri} rejects the bind of {identity}", answer, "Check bind and its options"
    )


def _kerberos_errors(settings: ConnectionSettings) -> tuple[type[Exception], ...]:
    """Return the errors of gssapi, where it is installed and used."""
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
    return Reply(
        code=result["result"],
        name=result.get("description") or "",
        message=result.get("message") or "",
        entries=entries,
        referrals=referrals,
        cookie=_paging_cookie(result),
    )


def _paging_cookie(result: Mapping[str, Any]) -> bytes:
    paging = (result.get("controls") or {}).get(_PAGED) or {}
    return (paging.get("value") or {}).get("cookie") or b""


def _octets_only(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decoder that leaves the values of entries as octets.

    ldap3 decodes each value a second time, as text that is never read. That is a quarter of its
    time.
    """

    def decoded(message: Mapping[str, Any]) -> Any:
        if message["protocolOp"] != _SEARCH_ENTRY:
            return decode(message)
        # The payload of ldap3.utils.asn1.decode_message_fast: tuples that end with the value.
        (*_tag, dn), (*_tag, attributes) = message["payload"]
        values = {
            _text(name).lower(): [value[3] for value in tagged_values]
            for *_tag, ((*_tag, name), (*_tag, tagged_values)) in attributes
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
        return (
            "the port has no TLS, as one for ldap:// and start_tls: true, or it broke off the TLS"
            " handshake, as one does that has nothing newer than TLS 1.1"
        )
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error})"
    return f"TLS failed ({_why(error)})"


def _why(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if "timed out" in text or "no response from server" in text:
        return "it did not answer in time"
    if text == "invalid server address":
        return "its name cannot be resolved"
    # ldap3's own words before those of the system.
    return text.removeprefix("socket connection error while opening: ").removeprefix(
        "error receiving data: "
    )


def close(connection: Any) -> None:
    """Unbind, and ignore a broken connection."""
    with contextlib.suppress(Exception):  # The connection is discarded.
        connection.unbind()
