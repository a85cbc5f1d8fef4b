# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers over HTTP, of a server whose answers follow Prometheus's page of its API."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.number_sources import (
    read_number,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ramp_checks import (
    NumberCheck,
    Reading,
)

from tests.testbed.tls import Authority


@dataclass
class Answers:
    """A server's answers by query or path, and the requests that it had."""

    url: str = ""
    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    pause: float = 0.0
    location: str = ""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def content(self, path: str) -> bytes:
        if self.raw is not None:
            return self.raw
        query = parse_qs(urlsplit(path).query).get("query", [""])[0]
        return json.dumps(self.body.get(query or urlsplit(path).path)).encode()


def started(answers: Answers) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.requests.append((self.path, dict(self.headers)))
            self.send_response(answers.status)
            if answers.location:
                self.send_header("Location", answers.location)
            self.end_headers()
            content = answers.content(self.path)
            parts = [bytes([octet]) for octet in content] if answers.pause else [content]
            with contextlib.suppress(OSError):
                for part in parts:
                    self.wfile.write(part)
                    time.sleep(answers.pause)

        def log_message(self, *_words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    answers.url = f"http://127.0.0.1:{server.server_port}"
    return server


@pytest.fixture
def answers() -> Iterator[Answers]:
    found = Answers()
    server = started(found)
    yield found
    server.shutdown()
    server.server_close()


def success(result_type: str, result: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": result_type, "result": result}}


def vector(*values: str) -> dict[str, Any]:
    return success("vector", [{"metric": {"pod": "a"}, "value": [1.5, value]} for value in values])


def prometheus(answers: Answers, **keys: Any) -> NumberCheck:
    return replace(NumberCheck("p95", "prometheus", answers.url, "up", at_most=1), **keys)


def document(answers: Answers, path: str = "a.b.0", **keys: Any) -> NumberCheck:
    url = f"{answers.url}/stats"
    return replace(NumberCheck("p95", "http", url, path, at_most=1), **keys)


def test_a_query_with_its_standard_error(answers: Answers) -> None:
    answers.body = {"up": vector("0.25"), "error": success("scalar", [1.5, "0.01"])}
    assert read_number(prometheus(answers)) == Reading(0.25)
    assert read_number(prometheus(answers, standard_error="error")) == Reading(0.25, 0.01)
    path = answers.requests[0][0]
    assert path == "/api/v1/query?query=up&timeout=5s"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (vector(), "up has 0 series, and not one"),
        (vector("1", "2"), "up has 2 series, and not one"),
        (vector("NaN"), "up is NaN"),
        (vector("+Inf"), "up is +Inf"),
        (success("matrix", []), "up is a matrix, and not one number"),
        (success("string", [1, "x"]), "up is a string, and not one number"),
        (success("scalar", "x"), "up has no sample with a value"),
        (success("vector", ["x"]), "up has no sample with a value"),
        ({"status": "error"}, "did not answer as Prometheus does"),
        (["x"], "did not answer as Prometheus does"),
    ],
)
def test_a_query_without_one_number_is_no_data(answers: Answers, body: Any, reason: str) -> None:
    answers.body = {"up": body}
    reading = read_number(prometheus(answers))
    assert reading.value is None
    assert reason in reading.reason


def test_an_error_of_prometheus_is_shown(answers: Answers) -> None:
    answers.status = 400
    answers.body = {"up": {"status": "error", "errorType": "bad_data", "error": "parse error"}}
    assert read_number(prometheus(answers)).reason == f"{answers.url} answered 400: parse error"


@pytest.mark.parametrize(
    ("found", "path", "value"),
    [({"a": {"b": [3]}}, "a.b.0", 3.0), ({"a": "2.5"}, "a", 2.5), ([1, 2], "1", 2.0)],
)
def test_a_document(answers: Answers, found: Any, path: str, value: float) -> None:
    answers.body = {"/stats": found}
    assert read_number(document(answers, path)) == Reading(value)


def test_a_document_is_read_once_for_both_numbers(answers: Answers) -> None:
    answers.body = {"/stats": {"value": 2, "error": 0.5}}
    assert read_number(document(answers, "value", standard_error="error")) == Reading(2, 0.5)
    assert len(answers.requests) == 1
    answers.body = {"/stats": {"value": 2, "error": -1}}
    reading = read_number(document(answers, "value", standard_error="error"))
    assert reading.reason == "its standard error is -1"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({}, "the document has nothing at a.b.0"),
        ({"a": {"b": []}}, "the document has nothing at a.b.0"),
        ({"a": {"b": [True]}}, "a.b.0 is true, and not a number"),
        ({"a": {"b": [None]}}, "a.b.0 is null, and not a number"),
        ({"a": {"b": ["many"]}}, "a.b.0 is 'many', and not a number"),
    ],
)
def test_a_document_without_the_number(answers: Answers, found: Any, reason: str) -> None:
    answers.body = {"/stats": found}
    assert read_number(document(answers)).reason == reason


def test_other_answers_are_no_data(answers: Answers) -> None:
    answers.raw = b"<html>"
    assert "did not answer with JSON" in read_number(document(answers)).reason
    answers.status = 503
    assert read_number(document(answers)).reason == f"{answers.url}/stats answered 503"
    answers.status, answers.raw = 200, b"x" * (1024**2 + 1)
    assert "more than 1048576 bytes" in read_number(document(answers, timeout=60.0)).reason


def test_no_server_and_a_wrong_address() -> None:
    check = NumberCheck("p95", "http", "http://127.0.0.1:1/x?token=1", "a", at_most=1)
    reason = read_number(check).reason
    assert reason == "http://127.0.0.1:1/x cannot be read: connection refused"
    assert "cannot be read" in read_number(replace(check, headers={"X": "a\nb"})).reason


def test_an_answer_that_takes_too_long(answers: Answers) -> None:
    answers.raw, answers.pause = b"1" * 100, 0.1
    start = time.monotonic()
    assert "took more than 0.4 s" in read_number(document(answers, timeout=0.4)).reason
    assert time.monotonic() - start < 2


def test_no_redirect_gets_the_headers(answers: Answers) -> None:
    answers.status, answers.location = 302, "/elsewhere"
    check = document(answers, headers={"Authorization": "Bearer x"})
    assert "answered 302" in read_number(check).reason
    assert [headers["Authorization"] for _path, headers in answers.requests] == ["Bearer x"]


def test_the_certificate_is_verified(answers: Answers, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("localhost", "DNS:localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    answers.body = {"/stats": {"a": 1}}
    server = started(answers)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = f"https://localhost:{server.server_port}/stats"
    check = NumberCheck("p95", "http", url, "a", at_most=1, ca_path=str(authority.certificate))
    try:
        assert read_number(check) == Reading(1.0)
        assert "its certificate is not trusted" in read_number(replace(check, ca_path="")).reason
        by_address = replace(check, url=url.replace("localhost", "127.0.0.1"))
        assert "not trusted" in read_number(by_address).reason
        nowhere = replace(check, ca_path="/nowhere")
        assert "no such file" in read_number(nowhere).reason
    finally:
        server.shutdown()
        server.server_close()
