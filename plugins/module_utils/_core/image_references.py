# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image references as users write them, and as they are pinned.

Grammar: https://pkg.go.dev/github.com/distribution/reference
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .cause import Cause

_DEFAULT_REGISTRY, _LIBRARY = "docker.io", "library/"
_ID = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
# 128 characters at most, by the grammar of the distribution specification.
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_NO_DIGEST = {
    "image_denied": "the registry {registry} denies access to {name} ({why})",
    "image_missing": "the registry {registry} has no {name}",
    "registry_unreachable": "the registry {registry} does not answer for {name} ({why})",
}
# Engines hand on what registries answer, each in its own words; the status alone does not
# distinguish them.
_DENIED = (
    "unauthorized",
    "authentication required",
    "access denied",
    "denied:",
    "no basic auth",
    "forbidden",
)
_MISSING = (
    "manifest unknown",
    "not found",
    "name unknown",
    "repository name not known",
    "does not exist",
)
_PATH = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)


@dataclass(frozen=True)
class Reference:
    """``registry/path:tag@digest``; either tag or digest may be missing."""

    registry: str
    path: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference; raise ValueError if it is invalid."""
        name, at, digest = text.partition("@")
        head, tag = _split_tag(name)
        registry, path = _split_registry(head)
        tag_is_sound = head == name or _TAG.fullmatch(tag)
        digest_is_sound = not at or _ID.fullmatch(digest)
        place_is_sound = _HOST.fullmatch(registry) and _PATH.fullmatch(path)
        if not (place_is_sound and tag_is_sound and digest_is_sound):
            raise ValueError(f"{text!r} is not an image reference; write registry/name:tag")
        # As TagNameOnly in distribution/reference: only a bare name is latest.
        return cls(registry, path, tag or ("" if digest else "latest"), digest)

    @property
    def familiar(self) -> str:
        """Return name and tag as users write them: without the default registry."""
        name = self.path if self.registry == _DEFAULT_REGISTRY else f"{self.registry}/{self.path}"
        return f"{name}:{self.tag}" if self.tag else name

    def pinned(self, digest: str) -> str:
        """Return the reference with a digest, as the Docker client pins it."""
        return f"{self.familiar}@{digest}"


def _split_tag(name: str) -> tuple[str, str]:
    head, colon, tag = name.rpartition(":")
    # A colon before a slash is that of a registry's port.
    return (head, tag) if colon and "/" not in tag else (name, "")


def _split_registry(head: str) -> tuple[str, str]:
    first, slash, rest = head.partition("/")
    # As splitDockerDomain in distribution/reference: a path on Docker Hub may be `team/app`, so
    # that a first part without a dot or a port is no host.
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    registry, path = (first, rest) if is_host else (_DEFAULT_REGISTRY, head)
    # Docker prints its official images without `library/`; both forms name the same image.
    if registry == _DEFAULT_REGISTRY:
        path = path.removeprefix(_LIBRARY)
    return registry, path


def is_image_id(text: str) -> bool:
    """Return whether a text names a local image by its id alone."""
    return bool(_ID.fullmatch(text))


def no_digest(kind: str, reference: Reference, why: str = "") -> Cause:
    """Return why a registry gave no digest.

    The kind is ``image_denied``, ``image_missing`` or ``registry_unreachable``.
    """
    return Cause(
        kind,
        _NO_DIGEST[kind].format(registry=reference.registry, name=reference.familiar, why=why),
        final=True,
        detail=why,
    )


def rejection_cause(
    reference: Reference, why: str, *, denied: bool = False, missing: bool = False
) -> Cause:
    """Return why a registry gave no digest, by what the engine hands on of its answer.

    ``denied`` and ``missing``: by the status of the engine's own answer.
    """
    text = why.lower()
    names_missing = any(word in text for word in _MISSING)
    if (denied and not names_missing) or any(word in text for word in _DENIED):
        return no_digest("image_denied", reference, why)
    if missing or names_missing:
        return no_digest("image_missing", reference)
    return no_digest("registry_unreachable", reference, why)
