# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import connection
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    DirectoryError,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.settings import (
    ConnectionSettings,
    Server,
)

from tests.testbed.tls import Authority


@contextlib.contextmanager
def speaking(version: ssl.TLSVersion, folder: Path) -> Iterator[tuple[int, list[str]]]:
    """A server that speaks no newer TLS.

    It closes after the handshake, and tells which version that was.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(*Authority(folder).issue("localhost"))
    spoken: list[str] = []

    def serve() -> None:
        client, _address = server.accept()
        with client, contextlib.suppress(OSError):
            client.settimeout(5)
            with context.wrap_socket(client, server_side=True) as secure:
                spoken.append(str(secure.version()))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], spoken
        thread.join(5)


def ask(port: int, folder: Path) -> str:
    server = Server(f"ldaps://localhost:{port}", "ldaps", "localhost", port)
    with pytest.raises(DirectoryError) as caught:
        connection.connect(ConnectionSettings((server,), ca_file=str(folder / "ca.pem"), timeout=5))
    return str(caught.value)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_that_is_new_enough(version, tmp_path):
    with speaking(version, tmp_path) as (port, spoken):
        ask(port, tmp_path)
    assert spoken == [version.name.replace("TLSv1_", "TLSv1.")]


def test_tls_that_is_too_old(tmp_path):
    with speaking(ssl.TLSVersion.TLSv1_1, tmp_path) as (port, spoken):
        message = ask(port, tmp_path)
    assert spoken == []
    assert "broke off the TLS handshake, as one does that has nothing newer than TLS 1.1" in message
