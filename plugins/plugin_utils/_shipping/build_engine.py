# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build, test, tag and push images by the engine of the controller, with errors in words.

The API is that of the classic builder, which every engine has:
https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild
"""

from __future__ import annotations

import contextlib
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
from .shipping_file import ImageBuild, ImageTest

_SDK = Library("docker", "the controller", "7.1", "8")
_LABEL = "shipping.code.test"
_LINES = 20
# How long any other request than a build and a test may take.
_SECONDS = 60


class BuildEngine:
    """The engine that builds; ``host`` is its address as the Docker client writes it."""

    def __init__(self, host: str, credentials: Credentials) -> None:
        self.host = host
        self._credentials = credentials
        self._client = _client(host)

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
                answer = self._client.inspect_distribution(text, auth_config=self._login(text))
        except Unreachable:
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

    def test(self, image_id: str, image: ImageBuild, test: ImageTest) -> None:
        """Run a test in the built image; raise ShippingError with its last lines if it fails."""
        command = " ".join(test.command)
        failed = f"the test {command} of the image {image.name} failed"
        with self._errors(f"the test {command} of the image {image.name} cannot run"):
            # Without the image's own entrypoint, which may start the service.
            container = self._client.create_container(
                image_id, command=[], entrypoint=list(test.command), labels={_LABEL: image.name}
            )["Id"]
        try:
            with self._errors(f"the test {command} of the image {image.name} cannot run"):
                self._client.start(container)
                status = self._wait(container, test, f"the test {command}")
                log = self._client.logs(container, tail=_LINES).decode(errors="replace")
        finally:
            with contextlib.suppress(ShippingError), self._errors("the test cannot be removed"):
                self._client.remove_container(container, v=True, force=True)
        if status is None:
            raise _with_lines(failed, f"it did not end within {test.timeout:g} s", log)
        if status:
            raise _with_lines(failed, f"it exited with code {status}", log)

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
        """Raise the errors of the SDK as ours."""
        import requests
        from docker.errors import APIError, DockerException

        try:
            yield
        except APIError as error:
            why = str(error.explanation or error)
            kind = NotFound if error.status_code == 404 else PlatformError
            raise kind(what, why, "Correct what the engine names, then run again") from error
        except (requests.exceptions.RequestException, DockerException) as error:
            raise Unreachable(
                what,
                f"no answer of the engine at {self.host} ({innermost(error)})",
                "Check docker_host and that the engine runs",
            ) from error


def _client(host: str) -> Any:
    try:
        from docker import APIClient
        from docker.errors import DockerException
    except ImportError as error:
        raise _SDK.unusable(error) from error
    _SDK.check_version()
    try:
        client = APIClient(base_url=host, version="1.41", timeout=_SECONDS)
    except (DockerException, ValueError, AttributeError, TypeError, KeyError) as error:
        raise ShippingError(
            f"cannot use docker_host {host}",
            str(error),
            "Write for example unix:///var/run/docker.sock, and check the configuration of the"
            " Docker client",
        ) from error
    isolate(client, client.base_url)
    return client


def _built(lines: Iterable[Mapping[str, Any]], failed: str, deadline: float) -> str:
    """Return the ID of the image that a build ends with."""
    identity, shown = "", list[str]()
    for entry in lines:
        shown += str(entry.get("stream", "")).splitlines()
        if "error" in entry:
            raise _with_lines(failed, str(entry["error"]), "\n".join(shown))
        if time.monotonic() > deadline:
            raise _with_lines(failed, "it did not end within its timeout", "\n".join(shown))
        aux = entry.get("aux")
        identity = aux.get("ID", identity) if isinstance(aux, dict) else identity
    if not identity:
        raise _with_lines(failed, "the engine ended without an image", "\n".join(shown))
    return str(identity)


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


def _with_lines(what: str, why: str, log: str) -> ShippingError:
    lines = [line.rstrip() for line in log.splitlines() if line.strip()][-_LINES:]
    shown = "".join(f"\n  | {line}" for line in lines)
    return ShippingError(what, f"{why}{shown}", log=lines)
