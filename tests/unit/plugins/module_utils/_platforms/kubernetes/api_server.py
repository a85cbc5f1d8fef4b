# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server on loopback that answers as it is told."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request that the server got."""

    method: str
    path: str
    query: dict[str, str]
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for known, value in self.headers if known.lower() == name.lower()]


Answer = Callable[[Asked], "tuple[int, Any]"]


@dataclass
class Server:
    """``answer(asked)`` is status and body: an object, or an iterator of the lines of a stream.

    An exception cuts the stream.
    """

    host: str
    answer: Answer = lambda _asked: (200, {})
    asked: list[Asked] = field(default_factory=list)


def _content(body: Any) -> bytes | None:
    """What is sent at once; None for a stream."""
    if isinstance(body, bytes):
        return body
    return json.dumps(body).encode() if isinstance(body, dict) else None


def _secured(plain: socket.socket, certificate: Path) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)


class _Handler(BaseHTTPRequestHandler):
    here: Server
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        with contextlib.suppress(OSError):
            super().handle_one_request()

    def log_message(self, *args: object) -> None:
        pass

    def respond(self) -> None:
        place = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(place.query).items()}
        asked = Asked(
            self.command,
            place.path,
            query,
            list(self.headers.items()),
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        self.here.asked.append(asked)
        status, body = self.here.answer(asked)
        self.send_response(status)
        content = _content(body)
        name, value = (
            ("Transfer-Encoding", "chunked")
            if content is None
            else ("Content-Length", str(len(content)))
        )
        self.send_header(name, value)
        self.end_headers()
        if content is None:
            self.stream(body)
        else:
            self.wfile.write(content)

    def stream(self, pieces: Iterator[bytes]) -> None:
        try:
            for piece in pieces:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except RuntimeError:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond


@contextlib.contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    here = Server(f"http{'s' * bool(certificate)}://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("Bound", (_Handler,), {"here": here})
    server.daemon_threads = True
    if certificate:
        server.socket = _secured(server.socket, certificate)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
