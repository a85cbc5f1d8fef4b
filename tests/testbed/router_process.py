# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real routers as processes on loopback, with small services and a DNS server beside them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import json
import os
import signal
import socket
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.shipping.code.plugins.module_utils._routing.control_channel import (
    ControlChannel,
    connect_unix,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.haproxy_configuration import (
    EXPOSURE_KEY_FILE,
    TESTER_KEY_FILE,
    Control,
    RouterFiles,
    RouterPaths,
    RouterSettings,
    router_files,
    socket_path,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.route_table import RouteTable

from .machine import free_port

HAPROXY = "/usr/sbin/haproxy"
EXPOSURE_KEY = b"0123456789abcdef0123456789abcdef"
TESTER_KEY = "a-tester-key"
_START = 10.0


def slot_name(app: str, service: str, slot: int) -> str:
    """Return a slot's name in the DNS server below."""
    return f"{app}-{service}-{slot}.test"


class NameServer:
    """A DNS server for A records that tests change; ``records``: name -> addresses."""

    def __init__(self, records: Mapping[str, Sequence[str]]) -> None:
        self.records = {name: list(addresses) for name, addresses in records.items()}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                query, client = self._socket.recvfrom(4096)
                self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        # RFC 1035 section 4.1: header, question, answers that point to the question's name.
        labels, place = [], 12
        while query[place]:
            labels.append(query[place + 1 : place + 1 + query[place]].decode())
            place += query[place] + 1
        question = query[12 : place + 5]
        addresses = self.records.get(".".join(labels).lower(), [])
        flags = 0x8580 if addresses else 0x8583
        answers = b"".join(
            struct.pack("!HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(address)
            for address in addresses
        )
        header = struct.pack("!2sHHHHH", query[:2], flags, 1, len(addresses), 0, 0)
        return header + question + answers


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""

    def _answer(self) -> None:
        length = int(self.headers.get("content-length", 0))
        received = self.rfile.read(length)
        self.server.requests.append((self.command, self.path))
        if self.headers.get("upgrade") == "websocket":
            self._echo()
            return
        if self.path.startswith("/silent"):
            # The connection ends after the request was taken, without an answer.
            self.close_connection = True
            return
        if self.path.startswith("/slow"):
            time.sleep(float(self.path.rpartition("=")[2]))
        body = json.dumps(
            {
                "name": self.server.name,
                "path": self.path,
                "headers": {key.lower(): value for key, value in self._joined_headers()},
                "received": len(received),
            }
        ).encode()
        self.send_response(int(self.headers.get("x-answer-status", 200)))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _joined_headers(self) -> Iterator[tuple[str, str]]:
        for name in self.headers:
            yield name, ", ".join(self.headers.get_all(name) or [])

    def _echo(self) -> None:
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "upgrade")
        # RFC 6455 section 4.2.2; HAProxy checks it.
        key = str(self.headers["sec-websocket-key"]) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        digest = hashlib.sha1(key.encode(), usedforsecurity=False).digest()
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.close_connection = True
        while data := self.connection.recv(1024):
            self.connection.sendall(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer


class Service(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A replica of a service that answers with its name and what it received."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str, address: str, port: int) -> None:
        super().__init__((address, port), _Handler)
        self.name = name
        self.requests: list[tuple[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore connections that a router's health check has opened and reset."""

    def close(self) -> None:
        """Stop accepting connections."""
        self.shutdown()
        self.server_close()


@dataclass
class Router:
    """A router of its own folder and ports; ``start`` and ``stop`` may be repeated."""

    folder: Path
    table: RouteTable
    settings: RouterSettings
    name: str = "replica1"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> tuple[str, int]:
        """Return address and port of plain HTTP."""
        return (self.settings.address, self.settings.http_port)

    @property
    def log(self) -> Path:
        """Return the file of its exposures."""
        return self.folder / "stdout"

    @property
    def socket(self) -> str:
        """Return the path of its runtime API."""
        return str(self.folder / socket_path(self.settings.paths))

    @property
    def secrets(self) -> Path:
        """Return the folder of its certificates and keys."""
        return self.folder / self.settings.paths.secrets

    @property
    def configuration(self) -> Path:
        """Return the folder of its configuration."""
        return self.folder / self.settings.paths.configuration

    def write(self) -> RouterFiles:
        """Write all files; the folders exist afterwards."""
        paths = self.settings.paths
        for folder in (paths.configuration, paths.secrets, paths.state, paths.socket):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        result = router_files(self.table, self.settings)
        for name, text in result.files.items():
            (self.configuration / name).write_text(text)
        key = f"key {base64.b64encode(EXPOSURE_KEY).decode()}\n"
        (self.secrets / EXPOSURE_KEY_FILE).write_text(key)
        (self.secrets / TESTER_KEY_FILE).write_text(f"{TESTER_KEY}\n")
        return result

    def check(self) -> str:
        """Return what ``haproxy -c`` prints of the files; nothing if they are right."""
        done = subprocess.run(
            self._words("-c"), cwd=self.folder, capture_output=True, text=True, check=False
        )
        lines = (done.stdout + done.stderr).splitlines()
        # It exists after the first start only.
        expected = (
            "Configuration file is valid",
            "server state file",
            "server-state after",
            "[NOTICE]",
            "Warnings were",
        )
        return "\n".join(line for line in lines if not any(word in line for word in expected))

    def start(self) -> None:
        """Start the process and wait for its runtime API."""
        environment = {**os.environ, "SHIPPING_REPLICA": self.name}
        with (
            self.log.open("ab") as out,
            (self.folder / "stderr").open("ab") as errors,
        ):
            self.process = subprocess.Popen(
                self._words(), cwd=self.folder, stdout=out, stderr=errors, env=environment
            )
        wait_for(self._answers, "the router's runtime API")

    def stop(self, number: int = signal.SIGUSR1) -> None:
        """Stop the process: by default as a platform does, after its connections have ended."""
        if self.process:
            self.process.send_signal(number)
            self.process.wait(20)
            self.process = None

    def channel(self, seconds: float = 5.0) -> ControlChannel:
        """Connect to the runtime API."""
        return connect_unix(self.name, self.socket, time.monotonic() + seconds)

    def wait_until_up(self, count: int, *names: str) -> None:
        """Wait until ``count`` servers of all backends with these names are up."""

        def are_up() -> bool:
            with self.channel() as channel:
                stat = channel.send(["show stat"])[0]
            rows = [line.split(",") for line in stat.splitlines()]
            up = [row for row in rows if row[1:2] != ["BACKEND"] and row[17:18] == ["UP"]]
            return len([row for row in up if not names or row[0] in names]) >= count

        wait_for(are_up, f"{count} servers of {names}")

    def _words(self, *options: str) -> list[str]:
        return [HAPROXY, *options, "-f", f"{self.settings.paths.configuration}/haproxy.cfg"]

    def _answers(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise AssertionError((self.folder / "stderr").read_text()[-2000:])
        try:
            with self.channel(1) as channel:
                return bool(channel.send(["show info"])[0])
        except Exception:
            return False


def wait_for(condition: object, what: str, seconds: float = _START) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds} s")
        time.sleep(0.05)


def router_settings(names: NameServer, **changes: object) -> RouterSettings:
    """Return the settings of a router with free ports."""
    base = RouterSettings(
        slot_name,
        resolver=names.address,
        address="127.0.0.1",
        http_port=free_port(),
        https_port=free_port(),
        metrics_port=free_port(),
        servers=4,
        control=Control(port=free_port(), mutual_tls=False),
        # Relative to the folder of each router, so that all of them have the same files.
        paths=RouterPaths("conf", "secrets", "state", "run"),
        drain=5,
    )
    return replace(base, **changes)  # type: ignore[arg-type]
