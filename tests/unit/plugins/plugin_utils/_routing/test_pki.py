# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._routing.certificates import (
    certificate_problem,
)
from ansible_collections.shipping.code.plugins.plugin_utils._routing.pki import (
    RouterPki,
    new_pki,
    pki_problem,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PKI = new_pki(NOW)
HOST = "router.shipping"
CERTIFICATE, KEY = (
    PKI.server.partition(b"-----BEGIN PRIVATE")[0],
    b"".join(PKI.server.partition(b"-----BEGIN PRIVATE")[1:]),
)

PROBLEMS = [
    (PKI.server, HOST, NOW, ""),
    (KEY + CERTIFICATE, HOST, NOW, ""),
    (CERTIFICATE, HOST, NOW, "has no private key"),
    (KEY, HOST, NOW, "has no certificate in PEM"),
    (b"", HOST, NOW, "has no certificate in PEM"),
    (CERTIFICATE + new_pki(NOW).client, HOST, NOW, "has the private key of another certificate"),
    (PKI.server, "shop.test", NOW, "is for router.shipping and not for shop.test"),
    (PKI.server, HOST, NOW + timedelta(days=3651), "expired at 2036-04-28 00:00 UTC"),
    (PKI.server, HOST, NOW - timedelta(days=1), "is not valid before 2026-04-30 23:00 UTC"),
]


@pytest.mark.parametrize(("pem", "host", "now", "text"), PROBLEMS, ids=[row[3] for row in PROBLEMS])
def test_certificates(pem: bytes, host: str, now: datetime, text: str) -> None:
    assert certificate_problem(pem, host, now).startswith(text)
    assert bool(certificate_problem(pem, host, now)) == bool(text)


def test_an_identity_ends() -> None:
    assert not pki_problem(PKI, NOW)
    assert "controller.shipping expired" in pki_problem(PKI, NOW + timedelta(days=4000))
    assert "has no private key" in pki_problem(RouterPki(PKI.ca, PKI.client, CERTIFICATE), NOW)
