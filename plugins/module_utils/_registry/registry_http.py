# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP requests to registries, within the limits of their encryption."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlencode, urljoin, urlsplit

from .._core.environment_proxy import environment_proxy, is_loopback
from .._core.errors import first_cause, os_words
from .._core.libraries import Library
from .._core.slow_calls import waiting_for
from .credentials import basic
from .registry_answers import HttpAnswer, NoAnswer, TooLate

_URLLIB3 = Library("urllib3", "the host that queries the registries")
# The Hub's registry is not at the name that references use.
HOSTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
# Where the Docker engine looks for a registry's own authority.
_CERTIFICATES = "/etc/docker/certs.d"
_REDIRECTIONS, _MOST_REDIRECTIONS = (301, 302, 303, 307, 308), 5
# Bytes: 4 MiB is the size of manifest that the distribution specification has registries take.
_LARGEST, _CHUNK = 4 * 1024 * 1024, 64 * 1024
_SHOWN = 300
# Nothing that two readers of an address could understand differently: no user, no backslash, no
# fragment.
_URL = re.compile(
    r"(https?)://((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?)(?:[/?][!\"$-\[\]-~]*)?"
)


class RegistryHttp:
    """HTTP requests to registries; plain HTTP only to those that may be reached without TLS."""

    def __init__(self, insecure: frozenset[str], timeout: float) -> None:
        self._insecure = insecure
        self._timeout = timeout
        self._schemes_by_host: dict[str, str] = {}
        self._pools: dict[tuple[str, bool, str], Any] = {}
        self._lock = threading.Lock()

    def request(self, host: str, method: str, path: str, headers: Mapping[str, str]) -> HttpAnswer:
        """Send a request to a registry: with TLS, and then without it where that is allowed."""
        failures = []
        for scheme in self._schemes(host):
            try:
                answer = self.send(host, method, f"{scheme}://{host}{path}", headers)
            except TooLate:
                # A server without TLS answers at once to what it does not understand, so that
                # waiting once more would be in vain.
                raise
            except NoAnswer as error:
                failures.append((scheme, error.why))
                continue
            # The next request need not try TLS in vain.
            self._schemes_by_host[host] = scheme
            return self._follow(host, method, headers, answer)
        if len({why for _scheme, why in failures}) == 1:
            raise NoAnswer(failures[0][1])
        raise NoAnswer("; ".join(f"{scheme}: {why}" for scheme, why in failures))

    def fetch(self, registry: str, method: str, url: str, headers: Mapping[str, str]) -> HttpAnswer:
        """Send HEAD or GET, and follow redirections."""
        return self._follow(registry, method, headers, self.send(registry, method, url, headers))

    def _follow(
        self, registry: str, method: str, headers: Mapping[str, str], answer: HttpAnswer
    ) -> HttpAnswer:
        """Follow redirections; another address gets no credentials."""
        for _hop in range(_MOST_REDIRECTIONS):
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTIONS or not location:
                return answer
            target = _join(answer.url, location)
            before, after = origin(answer.url), origin(target)
            if before != after:
                headers = {
                    name: value for name, value in headers.items() if name != "Authorization"
                }
            if before[0] == "https" != after[0]:
                raise NoAnswer("it redirects to where nothing is encrypted")
            answer = self.send(registry, method, target, headers)
        raise NoAnswer("it redirects too often")

    def send(
        self,
        registry: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Send one request.

        Plain HTTP is for loopback and insecure registries only, with or without credentials.
        """
        scheme, address = origin(url)
        insecure = self._is_insecure(address)
        if scheme != "https" and not insecure:
            raise NoAnswer(
                f"{address} has no TLS, which is supported for registries on loopback"
                " and insecure ones"
            )
        headers = {"User-Agent": "shipping.code", **headers}
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form)
        why = ""
        # urllib3's timeout counts for each read; a body that comes byte by byte would never end.
        deadline = time.monotonic() + self._timeout
        # Before the try: its import may fail, which is no failure of the request.
        failures = _failures()
        try:
            pool = self._pool(registry, environment_proxy(url), insecure=insecure)
            with waiting_for(f"the registry {registry}"):
                response = pool.request(
                    method,
                    url,
                    headers=headers,
                    body=body,
                    timeout=self._timeout,
                    # _follow decides which ones to follow, and who gets the credentials.
                    redirect=False,
                    retries=False,
                    preload_content=False,
                )
                try:
                    content = b"".join(_read(response, deadline))
                    return HttpAnswer(url, response.status, response.headers, content)
                finally:
                    response.release_conn()
        except failures as error:
            is_late = _is_timeout(error)
            why = f"no answer within {self._timeout:g} s" if is_late else _reason(error)
        # Outside of the handler: the context of an error may hold the request and its headers.
        raise TooLate(why) if is_late else NoAnswer(why)

    def _schemes(self, host: str) -> tuple[str, ...]:
        if host in self._schemes_by_host:
            return (self._schemes_by_host[host],)
        return ("https", "http") if self._is_insecure(host.lower()) else ("https",)

    def _is_insecure(self, address: str) -> bool:
        return address in self._insecure or is_loopback(address)

    def _pool(self, registry: str, proxy: str, *, insecure: bool) -> Any:
        # A pool for each registry, since each may trust an authority of its own.
        key = (registry, insecure, proxy)
        with self._lock:
            if key not in self._pools:
                context = _unverified_context() if insecure else _verified_context(registry)
                self._pools[key] = _new_pool(context, proxy)
            return self._pools[key]


def origin(url: str) -> tuple[str, str]:
    """Return scheme and address, by which insecure registries and certificates are found."""
    match = _URL.fullmatch(url)
    if not match:
        raise NoAnswer("it names an address that is of no use")
    return match[1], match[2].lower()


def _join(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def address_of(answer: HttpAnswer) -> str:
    """Return the address that an answer came from."""
    return origin(answer.url)[1]


def _read(response: Any, deadline: float) -> Iterator[bytes]:
    size = 0
    for piece in response.stream(_CHUNK, decode_content=True):
        size += len(piece)
        if size > _LARGEST:
            raise ValueError("its answer is larger than 4 MiB")
        if time.monotonic() > deadline:
            raise TimeoutError
        yield piece


def _failures() -> tuple[type[Exception], ...]:
    """Return the errors of a request: urllib3 lets some of its parts' own errors through."""
    from http.client import HTTPException

    try:
        from urllib3.exceptions import HTTPError
    except ImportError as error:
        raise _URLLIB3.unusable(error) from error
    return (HTTPError, HTTPException, OSError, ValueError)


def _is_timeout(error: BaseException) -> bool:
    from urllib3.exceptions import NewConnectionError
    from urllib3.exceptions import TimeoutError as TimedOut

    # urllib3 derives this one from its timeouts.
    refused = isinstance(error, NewConnectionError)
    return isinstance(first_cause(error), TimeoutError) or (
        isinstance(error, TimedOut) and not refused
    )


def _reason(error: BaseException) -> str:
    error = first_cause(error)
    text = os_words(error) if isinstance(error, OSError) else str(error)
    # The address of a proxy may have a password.
    return re.sub(r"//[^/@\s]*@", "//", text)[:_SHOWN] or type(error).__name__


def _unverified_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # First: ssl rejects CERT_NONE as long as names are checked.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _verified_context(registry: str) -> ssl.SSLContext:
    """Trust the system's authorities, and the registry's own as the Docker engine knows it.

    https://docs.docker.com/engine/security/certificates/
    """
    context = _system_context()
    name = next((name for name, host in HOSTS.items() if host == registry), registry)
    authority = os.path.join(_CERTIFICATES, name, "ca.crt")
    why = ""
    try:
        if os.path.exists(authority):
            context.load_verify_locations(authority)
    except OSError as error:
        why = os_words(error)
    if why:
        raise NoAnswer(f"cannot read {authority}: {why}")
    return context


def _system_context() -> ssl.SSLContext:
    """Trust the system's authorities; where it has none, those of the package certifi."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        # Python's default paths of authorities may not exist on this system.
        with contextlib.suppress(ImportError):
            import certifi

            context.load_verify_locations(certifi.where())
    return context


def _new_pool(context: ssl.SSLContext, proxy: str) -> Any:
    import urllib3

    options: dict[str, Any] = {"maxsize": 16, "ssl_context": context}
    if context.verify_mode == ssl.CERT_NONE:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        options["cert_reqs"] = "CERT_NONE"
    if not proxy:
        return urllib3.PoolManager(**options)
    return urllib3.ProxyManager(proxy, proxy_headers=_proxy_login(proxy), **options)


def _proxy_login(proxy: str) -> dict[str, str]:
    parts = urlsplit(proxy)
    if not parts.username:
        return {}
    login = basic(unquote(parts.username), unquote(parts.password or ""))
    return {"Proxy-Authorization": f"Basic {login}"}
