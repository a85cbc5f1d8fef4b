# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine builds, and whether by TLS."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.engine_address import (
    EngineAddress,
    engine_address,
)

LOCAL = EngineAddress("unix:///var/run/docker.sock")
REMOTE = "tcp://build.example.com:2376"
FILES = {"ca_path": "ca", "client_cert": "cert", "client_key": "key"}


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ({}, {}, LOCAL),
        ({}, {"DOCKER_HOST": "tcp://dind:2375"}, EngineAddress("tcp://dind:2375")),
        (
            {},
            {"DOCKER_HOST": REMOTE, "DOCKER_TLS_VERIFY": "1"},
            EngineAddress(REMOTE, True, *(f"/h/.docker/{n}.pem" for n in ("ca", "cert", "key"))),
        ),
        (
            {},
            {"DOCKER_HOST": REMOTE, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"},
            EngineAddress(REMOTE, True, "/c/ca.pem", "/c/cert.pem", "/c/key.pem"),
        ),
        ({}, {"DOCKER_TLS_VERIFY": "1"}, LOCAL),
        ({"docker_host": LOCAL.host}, {"DOCKER_HOST": REMOTE}, LOCAL),
        ({"docker_host": REMOTE, **FILES}, {}, EngineAddress(REMOTE, True, "ca", "cert", "key")),
        ({"docker_host": REMOTE}, {"DOCKER_CERT_PATH": "/c"}, EngineAddress(REMOTE, True)),
        ({"docker_host": REMOTE, "tls": False}, {}, EngineAddress(REMOTE)),
    ],
)
def test_address(
    options: dict[str, Any], environment: dict[str, str], expected: EngineAddress
) -> None:
    assert engine_address(options, environment, "/h") == expected


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"docker_host": "ssh://build"}, "opens no SSH connection itself. Forward the socket"),
        ({"docker_host": REMOTE, "client_key": "key"}, "client_key is set without client_cert"),
    ],
)
def test_mistakes(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ShippingError) as caught:
        engine_address(options, {}, "/h")
    assert says in str(caught.value)
