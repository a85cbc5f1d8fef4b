# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP proxy as companies have it in front of a cluster.

It opens tunnels (RFC 9110, CONNECT), and records the requests.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Tunnels:
    """``asked`` has the host and port of every tunnel."""

    address: str
    asked: list[str] = field(default_factory=list)


class _TunnelHandler(BaseHTTPRequestHandler):
    here: Tunnels

    def do_CONNECT(self) -> None:
        """Join both ends until one of them hangs up."""
        self.here.asked.append(self.path)
        host, _colon, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as far:
            self.send_response(200)
            self.end_headers()
            _join(self.connection, far)

    def log_message(self, *_arguments: object) -> None:
        """Nothing is logged."""


def _join(near: socket.socket, far: socket.socket) -> None:
    while True:
        for source in select.select([near, far], [], [])[0]:
            content = source.recv(65536)
            if not content:
                return
            (far if source is near else near).sendall(content)


@contextlib.contextmanager
def http_proxy() -> Iterator[Tunnels]:
    """Start a proxy on loopback."""
    here = Tunnels("")
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Handler", (_TunnelHandler,), {"here": here})
    ) as server:
        server.daemon_threads = True
        here.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield here
        server.shutdown()
