# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Something in front of an engine that can block requests.

A run can be killed at a known moment then.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import threading
from pathlib import Path


class Proxy:
    """Passes everything on, until a request comes that is to be blocked.

    It listens on a unix socket, or on a free port of this machine; ``target`` is a unix socket, or
    a host and a port, which is reached by ``tls``. Clients connect without TLS, so that it can be
    read here.

    ``block(pattern, nth)``: the nth piece of a request that matches, its head or its body, waits
    until it is released. ``after=True`` passes it on first and holds the answer.
    """

    def __init__(
        self,
        target: Path | tuple[str, int],
        path: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.path = path
        self.target = target
        self.tls = tls
        self.blocked = threading.Event()
        self._pattern: re.Pattern[str] | None = None
        self._left = 0
        self._after = False
        self._go = threading.Event()
        self._lock = threading.Lock()
        self._clients: set[socket.socket] = set()
        if path:
            path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self._server.bind(str(path) if path else ("127.0.0.1", 0))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def host(self) -> str:
        """Return the value of ``docker_host``."""
        return (
            f"unix://{self.path}"
            if self.path
            else f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        )

    def block(self, pattern: str, nth: int = 1, *, after: bool = False) -> None:
        """Block a request from now on."""
        self.blocked.clear()
        self._go.clear()
        with self._lock:
            self._pattern, self._left, self._after = re.compile(pattern), nth, after

    def unblock(self) -> None:
        """Pass on what is blocked."""
        with self._lock:
            self._pattern = None
        self._go.set()

    def close(self) -> None:
        """Stop listening, and end all connections: a worker that is left loses its lease."""
        self.unblock()
        for each in (self._server, *self._clients.copy()):
            # close() alone does not wake the thread that waits for the socket.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._server.close()
        if self.path:
            self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._server.accept()
                self._clients.add(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, self._connected() as server:
            while True:
                # What TLS has unpacked already is no longer seen by select().
                ready = (
                    [server]
                    if isinstance(server, ssl.SSLSocket) and server.pending()
                    else select.select([client, server], [], [])[0]
                )
                for source in ready:
                    content = _received(source)
                    if content == b"":
                        return
                    if content and source is client:
                        self._pass_on(content, server)
                    elif content:
                        self._pass_back(content, client)

    def _connected(self) -> socket.socket:
        """Return a connection to the target."""
        if isinstance(self.target, Path):
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self.target))
            return server
        server = socket.create_connection(self.target)
        return self.tls.wrap_socket(server, server_hostname=self.target[0]) if self.tls else server

    def _pass_on(self, content: bytes, server: socket.socket) -> None:
        holds = self._is_to_block(content.decode("latin-1"))
        if holds and not self._after:
            self._wait()
        server.sendall(content)
        if holds and self._after:
            self._wait()

    def _pass_back(self, content: bytes, client: socket.socket) -> None:
        if self.blocked.is_set() and self._after:
            self._go.wait()
        client.sendall(content)

    def _is_to_block(self, piece: str) -> bool:
        with self._lock:
            if self._pattern is None or not self._pattern.search(piece):
                return False
            self._left -= 1
            return self._left == 0

    def _wait(self) -> None:
        self.blocked.set()
        self._go.wait()


def _received(source: socket.socket) -> bytes | None:
    """Return what is there to read, None where it was a matter of TLS alone."""
    source.setblocking(False)
    try:
        return source.recv(65536)
    except (BlockingIOError, ssl.SSLWantReadError):
        return None
    finally:
        source.setblocking(True)
