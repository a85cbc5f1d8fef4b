# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to the runtime API of one replica of the router."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Stream(Protocol):
    """A connected socket: of TLS, a unix socket, or of a port-forward."""

    def sendall(self, data: bytes, /) -> None:
        """Send all bytes."""

    def recv(self, size: int, /) -> bytes:
        """Return received bytes; none at the end of the stream."""

    def settimeout(self, seconds: float | None, /) -> None:
        """Set the time that each call may take."""

    def close(self) -> None:
        """Close the connection."""


@dataclass(frozen=True)
class ClientIdentity:
    """Paths of PEM files on the controller: the pinned CA, the client's certificate and key."""

    ca: str
    certificate: str
    key: str


class ControlChannel:
    """Sends commands to one replica, all over one connection; a context manager."""

    def __init__(self, replica: str, stream: Stream, deadline: float) -> None:
        """Take a connected stream; ``deadline`` is of ``time.monotonic()``."""
        raise NotImplementedError

    def send(self, commands: Sequence[str]) -> list[str]:
        """Return the answers in order; raise Unreachable, or PlatformError for a rejection."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection."""
        raise NotImplementedError


def connect_tls(
    replica: str, address: tuple[str, int], identity: ClientIdentity, deadline: float
) -> ControlChannel:
    """Connect to a replica's control port with mutual TLS; raise Unreachable or Denied."""
    raise NotImplementedError


def connect_unix(replica: str, path: str, deadline: float) -> ControlChannel:
    """Connect to a unix socket of the runtime API."""
    raise NotImplementedError
