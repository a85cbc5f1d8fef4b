# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's API, as few calls as possible, with errors in words.

Only the connection comes from the Docker SDK (``APIClient`` is a ``requests`` session that knows
unix sockets and TLS); paths and JSON bodies are our own.
API: https://docs.docker.com/reference/api/engine/version/v1.41/
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._core.errors import (
    Denied,
    NotFound,
    Outdated,
    PlatformError,
    ShippingError,
    Unreachable,
    innermost,
    os_words,
)
from ..._core.http_date import timestamp
from ..._core.libraries import Library
from ..._core.requests_session import isolate
from ..._core.slow_calls import waiting_for
from ..._core.version_numbers import dotted, version_numbers
from . import write_rejections

# docker 6 fails with requests 2.32 and newer: "Not supported URL scheme http+docker".
SDK = Library("docker", "the host that talks to the engine", "7.1", "8")
# Docker 20.10: the first API that takes CapabilityAdd, Ulimits and Limits.Pids of a service.
MINIMUM_API = (1, 41)
# Docker 29.0, the first one with the swap of a service. A newer engine still answers it (Docker 29:
# 1.40 to 1.56), so fields keep the meaning that they have here.
NEWEST_API = (1, 52)
# Seconds. The engine itself sets no limit that is as short: a release with a registry that accepts
# connections and stays silent took 65 s, our timeout for the engine and a little more.
REGISTRY_TIMEOUT = 20.0
# A stale version has no HTTP status of its own, so swarmkit's text decides
# (store.ErrSequenceConflict).
_OUTDATED = ("update out of sequence", "version is required")


@dataclass(frozen=True)
class Connection:
    """The address of the engine and the login; the names are community.docker's."""

    docker_host: str = "unix:///var/run/docker.sock"
    tls: bool | None = None
    validate_certs: bool = True
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    timeout: int = 60

    def check_address(self) -> None:
        """Reject an empty address, and SSH: it would need a client, keys and known hosts."""
        # docker-py takes an empty one for none, and reports missing TLS (docker 7.2).
        if not self.docker_host.strip():
            raise ShippingError(
                "docker_host cannot be used",
                "it is empty",
                "Write for example unix:///var/run/docker.sock or tcp://host:2376",
            )
        if self.docker_host.startswith("ssh:"):
            raise ShippingError(
                f"cannot use docker_host {self.docker_host}",
                "the modules open no SSH connection themselves",
                "Let Ansible connect with SSH: run the task on the manager and leave docker_host at"
                " unix:///var/run/docker.sock",
            )

    def check_files(self) -> None:
        """Reject files that cannot be read, and a certificate without its key."""
        for option in ("ca_path", "client_cert", "client_key"):
            path = getattr(self, option)
            try:
                if path:
                    with open(path, "rb"):
                        pass
            except OSError as error:
                raise ShippingError(
                    f"cannot read {path}",
                    os_words(error),
                    f"Correct {option}, a path on the host that runs the module",
                ) from error
        if bool(self.client_cert) != bool(self.client_key):
            given, missing = (
                ("client_cert", "client_key") if self.client_cert else ("client_key", "client_cert")
            )
            raise ShippingError(
                f"{given} is set without {missing}",
                "one is of no use without the other",
                f"Set {missing}, too",
            )

    @property
    def encrypted(self) -> bool:
        """Return whether TLS is used: unless it is a unix socket or switched off."""
        return not self.docker_host.startswith("unix:") and self.tls is not False


class Engine:
    """One engine; every thread has a session of its own."""

    def __init__(self, connection: Connection) -> None:
        connection.check_address()
        connection.check_files()
        self.connection = connection
        self.clock = 0.0
        self._sessions = threading.local()
        # Without a version in its path: /version answers before one is chosen.
        about = self._call("GET", "/version")
        if not isinstance(about, dict) or "ApiVersion" not in about:
            raise _not_an_engine(connection, "its answer to /version names no API")
        self.api = version_numbers(str(about["ApiVersion"]))
        self.version = str(about.get("Version", ""))
        self.release = version_numbers(self.version)
        oldest = version_numbers(str(about.get("MinAPIVersion", "0")))
        if self.api < MINIMUM_API:
            raise PlatformError(
                f"the engine at {connection.docker_host} is too old",
                f"it speaks API {dotted(self.api)} (Docker {about.get('Version')}), and"
                f" {dotted(MINIMUM_API)} is the least",
                "Upgrade it to Docker 20.10 or newer",
            )
        # An engine rejects a version below its MinAPIVersion.
        self.prefix = f"/v{dotted(max(min(self.api, NEWEST_API), oldest))}"

    def get(self, path: str, **query: Any) -> Any:
        """Send a GET; mappings and lists among the ``query`` values are sent as JSON."""
        return self._call("GET", self.prefix + path, query)

    def get_from_registry(self, path: str, registry: str, headers: Mapping[str, str]) -> Any:
        """Send a GET for which the engine queries a registry."""
        return self._call(
            "GET", self.prefix + path, headers=headers, registry=f"the registry {registry}"
        )

    @property
    def registry_timeout(self) -> float:
        """Return for how many seconds a registry may be silent."""
        return min(REGISTRY_TIMEOUT, float(self.connection.timeout))

    def post(
        self, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **query: Any
    ) -> Any:
        """Send a POST with ``body`` as JSON."""
        return self._call("POST", self.prefix + path, query, body, headers)

    def delete(self, path: str) -> None:
        """Send a DELETE; an object that is already removed is not an error."""
        try:
            self._call("DELETE", self.prefix + path)
        except NotFound:
            return

    def put_archive(self, path: str, folder: str, archive: bytes) -> None:
        """Send a tar archive that is unpacked into a folder of a container."""
        self._send("PUT", self.prefix + path, {"path": folder}, archive)

    def pull(self, image: str, headers: Mapping[str, str]) -> None:
        """Let the engine pull an image; what fails shows when the image is used."""
        self._send("POST", f"{self.prefix}/images/create", {"fromImage": image}, headers=headers)

    def raw(self, path: str, **query: Any) -> bytes:
        """Send a GET whose answer is not JSON."""
        return bytes(self._send("GET", self.prefix + path, query).content)

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        registry: str = "",
    ) -> Any:
        response = self._send(method, path, query or {}, body, headers, registry=registry)
        try:
            return response.json() if response.content else None
        except ValueError as error:
            raise _not_an_engine(
                self.connection, f"its answer to {path} is not JSON: {response.text[:60]!r}"
            ) from error

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        registry: str = "",
    ) -> Any:
        # Before the import: requests comes with the SDK, whose absence has words of its own.
        session = self._session()
        import requests

        params = {
            key: json.dumps(value) if isinstance(value, (dict, list)) else value
            for key, value in query.items()
        }
        try:
            with waiting_for(registry or f"the engine at {self.connection.docker_host}"):
                response = session.request(
                    method,
                    session.base_url + path,
                    params=params,
                    **_sent_as(body),
                    headers=dict(headers or {}),
                    timeout=self.registry_timeout if registry else self.connection.timeout,
                )
        # Before RequestException, from which SSLError is derived.
        except requests.exceptions.SSLError as error:
            raise Denied(
                f"no trusted connection to the engine at {self.connection.docker_host}",
                innermost(error),
                "Check ca_path, client_cert and client_key; tls: false is for an engine that speaks"
                " no TLS",
            ) from error
        except requests.exceptions.RequestException as error:
            raise Unreachable(
                f"no connection to the engine at {self.connection.docker_host}",
                innermost(error),
                "Check docker_host and that the engine runs",
            ) from error
        # Times of tasks are compared with the engine's clock (RFC 9110, 6.6.1), never with this
        # host's: the two may differ.
        sent = timestamp(response.headers)
        if sent is not None:
            self.clock = sent
        if response.status_code >= 400:
            raise _refusal(method, path, response)
        return response

    def _session(self) -> Any:
        # requests does not promise that several threads may share a Session.
        session = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = _new_session(self.connection)
        return session


def _sent_as(body: Any) -> dict[str, Any]:
    """Return how a session sends a body: bytes as they are, all else as JSON."""
    return {"data": body} if isinstance(body, bytes) else {"json": body}


def _new_session(connection: Connection) -> Any:
    try:
        from docker import APIClient
        from docker.errors import DockerException, InvalidConfigFile
        from docker.tls import TLSConfig
    except ImportError as error:
        raise SDK.unusable(error) from error
    SDK.check_version()
    try:
        session = APIClient(
            base_url=connection.docker_host,
            # Without a version docker-py queries /version itself; the paths carry their own.
            version=dotted(MINIMUM_API),
            timeout=connection.timeout,
            tls=TLSConfig(**_tls_options(connection)) if connection.encrypted else False,
        )
    # docker-py reads the Docker client's configuration for each session, and takes any JSON for a
    # mapping of mappings (docker 7.2: AttributeError for a list).
    except (InvalidConfigFile, AttributeError, TypeError, KeyError) as error:
        raise ShippingError(
            "cannot read the configuration of the Docker client",
            str(error),
            "Correct ~/.docker/config.json, or the file below DOCKER_CONFIG, on the host that runs"
            " the module",
        ) from error
    except (DockerException, ValueError) as error:
        raise ShippingError(
            f"cannot use docker_host {connection.docker_host}",
            str(error),
            "Write for example unix:///var/run/docker.sock or tcp://host:2376",
        ) from error
    isolate(session, session.base_url)
    if connection.encrypted and not connection.validate_certs:
        _silence_warnings()
    return session


def _silence_warnings() -> None:
    """Silence urllib3's warning for each request, since the user has disabled the check."""
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


def _tls_options(connection: Connection) -> dict[str, Any]:
    certificate = (
        (connection.client_cert, connection.client_key)
        if connection.client_cert and connection.client_key
        else None
    )
    return {
        "client_cert": certificate,
        "ca_cert": connection.ca_path,
        "verify": connection.validate_certs,
    }


def _refusal(method: str, path: str, response: Any) -> PlatformError:
    """Return the engine's error answer as one of ours."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    text = str(answer.get("message", "")) if isinstance(answer, dict) else response.text
    # Managers are reached through gRPC: "rpc error: code = Unknown desc = update out of sequence".
    why = text.rpartition("desc = ")[2].strip() or f"status {response.status_code}"
    what = f"the engine rejected {method} {path.partition('?')[0]}"
    if any(word in why for word in _OUTDATED):
        return Outdated(what, why)
    hint = write_rejections.hint(why, response.status_code) if method == "POST" else ""
    if response.status_code == 404:
        return NotFound(what, why, hint)
    if response.status_code in (401, 403):
        return Denied(what, why, hint)
    return PlatformError(what, why, hint, status=response.status_code)


def _not_an_engine(connection: Connection, why: str) -> PlatformError:
    return PlatformError(
        f"{connection.docker_host} is not an engine",
        why,
        "Check docker_host, and proxies before it",
    )
