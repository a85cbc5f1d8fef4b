# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of files by cosign with a key, and those that are refused."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._catalog import cosign
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.signature_errors import (
    BadSignature,
    UnusableKey,
)
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

TOOL = b"#!/bin/sh\necho signed\n"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
DIGEST = base64.b64encode(hashlib.sha256(TOOL).digest()).decode()


def pem(private: Any) -> str:
    encoded: bytes = private.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return encoded.decode()


def signature(content: bytes = TOOL) -> str:
    return base64.b64encode(PRIVATE.sign(content, ec.ECDSA(SHA256()))).decode()


def bundle(material: dict[str, Any], **message: Any) -> str:
    signed = {"messageDigest": {"algorithm": "SHA2_256", "digest": DIGEST}, **message}
    return json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": material,
            "messageSignature": {"signature": signature(), **signed},
        }
    )


KEY, HINT = pem(PRIVATE), {"publicKey": {"hint": "x"}}
CERTIFICATE = base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()


@pytest.fixture
def tool(tmp_path: Path) -> str:
    (tmp_path / "tool").write_bytes(TOOL)
    return str(tmp_path / "tool")


GOOD = {
    "base64": signature(),
    "base64 with a line end": f"{signature()}\n",
    "bundle": bundle(HINT),
    "bundle of cosign 2": json.dumps(
        {"base64Signature": signature(), "cert": base64.b64encode(KEY.encode()).decode()}
    ),
}


@pytest.mark.parametrize("way", GOOD)
def test_a_good_one(tool: str, way: str):
    cosign.verify(GOOD[way], KEY, tool)
    with pytest.raises(BadSignature, match="is not what was signed, or another key signed it"):
        cosign.verify(GOOD[way], pem(ec.generate_private_key(ec.SECP256R1())), tool)
    Path(tool).write_bytes(b"evil")
    with pytest.raises(BadSignature, match=r"is not what was signed|it is for other content"):
        cosign.verify(GOOD[way], KEY, tool)


# cosign 2.6.1: sign-blob --tlog-upload=false --key cosign.key, with --output-signature, with
# --bundle, and with --bundle and --new-bundle-format.
RECORDED_KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEtbbeqfI5/FYB8co+TavNQzy7k4Zn
2O88jjmMF0pdwE8wfAEqtR2IUW85CQVwcbiJzSA/a8Vf0CqEllAjCyjytA==
-----END PUBLIC KEY-----
"""
RECORDED = {
    "base64": (
        "MEUCIDBpBfOByB7Pta8kDEGXjq8fYtBi2EWE1WDNEuWM1K+KAiEA+pEDfGMPHPnMz9QaASZjvTl+4kTsT5cQ"
        "NBiK7+7JGBY="
    ),
    "bundle of cosign 2": (
        '{"base64Signature":"MEQCIEKArD8WrSQyMKw48ECoKXtdDTXYj3elIk0MSIkGiMLvAiAhv1lmS7Hv6RLL'
        'pfVadmtI21TTWH9LZLqaX41/nD2DIQ=="}'
    ),
    "bundle": (
        '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial"'
        ':{"publicKey":{"hint":"c4rVsCHmu6DfrjBWi7B2CRAiv6nfnCibUpzGed3tmj8="}}, "messageSign'
        'ature":{"messageDigest":{"algorithm":"SHA2_256", "digest":"Pus/eHGjGTrYvFWccGAR5Hm3n'
        'xFuaVBxZJ6MjDTqOic="}, "signature":"MEUCICl18Uwqhg6JGmEEBP8HJk/H+ve+WHnwvyyhP3aIhfzI'
        'AiEAiBW8wSp4w5RYoOT5zft2nBVTkJ02vkNMyrsQdz/3AC0="}}'
    ),
}


@pytest.mark.parametrize("way", RECORDED)
def test_what_cosign_made(tool: str, way: str):
    cosign.verify(RECORDED[way], RECORDED_KEY, tool)
    with pytest.raises(BadSignature):
        cosign.verify(RECORDED[way], KEY, tool)
    Path(tool).write_bytes(TOOL[:-1])
    with pytest.raises(BadSignature):
        cosign.verify(RECORDED[way], RECORDED_KEY, tool)


def test_the_id_of_a_key_is_the_hint_of_a_bundle():
    hint = json.loads(RECORDED["bundle"])["verificationMaterial"]["publicKey"]["hint"]
    assert base64.b64decode(hint).hex().startswith(cosign.fingerprint(RECORDED_KEY))


BAD = {
    "": "it is neither a signature of cosign in base64 nor a bundle",
    "<html>Not found</html>": "it is neither",
    "{": "it is neither",
    "{}": "it is neither",
    signature(b"other"): "is not what was signed",
    bundle({"certificate": {"rawBytes": "x"}}): "it is keyless",
    bundle({"x509CertificateChain": {}}): "it is keyless",
    json.dumps({"base64Signature": signature(), "cert": CERTIFICATE}): "it is keyless",
    json.dumps({"dsseEnvelope": {}}): "it is an attestation",
    bundle(HINT, messageDigest={"algorithm": "SHA2_512"}): "its digest is SHA2_512",
}


# Signatures are random, and names of tests must not be.
@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_bad_one(tool: str, text: str):
    with pytest.raises(BadSignature, match=BAD[text]):
        cosign.verify(text, KEY, tool)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "RWQNPHQr",
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(Ed25519PrivateKey.generate()),
        KEY.replace("A", "B"),
    ],
)
def test_no_key(tool: str, key: str):
    with pytest.raises(UnusableKey):
        cosign.verify(signature(), key, tool)


JSON = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
)
NAMES = ("base64Signature", "cert", "verificationMaterial", "messageSignature", "dsseEnvelope")


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_any_json_is_refused(tmp_path_factory, content: dict[str, Any]):
    path = tmp_path_factory.mktemp("any") / "tool"
    path.write_bytes(TOOL)
    with pytest.raises(BadSignature):
        cosign.verify(json.dumps(content), KEY, str(path))
