# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests from real registries, and from ones that answer as few do."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.cause import Cause
from ansible_collections.shipping.code.plugins.module_utils._registry import registry_http
from ansible_collections.shipping.code.plugins.module_utils._registry.credentials import Credentials
from ansible_collections.shipping.code.plugins.module_utils._registry.registries import Registries
from ansible_collections.shipping.code.plugins.module_utils._registry.registry_answers import (
    HttpAnswer,
    challenges,
)

from .registry_server import certificate, docker_registry, push, stub

pytest.importorskip("urllib3", reason="the client needs urllib3")

DIGEST = "sha256:" + "0123456789abcdef" * 4
PASSWORD = "s3cret-of-the-shop"
BASIC = "Basic " + base64.b64encode(f"shop:{PASSWORD}".encode()).decode()
MANIFEST = b'{"schemaVersion": 2}'
FOUND = (200, {"Docker-Content-Digest": DIGEST}, MANIFEST)


@pytest.fixture(autouse=True)
def nobody_logged_in(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (
        "DOCKER_CONFIG",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NETRC",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def private_registry(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("private"), "shop", PASSWORD) as address:
        yield address


@pytest.fixture
def server():
    with stub() as made:
        yield made


@pytest.fixture
def other():
    with stub() as made:
        yield made


@pytest.fixture
def names(monkeypatch):
    """Names that end in .test are this machine."""
    asked = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: asked(
            "127.0.0.1" if str(host).endswith(".test") else host, *rest, **more
        ),
    )


def login(*registries, **values):
    return Credentials(
        {registry: values or {"username": "shop", "password": PASSWORD} for registry in registries}
    )


def ask(text, credentials=None, **options):
    return Registries(credentials or Credentials(), **options).digest(text)


def bearer(realm, **parameters):
    given = "".join(f',{name}="{value}"' for name, value in parameters.items())
    return {"WWW-Authenticate": f'Bearer realm="{realm}"{given}'}


def guarded(realm, token="the-token"):
    """Answers of a registry that wants a token."""
    return lambda asked: (
        FOUND
        if asked.headers.get("Authorization") == f"Bearer {token}"
        else (401, bearer(realm, service="shop.test"), b"")
    )


def tokens(token="the-token", name="token"):
    return lambda _asked: (200, {}, json.dumps({name: token}).encode())


# Real registries


def test_a_tag_and_a_digest_of_a_real_registry(registry):
    digest = push(registry, "a/app", "1")
    assert ask(f"{registry}/a/app:1") == digest
    assert ask(f"{registry}/a/app@{digest}") == digest
    assert ask(f"{registry}/a/app:other@{digest}") == digest


def test_what_a_real_registry_does_not_have(registry):
    push(registry, "a/app", "1")
    for name in (f"{registry}/a/app:2", f"{registry}/no/such:1"):
        assert ask(name) == Cause(
            "image_missing", f"the registry {registry} has no {name}", final=True
        )
    assert ask(f"{registry}/a/app@{DIGEST}").kind == "image_missing"


def test_a_private_registry(private_registry):
    digest = push(private_registry, "app", "1", BASIC)
    name = f"{private_registry}/app:1"
    assert ask(name, login(private_registry)) == digest
    refused = Cause(
        "image_denied",
        f"the registry {private_registry} denies access to {name} (unauthorized: authentication"
        " required)",
        final=True,
    )
    assert ask(name) == refused
    assert ask(name, login(private_registry, username="shop", password="wrong")) == refused


def test_many_at_once(private_registry):
    digests = {tag: push(private_registry, "many", tag, BASIC) for tag in map(str, range(8))}
    registries = Registries(login(private_registry))
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda tag: registries.digest(f"{private_registry}/many:{tag}"), digests)
        )
    assert found == list(digests.values())


# What is asked


def test_head_is_enough(server):
    server.answer = lambda _asked: FOUND
    assert ask(f"{server.address}/a/b:1") == DIGEST
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("HEAD", "/v2/a/b/manifests/1")
    ]
    assert server.asked[0].headers["Accept"].count("application/vnd.") == 4


@pytest.mark.parametrize("named", [{}, {"Docker-Content-Digest": "sha512:abc"}])
def test_a_digest_that_is_not_told_is_computed(server, named):
    server.answer = lambda _asked: (200, named, MANIFEST)
    assert ask(f"{server.address}/app") == "sha256:" + hashlib.sha256(MANIFEST).hexdigest()
    assert [asked.method for asked in server.asked] == ["HEAD", "GET"]


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"[" * 100_000, b'{"schemaVersion": 1}', b"\xff"]
)
def test_what_is_no_manifest_has_no_digest(server, body):
    server.answer = lambda _asked: (200, {}, body)
    assert ask(f"{server.address}/app").text.endswith("(its answer is no image manifest)")


def test_a_registry_that_does_not_know_head(server):
    server.answer = lambda asked: FOUND if asked.method == "GET" else (405, {}, b"")
    assert ask(f"{server.address}/app") == DIGEST


def test_another_digest_than_the_one_asked_for(server):
    server.answer = lambda _asked: FOUND
    assert ask(f"{server.address}/app@{DIGEST[:-1]}0").text.endswith(
        "(it answers with another digest)"
    )


def test_an_endless_answer(server):
    server.answer = lambda _asked: (200, {}, b" " * (4 * 1024 * 1024 + 1))
    assert ask(f"{server.address}/app").text.endswith("(its answer is larger than 4 MiB)")


@pytest.mark.parametrize(
    ("text", "place", "path"),
    [
        ("nginx", "registry-1.docker.io", "/v2/library/nginx/manifests/latest"),
        ("grafana/loki:3", "registry-1.docker.io", "/v2/grafana/loki/manifests/3"),
        ("ghcr.io/nginx:1", "ghcr.io", "/v2/nginx/manifests/1"),
    ],
)
def test_where_the_hub_is(monkeypatch, text, place, path):
    asked = []
    monkeypatch.setattr(
        registry_http.RegistryHttp,
        "send",
        lambda _self, _registry, method, url, _headers: (
            asked.append((method, url)) or HttpAnswer(url, *FOUND)
        ),
    )
    assert ask(text) == DIGEST
    assert asked == [("HEAD", f"https://{place}{path}")]


# What is wrong


def errors(*pairs):
    return json.dumps(
        {"errors": [{"code": code, "message": message} for code, message in pairs]}
    ).encode()


ANSWERS = [
    # status, body, kind, why
    (
        401,
        errors(("UNAUTHORIZED", "authentication required")),
        "image_denied",
        "unauthorized: authentication required",
    ),
    (
        403,
        errors(("DENIED", "requested access\nis denied\x1b[31m")),
        "image_denied",
        "denied: requested access is denied[31m",
    ),
    (403, b"<html>", "image_denied", "status 403 Forbidden"),
    (403, errors(("NAME_UNKNOWN", "no such")), "image_missing", ""),
    (404, errors(("MANIFEST_UNKNOWN", "manifest unknown")), "image_missing", ""),
    (404, b"", "image_missing", ""),
    (404, errors(("UNAUTHORIZED", "log in")), "image_denied", "unauthorized: log in"),
    (500, errors(("UNKNOWN", "no disk"), ("", "")), "registry_unreachable", "unknown: no disk"),
    (503, b'{"errors": [7]}', "registry_unreachable", "status 503 Service Unavailable"),
    (599, b'{"message": "gone fishing"}', "registry_unreachable", "gone fishing"),
]


@pytest.mark.parametrize(("status", "body", "kind", "why"), ANSWERS)
def test_refusals(server, status, body, kind, why):
    server.answer = lambda _asked: (status, {}, body)
    cause = ask(f"{server.address}/app:1")
    name = f"{server.address}/app:1"
    said = {
        "image_denied": f"denies access to {name} ({why})",
        "image_missing": f"has no {name}",
        "registry_unreachable": f"does not answer for {name} ({why})",
    }
    assert cause == Cause(kind, f"the registry {server.address} {said[kind]}", final=True)


def test_too_many_requests_make_no_further_one(server):
    server.answer = lambda _asked: (429, {"Retry-After": "30"}, b"")
    cause = ask(f"{server.address}/app:1")
    assert cause.kind == "registry_unreachable" and cause.text.endswith(
        "(status 429 Too Many Requests; try again in 30 s)"
    )
    assert len(server.asked) == 1


def test_nobody_is_there():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        cause = ask(f"127.0.0.1:{probe.getsockname()[1]}/app:1")
    assert cause.kind == "registry_unreachable" and cause.text.endswith("(connection refused)")


def test_nobody_answers():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cause = ask(f"127.0.0.1:{silent.getsockname()[1]}/app:1", timeout=0.2)
    assert cause.kind == "registry_unreachable" and cause.text.endswith("(no answer within 0.2 s)")


def test_a_registry_that_does_not_answer_is_queried_once():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0.1)
        registries = Registries(Credentials(), timeout=0.2)
        causes = [
            registries.digest(f"127.0.0.1:{silent.getsockname()[1]}/app:{tag}") for tag in "ab"
        ]
        # Not again without TLS either: a server without it answers at once.
        with silent.accept()[0], pytest.raises(TimeoutError):
            silent.accept()
    assert [cause.detail for cause in causes] == ["no answer within 0.2 s"] * 2


# Tokens


def test_a_token_for_nobody(server, other):
    server.answer, other.answer = guarded(f"http://{other.address}/token?kind=a"), tokens()
    assert ask(f"{server.address}/a/b:1") == DIGEST
    asked = other.asked[0]
    assert parse_qs(urlsplit(asked.path).query) == {
        "kind": ["a"],
        "service": ["shop.test"],
        "scope": ["repository:a/b:pull"],
    }
    assert (asked.method, other.authorizations, server.authorizations) == (
        "GET",
        [""],
        ["", "Bearer the-token"],
    )


def test_a_token_for_a_name_and_a_password(server, other):
    realm = f"http://{other.address}/token"
    server.answer = lambda asked: (
        FOUND
        if "Authorization" in asked.headers
        else (401, bearer(realm, scope="repository:a:pull repository:b:pull"), b"")
    )
    other.answer = tokens(name="access_token")
    assert ask(f"{server.address}/app:1", login(server.address)) == DIGEST
    assert parse_qs(urlsplit(other.asked[0].path).query) == {
        "scope": ["repository:a:pull", "repository:b:pull"],
        "account": ["shop"],
    }
    assert (other.authorizations, server.authorizations) == ([BASIC], ["", "Bearer the-token"])


def test_a_token_for_an_identity_token(server, other):
    server.answer, other.answer = guarded(f"http://{other.address}/token"), tokens()
    assert ask(f"{server.address}/app:1", login(server.address, identitytoken=PASSWORD)) == DIGEST
    asked = other.asked[0]
    form = {
        "grant_type": "refresh_token",
        "refresh_token": PASSWORD,
        "client_id": "shipping.code",
        "service": "shop.test",
        "scope": "repository:app:pull",
    }
    assert (
        asked.method,
        asked.path,
        {name: value[0] for name, value in parse_qs(asked.body).items()},
    ) == ("POST", "/token", form)
    assert PASSWORD not in str(server.asked)


@pytest.mark.parametrize(
    ("status", "body", "kind", "why"),
    [
        (
            401,
            b'{"details": "incorrect username or password"}',
            "image_denied",
            ": incorrect username or password",
        ),
        (
            403,
            errors(("DENIED", f"not {PASSWORD}, {BASIC}")),
            "image_denied",
            ": denied: not ********, Basic ********",
        ),
        (
            400,
            b'{"error": "invalid_scope", "error_description": "no"}',
            "registry_unreachable",
            ": invalid scope: no",
        ),
        (429, b"", "registry_unreachable", ": status 429 Too Many Requests"),
        (200, b"{}", "registry_unreachable", " answers without a token"),
        (200, b'{"token": "a\\r\\nX-Evil: 1"}', "registry_unreachable", " answers without a token"),
    ],
)
def test_a_token_service_that_gives_none(server, other, status, body, kind, why):
    server.answer, other.answer = (
        guarded(f"http://{other.address}/token"),
        lambda _asked: (status, {}, body),
    )
    cause = ask(f"{server.address}/app:1", login(server.address))
    assert (cause.kind, cause.text.partition(" (")[2]) == (
        kind,
        f"its token service {other.address}{why})",
    )


def test_an_identity_token_that_is_not_good_any_more(server, other):
    server.answer, other.answer = (
        guarded(f"http://{other.address}/token"),
        lambda _asked: (400, {}, b'{"error": "invalid_grant"}'),
    )
    assert (
        ask(f"{server.address}/app:1", login(server.address, identitytoken="x")).kind
        == "image_denied"
    )


def test_an_identity_token_is_no_password(server):
    server.answer = lambda _asked: (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
    cause = ask(f"{server.address}/app:1", login(server.address, identitytoken="x"))
    assert cause.kind == "image_denied" and "only an identity token is set" in cause.text


def test_a_token_that_does_not_help_is_asked_for_once(server, other):
    server.answer, other.answer = guarded(f"http://{other.address}/token"), tokens("another")
    assert ask(f"{server.address}/app:1").kind == "image_denied"
    assert len(other.asked) == 1


def test_a_login_is_looked_up_once(server, monkeypatch):
    server.answer = lambda asked: (
        FOUND
        if asked.headers.get("Authorization") == BASIC
        else (401, {"WWW-Authenticate": "Basic"}, b"")
    )
    asked = []
    monkeypatch.setattr(
        Credentials,
        "for_registry",
        lambda _self, registry: (
            asked.append(registry) or {"username": "shop", "password": PASSWORD}
        ),
    )
    registries = Registries(Credentials())
    assert [registries.digest(f"{server.address}/app:{tag}") for tag in "12"] == [DIGEST, DIGEST]
    assert asked == [server.address]


def test_a_public_image_needs_no_look_into_the_credentials(server):
    server.answer = lambda _asked: FOUND
    assert ask(f"{server.address}/app:1", Credentials(config_path="/no/such/file")) == DIGEST


# Who is told the credentials


def test_another_place_is_not_told_the_credentials(server, other):
    server.answer = lambda asked: (
        (307, {"Location": f"http://{other.address}/elsewhere"}, b"")
        if "Authorization" in asked.headers
        else (401, {"WWW-Authenticate": "Basic"}, b"")
    )
    other.answer = lambda _asked: FOUND
    assert ask(f"{server.address}/app:1", login(server.address, other.address)) == DIGEST
    assert (server.authorizations, other.authorizations) == (["", BASIC], [""])


def test_another_place_cannot_ask_for_the_credentials(server, other):
    server.answer = lambda _asked: (307, {"Location": f"http://{other.address}/elsewhere"}, b"")
    other.answer = lambda _asked: (401, bearer(f"http://{other.address}/token"), b"")
    assert (
        ask(f"{server.address}/app:1", login(server.address, other.address)).kind == "image_denied"
    )
    assert set(other.authorizations) == {""}
    assert "/token" not in str(other.asked)


def test_a_redirection_within_a_registry_keeps_the_credentials(server):
    def answer(request):
        if request.headers.get("Authorization") != BASIC:
            return 401, {"WWW-Authenticate": "Basic"}, b""
        return FOUND if request.path == "/there" else (302, {"Location": "/there"}, b"")

    server.answer = answer
    assert ask(f"{server.address}/app:1", login(server.address)) == DIGEST


def test_a_redirected_token_service_is_not_told_the_credentials(server, other):
    server.answer = guarded(f"http://{other.address}/token")
    other.answer = lambda asked: (307, {"Location": f"http://{server.address}/token"}, b"")
    ask(f"{server.address}/app:1", login(server.address))
    ask(f"{server.address}/app:1", login(server.address, identitytoken=PASSWORD))
    assert BASIC not in server.authorizations and PASSWORD not in str(server.asked)


@pytest.mark.parametrize(
    "location",
    [
        "http://shop.test:{port}/x",
        "ftp://127.0.0.1/x",
        "http://a@127.0.0.1:{port}/x",
        "http://x.test\\@127.0.0.1:{port}/",
        "http://[::1",
    ],
)
def test_redirections_that_are_not_followed(server, other, names, location):
    server.answer = lambda _asked: (
        307,
        {"Location": location.format(port=other.address.rpartition(":")[2])},
        b"",
    )
    assert ask(f"{server.address}/app:1").kind == "registry_unreachable"
    assert other.asked == []


def test_a_redirection_in_a_circle(server):
    server.answer = lambda asked: (307, {"Location": asked.path}, b"")
    assert ask(f"{server.address}/app:1").text.endswith("(it redirects too often)")


@pytest.mark.parametrize(
    "realm", ["http://auth.test:{port}/token", "", "file:///etc/passwd", "/token"]
)
def test_credentials_do_not_go_without_encryption(server, other, names, realm):
    server.answer = lambda _asked: (
        401,
        bearer(realm.format(port=other.address.rpartition(":")[2])),
        b"",
    )
    for known in (login(server.address), login(server.address, identitytoken="x"), Credentials()):
        cause = ask(f"{server.address}/app:1", known)
        assert cause.kind == "registry_unreachable" and "its token service: " in cause.text
    assert other.asked == []


def test_plain_registries_are_those_that_are_named(server, names):
    server.answer = lambda asked: (
        FOUND
        if asked.headers.get("Authorization") == BASIC
        else (401, {"WWW-Authenticate": "Basic"}, b"")
    )
    name = "shop.test:" + server.address.rpartition(":")[2]
    assert ask(f"{name}/app:1", login(name)).kind == "registry_unreachable"
    assert server.asked == []
    assert ask(f"{name}/app:1", login(name), insecure=[name.upper()]) == DIGEST


def test_a_netrc_is_left_alone(server, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login shop password x\n")
    server.answer = lambda asked: (404, {}, b"")
    ask(f"{server.address}/app:1")
    assert set(server.authorizations) == {""}


def test_proxies(server, other, names, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://{other.address}")
    server.answer = other.answer = lambda _asked: FOUND
    assert ask(f"{server.address}/app:1") == DIGEST
    assert other.asked == []
    assert ask("shop.test:1/app:1", insecure=["shop.test:1"]) == DIGEST
    assert other.asked[0].path == "http://shop.test:1/v2/app/manifests/1"


def test_a_proxys_password_is_not_told(names, monkeypatch):
    monkeypatch.setenv("https_proxy", f"http://u:{PASSWORD}@[bad/")
    assert PASSWORD not in ask("shop.test/app:1").text
    assert (
        registry_http._reason(ValueError(f"Failed to parse: http://u:{PASSWORD}@x"))
        == "Failed to parse: http://x"
    )


def test_no_cookies(server):
    server.answer = lambda _asked: (200, {"Set-Cookie": "sid=1"}, MANIFEST)
    ask(f"{server.address}/app:1")
    assert [asked.headers.get("Cookie") for asked in server.asked] == [None, None]


# Certificates


def test_certificates(names, monkeypatch, tmp_path):
    monkeypatch.setattr(registry_http, "_CERTIFICATES", str(tmp_path / "certs.d"))
    with stub(certificate(tmp_path, "shop.test")) as server:
        server.answer = lambda _asked: FOUND
        port = server.address.rpartition(":")[2]
        name = f"shop.test:{port}"
        cause = ask(f"{name}/app:1")
        assert (
            cause.kind == "registry_unreachable"
            and "(its certificate is not trusted: self" in cause.text
        )
        assert ask(f"{name}/app:1", insecure=[name]) == DIGEST
        assert ask(f"{server.address}/app:1") == DIGEST
        for place in (name, f"other.test:{port}", f"broken.test:{port}"):
            (tmp_path / "certs.d" / place).mkdir(parents=True)
            os.symlink(
                tmp_path / ("key.pem" if "broken" in place else "ca.crt"),
                tmp_path / "certs.d" / place / "ca.crt",
            )
        assert ask(f"{name}/app:1") == DIGEST
        assert (
            "certificate is not trusted: hostname mismatch"
            in ask(f"other.test:{port}/app:1").text.lower()
        )
        assert f"cannot read {tmp_path}/certs.d/broken" in ask(f"broken.test:{port}/app:1").text
        server.answer = lambda _asked: (307, {"Location": f"http://127.0.0.1:{port}/"}, b"")
        assert "redirects to where nothing is encrypted" in ask(f"{name}/app:1").text


# Challenges


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", {}),
        ("Basic", {"basic": {}}),
        (
            'Bearer realm="https://a/b?c=d,e",service=x , scope="a b"',
            {"bearer": {"realm": "https://a/b?c=d,e", "service": "x", "scope": "a b"}},
        ),
        (
            'BASIC realm="a", Bearer Realm="b\\"c"',
            {"basic": {"realm": "a"}, "bearer": {"realm": 'b"c'}},
        ),
        ('Bearer realm="a",service=""', {"bearer": {"realm": "a", "service": ""}}),
        ("Negotiate, Basic realm=a", {"negotiate": {}, "basic": {"realm": "a"}}),
    ],
)
def test_challenges(header, found):
    assert challenges(header) == found


@pytest.mark.parametrize(
    ("place", "loopback"),
    [
        ("localhost", 1),
        ("localhost:5000", 1),
        ("127.9.9.9:1", 1),
        ("[::1]:5000", 1),
        ("10.0.0.1", 0),
        ("localhost.test", 0),
    ],
)
def test_loopback(place, loopback):
    assert registry_http.is_loopback(place) == bool(loopback)
