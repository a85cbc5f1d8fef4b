# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of a port-forward as a stream of bytes.

The messages are those of a kubelet 1.36: the port as the first one of each channel, then data.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.port_forward import (  # noqa: E501
    PortForward,
)

PORT = (9443).to_bytes(2, "little")
BEGUN = [b"\x00" + PORT, b"\x01" + PORT]


class LostError(Exception):
    """An error of the library, which is no OSError."""


class Websocket:
    """A websocket with messages to receive; none at its end."""

    def __init__(self, messages: Iterable[bytes]) -> None:
        self.messages = list(messages)
        self.sent: list[bytes] = []

    def recv(self) -> bytes:
        if not self.messages:
            raise LostError("Connection to remote host was lost.")
        return self.messages.pop(0)

    def send_binary(self, data: bytes) -> None:
        self.sent.append(data)

    def shutdown(self) -> None:
        raise LostError("already closed")


def forward(*messages: bytes) -> PortForward:
    return PortForward(Websocket([*BEGUN, *messages]), LostError)


def test_data_comes_without_its_channel() -> None:
    stream = forward(b"\x00one", b"\x00", b"\x00two", b"")
    assert [stream.recv(9), stream.recv(9), stream.recv(9)] == [b"one", b"two", b""]


def test_data_is_sent_on_the_channel_of_the_port() -> None:
    websocket = Websocket([])
    PortForward(websocket, LostError).sendall(b"show info\n")
    assert websocket.sent == [b"\x00show info\n"]


def test_the_error_of_the_kubelet_is_the_cause() -> None:
    with pytest.raises(OSError, match="connection refused"):
        forward(b"\x01dial tcp4 127.0.0.1:9443: connect: connection refused\n").recv(9)


def test_a_lost_connection_is_no_end_of_the_stream() -> None:
    stream = forward()
    with pytest.raises(OSError, match="was lost"):
        stream.recv(9)
    stream.close()
