# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of minisign: Ed25519 over a file or over its BLAKE2b digest.

The format: https://jedisct1.github.io/minisign/#signature-format
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import NamedTuple

from ...module_utils._toolbox.installers.installer import digest_of
from .signature_errors import BadSignature, UnusableKey

_KEY_TYPE, _PLAIN, _PREHASHED = b"Ed", b"Ed", b"ED"
_KEY_SIZE, _SIGNATURE_SIZE = 42, 74
_TRUSTED = "trusted comment: "
_LINES = 4
# As minisign itself: a signature that is not prehashed needs the whole file in memory.
_MAX_PLAIN = 1 << 30


class PublicKey(NamedTuple):
    """A public key."""

    id: bytes
    key: bytes


class Signature(NamedTuple):
    """The content of a ``.minisig`` file."""

    algorithm: bytes
    key_id: bytes
    signature: bytes
    trusted_comment: bytes
    global_signature: bytes


def shown(key_id: bytes) -> str:
    """Return the id of a key as minisign prints it."""
    return key_id[::-1].hex().upper()


def read_key(text: str) -> PublicKey:
    """Return the key in the second line of a ``.pub`` file; raise UnusableKey for other text."""
    raw = _decoded(text)
    if len(raw) != _KEY_SIZE or not raw.startswith(_KEY_TYPE):
        raise UnusableKey(
            "must be a public key of minisign, the second line of its .pub file, which begins with"
            " RW"
        )
    return PublicKey(raw[2:10], raw[10:])


def read_signature(text: str) -> Signature:
    """Return the content of a ``.minisig`` file; raise BadSignature for other text."""
    lines = text.splitlines()
    if len(lines) < _LINES or not lines[2].startswith(_TRUSTED):
        raise BadSignature("it is no signature of minisign")
    raw, global_signature = _decoded(lines[1]), _decoded(lines[3])
    if len(raw) != _SIGNATURE_SIZE or raw[:2] not in (_PLAIN, _PREHASHED):
        raise BadSignature("it is no signature of minisign")
    comment = lines[2][len(_TRUSTED) :].encode("utf-8", "surrogateescape")
    return Signature(raw[:2], raw[2:10], raw[10:], comment, global_signature)


def verify(text: str, key_text: str, path: str) -> None:
    """Raise BadSignature if the text does not sign the file by the key."""
    key, signature = read_key(key_text), read_signature(text)
    if signature.key_id != key.id:
        raise BadSignature(f"it was made with the key {shown(signature.key_id)}")
    _check(key, signature.signature, _message(signature, path), "the file is not what was signed")
    # The trusted comment is signed together with the signature, not with the file.
    _check(
        key,
        signature.global_signature,
        signature.signature + signature.trusted_comment,
        "its trusted comment is not what was signed",
    )


def _message(signature: Signature, path: str) -> bytes:
    if signature.algorithm == _PREHASHED:
        return digest_of(path, "blake2b")
    if os.path.getsize(path) > _MAX_PLAIN:
        raise BadSignature("it is not prehashed, which is only possible up to 1 GiB")
    with open(path, "rb") as stream:
        return stream.read()


def _check(key: PublicKey, signature: bytes, message: bytes, reason: str) -> None:
    # Imported where they are used: most runs verify nothing.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise BadSignature(reason) from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip().encode("ascii"), validate=True)
    except (UnicodeError, binascii.Error):
        return b""
