# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify the signatures of content that the catalog requires to be signed."""

from __future__ import annotations

from typing import Any

from ...module_utils._core.errors import ShippingError
from ...module_utils._toolbox.installers.installer import Details, checksum_of
from . import cosign, minisign
from .signature_errors import BadSignature, UnusableKey
from .tool_sources import ToolSources, without_login

MAX_SIGNATURE = 1 << 20


def verify_signature(sources: ToolSources, details: Details, path: str, name: str) -> None:
    """Raise ShippingError for a file without the signature that the catalog requires."""
    for scheme, about in (details.get("signature") or {}).items():
        _verify(sources, _Signed(scheme, about, checksum_of(details)), path, name)


class _Signed:
    """A signature as the catalog declares it."""

    def __init__(self, scheme: str, about: dict[str, Any], checksum: str) -> None:
        self.scheme, self.about, self.checksum = scheme, about, checksum

    @property
    def where(self) -> str:
        """Return where the signature is, for messages."""
        return without_login(str(self.about.get("url") or self.about["file"]))


def _verify(sources: ToolSources, signed: _Signed, path: str, name: str) -> None:
    key, key_name = _key(sources, signed, name)

    def accept(signature: str) -> None:
        try:
            _SCHEMES[signed.scheme](_text(signature), key, path)
        except BadSignature as error:
            raise ShippingError(
                f"{name} is not delivered",
                f"its signature {signed.where} does not match the {signed.scheme} key"
                f" {key_name}, since {error}",
                "Check the origin of the file and its signature before you change the key",
            ) from error

    if signed.about.get("file"):
        accept(sources.beside(signed.about["file"]))
    else:
        sources.download_accepted(signed.about["url"], signed.checksum, name, accept)


_SCHEMES = {"minisign": minisign.verify, "cosign": cosign.verify}


def _key(sources: ToolSources, signed: _Signed, name: str) -> tuple[str, str]:
    """Return the key's text, and its name in messages."""
    key = str(signed.about["key"])
    try:
        if signed.scheme == "minisign":
            return key, minisign.shown(minisign.read_key(key).id)
        text = _text(sources.beside(key))
        return text, f"{key} ({cosign.fingerprint(text)})"
    except UnusableKey as error:
        raise ShippingError(
            f"{name} is not delivered",
            f"the {signed.scheme} key {key} of its signature cannot be used, since {error}",
            "Correct the key in the catalog",
        ) from error


def _text(path: str) -> str:
    """Return the text of a small file; of a large one only the start, which is not a signature."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read(MAX_SIGNATURE)
    except OSError as error:
        raise ShippingError(
            f"{path} cannot be read", str(error.strerror), "Correct signature in the catalog"
        ) from error
