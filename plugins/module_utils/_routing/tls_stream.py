# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS over a stream that is not a socket, such as a port-forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import ssl

_PART = 65536
# SSL_OP_IGNORE_UNEXPECTED_EOF of OpenSSL 3, which Python 3.9 sets: a connection that was cut off
# would then look like one that has ended (Modules/_ssl.c).
_IGNORES_CUTS = 1 << 7


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


class TlsStream:
    """A client's TLS connection over another stream."""

    def __init__(self, stream: Stream, context: ssl.SSLContext, server_name: str) -> None:
        """Shake hands; raise OSError, and ssl.SSLError where the peers do not trust each other."""
        # Costs 20 ms, which only programs with a router need.
        import ssl

        self._stream = stream
        context.options &= ~_IGNORES_CUTS
        self._wants_bytes = ssl.SSLWantReadError
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=server_name)
        try:
            self._until_done(self._tls.do_handshake)
        except BaseException:
            stream.close()
            raise

    def sendall(self, data: bytes, /) -> None:
        """Send all bytes."""
        self._until_done(lambda: self._tls.write(data))

    def recv(self, size: int, /) -> bytes:
        """Return received bytes; none at the end of the stream."""
        return bytes(self._until_done(lambda: self._tls.read(size)))

    def settimeout(self, seconds: float | None, /) -> None:
        """Set the time that each call may take."""
        self._stream.settimeout(seconds)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def _until_done(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                result = call()
            except self._wants_bytes:
                self._flush()
                self._receive()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        data = self._to_send.read()
        if data:
            self._stream.sendall(data)

    def _receive(self) -> None:
        data = self._stream.recv(_PART)
        if data:
            self._received.write(data)
        else:
            self._received.write_eof()
