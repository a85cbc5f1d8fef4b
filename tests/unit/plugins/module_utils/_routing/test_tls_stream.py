# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS over a stream that is not a socket of its own, with a real peer at its other end."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._routing.tls_stream import TlsStream

from tests.testbed.tls import Authority

NAME = "router.shipping"


class Pieces:
    """A stream that hands over few bytes at a time, as messages of a websocket may."""

    def __init__(self, plain: socket.socket) -> None:
        self.plain = plain

    def sendall(self, data: bytes) -> None:
        self.plain.sendall(data)

    def recv(self, _size: int) -> bytes:
        return self.plain.recv(7)

    def settimeout(self, seconds: float | None) -> None:
        self.plain.settimeout(seconds)

    def close(self) -> None:
        self.plain.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextlib.contextmanager
def echoing(authority: Authority, size: int) -> Iterator[Pieces]:
    """A server that sends ``size`` bytes back."""
    certificate, key = authority.issue("router", f"DNS:{NAME}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(theirs, server_side=True) as peer,
        ):
            received = b""
            while len(received) < size:
                received += peer.recv(65536)
            peer.sendall(received)

    thread = threading.Thread(target=serve)
    thread.start()
    ours.settimeout(10)
    yield Pieces(ours)
    ours.close()
    thread.join()


def test_bytes_arrive_whole(authority: Authority) -> None:
    sent = bytes(range(256)) * 300
    with echoing(authority, len(sent)) as pieces:
        context = ssl.create_default_context(cafile=str(authority.certificate))
        stream = TlsStream(pieces, context, NAME)
        stream.settimeout(10)
        stream.sendall(sent)
        received = b""
        while len(received) < len(sent):
            received += stream.recv(65536)
        assert received == sent
        # An end without its farewell may be anywhere in an answer.
        with pytest.raises(ssl.SSLError):
            stream.recv(1)


@pytest.mark.parametrize(("trusted", "name"), [(False, NAME), (True, "another.example")])
def test_a_peer_that_is_not_trusted(authority: Authority, trusted: bool, name: str) -> None:
    cafile = str(authority.certificate) if trusted else None
    with echoing(authority, 1) as pieces:
        with pytest.raises(ssl.SSLCertVerificationError):
            TlsStream(pieces, ssl.create_default_context(cafile=cafile), name)
        assert pieces.plain.fileno() == -1
