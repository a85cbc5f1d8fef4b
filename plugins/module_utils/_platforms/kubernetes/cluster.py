# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server, as few calls as possible, with errors in words.

Paths and JSON bodies are our own, so that nothing has to be discovered.
API: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import copy
import json
import os
import re
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from ..._core.errors import (
    Denied,
    NotFound,
    Outdated,
    PlatformError,
    Unreachable,
    innermost,
)
from ..._core.http_date import timestamp
from ..._core.slow_calls import waiting_for
from . import refusals
from .api_kinds import Kind
from .cluster_access import CLIENT, Access
from .refusals import Refusal

MANAGER = "shipping.code"
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_JSON = "application/json"
# Kubernetes 1.30 and newer; others answer with plain JSON.
_DISCOVERY = f"{_JSON};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,{_JSON}"


class Expired(PlatformError):
    """A watch is too old to be resumed (status 410)."""


class Busy(Unreachable):
    """The server cannot answer just now, such as of a kind that is being set up; soon it can."""


class Conflict(PlatformError):
    """Another manager owns fields; ``owners`` has (manager, field)."""

    def __init__(self, what: str, why: str, owners: list[tuple[str, str]]) -> None:
        self.owners = owners
        super().__init__(what, why)


class WebhookAway(Busy):
    """A webhook did not answer the server: its pods may be starting, or moving."""


class Invalid(PlatformError):
    """The object breaks a rule; ``refusals`` has the messages about its fields."""

    refusals: tuple[Refusal, ...] = ()


class Unserved(NotFound):
    """The server does not serve such a kind, or such a version of it."""


class Cluster:
    """One API server, and the namespace that the app is in. May be used by several threads."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.namespace = access.namespace
        self.clock = 0.0
        self._heard = 0.0
        self._pool = _pool(access)

    def of_namespace(self, namespace: str) -> Cluster:
        """Return the same API server with another namespace; both use the same connections."""
        other = copy.copy(self)
        other.namespace = namespace
        return other

    def now(self) -> float:
        """Return the server's time: the last that it sent, and what has passed since."""
        return self.clock + time.monotonic() - self._heard

    def get(self, kind: Kind, name: str) -> dict[str, Any]:
        """Return one object; raise NotFound without one."""
        found: dict[str, Any] = self._call("GET", kind.path(self.namespace, name))
        return found

    def find(self, kind: Kind, name: str) -> dict[str, Any] | None:
        """Return one object, or None."""
        try:
            return self.get(kind, name)
        except NotFound:
            return None

    def listing(self, kind: Kind, selector: str = "", fields: str = "") -> dict[str, Any]:
        """Return a list as the server has it: items, and the version to watch from."""
        query = {
            key: value
            for key, value in (("labelSelector", selector), ("fieldSelector", fields))
            if value
        }
        found: dict[str, Any] = self._call("GET", kind.path(self.namespace), query)
        return found

    def items(self, kind: Kind, selector: str = "", fields: str = "") -> list[dict[str, Any]]:
        """Return the objects of a list, each with its kind."""
        return [
            # Items of a typed list have neither apiVersion nor kind.
            {"apiVersion": kind.version, "kind": kind.name, **item}
            for item in self.listing(kind, selector, fields).get("items") or []
        ]

    def metadata(self, kind: Kind, selector: str) -> list[dict[str, Any]]:
        """Return the objects of a list without their content."""
        accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
        response = self._send(
            "GET", kind.path(self.namespace), {"labelSelector": selector}, accept=accept
        )
        found: dict[str, Any] = self._document(response) or {}
        return [
            # Each item is a PartialObjectMetadata of meta.k8s.io/v1.
            {**item, "apiVersion": kind.version, "kind": kind.name}
            for item in found.get("items") or []
        ]

    def apply(
        self,
        kind: Kind,
        body: Mapping[str, Any],
        *,
        force: bool = True,
        dry: bool = False,
        manager: str = MANAGER,
    ) -> dict[str, Any]:
        """Apply on the server's side.

        Raise Conflict where others own a field and ``force`` is not set, Outdated where a version
        is given and old.
        """
        query = {
            "fieldManager": manager,
            "force": str(force).lower(),
            # By default (Warn) the server drops a field that it does not know.
            "fieldValidation": "Strict",
            **({"dryRun": "All"} if dry else {}),
        }
        path = kind.path(self.namespace, body["metadata"]["name"])
        found: dict[str, Any] = self._call("PATCH", path, query, body, _APPLY)
        return found

    def create(self, kind: Kind, body: Mapping[str, Any], *, dry: bool = False) -> dict[str, Any]:
        """Make an object; raises Outdated where one of that name exists."""
        found: dict[str, Any] = self._call(
            "POST",
            kind.path(self.namespace),
            {"fieldManager": MANAGER, **({"dryRun": "All"} if dry else {})},
            body,
        )
        return found

    def replace(
        self, kind: Kind, body: Mapping[str, Any], manager: str = MANAGER, *, dry: bool = False
    ) -> dict[str, Any]:
        """Write an object that was read; raises Outdated where it has changed since."""
        found: dict[str, Any] = self._call(
            "PUT",
            kind.path(self.namespace, body["metadata"]["name"]),
            {"fieldManager": manager, **({"dryRun": "All"} if dry else {})},
            body,
        )
        return found

    def merge(
        self, kind: Kind, name: str, body: Mapping[str, Any], manager: str = MANAGER
    ) -> dict[str, Any]:
        """Change some fields; raises Outdated where a version is given and old."""
        found: dict[str, Any] = self._call(
            "PATCH", kind.path(self.namespace, name), {"fieldManager": manager}, body, _MERGE
        )
        return found

    def delete(self, kind: Kind, name: str, uid: str = "", version: str = "") -> bool:
        """Remove an object and what it made; return whether it was there.

        Raise Outdated where another one has its name, or where it has another ``version``.
        """
        conditions = {
            key: value for key, value in (("uid", uid), ("resourceVersion", version)) if value
        }
        body: dict[str, Any] = {
            # Written out, because deleting a Job of batch/v1 orphans its pods by default.
            "propagationPolicy": "Background",
            # An object that another client has made under this name meanwhile has another uid.
            **({"preconditions": conditions} if conditions else {}),
        }
        try:
            self._call("DELETE", kind.path(self.namespace, name), {}, body)
        except NotFound:
            return False
        return True

    def log(self, pod: str, container: str, lines: int, *, previous: bool) -> str:
        """Return the last lines of a container, or of the one before it."""
        query = {
            "container": container,
            "tailLines": str(lines),
            **({"previous": "true"} if previous else {}),
        }
        response = self._send("GET", f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log", query)
        return bytes(response.data).decode("utf-8", "replace")

    def log_since(self, pod: str, container: str, since: float, lines: int) -> str:
        """Return the newest lines of a container, since a time in seconds since 1970."""
        began = datetime.fromtimestamp(since, timezone.utc)
        query = {
            "container": container,
            "tailLines": str(lines),
            "sinceTime": began.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        response = self._send("GET", f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log", query)
        return bytes(response.data).decode("utf-8", "replace")

    def watch(
        self, kind: Kind, selector: str, version: str, seconds: int, fields: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Yield what changes from a version on; raise Expired where that is too long ago."""
        query = {
            "labelSelector": selector,
            "fieldSelector": fields,
            "resourceVersion": version,
            "watch": "true",
            # Bookmarks keep the version young enough to resume from where nothing else happens.
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        response = self._send("GET", kind.path(self.namespace), query, stream=True)
        try:
            yield from self._events(response)
        finally:
            # Not returned to the pool: the rest of the stream is still to come.
            response.close()

    def _events(self, response: Any) -> Iterator[dict[str, Any]]:
        import urllib3

        rest = b""
        try:
            # One JSON document a line; a piece may end anywhere in it.
            for piece in response.stream(amt=None, decode_content=False):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    event = _event(line)
                    # The status of the response was 200, so a version that is too old (410) is
                    # reported in here.
                    if event["type"] == "ERROR":
                        raise _refusal(
                            "GET", "a watch", event["object"].get("code") or 500, event["object"]
                        )
                    yield event
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Unreachable(f"the connection to {self.access.host} broke", str(error)) from error

    def raw(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Send a GET for any path."""
        return self._call("GET", path, query or {})

    def discovery(self, path: str) -> Any:
        """Send a GET for what the server serves, with the kinds of all groups in one answer."""
        return self._document(self._send("GET", path, {}, accept=_DISCOVERY))

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content: str = _JSON,
    ) -> Any:
        return self._document(self._send(method, path, query or {}, body, content))

    def _document(self, response: Any) -> Any:
        """Return the object in an answer; None where it has no content."""
        if not response.data:
            return None
        try:
            found = json.loads(response.data)
        except ValueError:
            found = None
        # The API answers nothing but objects; a login page or another server does.
        if not isinstance(found, dict):
            raise PlatformError(
                f"the answer of {self.access.host} is not that of a cluster",
                f"it is not a JSON object: {_beginning(response.data)}",
                "Check the kubeconfig's server or host, and proxies before it",
            )
        return found

    def _not_connected(self, error: Exception) -> PlatformError:
        import urllib3

        host = self.access.host
        if isinstance(error, urllib3.exceptions.SSLError):
            return Denied(
                f"no trusted connection to the cluster at {host}",
                innermost(error),
                "Check ca_path, client_cert and the kubeconfig",
            )
        if is_direct(self.access):
            return Unreachable(
                f"no connection to the cluster at {host}",
                innermost(error),
                "Check the kubeconfig's server or host, and that it runs",
            )
        return Unreachable(
            f"no connection to the cluster at {host} by the proxy"
            f" {_without_password(self.access.proxy)}",
            innermost(error),
            "Check the proxy, and the kubeconfig's server or host",
        )

    def _ask(self, method: str, url: str, **options: Any) -> Any:
        import urllib3

        try:
            return self._pool.request(method, url, **options)
        except urllib3.exceptions.SSLError as error:
            # A server that is short of everything may end a handshake with an alert. Requests
            # that only read are repeated once.
            if method != "GET" or "CERTIFICATE" in str(error).upper():
                raise
            return self._pool.request(method, url, **options)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any = None,
        content: str = _JSON,
        *,
        accept: str = _JSON,
        stream: bool = False,
    ) -> Any:
        import urllib3
        from urllib3._collections import HTTPHeaderDict  # where the first version has it, too

        url = f"{self.access.host}{path}{'?' + urlencode(query) if query else ''}"
        token = self.access.authorization()
        headers = HTTPHeaderDict(
            # Impersonate-Group is repeated: a server reads groups that are joined by commas as one.
            [("Accept", accept), ("Content-Type", content), *self.access.headers]
        )
        if token:
            headers["Authorization"] = token
        # A watch is silent while nothing changes; the server ends it after timeoutSeconds.
        timeout = urllib3.Timeout(
            connect=min(10.0, self.access.timeout), read=None if stream else self.access.timeout
        )
        data = None if body is None else _encoded(body)
        try:
            with waiting_for(f"the cluster at {self.access.host}"):
                response = self._ask(
                    method,
                    url,
                    body=data,
                    headers=headers,
                    timeout=timeout,
                    retries=False,
                    redirect=False,
                    preload_content=not stream,
                )
        except urllib3.exceptions.HTTPError as error:
            raise self._not_connected(error) from error
        # Times of objects are compared with the server's clock (RFC 9110, 6.6.1), never with this
        # host's: the two may differ.
        sent = timestamp(response.headers)
        if sent is not None:
            self.clock, self._heard = sent, time.monotonic()
        if response.status >= 400:
            raise _refusal(method, path, response.status, _parsed(response.data))
        return response


def _pool(access: Access) -> Any:
    try:
        import urllib3
    except ImportError as error:
        raise CLIENT.unusable(error) from error
    # Each watch keeps a connection, beside the calls side by side; more of them must not wait for
    # one.
    keywords: dict[str, Any] = {"maxsize": 16, "block": False}
    if access.host.startswith("https:"):
        keywords["ssl_context"] = client_context(access)
        if vars(urllib3)["__version__"].startswith("1."):
            # It names no address to OpenSSL, which could compare nothing then; it compares itself
            # where OpenSSL does not.
            keywords["ssl_context"].check_hostname = False
        # A kubeconfig's tls-server-name: the certificate need not be for the address.
        if access.server_name:
            keywords["server_hostname"] = access.server_name
            keywords["assert_hostname"] = access.server_name
        if not access.verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            keywords["cert_reqs"] = "CERT_NONE"
    return (
        urllib3.PoolManager(**keywords)
        if is_direct(access)
        else urllib3.ProxyManager(access.proxy, **keywords)
    )


def is_direct(access: Access) -> bool:
    """Return whether there is no proxy, or it is not for this host."""
    name = urlsplit(access.host).hostname or ""
    entries = (entry.lstrip(".") for entry in access.no_proxy.split(",") if entry.strip("."))
    return not access.proxy or any(
        entry == "*" or name == entry or name.endswith(f".{entry}") for entry in entries
    )


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def client_context(access: Access) -> ssl.SSLContext:
    """Return the settings of TLS for an API server."""
    try:
        # None loads the CAs of the system.
        context = ssl.create_default_context(cadata=access.ca.decode() or None)
        if not access.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if access.certificate:
            _load_certificate(context, access.certificate)
    except (ssl.SSLError, ValueError) as error:
        raise Denied(
            "cannot use the certificates for the cluster",
            str(error),
            "Check ca_path, client_cert, client_key or the kubeconfig",
        ) from error
    return context


def _load_certificate(context: ssl.SSLContext, content: bytes) -> None:
    """Load a certificate by a file, as TLS wants it; the file is removed right after that."""
    # Only its owner may read it (0600): it holds the private key.
    handle, path = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


def _encoded(body: Any) -> bytes:
    """Return JSON that is YAML, too, as an apply is read.

    Without pairs of surrogates, and without what YAML takes only escaped.
    """
    text = json.dumps(body, ensure_ascii=False)
    return re.sub(
        "[^\x00-\x7e\U00010000-\U0010ffff]", lambda match: f"\\u{ord(match[0]):04x}", text
    ).encode()


def _event(line: bytes) -> dict[str, Any]:
    """Return an event of a watch; raise ValueError if it is invalid."""
    event = json.loads(line)
    if not isinstance(event, dict) or not isinstance(event.get("object"), dict):
        raise ValueError("it is not an event of a watch")
    return {"type": "", **event}


def _beginning(data: bytes) -> str:
    return repr(bytes(data[:60]).decode("utf-8", "replace"))


def _parsed(data: bytes) -> dict[str, Any]:
    # Not every answer is a Status: a version of a kind that is not served gets a plain-text 404.
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    return (
        found
        if isinstance(found, dict)
        else {"message": bytes(data).decode("utf-8", "replace").strip()}
    )


def _refusal(method: str, path: str, status: int, answer: Mapping[str, Any]) -> PlatformError:
    """Return the server's Status as one of our errors."""
    why = refusals.sentence(status, answer)
    what = f"the cluster rejected {method} {path.partition('?')[0]}"
    reason = answer.get("reason", "")
    denied = _denial(status, why)
    if denied:
        return denied
    if status == 404:
        return _missing(what, why, answer)
    if status == 410 or reason == "Expired":
        return Expired(what, why)
    busy = _busy(what, why, status)
    if busy:
        return busy
    # First, because a conflict of field managers has the status and the reason of a stale version.
    owners = _owners(answer)
    if owners:
        return Conflict(what, why, owners)
    if status == 409 and reason in ("Conflict", "AlreadyExists"):
        return Outdated(what, why)
    hint = refusals.hint(why)
    if status == 422:
        invalid = Invalid(what, why, hint, status=status, reason=reason)
        invalid.refusals = tuple(refusals.of(answer))
        return invalid
    return PlatformError(what, why, hint, status=status, reason=reason)


def _busy(what: str, why: str, status: int) -> Busy | None:
    """Return the error of what may pass by itself."""
    if status in (429, 503, 504):
        return Busy(what, why, "Try again")
    # With status 500, whatever is wrong with the webhook.
    if "failed calling webhook" in why:
        return WebhookAway(
            what, why, "Check the pods behind the webhook, or try again", status=status
        )
    return None


def _missing(what: str, why: str, answer: Mapping[str, Any]) -> NotFound:
    """Return the error of an object that is missing, or of a kind that is not served."""
    # A group version that is not served gets plain text, another kind of one that is served a
    # Status without details (seen with 1.36).
    if "reason" not in answer or (answer.get("details") == {} and "requested resource" in why):
        return Unserved(what, why)
    return NotFound(what, why)


def _owners(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return who holds which field, where others hold fields that were applied."""
    return [
        (_manager(str(cause.get("message", ""))), str(cause.get("field", "")))
        for cause in refusals.causes(answer)
        if cause.get("reason") == "FieldManagerConflict"
    ]


def _denial(status: int, why: str) -> Denied | None:
    """Return the error of an unknown user, or of one without the right."""
    if status == 401:
        return Denied(
            "the cluster does not accept these credentials",
            why,
            "They may have expired: log in again, or set another api_key or kubeconfig",
        )
    # Admission answers 403, too (quotas, webhooks, Pod Security): only the sentence of the
    # authorizer is about rights.
    if status != 403 or not re.search(r'User "[^"]*" cannot ', why):
        return None
    hint = "Let its Role have that verb; the guide on Kubernetes lists what is needed"
    if 'User "system:anonymous"' in why:
        hint = "Set api_key, client_cert or a kubeconfig with a user"
    return Denied(_forbidden(why), why, hint)


def _forbidden(why: str) -> str:
    """Return the denied verb and resource from the server's sentence."""
    match = re.search(
        r'User "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)" in API group'
        r' "(?P<group>[^"]*)"(?P<where>.*)',
        why,
    )
    if not match:
        return "the cluster does not allow this"
    group = f".{match['group']}" if match["group"] else ""
    return f"{match['user']} may not {match['verb']} {match['resource']}{group}"


def _manager(message: str) -> str:
    # The manager is only in the text: conflict with "kubectl" using apps/v1.
    return message.partition('"')[2].partition('"')[0] or message
