# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being let in: which server, how safely, as whom; and what is said where that does not work."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._app.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._directory.connect import LdapSession
from ansible_collections.shipping.code.plugins.plugin_utils._directory.errors import DirectoryError, Incomplete, Refused, Unanswered
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import Query, Reply

from tests.integration.harness import within
from tests.testbed.directory import READER_PASSWORD, SUFFIX, Slapd
from tests.testbed.machine import Machine
from tests.testbed.tls import Authority

from . import trees
from .conftest import Directory, works
from .trees import COMPANY


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


def test_as_nobody(rfc2307: Directory):
    assert works(rfc2307.ask(bind="anonymous")) == COMPANY.works


def test_a_password_in_clear_text_is_not_sent(rfc2307: Directory):
    with pytest.raises(SpecError, match="simple would send the password in clear text"):
        rfc2307.ask(uris=[rfc2307.server.uri])
    assert works(rfc2307.ask(uris=[rfc2307.server.uri], allow_clear_text=True)) == COMPANY.works


def test_a_wrong_password_is_tried_once(rfc2307: Directory):
    error = refusal(rfc2307, uris=[rfc2307.server.secure_uri] * 3, bind_password="wrong")
    assert isinstance(error, Refused)
    assert "does not let in cn=reader,dc=example,dc=com: invalidCredentials (49)" in str(error)


def test_the_next_server_where_one_does_not_listen(rfc2307: Directory):
    answer = rfc2307.ask(uris=["ldaps://127.0.0.1:9", rfc2307.server.secure_uri])
    assert works(answer) == COMPANY.works
    assert answer.remarks[0].startswith("passed over ldaps://127.0.0.1:9: ")


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_the_next_server_where_one_is_silent(rfc2307: Directory, silent: str, scheme: str):
    with within(5):
        answer = rfc2307.ask(uris=[f"{scheme}://{silent}", rfc2307.server.uri], allow_clear_text=True, timeout=1)
    assert works(answer) == COMPANY.works
    assert "in time" in answer.remarks[0]


def test_all_servers_are_named_where_none_answers(rfc2307: Directory, silent: str):
    with within(5):
        error = refusal(rfc2307, uris=["ldaps://127.0.0.1:9", f"ldaps://{silent}", "ldaps://ldap.invalid"], timeout=1)
    assert isinstance(error, Unanswered)
    assert "ldaps://127.0.0.1:9: [Errno 111] Connection refused" in error.why
    assert f"ldaps://{silent}: it did not answer the TLS handshake in time" in error.why
    assert "ldaps://ldap.invalid: its name cannot be resolved" in error.why


@pytest.fixture(scope="module")
def oddly_certified(machine: Machine) -> Iterator[Slapd]:
    server = Slapd(machine, "certificates", port=5389, secure_port=5636)
    server.up("\n".join([trees.people(COMPANY), trees.machines(COMPANY), trees.by_login(COMPANY)]))
    yield server
    server.stop()


def restarted(server: Slapd, certificate: tuple[Path, Path] | None = None) -> str:
    server.stop()
    server.certificate = certificate
    server.configure()
    server.start()
    return server.secure_uri


def test_certificates_that_are_not_to_be_trusted(rfc2307: Directory, oddly_certified: Slapd, machine: Machine, tmp_path: Path):
    other = Authority(tmp_path / "other")
    for certificate, why in (
        (other.issue("unknown", f"IP:{machine.address}"), "unable to get local issuer certificate"),
        (oddly_certified.authority.issue("ldap.example.com"), "IP address mismatch"),
        (oddly_certified.authority.issue("expired", f"IP:{machine.address}", days=-1), "certificate has expired"),
    ):
        error = refusal(rfc2307, uris=[restarted(oddly_certified, certificate)])
        assert isinstance(error, Unanswered)
        assert "its certificate is not trusted" in str(error)
        assert why in str(error)
        assert works(rfc2307.ask(uris=[oddly_certified.secure_uri], validate_certs=False)) == COMPANY.works
        refusal(rfc2307, uris=[oddly_certified.uri], start_tls=True)


def test_a_server_that_stops_in_the_middle(rfc2307: Directory, oddly_certified: Slapd, monkeypatch: pytest.MonkeyPatch):
    uri = restarted(oddly_certified)
    ask = LdapSession.ask

    def cut(self: LdapSession, query: Query, cookie: bytes | None) -> Reply:
        if cookie:
            os.kill(oddly_certified.machine.pid(oddly_certified.name) or 0, signal.SIGKILL)
        return ask(self, query, cookie)

    monkeypatch.setattr(LdapSession, "ask", cut)
    error = refusal(rfc2307, uris=[uri])
    assert isinstance(error, Incomplete)
    assert "broke off at page" in error.what


def test_replicas(rfc2307: Directory, oddly_certified: Slapd):
    """One of two servers with the same content goes away."""
    both = [oddly_certified.secure_uri, rfc2307.server.secure_uri]
    oddly_certified.stop()
    assert works(rfc2307.ask(uris=both)) == COMPANY.works
    assert SUFFIX in rfc2307.ask(uris=both).serial
