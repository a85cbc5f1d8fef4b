# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no LDAP is reported as that, and the next server is queried."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import connection
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    Unanswered,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import Query
from ansible_collections.shipping.code.plugins.plugin_utils._directory.settings import (
    ConnectionSettings,
    Server,
)

from .ldap_server import Answer, serving

HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n" + b"<p>Bad request</p>" * 20
# Operations with a result of success, RFC 4511 4.1.9.
BOUND = b"\x61\x07\x0a\x01\x00\x04\x00\x04\x00"
SEARCHED = b"\x65\x07\x0a\x01\x00\x04\x00\x04\x00"


@contextlib.contextmanager
def saying(*answers: bytes) -> Iterator[Server]:
    """A server that answers each request so."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = server.accept()
                with client:
                    for answer in answers:
                        request = client.recv(4096)
                        is_ldap = answer in (BOUND, SEARCHED)
                        client.sendall(message(request, answer) if is_ldap else answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield at(f"ldap://127.0.0.1:{server.getsockname()[1]}")


def message(request: bytes, operation: bytes) -> bytes:
    """A message with the number of the request."""
    start = 2 + (request[1] & 0x7F if request[1] & 0x80 else 0)
    number = request[start : start + 2 + request[start + 1]]
    return bytes([0x30, len(number + operation)]) + number + operation


def at(uri: str) -> Server:
    return Server(uri, "ldap", "127.0.0.1", int(uri.rpartition(":")[2]))


@pytest.mark.parametrize("answers", [(HTTP,), (BOUND, HTTP)])
def test_the_next_server_is_queried(answers: tuple[bytes, ...]):
    with saying(*answers) as web, serving(lambda _query: Answer()) as uri:
        settings = ConnectionSettings((web, at(uri)), timeout=5)
        with connection.connect(settings) as session:
            assert session.remarks == [f"skipped {web.uri}: {connection._NO_LDAP}"]
        with pytest.raises(Unanswered, match="its answer is not LDAP"):
            connection.connect(ConnectionSettings((web,), timeout=5))


def test_garbage_in_the_middle_of_an_answer():
    with (
        saying(BOUND, SEARCHED, HTTP) as web,
        connection.connect(ConnectionSettings((web,), timeout=5)) as session,
        pytest.raises(Unanswered, match="got no answer: its answer is not LDAP"),
    ):
        session.request(Query("dc=x", "(cn=*)", ("cn",)), b"")
