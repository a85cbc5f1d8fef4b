# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being let in: which server, how safely, as whom; and what is said where that does not work."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._directory.connection import LdapSession
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    DirectoryError,
    Inaccessible,
    Incomplete,
    Unanswered,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import Query, Reply

from tests.integration.harness import within
from tests.testbed.directory_servers import READER_PASSWORD, Slapd
from tests.testbed.machine import Machine
from tests.testbed.tls import Authority

from . import company_entries
from .company_entries import COMPANY, works
from .conftest import Directory


def refusal(directory: Directory, **changes: object) -> DirectoryError:
    with pytest.raises(DirectoryError) as caught:
        directory.ask(**changes)
    assert READER_PASSWORD not in str(caught.value)
    return caught.value


def test_start_tls(rfc2307: Directory):
    assert works(rfc2307.ask(uris=[rfc2307.server.uri], start_tls=True)) == COMPANY.works


def test_over_the_socket_as_this_user(rfc2307: Directory):
    assert works(rfc2307.ask(uris=[rfc2307.server.socket_uri], bind="external")) == COMPANY.works


def test_by_a_certificate(rfc2307: Directory):
    certificate, key = rfc2307.server.authority.issue("reader")
    answer = rfc2307.ask(bind="external", client_certificate=str(certificate), client_key=str(key))
    assert works(answer) == COMPANY.works


def test_anonymous(rfc2307: Directory):
    assert works(rfc2307.ask(bind="anonymous")) == COMPANY.works


def test_a_password_in_clear_text_is_not_sent(rfc2307: Directory):
    with pytest.raises(SpecError, match="simple would send the password in clear text"):
        rfc2307.ask(uris=[rfc2307.server.uri])
    assert works(rfc2307.ask(uris=[rfc2307.server.uri], allow_clear_text=True)) == COMPANY.works


def test_a_wrong_password_is_tried_once(rfc2307: Directory):
    error = refusal(rfc2307, uris=[rfc2307.server.secure_uri] * 3, bind_password="wrong")
    assert isinstance(error, Inaccessible)
    assert "rejects the bind of cn=reader,dc=example,dc=com: invalidCredentials (49)" in str(error)


def test_the_next_server_where_one_does_not_listen(rfc2307: Directory):
    answer = rfc2307.ask(uris=["ldaps://127.0.0.1:9", rfc2307.server.secure_uri])
    assert works(answer) == COMPANY.works
    assert answer.remarks[0].startswith("skipped ldaps://127.0.0.1:9: ")


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_the_next_server_where_one_is_silent(rfc2307: Directory, silent: str, scheme: str):
    with within(5):
        answer = rfc2307.ask(
            uris=[f"{scheme}://{silent}", rfc2307.server.uri], allow_clear_text=True, timeout=1
        )
    assert works(answer) == COMPANY.works
    assert "in time" in answer.remarks[0]


def test_all_servers_are_named_where_none_answers(rfc2307: Directory, silent: str):
    with within(5):
        error = refusal(
            rfc2307,
            uris=["ldaps://127.0.0.1:9", f"ldaps://{silent}", "ldaps://ldap.invalid"],
            timeout=1,
        )
    assert isinstance(error, Unanswered)
    assert "ldaps://127.0.0.1:9: [Errno 111] Connection refused" in error.why
    assert f"ldaps://{silent}: it did not answer the TLS handshake in time" in error.why
    assert "ldaps://ldap.invalid: its name cannot be resolved" in error.why


@pytest.fixture(scope="module")
def oddly_certified(machine: Machine) -> Iterator[Slapd]:
    server = Slapd(machine, "certificates", port=5389, secure_port=5636)
    server.up(
        "\n".join(
            [
                company_entries.people(COMPANY),
                company_entries.machines(COMPANY),
                company_entries.by_login(COMPANY),
            ]
        )
    )
    yield server
    server.stop()


def restarted(
    server: Slapd, certificate: tuple[Path, Path] | None = None, tls: str = "TLSProtocolMin 3.3"
) -> str:
    server.stop()
    server.certificate, server.tls = certificate, tls
    server.configure()
    server.start()
    return server.secure_uri


def test_certificates_that_are_not_to_be_trusted(
    rfc2307: Directory, oddly_certified: Slapd, machine: Machine, tmp_path: Path
):
    other = Authority(tmp_path / "other")
    for certificate, why in (
        (other.issue("unknown", f"IP:{machine.address}"), "unable to get local issuer certificate"),
        (oddly_certified.authority.issue("ldap.example.com"), "IP address mismatch"),
        (
            oddly_certified.authority.issue("expired", f"IP:{machine.address}", days=-1),
            "certificate has expired",
        ),
    ):
        error = refusal(rfc2307, uris=[restarted(oddly_certified, certificate)])
        assert isinstance(error, Unanswered)
        assert "its certificate is not trusted" in str(error)
        assert why in str(error)
        assert (
            works(rfc2307.ask(uris=[oddly_certified.secure_uri], validate_certs=False))
            == COMPANY.works
        )
        refusal(rfc2307, uris=[oddly_certified.uri], start_tls=True)


def spoken(server: Slapd) -> str | None:
    """The version of TLS that a client gets who takes any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection((server.machine.address, server.secure_port), 5) as plain,
        context.wrap_socket(plain) as secure,
    ):
        return secure.version()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_a_server_with_tls_1_1_only(rfc2307: Directory, oddly_certified: Slapd):
    uri = restarted(oddly_certified, tls="TLSCipherSuite NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT")
    assert spoken(oddly_certified) == "TLSv1.1"
    for changes in (
        {"uris": [uri]},
        {"uris": [uri], "validate_certs": False},
        {"uris": [oddly_certified.uri], "start_tls": True},
    ):
        error = refusal(rfc2307, **changes)
        assert isinstance(error, Unanswered)
        assert (
            "it broke off the TLS handshake, as one does that has nothing newer than TLS 1.1"
            in str(error)
        )


def test_a_server_that_hangs(rfc2307: Directory, oddly_certified: Slapd):
    """It accepts connections, as its machine does for it, and answers nothing."""
    uri = restarted(oddly_certified)
    pid = oddly_certified.machine.pid(oddly_certified.name) or 0
    os.kill(pid, signal.SIGSTOP)
    try:
        with within(10):
            answer = rfc2307.ask(uris=[uri, rfc2307.server.secure_uri], timeout=1)
            error = refusal(rfc2307, uris=[uri], timeout=1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert works(answer) == COMPANY.works
    assert answer.remarks[0].startswith(f"skipped {uri}: it did not answer")
    assert isinstance(error, Unanswered)


def stop(pid: int) -> None:
    """Stop a process, and wait until the last of its threads has stopped: it could answer."""
    os.kill(pid, signal.SIGSTOP)
    while any(
        "\nState:\tT" not in (task / "status").read_text()
        for task in Path(f"/proc/{pid}/task").iterdir()
    ):
        time.sleep(0.01)


def test_a_server_that_hangs_in_the_middle(
    rfc2307: Directory, oddly_certified: Slapd, monkeypatch: pytest.MonkeyPatch
):
    uri = restarted(oddly_certified)
    pid = oddly_certified.machine.pid(oddly_certified.name) or 0
    request = LdapSession.request

    def hang(self: LdapSession, query: Query, cookie: bytes | None) -> Reply:
        if cookie:
            stop(pid)
        return request(self, query, cookie)

    monkeypatch.setattr(LdapSession, "request", hang)
    try:
        with within(10):
            error = refusal(rfc2307, uris=[uri], timeout=1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert isinstance(error, Incomplete)
    assert "broke off at page 2" in error.what


def test_a_server_that_stops_in_the_middle(
    rfc2307: Directory, oddly_certified: Slapd, monkeypatch: pytest.MonkeyPatch
):
    uri = restarted(oddly_certified)
    request = LdapSession.request

    def cut(self: LdapSession, query: Query, cookie: bytes | None) -> Reply:
        if cookie:
            os.kill(oddly_certified.machine.pid(oddly_certified.name) or 0, signal.SIGKILL)
        return request(self, query, cookie)

    monkeypatch.setattr(LdapSession, "request", cut)
    error = refusal(rfc2307, uris=[uri])
    assert isinstance(error, Incomplete)
    assert "broke off at page" in error.what


@pytest.fixture
def replica(rfc2307: Directory, machine: Machine) -> Iterator[Slapd]:
    server = Slapd(machine, "replica", port=8389, secure_port=8636)
    server.follow(rfc2307.server)
    yield server
    server.stop()


def until_equal(directory: Directory, replica: Slapd) -> None:
    """Until a replica has come to where its provider is; before that it refuses, or is older."""
    deadline = time.monotonic() + 20
    while True:
        with suppress(DirectoryError):
            if directory.ask(uris=[replica.secure_uri]).revision == directory.ask().revision:
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_replicas(rfc2307: Directory, replica: Slapd):
    """Whichever of the two goes away, the answer is the same, and as old."""
    until_equal(rfc2307, replica)
    both = [rfc2307.server.secure_uri, replica.secure_uri]
    before = rfc2307.ask(uris=both)
    rfc2307.server.stop()
    try:
        after = rfc2307.ask(uris=both)
    finally:
        rfc2307.server.start()
    assert after.remarks[0].startswith(f"skipped {both[0]}: ")
    assert (after.revision, after.hosts, after.projects) == (
        before.revision,
        before.hosts,
        before.projects,
    )
    assert works(after) == COMPANY.works
    replica.stop()
    assert rfc2307.ask(uris=both[::-1]).hosts == before.hosts
