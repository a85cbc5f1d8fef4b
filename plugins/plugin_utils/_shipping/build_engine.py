# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build, test, tag and push images by the engine of the controller, with errors in words.

The API is that of the classic builder, which every engine has:
https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from ...module_utils._core.errors import (
    NotFound,
    PlatformError,
    ShippingError,
    Unreachable,
    innermost,
)
from ...module_utils._core.image_references import Reference, rejection_cause
from ...module_utils._core.libraries import Library
from ...module_utils._core.requests_session import isolate
from ...module_utils._core.slow_calls import waiting_for
from ...module_utils._registry.credentials import Credentials
from . import buildkit_client
from .engine_address import EngineAddress
from .last_lines import LINES, with_last_lines
from .shipping_file import ImageBuild, ImageTest

_SDK = Library("docker", "the controller", "7.1", "8")
_LABEL = "shipping.code.test"
# When the test of a container ends at the latest, in seconds since 1970.
_DEADLINE_LABEL = "shipping.code.test-deadline"
# Clocks of two controllers may differ.
_MARGIN = 300
# How long any other request than a build and a test may take.
_SECONDS = 60
# The engine itself sets no limit that is as short for a registry that stays silent.
_REGISTRY_SECONDS = 20


class BuildEngine:
    """The engine that builds."""

    def __init__(self, address: EngineAddress, credentials: Credentials) -> None:
        self.host = address.host
        self._address = address
        self._credentials = credentials
        self._client = _client(address, _SECONDS)
        self._registry_client = _client(address, _REGISTRY_SECONDS)

    def platform(self) -> str:
        """Return the system that images are built for by default."""
        with self._errors("the engine cannot be used"):
            about = self._client.version()
        return f"{about['Os']}/{about['Arch']}"

    def digest(self, text: str) -> str | None:
        """Return the digest that the registry has for a reference; None if it has none."""
        reference = Reference.parse(text)
        name = reference.familiar
        try:
            with (
                self._errors(f"the registry cannot be queried for {name}"),
                waiting_for(f"the registry {reference.registry}"),
            ):
                answer = self._registry_client.inspect_distribution(
                    text, auth_config=self._login(text)
                )
        except Unreachable as error:
            if _is_timeout(error.__cause__):
                raise ShippingError(
                    f"the registry cannot be queried for {name}",
                    f"{reference.registry} did not answer within {_REGISTRY_SECONDS} s",
                    "Check the registry, and that the engine reaches it",
                    reason="registry_unreachable",
                ) from error
            raise
        except PlatformError as error:
            cause = rejection_cause(reference, error.why, missing=isinstance(error, NotFound))
            if cause.kind == "image_missing":
                return None
            raise ShippingError(
                f"the registry cannot be queried for {name}",
                cause.text,
                "Check the registry, and registry_auths",
                reason=cause.kind,
            ) from error
        return str(answer["Descriptor"]["digest"])

    def local_id(self, text: str) -> str | None:
        """Return the ID of an image of the engine; None if it has none of this reference."""
        try:
            with self._errors(f"the image {text} cannot be read"):
                return str(self._client.inspect_image(text)["Id"])
        except NotFound:
            return None

    def pull(self, text: str, digest: str) -> None:
        """Pull a base image; raise ShippingError if it is not the one of the digest any more."""
        reference = Reference.parse(text)
        name = reference.familiar.rpartition(":")[0] if reference.tag else reference.familiar
        with self._errors(f"the base image {text} cannot be pulled"), waiting_for(f"image {text}"):
            lines = self._client.pull(
                name,
                tag=reference.tag or reference.digest,
                stream=True,
                decode=True,
                auth_config=self._login(text),
            )
            _drained(lines, f"the base image {text} cannot be pulled")
            found = self._client.inspect_image(text).get("RepoDigests") or ()
        if not any(entry.endswith(f"@{digest}") for entry in found):
            raise ShippingError(
                f"the base image {text} has changed during the run",
                f"it was {digest}",
                "Run the task again",
            )

    def build(self, image: ImageBuild, context: IO[bytes]) -> str:
        """Build an image; return its ID."""
        failed = f"the image {image.name} cannot be built"
        deadline = time.monotonic() + image.timeout
        with self._errors(failed), waiting_for(f"the build of {image.name}"):
            lines = self._client.build(
                fileobj=context,
                custom_context=True,
                dockerfile=image.dockerfile,
                buildargs=dict(image.args),
                platform=image.platform or None,
                rm=True,
                forcerm=True,
                decode=True,
                # Of silence. The total is checked with each line.
                timeout=image.timeout,
            )
            return _built(lines, failed, deadline)

    def build_by_client(self, image: ImageBuild, context: IO[bytes]) -> str:
        """Build an image with BuildKit, by the Docker client of the controller; return its ID."""
        words, _cause = self._buildkit
        return buildkit_client.build(words, self._address, image, context)

    def lacks_buildkit(self) -> str:
        """Return why the controller cannot build with BuildKit; empty if it can."""
        return self._buildkit[1]

    @functools.cached_property
    def _buildkit(self) -> tuple[list[str], str]:
        return buildkit_client.client_words(buildkit_client.run_client)

    def test(self, image_id: str, image: ImageBuild, test: ImageTest) -> None:
        """Run a test in the built image; raise ShippingError with its last lines if it fails."""
        command = " ".join(test.command)
        failed = f"the test {command} of the image {image.name} failed"
        self._remove_killed_tests()
        deadline = int(time.time() + test.timeout)
        with self._errors(f"the test {command} of the image {image.name} cannot run"):
            # Without the image's own entrypoint, which may start the service.
            container = self._client.create_container(
                image_id,
                command=[],
                entrypoint=list(test.command),
                labels={_LABEL: image.name, _DEADLINE_LABEL: str(deadline)},
            )["Id"]
        try:
            with self._errors(f"the test {command} of the image {image.name} cannot run"):
                self._client.start(container)
                status = self._wait(container, test, f"the test {command}")
                log = self._client.logs(container, tail=LINES).decode(errors="replace")
        finally:
            with contextlib.suppress(ShippingError), self._errors("the test cannot be removed"):
                self._client.remove_container(container, v=True, force=True)
        if status is None:
            raise with_last_lines(failed, f"it did not end within {test.timeout:g} s", log)
        if status:
            raise with_last_lines(failed, f"it exited with code {status}", log)

    def push(self, image_id: str, image: ImageBuild, tag: str) -> str:
        """Push an image under a tag of its repository; return its digest."""
        name = f"{image.repository}:{tag}"
        failed = f"the image {image.name} cannot be pushed"
        with self._errors(failed), waiting_for(f"the push of {name}"):
            self._client.tag(image_id, image.repository, tag)
            lines = self._client.push(
                image.repository,
                tag=tag,
                stream=True,
                decode=True,
                auth_config=self._login(image.repository),
            )
            # The last line has the digest of the manifest that the registry took.
            digests = [
                entry["aux"]["Digest"] for entry in _checked(lines, failed) if "aux" in entry
            ]
        if not digests:
            raise ShippingError(failed, "the engine answers without a digest", "Run the task again")
        return str(digests[-1])

    def _remove_killed_tests(self) -> None:
        """Remove the containers of tests that ended long ago, whose run was killed."""
        with contextlib.suppress(ShippingError), self._errors("old tests cannot be removed"):
            for container in self._client.containers(all=True, filters={"label": _LABEL}):
                deadline = str(container["Labels"].get(_DEADLINE_LABEL, ""))
                if deadline.isdecimal() and int(deadline) + _MARGIN < time.time():
                    self._client.remove_container(container["Id"], v=True, force=True)

    def _wait(self, container: str, test: ImageTest, what: str) -> int | None:
        """Return the status of a container that has ended; None after the deadline."""
        import requests

        try:
            with waiting_for(what):
                return int(self._client.wait(container, timeout=test.timeout)["StatusCode"])
        # A read from a unix socket that takes too long is a ConnectionError in requests 2.
        except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError):
            if not self._client.inspect_container(container)["State"]["Running"]:
                return int(self._client.wait(container, timeout=_SECONDS)["StatusCode"])
            self._client.kill(container)
            return None

    def _login(self, text: str) -> dict[str, str] | None:
        return self._credentials.for_registry(Reference.parse(text).registry) or None

    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Raise the errors of the SDK, and those of a stream that it reads, as ours."""
        import requests
        import urllib3
        from docker.errors import APIError, DockerException

        try:
            yield
        except APIError as error:
            why = str(error.explanation or error)
            kind = NotFound if error.status_code == 404 else PlatformError
            raise kind(what, why, "Correct what the engine names, then run again") from error
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            DockerException,
        ) as error:
            raise Unreachable(
                what,
                f"no answer of the engine at {self.host} ({innermost(error)})",
                "Check docker_host and that the engine runs",
            ) from error


def _client(address: EngineAddress, timeout: int) -> Any:
    try:
        from docker import APIClient
        from docker.errors import DockerException
        from docker.tls import TLSConfig
    except ImportError as error:
        raise _SDK.unusable(error) from error
    _SDK.check_version()
    try:
        tls = TLSConfig(**_tls_options(address)) if address.tls else False
        client = APIClient(base_url=address.host, version="1.41", timeout=timeout, tls=tls)
    except (DockerException, ValueError, AttributeError, TypeError, KeyError) as error:
        raise ShippingError(
            f"cannot use docker_host {address.host}",
            str(error),
            "Write for example unix:///var/run/docker.sock, and check the configuration of the"
            " Docker client",
        ) from error
    isolate(client, client.base_url)
    return client


def _tls_options(address: EngineAddress) -> dict[str, Any]:
    has_certificate = address.client_cert and address.client_key
    return {
        "client_cert": (address.client_cert, address.client_key) if has_certificate else None,
        "ca_cert": address.ca_path or None,
        "verify": True,
    }


def _is_timeout(error: BaseException | None) -> bool:
    """Return whether the engine answered too late, which the SDK reports in three ways."""
    import requests
    import urllib3

    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = error.__cause__ or error.__context__
    late = (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)
    return any(isinstance(cause, late) for cause in causes)


def _built(lines: Iterable[Mapping[str, Any]], failed: str, deadline: float) -> str:
    """Return the ID of the image that a build ends with."""
    identity, shown = "", list[str]()
    for entry in _until(deadline, lines):
        shown += str(entry.get("stream", "")).splitlines()
        if "error" in entry:
            raise with_last_lines(failed, str(entry["error"]), "\n".join(shown))
        if "late" in entry:
            raise with_last_lines(failed, "it did not end within its timeout", "\n".join(shown))
        aux = entry.get("aux")
        identity = aux.get("ID", identity) if isinstance(aux, dict) else identity
    if not identity:
        raise with_last_lines(failed, "the engine ended without an image", "\n".join(shown))
    return str(identity)


def _until(deadline: float, lines: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the lines of a build; after the deadline, a last one with ``late``."""
    import requests
    import urllib3

    try:
        for entry in lines:
            yield entry
            if time.monotonic() > deadline:
                yield {"late": True}
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        if not _is_timeout(error):
            raise
        # The engine ends the build once the connection is closed.
        yield {"late": True}


def _checked(lines: Iterable[Mapping[str, Any]], failed: str) -> Iterator[Mapping[str, Any]]:
    """Yield the lines of a transfer; raise ShippingError for one with an error."""
    for entry in lines:
        if "error" in entry:
            raise ShippingError(
                failed, str(entry["error"]), "Check the registry, and registry_auths"
            )
        yield entry


def _drained(lines: Iterable[Mapping[str, Any]], failed: str) -> None:
    for _entry in _checked(lines, failed):
        pass
