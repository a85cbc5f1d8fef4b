# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which digest a reference means now, by the answer of its registry.

Registries: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
Tokens: https://distribution.github.io/distribution/spec/auth/token and .../oauth
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from .._core.cause import Cause
from .._core.image_references import Reference, is_image_id, no_digest
from .credentials import Credentials, basic
from .registry_answers import (
    DENIED,
    UNREACHABLE,
    HttpAnswer,
    NoAnswer,
    Rejection,
    TooLate,
    challenges,
    digest_of,
    mapping_in,
    message_of,
    rejection,
)
from .registry_http import HOSTS, RegistryHttp, address_of, origin

# Indexes as well: to a client that takes manifests only, a registry may answer with the one of
# a single platform, which has another digest.
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_MASK = "********"
# The token is put into a header, where a blank or a line end would begin something else
# (RFC 9110 section 5.5).
_TOKEN = re.compile(r"[!-~]+")


class Registries:
    """All registries; may be used by many threads at once.

    ``insecure`` are registries as references name them, with their ports, that may be reached
    without encryption and whose certificates need not be trusted; those on loopback always may.
    """

    def __init__(
        self, credentials: Credentials, insecure: Iterable[str] = (), timeout: float = 20.0
    ) -> None:
        self._credentials = credentials
        self._http = RegistryHttp(frozenset(name.lower() for name in insecure), timeout)
        self._logins: dict[str, dict[str, str]] = {}
        self._silent: dict[str, str] = {}
        self._lock = threading.Lock()

    def digest(self, text: str) -> str | Cause:
        """Return the current digest of a reference, or why it has no digest.

        Raises ValueError if it is not a reference, and PlanError where the credentials cannot be
        read.
        """
        manifest = ManifestRequest(self._http, Reference.parse(text), self._login)
        registry = manifest.reference.registry
        # Each image of a registry that does not answer would take the whole time.
        if registry in self._silent:
            return no_digest(UNREACHABLE, manifest.reference, self._silent[registry])
        try:
            return manifest.digest()
        except Rejection as error:
            if isinstance(error, TooLate):
                self._silent[registry] = manifest.masked(error.why)
            return no_digest(error.kind, manifest.reference, manifest.masked(error.why))

    def _login(self, registry: str) -> dict[str, str]:
        """Return a registry's login, for which a helper is started once only."""
        # The lock is kept while a helper runs: threads would start one each for the same registry.
        with self._lock:
            if registry not in self._logins:
                self._logins[registry] = self._credentials.for_registry(registry)
            return self._logins[registry]


class ManifestRequest:
    """The request for one reference; first without a login, then as the registry demands."""

    def __init__(
        self, http: RegistryHttp, reference: Reference, login: Callable[[str], dict[str, str]]
    ) -> None:
        self.reference = reference
        self._http = http
        self._login = login
        self._host = HOSTS.get(reference.registry, reference.registry)
        name = (
            f"library/{reference.path}"
            if reference.registry in HOSTS and "/" not in reference.path
            else reference.path
        )
        self._name = name
        self._path = f"/v2/{name}/manifests/{reference.digest or reference.tag}"
        self._authorization = ""
        self._challenged = False
        self._secrets: list[str] = []

    def digest(self) -> str:
        """Return the digest by HEAD, which does not count as a pull.

        GET follows if HEAD has neither the digest nor the reason.
        """
        answer = self._request("HEAD")
        digest = answer.headers.get("Docker-Content-Digest", "")
        # RFC 6585 section 4: another request would count, too.
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise rejection(answer)
        if answer.status != HTTPStatus.OK or not is_image_id(digest):
            # An answer to HEAD has no body (RFC 9110 section 9.3.2), and so no reason for an error.
            answer = self._request("GET")
            if answer.status != HTTPStatus.OK:
                raise rejection(answer)
            digest = digest_of(answer)
        # The distribution specification has clients verify the digest that they requested.
        if self.reference.digest not in ("", digest):
            raise NoAnswer("it answers with another digest")
        return digest

    def masked(self, text: str) -> str:
        """Return a registry's message without the secrets that were sent to it."""
        for secret in sorted(filter(None, self._secrets), key=len, reverse=True):
            text = text.replace(secret, _MASK)
        return text

    def _request(self, method: str) -> HttpAnswer:
        answer = self._send(method)
        # An address to which the registry redirects does not decide who gets the credentials.
        if (
            answer.status == HTTPStatus.UNAUTHORIZED
            and not self._challenged
            and address_of(answer) == self._host.lower()
        ):
            self._challenged = True
            self._authorization = self._authorize(
                challenges(answer.headers.get("WWW-Authenticate", ""))
            )
            if self._authorization:
                answer = self._send(method)
        return answer

    def _send(self, method: str) -> HttpAnswer:
        headers = {"Accept": ", ".join(_MANIFESTS)}
        if self._authorization:
            headers["Authorization"] = self._authorization
        return self._http.request(self._host, method, self._path, headers)

    def _authorize(self, demanded: Mapping[str, Mapping[str, str]]) -> str:
        """Return the ``Authorization`` header that a challenge demands.

        Empty without one.
        """
        if not demanded.keys() & {"bearer", "basic"}:
            return ""
        login = self._login(self.reference.registry)
        # A registry may repeat the request in its message.
        self._secrets += [login.get("password", ""), login.get("identitytoken", "")]
        if "bearer" in demanded:
            return f"Bearer {self._token(demanded['bearer'], login)}"
        if login.get("identitytoken"):
            raise Rejection(
                DENIED, "it requires a name and a password, and only an identity token is set"
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
            address = origin(realm)[1]
            answer = self._request_token(realm, demanded, login)
        except NoAnswer as error:
            raise NoAnswer(f"its token service: {error.why}") from None
        if answer.status != HTTPStatus.OK:
            rejected = rejection(answer)
            # https://www.rfc-editor.org/rfc/rfc6749#section-5.2 has 400 for a token that is not
            # good any more.
            denied = rejected.kind == DENIED or (
                login.get("identitytoken") and answer.status == HTTPStatus.BAD_REQUEST
            )
            raise Rejection(
                DENIED if denied else UNREACHABLE,
                f"its token service {address}: {message_of(answer)}",
            )
        content = mapping_in(answer.body)
        # The token specification has both names, and lets a service send either.
        token = content.get("token") or content.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise NoAnswer(f"its token service {address} answers without a token")
        self._secrets.append(token)
        return token

    def _request_token(
        self, realm: str, demanded: Mapping[str, str], login: Mapping[str, str]
    ) -> HttpAnswer:
        service = {"service": demanded["service"]} if demanded.get("service") else {}
        scope = demanded.get("scope") or f"repository:{self._name}:pull"
        # Only the OAuth 2 form of the token specification takes an identity token.
        if login.get("identitytoken"):
            form = {
                "grant_type": "refresh_token",
                "refresh_token": login["identitytoken"],
                "client_id": "shipping.code",
                **service,
                "scope": scope,
            }
            # Not followed elsewhere: a redirected POST would take the token there.
            return self._http.send(self._host, "POST", realm, {}, form)
        # The token specification repeats the parameter for each scope.
        query = [*service.items(), *(("scope", part) for part in scope.split())]
        authorization = self._basic(login)
        if authorization:
            query.append(("account", login["username"]))
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"
        headers = {"Authorization": authorization} if authorization else {}
        return self._http.fetch(self._host, "GET", url, headers)
