# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers a listener trusts: those of ca_file, else the system's, and none of ldap.conf's."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.tls import Authority

# libldap reads its files and variables once a process.
PROGRAM = """
import json, os, sys
from ansible_collections.shipping.code.plugins.plugin_utils._directory.settings import (
    ConnectionSettings, Server)
from ansible_collections.shipping.code.plugins.plugin_utils._events import listener
from ansible_collections.shipping.code.plugins.plugin_utils._events.reread_queue import RereadQueue

port, ca_file = sys.argv[1:]
uri = f"ldaps://127.0.0.1:{port}"
settings = ConnectionSettings(
    (Server(uri, "ldaps", "127.0.0.1", int(port)),), ca_file=ca_file or None, timeout=3)
library = listener.ldap_library()
endpoint = listener.Endpoint(library, settings, uri, 30)
one = listener.Listener(endpoint, "dc=example,dc=com", RereadQueue())
try:
    with one.translated():
        one._open()
except Exception as error:
    print(json.dumps([type(error).__name__, "LDAPNOINIT" in os.environ,
                      library.get_option(library.OPT_DEREF)]))
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def server(authority: Authority) -> Iterator[tuple[int, list[bytes]]]:
    """A port with a certificate of the authority, and what arrives there after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("localhost", "IP:127.0.0.1"))
    received: list[bytes] = []

    def serve() -> None:
        client, _address = listening.accept()
        client.settimeout(5)
        try:
            with context.wrap_socket(client, server_side=True) as secure:
                received.append(secure.recv(64))
        except OSError:
            received.append(b"")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], received
        thread.join(5)


@pytest.mark.parametrize(
    ("ca_file", "system", "trusted"),
    [("ours", "other", True), ("other", "ours", False), ("", "ours", True), ("", "other", False)],
)
def test_what_a_listener_trusts(tmp_path, authority, server, ca_file, system, trusted):
    port, received = server
    files = {
        "ours": str(authority.certificate),
        "other": str(Authority(tmp_path / "other").certificate),
        "": "",
    }
    of_ldap_conf = {"CACERT": files["ours"], "REQCERT": "never"}
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        **{f"LDAPTLS_{name}": value for name, value in of_ldap_conf.items()},
        "LDAPDEREF": "always",
        "SSL_CERT_FILE": files[system],
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(port), files[ca_file]],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    # The server never answers a bind: it closes.
    assert json.loads(done.stdout) == ["Unanswered", False, 0]
    # A bind was sent to a server that is trusted, nothing to another one.
    assert bool(received and received[0]) is trusted
