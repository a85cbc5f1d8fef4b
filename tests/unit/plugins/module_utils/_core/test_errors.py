# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system and OpenSSL say, within sentences of ours."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import innermost, os_words

from tests.testbed.tls import Authority

SYSTEM = [
    (OSError(2, "No such file or directory"), "no such file or directory"),
    (OSError(13, "Permission denied", "/A/B"), "permission denied"),
    (OSError(0, "RPC error of NFS"), "RPC error of NFS"),
    (OSError("Invalid data stream"), "invalid data stream"),
    (OSError(), "OSError"),
    (
        ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1010)"),
        "TLS: wrong version number",
    ),
    (
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol (_ssl.c:1010)"),
        "TLS: EOF occurred",
    ),
    (ssl.SSLError(9, "[X509] PEM lib (_ssl.c:4149)"), "TLS: PEM lib"),
]


@pytest.mark.parametrize(("error", "words"), SYSTEM)
def test_words_of_the_system(error, words):
    assert os_words(error).startswith(words) and "_ssl.c" not in os_words(error)


def test_the_first_cause_counts():
    try:
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as error:
            raise RuntimeError("HTTPConnectionPool(…)") from error
    except RuntimeError as error:
        assert innermost(error) == "connection refused"


@pytest.mark.parametrize(
    ("authority", "name", "words"),
    [
        ("other", "localhost", "its certificate is not trusted: unable to get local issuer"),
        (
            "ours",
            "Engine.Example",
            "its certificate is not trusted: Hostname mismatch, certificate is not valid for"
            " 'Engine.Example'",
        ),
    ],
)
def test_words_of_openssl_keep_their_letters(tmp_path: Path, authority, name, words):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority(tmp_path / "ours").issue("localhost"))
    trusted = ssl.create_default_context(cafile=str(Authority(tmp_path / authority).certificate))

    def serve() -> None:
        client, _address = server.accept()
        with client, pytest.raises(OSError):
            context.wrap_socket(client, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with (
            socket.create_connection(server.getsockname()) as plain,
            pytest.raises(ssl.SSLError) as caught,
        ):
            trusted.wrap_socket(plain, server_hostname=name)
        thread.join(5)
    assert os_words(caught.value).startswith(words)
