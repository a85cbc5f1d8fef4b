# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve references of images to digests, from their registries through the engine."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ..._core.cause import Cause
from ..._core.errors import Denied, NotFound, PlanError, PlatformError, Unreachable, os_words
from ..._core.image_references import Reference, is_image_id, no_digest, rejection_cause
from ..._core.parallel import side_by_side
from ..._deploy.failure_kinds import hint
from ..._deploy.ports import PinnedImages
from .engine import Engine

# Docker Hub's key in a client's configuration and in credential stores (docker.auth.INDEX_URL).
_HUB = "https://index.docker.io/v1/"


@dataclass(frozen=True)
class EngineCredentials:
    """Credentials for registries: those of the task, then the Docker client's configuration."""

    given: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    config_path: str | None = None

    def header(self, registry: str) -> dict[str, str]:
        """Return the ``X-Registry-Auth`` header for a registry; empty without credentials."""
        found = self.given.get(registry) or self._configured(registry)
        if not found:
            return {}
        # base64url (RFC 4648, section 5), as the API wants it.
        return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(found).encode()).decode()}

    def _configured(self, registry: str) -> dict[str, Any] | None:
        # Private API: docker.auth and docker.utils.config are not part of docker-py's
        # documentation.
        from docker.auth import load_config
        from docker.errors import DockerException

        try:
            config = load_config(config_path=self._config_file())
            found = config.resolve_authconfig(_HUB if registry == "docker.io" else registry)
        # docker-py takes any JSON for what a Docker client writes (docker 7.2: AttributeError where
        # auths is a list).
        except (DockerException, AttributeError, TypeError, LookupError, ValueError) as error:
            raise PlanError(
                f"cannot read the credentials for {registry}",
                str(error),
                "Check docker_config and its credential helper, or set registry_auths",
            ) from error
        if not found:
            return None
        # docker-py hands on a credential store's own spelling; the engine's AuthConfig is in lower
        # case.
        names = {
            "Username": "username",
            "Password": "password",
            "IdentityToken": "identitytoken",
            "ServerAddress": "serveraddress",
        }
        return {names.get(key, key): value for key, value in found.items() if value}

    def _config_file(self) -> str | None:
        """Return the file to read; raise PlanError where it is missing or broken.

        The SDK would take it for an empty one.
        """
        from docker.utils.config import find_config_file

        path: Any = os.path.expanduser(self.config_path) if self.config_path else find_config_file()
        try:
            if path:
                with open(path, encoding="utf-8") as stream:
                    _require_mapping(json.load(stream))
        except OSError as error:
            raise PlanError(
                f"cannot read {path}", os_words(error), "Correct docker_config"
            ) from error
        except ValueError as error:
            raise PlanError(
                f"cannot read {path}",
                f"it is not the JSON of a Docker client ({error})",
                "Correct the file, or name another one by docker_config",
            ) from error
        return str(path) if path else None


def _require_mapping(content: object) -> None:
    if not isinstance(content, dict):
        raise ValueError("no mapping at its top")


@dataclass(frozen=True)
class Local:
    """An image of the connected engine."""

    id: str
    digests: tuple[str, ...]


class RegistryQueries:
    """Queries of registries through an engine; one that does not answer is queried once only."""

    def __init__(self, engine: Engine, credentials: EngineCredentials) -> None:
        self.engine = engine
        self._credentials = credentials
        self._silent: dict[str, str] = {}

    def digest(self, text: str) -> str | Cause:
        """Return the digest of a reference, or why it has no digest."""
        reference = Reference.parse(text)
        why = self._silent.get(reference.registry)
        if why:
            return no_digest("registry_unreachable", reference, why)
        answer, was_silent = _ask(self.engine, text, self._credentials)
        # Each image of a registry that does not answer would take the whole time.
        if was_silent and isinstance(answer, Cause):
            self._silent[reference.registry] = answer.detail
        return answer


@dataclass(frozen=True)
class _Local:
    """An image of the engine, used since the registry has none: ``cause``."""

    pinned: str
    cause: Cause


def resolve(
    queries: RegistryQueries, references: Iterable[str], mode: str, nodes: int
) -> PinnedImages:
    """Return what each reference is pinned to: a digest, or a local image's id.

    ``mode`` is ``auto``, ``always`` or ``never``. Raises :class:`PlanError` naming every image that
    cannot be resolved.
    """
    wanted = list(references)
    if mode == "never":
        return PinnedImages({reference: reference for reference in wanted})
    answers = side_by_side(lambda reference: _resolve(queries, reference, mode, nodes), wanted)
    unresolved = [answer for answer in answers if isinstance(answer, Cause)]
    if unresolved:
        images = "an image" if len(unresolved) == 1 else f"{len(unresolved)} images"
        raise PlanError(
            f"cannot resolve {images}",
            "; ".join(cause.text for cause in unresolved),
            _hints(unresolved),
            failures=[{"kind": cause.kind, "cause": cause.text} for cause in unresolved],
        )
    return _pinned(dict(zip(wanted, answers)))


def _pinned(answers: Mapping[str, str | _Local | Cause]) -> PinnedImages:
    """Return the images, with a warning for each that is not what its registry has."""
    local = {
        reference: answer for reference, answer in answers.items() if isinstance(answer, _Local)
    }
    return PinnedImages(
        {
            reference: local[reference].pinned if reference in local else str(answer)
            for reference, answer in answers.items()
        },
        tuple(
            f"{answer.cause.text}; the run uses the image of the engine instead: {answer.pinned}"
            for answer in local.values()
        ),
    )


def _hints(unresolved: list[Cause]) -> str:
    return ". ".join(sorted({hint(cause.kind) for cause in unresolved}))


def _resolve(queries: RegistryQueries, text: str, mode: str, nodes: int) -> str | _Local | Cause:
    if is_image_id(text):
        return text
    reference = Reference.parse(text)
    if reference.digest:
        return reference.pinned(reference.digest)
    asked = queries.digest(text)
    if isinstance(asked, str):
        return reference.pinned(asked)
    # A local image in place of one that the registry denies would hide the wrong credentials.
    if mode == "always" or asked.kind == "image_denied":
        return asked
    return _from_local(queries, reference, asked, nodes)


def _from_local(
    queries: RegistryQueries, reference: Reference, asked: Cause, nodes: int
) -> _Local | Cause:
    """Return the image that the connected engine has, where the registry has none."""
    local = _local(queries.engine, reference)
    if local is None:
        return asked
    for digest in map(Reference.parse, local.digests):
        pinned = reference.pinned(digest.digest)
        is_named = (digest.registry, digest.path) == (reference.registry, reference.path)
        if is_named and (digest.digest != local.id or _may_be_in_registry(queries, pinned, asked)):
            return _Local(pinned, asked)
    if nodes > 1:
        return Cause(
            "image_local",
            f"{reference.familiar} is on one node only ({asked.text}), and {nodes} nodes may run"
            " it",
        )
    # The bare id runs without a pull; the engine rejects name@sha256:<image id>.
    return _Local(local.id, asked)


def _may_be_in_registry(queries: RegistryQueries, pinned: str, asked: Cause) -> bool:
    """Return whether other nodes may pull an image whose digest is its id.

    In containerd's image store, the default since Docker Engine 29, each image has a digest that is
    its id, also one that was built here and never pushed.
    """
    return asked.kind != "image_missing" or isinstance(queries.digest(pinned), str)


def _local(engine: Engine, reference: Reference) -> Local | None:
    try:
        found = engine.get(f"/images/{quote(reference.familiar, safe='/:@')}/json")
    except NotFound:
        return None
    return Local(found["Id"], tuple(found.get("RepoDigests") or ()))


def gone(
    engine: Engine, pinned: Iterable[str], credentials: EngineCredentials, *, thorough: bool
) -> list[str]:
    """Return the pinned images that are not available any more.

    They are searched on this engine and, if ``thorough``, in their registry.
    """
    have: set[str] = set()
    # One list, however many images the history has.
    for image in engine.get("/images/json"):
        have.add(image["Id"])
        have.update(digest.rpartition("@")[2] for digest in image.get("RepoDigests") or ())

    def is_gone(image: str) -> bool:
        if image in have or image.rpartition("@")[2] in have:
            return False
        if is_image_id(image):
            return True
        return thorough and isinstance(ask_registry(engine, image, credentials), Cause)

    images = list(pinned)
    return [image for image, lost in zip(images, side_by_side(is_gone, images)) if lost]


def ask_registry(engine: Engine, text: str, credentials: EngineCredentials) -> str | Cause:
    """Return the digest of a reference, or why it has none: denied, missing or unreachable."""
    return _ask(engine, text, credentials)[0]


def _ask(engine: Engine, text: str, credentials: EngineCredentials) -> tuple[str | Cause, bool]:
    """Return also whether the registry was silent for all the time that it had."""
    reference = Reference.parse(text)
    begun = time.monotonic()
    try:
        name = reference.pinned(reference.digest) if reference.digest else reference.familiar
        answer = engine.get_from_registry(
            f"/distribution/{quote(name, safe='/:@')}/json",
            reference.registry,
            credentials.header(reference.registry),
        )
    except Unreachable as error:
        limit = engine.registry_timeout
        late = time.monotonic() - begun >= limit
        why = f"no answer within {limit:g} s" if late else error.why
        return no_digest("registry_unreachable", reference, why), late
    except PlatformError as error:
        cause = rejection_cause(
            reference,
            error.why,
            denied=isinstance(error, Denied),
            missing=isinstance(error, NotFound),
        )
        return cause, False
    return str(answer["Descriptor"]["digest"]), False
