# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries on loopback: real ones, and ones that answer as they are told."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.testbed.machine import free_port

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Asked:
    """A request that a stub got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


@dataclass
class Stub:
    """A server whose answers a test gives: ``answer(asked)`` is status, headers and body."""

    address: str
    answer: Callable[[Asked], tuple[int, dict[str, str], bytes]] = lambda _asked: (404, {}, b"")
    asked: list[Asked] = field(default_factory=list)

    @property
    def authorizations(self) -> list[str]:
        return [asked.headers.get("Authorization", "") for asked in self.asked]


@contextlib.contextmanager
def stub(certificate: Path | None = None) -> Iterator[Stub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    here = Stub(f"127.0.0.1:{server.server_port}")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(OSError):
                super().handle_one_request()

        def log_message(self, *args: object) -> None:
            pass

        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = Asked(
                self.command, self.path, dict(self.headers), self.rfile.read(length).decode()
            )
            here.asked.append(asked)
            status, headers, body = here.answer(asked)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = respond

    server.RequestHandlerClass = Handler
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def docker_registry(folder: Path, user: str = "", password: str = "") -> Iterator[str]:
    """A real registry; its address. With a user it lets in nobody else."""
    for program, package in (
        ("docker-registry", "docker-registry"),
        *([("htpasswd", "apache2-utils")] if user else []),
    ):
        if not shutil.which(program):
            pytest.skip(f"there is no {program} here; it is in the package {package}")
    address = f"127.0.0.1:{free_port()}"
    auth = ""
    if user:
        known = subprocess.run(
            ["htpasswd", "-Bbn", "-C", "4", user, password], capture_output=True, check=True
        )
        (folder / "htpasswd").write_bytes(known.stdout)
        auth = f"auth:\n  htpasswd:\n    realm: shop\n    path: {folder}/htpasswd\n"
    settings = (
        "version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory:"
        f" {folder}/data}}}}\nhttp: {{addr: {address}}}\n{auth}"
    )
    (folder / "config.yml").write_text(settings)
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log
        ) as process,
    ):
        try:
            _wait_for(address, process)
            yield address
        finally:
            process.terminate()


def push(address: str, name: str, tag: str, authorization: str = "") -> str:
    """Push the smallest image there is; its digest."""
    headers = {"Authorization": authorization} if authorization else {}
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": []},
            "tag": tag,
        }
    ).encode()
    digest = _digest(config)
    place = _send(address, "POST", f"/v2/{name}/blobs/uploads/", headers)
    path = place.removeprefix(f"http://{address}")
    _send(address, "PUT", f"{path}{'&' if '?' in path else '?'}digest={digest}", headers, config)
    described = {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": digest,
        "size": len(config),
    }
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": described, "layers": []}
    ).encode()
    _send(
        address,
        "PUT",
        f"/v2/{name}/manifests/{tag}",
        {**headers, "Content-Type": MANIFEST_TYPE},
        manifest,
    )
    return _digest(manifest)


def certificate(folder: Path, name: str) -> Path:
    """A certificate for a name, signed by itself, with its key."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here")
    key, made, both = folder / "key.pem", folder / "ca.crt", folder / "both.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        str(key),
        "-out",
        str(made),
    ]
    subprocess.run(
        [*command, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        capture_output=True,
        check=True,
    )
    both.write_text(key.read_text() + made.read_text())
    return both


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _send(
    address: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> str:
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status in (201, 202), (method, path, answer.status, text)
    return answer.headers["Location"]


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        assert process.poll() is None and time.monotonic() < deadline, "the registry did not start"
        time.sleep(0.02)
