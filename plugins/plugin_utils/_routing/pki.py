# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates by which controllers and router replicas trust each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ...module_utils._routing.control_channel import SERVER_NAME
from .certificates import certificate_problem

_YEARS = 10
_CLIENT = "controller.shipping"
# Clocks of hosts differ.
_BACKDATED = timedelta(hours=1)


@dataclass(frozen=True)
class RouterPki:
    """Certificates and keys in PEM.

    ``ca`` and ``client`` (certificate and key) are files of the controller, 0600 or vaulted.
    ``ca`` and ``server`` (certificate and key) are secrets of the router. The CA's key is not kept:
    a rotation makes all of it again. Until every replica has the new server certificate, both
    pairs of ``ca`` and ``client`` are needed.
    """

    ca: bytes
    client: bytes
    server: bytes


def new_pki(now: datetime) -> RouterPki:
    """Return a new CA with certificates of the router and of its controllers."""
    # Imported where they are used: most runs make no certificate.
    from cryptography.hazmat.primitives.asymmetric import ec

    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _signed("shipping router CA", ca_key.public_key(), ca_key, now, is_ca=True)
    leaves = []
    for name in (SERVER_NAME, _CLIENT):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(name, key.public_key(), ca_key, now, is_ca=False)
        leaves.append(_pem(certificate) + _key_pem(key))
    server, client = leaves
    return RouterPki(_pem(ca), client, server)


def pki_problem(pki: RouterPki, now: datetime) -> str:
    """Return why the files cannot be used any more, empty if they can."""
    for name, pem in ((_CLIENT, pki.client), (SERVER_NAME, pki.server)):
        problem = certificate_problem(pem, name, now)
        if problem:
            return f"the certificate of {name} {problem}"
    return ""


def _signed(name: str, public_key: Any, ca_key: Any, now: datetime, *, is_ca: bool) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(text: str) -> Any:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named("shipping router CA"))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), True)
        # Python's default context requires these of a chain.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False
        )
        .add_extension(_key_usage(is_ca=is_ca), True)
    )
    if not is_ca:
        use = ExtendedKeyUsageOID
        # A replica that starts is a client of the others.
        purposes = [use.CLIENT_AUTH, *([use.SERVER_AUTH] if name == SERVER_NAME else [])]
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), False
        ).add_extension(x509.ExtendedKeyUsage(purposes), False)
    return builder.sign(ca_key, SHA256())


def _key_usage(*, is_ca: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not is_ca,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    pem: bytes = certificate.public_bytes(Encoding.PEM)
    return pem


def _key_pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem
