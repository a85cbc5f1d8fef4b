# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release rejects the certificates of routes that the router could not use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.shipping.code.plugins.action import release
from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._platforms import registry
from ansible_collections.shipping.code.plugins.plugin_utils._routing.pki import new_pki

# The name of a certificate that is at hand.
HOST = "router.shipping"


def app(host: str = HOST) -> model.Compose:
    route = {"host": host, "port": 8080, "certificate": "tls"}
    web = {"image": "nginx", "expose": ["8080"], "x-shipping": {"routes": [route]}}
    content = {"services": {"web": web}, "secrets": {"tls": {"file": "tls.pem"}}}
    return model.read(content, registry.support("swarm"))


def test_a_certificate_that_can_be_used():
    release._check_certificates(app(), {"tls": new_pki(datetime.now(UTC)).server})
    # The content of an external secret is not known.
    release._check_certificates(app(), {})


@pytest.mark.parametrize(
    ("host", "change", "text"),
    [
        (HOST, lambda pem: pem[: pem.index(b"-----BEGIN PRIVATE")], "has no private key"),
        (HOST, lambda pem: b"nothing", "has no certificate"),
        ("shop.example.com", lambda pem: pem, "not for shop.example.com"),
    ],
)
def test_one_that_cannot(host, change, text):
    with pytest.raises(SpecError, match=text) as caught:
        release._check_certificates(app(host), {"tls": change(new_pki(datetime.now(UTC)).server)})
    assert [problem.path for problem in caught.value.problems] == ["secrets.tls"]


def test_one_that_has_expired():
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    with pytest.raises(SpecError, match="expired at 20"):
        release._check_certificates(app(), {"tls": new_pki(long_ago).server})
