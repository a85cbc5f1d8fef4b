# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of routes, checked before anything is changed. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def certificate_problem(pem: bytes, host: str, now: datetime) -> str:
    """Return the problem of a route's certificate and its key, empty if they can be used.

    ``pem`` has the certificate first, those of its issuers, and the key at any place. ``now`` has
    a time zone.
    """
    # Imported where they are used: most runs have no such certificate.
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return "has no certificate in PEM; put the chain and its private key into the secret"
    try:
        key: Any = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        return "has no private key without a password; append the key to the chain"
    if key.public_key() != certificate.public_key():
        return "has the private key of another certificate; put the key of its first one there"
    return _problem_of_time(certificate, now) or _problem_of_names(certificate, host)


def _problem_of_time(certificate: Any, now: datetime) -> str:
    begin, end = _utc(certificate, "not_valid_before"), _utc(certificate, "not_valid_after")
    if now < begin:
        return f"is not valid before {begin:%Y-%m-%d %H:%M} UTC; check the controller's clock"
    if now > end:
        return f"expired at {end:%Y-%m-%d %H:%M} UTC; renew it"
    return ""


def _utc(certificate: Any, name: str) -> datetime:
    # Releases before 42 have naive times only.
    aware: datetime | None = getattr(certificate, f"{name}_utc", None)
    return aware or getattr(certificate, name).replace(tzinfo=UTC)


def _problem_of_names(certificate: Any, host: str) -> str:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    if any(_matches(name.lower(), host) for name in names):
        return ""
    return f"is for {', '.join(names) or 'no host'} and not for {host}; get one with that name"


def _matches(name: str, host: str) -> bool:
    # RFC 6125 section 6.4.3: a wildcard is the whole first label.
    wildcard = f"*.{host.partition('.')[2]}"
    return name in (host, wildcard)
