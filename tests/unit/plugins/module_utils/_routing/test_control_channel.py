# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import Unreachable
from ansible_collections.shipping.code.plugins.module_utils._routing.control_channel import (
    ControlChannel,
)


class Stream:
    """Stands in for a connection; tests/routing has real ones. Each item is one arriving piece."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.sent: list[bytes] = []
        self.is_closed = False

    def sendall(self, data: bytes, /) -> None:
        self.sent.append(data)

    def recv(self, size: int, /) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def settimeout(self, seconds: float | None, /) -> None:
        assert seconds is None or seconds > 0

    def close(self) -> None:
        self.is_closed = True


def channel(*pieces: bytes, seconds: float = 9) -> tuple[ControlChannel, Stream]:
    stream = Stream(b"\n> ", *pieces)
    return ControlChannel("replica1", stream, time.monotonic() + seconds), stream


def test_answers_in_order() -> None:
    control, stream = channel(b"Name: HA", b"Proxy\n\n> ", b"+ + + \n> ")
    with control:
        assert control.send(["show info", "add map @1 m <<\na b\n"]) == ["Name: HAProxy", ""]
    assert stream.sent == [b"prompt\n", b"show info\n", b"add map @1 m <<\na b\n\n"]
    assert stream.is_closed


@pytest.mark.parametrize("pieces", [(), (b"",), (b"Name: HAPr",)])
def test_half_an_answer_is_none(pieces: tuple[bytes, ...]) -> None:
    control, _stream = channel(*pieces)
    with pytest.raises(Unreachable, match="it closed the connection without an answer"):
        control.send(["show info"])


def test_a_deadline_is_over() -> None:
    control, _stream = channel(b"x\n> ", seconds=-1)
    with pytest.raises(Unreachable, match="it did not answer in time"):
        control.send(["show info"])
