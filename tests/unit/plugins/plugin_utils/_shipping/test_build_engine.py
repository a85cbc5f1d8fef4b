# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that answers late, or not at all: a stand-in on a unix socket.

tests/integration/test_ship.py builds with a real one.
"""

from __future__ import annotations

import http.server
import io
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._registry.credentials import Credentials
from ansible_collections.shipping.code.plugins.plugin_utils._shipping import build_engine
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.build_engine import (
    BuildEngine,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.engine_address import (
    EngineAddress,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_file import (
    ImageBuild,
    ImageTest,
)

pytest.importorskip("docker")
pytest.importorskip("urllib3")

WEB = ImageBuild("web", "r.example.com/web", timeout=0.3)


class StandIn(socketserver.ThreadingUnixStreamServer):
    """An engine; ``answers`` are lists of JSON lines by method and end of the path.

    After an empty line it stays silent until the end of the test.
    """

    daemon_threads = True

    def __init__(self, path: Path, answers: dict[tuple[str, str], list[Any]]) -> None:
        super().__init__(str(path), Handler)
        self.path = path
        self.answers = answers
        self.requests: list[str] = []
        self.ended = threading.Event()

    def handle_error(self, _request: Any, _address: Any) -> None:
        """Print nothing: clients close connections that stay silent."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def address_string(self) -> str:
        return ""

    def log_message(self, *_words: Any) -> None:
        """Print nothing."""

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.server.requests.append(f"{self.command} {path}")
        lines = next(
            lines
            for (method, end), lines in self.server.answers.items()
            if method == self.command and path.endswith(end)
        )
        if lines[0] is None:
            self.server.ended.wait()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            if line is None:
                self.server.ended.wait()
                return
            self._send(json.dumps(line).encode() + b"\n")
        self._send(b"")

    def _send(self, chunk: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.flush()

    do_GET = do_POST = do_DELETE = _answer


@pytest.fixture
def engine_of(tmp_path: Path) -> Iterator[Callable[..., tuple[BuildEngine, StandIn]]]:
    servers: list[StandIn] = []

    def start(answers: dict[tuple[str, str], list[Any]]) -> tuple[BuildEngine, StandIn]:
        server = StandIn(tmp_path / "engine.sock", answers)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return BuildEngine(EngineAddress(f"unix://{server.path}"), Credentials()), server

    yield start
    for server in servers:
        server.ended.set()
        server.shutdown()
        server.server_close()


def test_a_build_that_stays_silent(engine_of: Any) -> None:
    engine, _server = engine_of({("POST", "/build"): [{"stream": "Step 1/2\n"}, None]})
    with pytest.raises(ShippingError) as caught:
        engine.build(WEB, io.BytesIO(b"x"))
    expected = "the image web cannot be built: it did not end within its timeout\n  | Step 1/2"
    assert str(caught.value) == expected


def test_a_registry_that_stays_silent(engine_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_engine, "_REGISTRY_SECONDS", 0.3)
    engine, _server = engine_of({("GET", "/json"): [None]})
    with pytest.raises(ShippingError) as caught:
        engine.digest("r.example.com/web:1")
    assert "r.example.com did not answer within 0.3 s. Check the registry" in str(caught.value)
    assert caught.value.facts["reason"] == "registry_unreachable"


def test_a_push_that_stays_silent(engine_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_engine, "_SECONDS", 0.3)
    silent: dict[tuple[str, str], list[Any]] = {
        ("POST", "/tag"): [{}],
        ("POST", "/push"): [{"status": "Waiting"}, None],
    }
    engine, _server = engine_of(silent)
    with pytest.raises(ShippingError, match="the image web cannot be pushed: no answer"):
        engine.push("sha256:1", WEB, "key-1")


def test_containers_of_killed_tests_are_removed(engine_of: Any) -> None:
    past, now = str(int(time.time()) - 10_000), str(int(time.time()))
    containers = [
        {"Id": "old", "Labels": {"shipping.code.test-deadline": past}},
        {"Id": "running", "Labels": {"shipping.code.test-deadline": now}},
        {"Id": "foreign", "Labels": {}},
    ]
    engine, server = engine_of(
        {
            ("GET", "/containers/json"): [containers],
            ("DELETE", "/old"): [{}],
            ("DELETE", "/new"): [{}],
            ("POST", "/create"): [{"Id": "new"}],
            ("POST", "/start"): [{}],
            ("POST", "/wait"): [{"StatusCode": 0}],
            ("GET", "/logs"): [""],
            ("GET", "/new/json"): [{"Config": {"Tty": True}}],
        }
    )
    engine.test("sha256:1", WEB, ImageTest(("true",)))
    deleted = [request for request in server.requests if request.startswith("DELETE")]
    assert deleted == ["DELETE /v1.41/containers/old", "DELETE /v1.41/containers/new"]
