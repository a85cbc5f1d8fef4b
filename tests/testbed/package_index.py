# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package index on loopback that serves the wheels of a folder, by the simple API."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

JSON_TYPE = "application/vnd.pypi.simple.v1+json"


@dataclass
class Index:
    """Its address, its wheels, and the requests that it received."""

    folder: Path
    url: str
    login: str = ""
    """``user:password``, where one is needed."""
    is_html: bool = False
    yanked: set[str] = field(default_factory=set)
    paths: list[str] = field(default_factory=list)

    def answer(self, path: str, authorization: str) -> tuple[int, str, bytes]:
        """Return status, media type and body."""
        self.paths.append(path)
        token = base64.b64encode(self.login.encode()).decode()
        if self.login and authorization != f"Basic {token}":
            return 401, "text/plain", b""
        if path.startswith("/files/"):
            file = self.folder / path.removeprefix("/files/")
            return (200, "application/zip", file.read_bytes()) if file.exists() else (404, "", b"")
        name = path.removeprefix("/simple/").strip("/")
        wheels = sorted(self.folder.glob(f"{name.replace('-', '_')}-*.whl"))
        if not wheels:
            return 404, "text/plain", b""
        return self._html(wheels) if self.is_html else self._json(name, wheels)

    def _json(self, name: str, wheels: list[Path]) -> tuple[int, str, bytes]:
        files = [
            {
                "filename": wheel.name,
                "url": f"../../files/{wheel.name}",
                "hashes": {"sha256": _sha256(wheel)},
                "yanked": wheel.name in self.yanked,
            }
            for wheel in wheels
        ]
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": files}
        return 200, JSON_TYPE, json.dumps(page).encode()

    def _html(self, wheels: list[Path]) -> tuple[int, str, bytes]:
        links = "".join(
            f'<a href="/files/{wheel.name}#sha256={_sha256(wheel)}">{wheel.name}</a><br>'
            for wheel in wheels
        )
        return 200, "text/html; charset=utf-8", f"<!DOCTYPE html><body>{links}</body>".encode()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def package_index(folder: Path) -> Iterator[Index]:
    """Serve the wheels of a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    index = Index(folder, f"http://127.0.0.1:{server.server_port}/simple")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            status, media_type, body = index.answer(
                self.path, self.headers.get("Authorization", "")
            )
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
