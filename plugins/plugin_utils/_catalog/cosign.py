# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of files by cosign with a key: ECDSA on P-256 over the file's SHA-256.

Either the text of ``cosign sign-blob --output-signature``, or a bundle of Sigstore in JSON:
https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
The log of Rekor is not queried: the pinned key decides alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from ...module_utils._toolbox.installers.installer import digest_of
from .signature_errors import BadSignature, UnusableKey

_KEYLESS = "it is keyless (a certificate of Fulcio); only signatures by a key are supported"
_UNREADABLE = "it is neither a signature of cosign in base64 nor a bundle of Sigstore"


def verify(text: str, key_text: str, path: str) -> None:
    """Raise BadSignature if the text does not sign the file by the key, UnusableKey for the key."""
    # Imported where they are used: most runs verify nothing.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256

    key = _key(key_text)
    digest = digest_of(path, "sha256")
    signature = read_signature(text, digest)
    try:
        key.verify(signature, digest, ECDSA(Prehashed(SHA256())))
    except InvalidSignature as error:
        raise BadSignature("the file is not what was signed, or another key signed it") from error


def fingerprint(key_text: str) -> str:
    """Return the start of the key's SHA-256, as a bundle's hint has it in base64."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    encoded = _key(key_text).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()[:16]


def _key(text: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text.encode("utf-8", "surrogateescape"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnusableKey("it is not a public key in PEM, such as cosign.pub") from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise UnusableKey("it is not an ECDSA key on P-256, such as cosign creates")
    return key


def read_signature(text: str, digest: bytes) -> bytes:
    """Return the signature itself; raise BadSignature if the text has no signature for it."""
    if not text.lstrip().startswith("{"):
        return _decoded(text)
    try:
        bundle = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSignature(_UNREADABLE) from error
    if "base64Signature" in bundle:
        return _of_old_bundle(bundle)
    return _of_bundle(bundle, digest)


def _of_old_bundle(bundle: dict[str, Any]) -> bytes:
    """Read the bundle that cosign 2 writes by default: with a key, `cert` is that key."""
    certificate = bundle.get("cert")
    if certificate and b"CERTIFICATE" in _decoded(certificate):
        raise BadSignature(_KEYLESS)
    return _decoded(bundle["base64Signature"])


def _of_bundle(bundle: dict[str, Any], digest: bytes) -> bytes:
    material = _mapping(bundle.get("verificationMaterial"))
    if material.keys() & {"certificate", "x509CertificateChain"}:
        raise BadSignature(_KEYLESS)
    if "dsseEnvelope" in bundle:
        raise BadSignature("it is an attestation; a signature of the file itself is needed")
    message = _mapping(bundle.get("messageSignature"))
    about = _mapping(message.get("messageDigest"))
    if about.get("algorithm", "SHA2_256") != "SHA2_256":
        raise BadSignature(f"its digest is {about['algorithm']}; SHA2_256 is needed")
    if "digest" in about and _decoded(about["digest"]) != digest:
        raise BadSignature("it is for other content: its digest differs from the file's")
    return _decoded(message.get("signature"))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _decoded(value: Any) -> bytes:
    text = value if isinstance(value, str) else ""
    try:
        decoded = base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (UnicodeError, binascii.Error) as error:
        raise BadSignature(_UNREADABLE) from error
    if not decoded:
        raise BadSignature(_UNREADABLE)
    return decoded
