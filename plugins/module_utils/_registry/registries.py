# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which digest a reference means now, asked of its registry.

Registries: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
Tokens: https://distribution.github.io/distribution/spec/auth/token and .../oauth
Challenges: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import json
import os
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlencode, urljoin, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from .._core.cause import Cause
from .._core.errors import ShippingError, first_cause
from .._core.image_references import Reference, is_image_id, no_digest
from .credentials import Credentials, basic

_DENIED, _MISSING, _UNREACHABLE = "image_denied", "image_missing", "registry_unreachable"
_HOSTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_CERTIFICATES = "/etc/docker/certs.d"
_REDIRECTIONS, _MOST_REDIRECTIONS = (301, 302, 303, 307, 308), 5
_LARGEST, _CHUNK = 4 * 1024 * 1024, 64 * 1024
_SHOWN = 300
_MASK = "********"
# Nothing that two readers of an address could understand differently: no user, no backslash, no
# fragment.
_URL = re.compile(
    r"(https?)://((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?)(?:[/?][!\"$-\[\]-~]*)?"
)
_CHALLENGE = re.compile(
    r"[\s,]*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s,\"]+))?", re.ASCII
)
_TOKEN = re.compile(r"[!-~]+")


class _Refusal(Exception):
    """No digest, and why."""

    def __init__(self, kind: str, why: str = "") -> None:
        self.kind, self.why = kind, why
        super().__init__(kind)


class _NoAnswer(_Refusal):
    """Nothing came back, or nothing that is of use."""

    def __init__(self, why: str) -> None:
        super().__init__(_UNREACHABLE, why)


@dataclass(frozen=True)
class _Answer:
    """What came back from ``url``."""

    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


class Registries:
    """All registries; may be asked from many threads at once.

    ``insecure`` are registries as references name them, with their ports, that may be spoken to
    without encryption and whose certificates need not be trusted; those on loopback always may.
    """

    def __init__(
        self, credentials: Credentials, insecure: Iterable[str] = (), timeout: float = 20.0
    ) -> None:
        self._credentials = credentials
        self._wire = _Wire(frozenset(name.lower() for name in insecure), timeout)
        self._logins: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def digest(self, text: str) -> str | Cause:
        """The digest that a reference means now, or why there is none.

        Raises ValueError where it is no reference, and PlanError where the credentials cannot be
        read.
        """
        question = _Question(self._wire, Reference.parse(text), self._login)
        try:
            return question.digest()
        except _Refusal as refusal:
            return no_digest(refusal.kind, question.reference, question.masked(refusal.why))

    def _login(self, registry: str) -> dict[str, str]:
        """A registry's login, which a helper is asked for once only."""
        with self._lock:
            if registry not in self._logins:
                self._logins[registry] = self._credentials.for_registry(registry)
            return self._logins[registry]


class _Question:
    """One reference; first asked without a login, then as the registry demands."""

    def __init__(
        self, wire: _Wire, reference: Reference, login: Callable[[str], dict[str, str]]
    ) -> None:
        self.reference = reference
        self._wire = wire
        self._login = login
        self._host = _HOSTS.get(reference.registry, reference.registry)
        name = (
            f"library/{reference.path}"
            if reference.registry in _HOSTS and "/" not in reference.path
            else reference.path
        )
        self._name = name
        self._path = f"/v2/{name}/manifests/{reference.digest or reference.tag}"
        self._authorization = ""
        self._challenged = False
        self._secrets: list[str] = []

    def digest(self) -> str:
        """HEAD, which does not count as a pull.

        GET where that does not tell the digest or what is wrong.
        """
        answer = self._ask("HEAD")
        found = answer.headers.get("Docker-Content-Digest", "")
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _refusal(answer)
        if answer.status != HTTPStatus.OK or not is_image_id(found):
            answer = self._ask("GET")
            if answer.status != HTTPStatus.OK:
                raise _refusal(answer)
            found = _digest_of(answer)
        if self.reference.digest not in ("", found):
            raise _NoAnswer("it answers with another digest")
        return found

    def masked(self, text: str) -> str:
        """A registry's words without the secrets that it was told."""
        for secret in sorted(filter(None, self._secrets), key=len, reverse=True):
            text = text.replace(secret, _MASK)
        return text

    def _ask(self, method: str) -> _Answer:
        answer = self._send(method)
        # Whereto one was sent on has no say in who gets the credentials.
        if (
            answer.status == HTTPStatus.UNAUTHORIZED
            and not self._challenged
            and _place_of(answer) == self._host.lower()
        ):
            self._challenged = True
            self._authorization = self._authorize(
                challenges(answer.headers.get("WWW-Authenticate", ""))
            )
            if self._authorization:
                answer = self._send(method)
        return answer

    def _send(self, method: str) -> _Answer:
        headers = {"Accept": ", ".join(_MANIFESTS)}
        if self._authorization:
            headers["Authorization"] = self._authorization
        return self._wire.reach(self._host, method, self._path, headers)

    def _authorize(self, demanded: Mapping[str, Mapping[str, str]]) -> str:
        """The ``Authorization`` header that a challenge asks for.

        Empty where there is none to give.
        """
        if not demanded.keys() & {"bearer", "basic"}:
            return ""
        login = self._login(self.reference.registry)
        self._secrets += [login.get("password", ""), login.get("identitytoken", "")]
        if "bearer" in demanded:
            return f"Bearer {self._token(demanded['bearer'], login)}"
        if login.get("identitytoken"):
            raise _Refusal(
                _DENIED, "it asks for a name and a password, and only an identity token is known"
            )
        return self._basic(login)

    def _basic(self, login: Mapping[str, str]) -> str:
        if not login.get("username"):
            return ""
        encoded = basic(login["username"], login.get("password", ""))
        self._secrets.append(encoded)
        return f"Basic {encoded}"

    def _token(self, demanded: Mapping[str, str], login: Mapping[str, str]) -> str:
        realm = demanded.get("realm", "")
        try:
            place = _origin(realm)[1]
            answer = self._ask_for_token(realm, demanded, login)
        except _NoAnswer as error:
            raise _NoAnswer(f"its token service: {error.why}") from None
        if answer.status != HTTPStatus.OK:
            refusal = _refusal(answer)
            # https://www.rfc-editor.org/rfc/rfc6749#section-5.2 has 400 for a token that is not
            # good any more.
            denied = refusal.kind == _DENIED or (
                login.get("identitytoken") and answer.status == HTTPStatus.BAD_REQUEST
            )
            raise _Refusal(
                _DENIED if denied else _UNREACHABLE, f"its token service {place}: {_said(answer)}"
            )
        content = _mapping_in(answer.body)
        token = content.get("token") or content.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise _NoAnswer(f"its token service {place} answers without a token")
        self._secrets.append(token)
        return token

    def _ask_for_token(
        self, realm: str, demanded: Mapping[str, str], login: Mapping[str, str]
    ) -> _Answer:
        service = {"service": demanded["service"]} if demanded.get("service") else {}
        scope = demanded.get("scope") or f"repository:{self._name}:pull"
        if login.get("identitytoken"):
            form = {
                "grant_type": "refresh_token",
                "refresh_token": login["identitytoken"],
                "client_id": "shipping.code",
                **service,
                "scope": scope,
            }
            return self._wire.send(self._host, "POST", realm, {}, form)
        wanted = [*service.items(), *(("scope", part) for part in scope.split())]
        known = self._basic(login)
        if known:
            wanted.append(("account", login["username"]))
        address = f"{realm}{'&' if '?' in realm else '?'}{urlencode(wanted)}"
        return self._wire.fetch(
            self._host, "GET", address, {"Authorization": known} if known else {}
        )


class _Wire:
    """HTTP as registries may be spoken to."""

    def __init__(self, insecure: frozenset[str], timeout: float) -> None:
        self._insecure = insecure
        self._timeout = timeout
        self._spoken: dict[str, str] = {}
        self._pools: dict[tuple[str, bool, str], Any] = {}
        self._lock = threading.Lock()

    def reach(self, host: str, method: str, path: str, headers: Mapping[str, str]) -> _Answer:
        """Ask a registry, encrypted, and where it may be so, without encryption next."""
        failures = []
        for scheme in self._schemes(host):
            try:
                answer = self.send(host, method, f"{scheme}://{host}{path}", headers)
            except _NoAnswer as error:
                failures.append((scheme, error.why))
                continue
            self._spoken[host] = scheme
            return self._follow(host, method, headers, answer)
        same = len({why for _scheme, why in failures}) == 1
        raise _NoAnswer(
            failures[0][1] if same else "; ".join(f"{scheme}: {why}" for scheme, why in failures)
        )

    def fetch(self, registry: str, method: str, url: str, headers: Mapping[str, str]) -> _Answer:
        """HEAD or GET, also where it was moved to."""
        return self._follow(registry, method, headers, self.send(registry, method, url, headers))

    def _follow(
        self, registry: str, method: str, headers: Mapping[str, str], answer: _Answer
    ) -> _Answer:
        """Go where an answer sends one; no other place is told the credentials."""
        for _hop in range(_MOST_REDIRECTIONS):
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTIONS or not location:
                return answer
            target = _joined(answer.url, location)
            here, there = _origin(answer.url), _origin(target)
            if here != there:
                headers = {
                    name: value for name, value in headers.items() if name != "Authorization"
                }
            if here[0] == "https" != there[0]:
                raise _NoAnswer("it redirects to where nothing is encrypted")
            answer = self.send(registry, method, target, headers)
        raise _NoAnswer("it redirects too often")

    def send(
        self,
        registry: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> _Answer:
        """One request; plain HTTP is for loopback and insecure registries only, whatever it carries."""
        scheme, place = _origin(url)
        lax = self._is_lax(place)
        if scheme != "https" and not lax:
            raise _NoAnswer(
                f"{place} is to be asked without encryption, which is for registries on loopback"
                " and insecure ones"
            )
        headers = {"User-Agent": "shipping.code", **headers}
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form)
        why = ""
        deadline = time.monotonic() + self._timeout
        try:
            pool = self._pool(registry, lax, proxy_for(url))
            response = pool.request(
                method,
                url,
                headers=headers,
                body=body,
                timeout=self._timeout,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            try:
                return _Answer(
                    url, response.status, response.headers, b"".join(_pieces(response, deadline))
                )
            finally:
                response.release_conn()
        except _failures() as error:
            why = (
                f"no answer within {self._timeout:g} s" if _took_too_long(error) else _reason(error)
            )
        raise _NoAnswer(
            why
        )  # Outside of the handler: an error may hold the request and its headers.

    def _schemes(self, host: str) -> tuple[str, ...]:
        if host in self._spoken:
            return (self._spoken[host],)
        return ("https", "http") if self._is_lax(host.lower()) else ("https",)

    def _is_lax(self, place: str) -> bool:
        return place in self._insecure or _is_loopback(place)

    def _pool(self, registry: str, lax: bool, proxy: str) -> Any:
        with self._lock:
            if (registry, lax, proxy) not in self._pools:
                self._pools[registry, lax, proxy] = _new_pool(_new_context(registry, lax), proxy)
            return self._pools[registry, lax, proxy]


def challenges(header: str) -> dict[str, dict[str, str]]:
    """``WWW-Authenticate``: the parameters of each scheme, names in lower case."""
    result: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for name, value in _CHALLENGE.findall(header):
        if value:
            current[name.lower()] = (
                re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
            )
        else:
            current = result.setdefault(name.lower(), {})
    return result


def _refusal(answer: _Answer) -> _Refusal:
    """What an error answer means; its codes say more than its status."""
    codes = {code.upper() for code, _text in _errors_in(answer.body)}
    denied = answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or codes & {
        "DENIED",
        "UNAUTHORIZED",
    }
    unknown = codes & {"MANIFEST_UNKNOWN", "NAME_UNKNOWN"}
    if denied and not unknown:
        return _Refusal(_DENIED, _said(answer))
    if unknown or answer.status == HTTPStatus.NOT_FOUND:
        return _Refusal(_MISSING)
    return _NoAnswer(_said(answer))


def _said(answer: _Answer) -> str:
    """An error answer in its own words, put as the Docker client puts them."""
    parts = [
        ": ".join(filter(None, (code.lower().replace("_", " "), text)))
        for code, text in _errors_in(answer.body)
    ]
    text = " ".join("; ".join(filter(None, parts)).split())
    text = "".join(character for character in text if character.isprintable())[:_SHOWN] or _status(
        answer.status
    )
    pause = answer.headers.get("Retry-After", "")
    return (
        f"{text}; try again in {pause} s"
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS and re.fullmatch("[0-9]{1,9}", pause)
        else text
    )


def _status(status: int) -> str:
    try:
        return f"status {status} {HTTPStatus(status).phrase.lower()}"
    except ValueError:
        return f"status {status}"


def _errors_in(body: bytes) -> list[tuple[str, str]]:
    """Codes and messages, as registries, token services and OAuth 2 servers write them.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
    """
    content = _mapping_in(body)
    errors = content.get("errors")
    if isinstance(errors, list):
        return [
            (str(error.get("code") or ""), str(error.get("message") or ""))
            for error in errors
            if isinstance(error, dict)
        ]
    code, text = (
        content.get("error"),
        content.get("error_description") or content.get("details") or content.get("message"),
    )
    return [(code if isinstance(code, str) else "", text if isinstance(text, str) else "")]


def _mapping_in(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _digest_of(answer: _Answer) -> str:
    """What a manifest is called: by its registry, or by its content."""
    named = answer.headers.get("Docker-Content-Digest", "")
    if is_image_id(named):
        return named
    if _mapping_in(answer.body).get("schemaVersion") != 2:
        raise _NoAnswer("its answer is no image manifest")
    return f"sha256:{hashlib.sha256(answer.body).hexdigest()}"


def _origin(url: str) -> tuple[str, str]:
    """Scheme and place, which is what ``insecure`` and certificates go by."""
    match = _URL.fullmatch(url)
    if not match:
        raise _NoAnswer("it names an address that is of no use")
    return match[1], match[2].lower()


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _place_of(answer: _Answer) -> str:
    return _origin(answer.url)[1]


def _is_loopback(place: str) -> bool:
    host = re.sub(r":[0-9]+$", "", place).strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_for(url: str) -> str:
    """The proxy that the environment names for an address; never one for loopback.

    https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies
    """
    scheme, place = _origin(url)
    proxies = getproxies_environment()
    found = proxies.get(scheme) or proxies.get("all") or ""
    if not found or _is_loopback(place) or proxy_bypass_environment(place):
        return ""
    return found if "://" in found else f"http://{found}"


def _pieces(response: Any, deadline: float) -> Iterator[bytes]:
    size = 0
    for piece in response.stream(_CHUNK, decode_content=True):
        size += len(piece)
        if size > _LARGEST:
            raise ValueError("its answer is larger than 4 MiB")
        if time.monotonic() > deadline:
            raise TimeoutError
        yield piece


def _failures() -> tuple[type[Exception], ...]:
    """What a request may end with: urllib3 lets some of its parts' own errors through."""
    from http.client import HTTPException

    from urllib3.exceptions import HTTPError

    return (HTTPError, HTTPException, OSError, ValueError)


def _took_too_long(error: BaseException) -> bool:
    from urllib3.exceptions import NewConnectionError
    from urllib3.exceptions import TimeoutError as TimedOut

    refused = isinstance(
        error, NewConnectionError
    )  # which urllib3 counts among those that took too long
    return isinstance(first_cause(error), TimeoutError) or (
        isinstance(error, TimedOut) and not refused
    )


def _reason(error: BaseException) -> str:
    error = first_cause(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"TLS: {error.reason.lower().replace('_', ' ')}"
    text = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
    return (
        re.sub(r"//[^/@\s]*@", "//", text)[:_SHOWN] or type(error).__name__
    )  # a proxy's address may have a password


def _new_context(registry: str, lax: bool) -> ssl.SSLContext:
    """What is trusted: the system's authorities, and the registry's own as the Docker engine knows it.

    https://docs.docker.com/engine/security/certificates/
    """
    if lax:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context = _trusting_the_system()
    authority = os.path.join(
        _CERTIFICATES,
        next((name for name, host in _HOSTS.items() if host == registry), registry),
        "ca.crt",
    )
    why = ""
    try:
        if os.path.exists(authority):
            context.load_verify_locations(authority)
    except OSError as error:
        why = str(error.strerror or error)
    if why:
        raise _NoAnswer(f"cannot read {authority}: {why}")
    return context


def _trusting_the_system() -> ssl.SSLContext:
    """The system's authorities; where it has none, those that came with Python's packages."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        with contextlib.suppress(ImportError):
            import certifi

            context.load_verify_locations(certifi.where())
    return context


def _new_pool(context: ssl.SSLContext, proxy: str) -> Any:
    try:
        import urllib3
    except ImportError as error:
        raise ShippingError(
            "the Python package urllib3 is missing on the host that asks the registries",
            str(error),
            "Install it for that host's Python: pip install urllib3",
        ) from error
    options: dict[str, Any] = {"maxsize": 16, "ssl_context": context}
    if context.verify_mode == ssl.CERT_NONE:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        options["cert_reqs"] = "CERT_NONE"
    if not proxy:
        return urllib3.PoolManager(**options)
    return urllib3.ProxyManager(proxy, proxy_headers=_proxy_login(proxy), **options)


def _proxy_login(proxy: str) -> dict[str, str]:
    parts = urlsplit(proxy)
    return (
        {
            "Proxy-Authorization": (
                f"Basic {basic(unquote(parts.username), unquote(parts.password or ''))}"
            )
        }
        if parts.username
        else {}
    )
