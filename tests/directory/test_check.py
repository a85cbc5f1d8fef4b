# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way into a directory, step by step, with something wrong at each of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.connection_check import check
from ansible_collections.shipping.code.plugins.plugin_utils._membership.contents_check import (
    check_contents,
)

from tests.testbed.directory_servers import BLIND, READER, READER_PASSWORD, SUFFIX, Slapd
from tests.testbed.machine import Machine
from tests.testbed.tls import Authority

from . import company_entries
from .conftest import Ansible, Directory
from .test_connection import restarted

ALL = ["name", "tcp", "tls", "bind", "projects", "users", "hosts", "membership"]


def steps(directory: Directory, **changes: Any) -> list[dict[str, Any]]:
    found = [
        step.as_data()
        for step in check(
            settings.read({**directory.options, **changes}, "the test"), check_contents
        )
    ]
    assert READER_PASSWORD not in json.dumps(found)
    for step in found:
        assert step["text"]
        assert step["ok"] or step["hint"], step
    return found


def failure(found: list[dict[str, Any]], step: str) -> dict[str, Any]:
    """The last step, which is the first one that failed."""
    assert [item["step"] for item in found if not item["ok"]] == [step]
    assert found[-1]["step"] == step
    return found[-1]


def test_everything_is_well(directory: Directory):
    found = steps(directory)
    local = directory.options["uris"][0].startswith("ldapi")
    assert [item["step"] for item in found] == (["socket", *ALL[3:]] if local else ALL)
    assert all(item["ok"] for item in found)
    assert found[-1]["facts"] == {
        "projects": 3,
        "hosts": 6,
        "users": 5,
        "remarks": found[-1]["facts"]["remarks"],
    }


def test_facts_of_the_certificate_and_the_bind(rfc2307: Directory):
    found = {
        item["step"]: item["facts"]
        for item in steps(rfc2307, uris=[rfc2307.server.uri], start_tls=True)
    }
    name = f"{rfc2307.server.machine.name}-{rfc2307.server.name}"
    assert found["tls"]["subject"] == f"CN={name}"
    assert found["tls"]["issuer"] == "CN=test authority"
    assert found["tls"]["names"] == [name, rfc2307.server.machine.address]
    assert 28 <= found["tls"]["days_left"] <= 30
    assert found["tls"]["version"] == "TLSv1.3"
    assert found["bind"] == {
        "bind": "simple",
        "who": f"dn:{READER}",
        "vendor": "",
        "trees": [SUFFIX],
    }
    assert found["tcp"]["address"] == rfc2307.server.machine.address
    assert found["projects"]["count"] == 3


def test_a_name_that_does_not_exist(rfc2307: Directory):
    step = failure(steps(rfc2307, uris=["ldaps://ldap.invalid"]), "name")
    assert step["text"].startswith("ldap.invalid cannot be resolved: ")


def test_a_port_without_a_listener(rfc2307: Directory):
    step = failure(steps(rfc2307, uris=["ldaps://127.0.0.1:9"]), "tcp")
    assert step["text"] == "127.0.0.1 port 9 cannot be reached: Connection refused"


def test_a_port_that_speaks_no_tls(rfc2307: Directory, silent: str):
    assert (
        "did not answer the TLS handshake in time"
        in failure(steps(rfc2307, uris=[f"ldaps://{silent}"], timeout=1), "tls")["text"]
    )
    plain = f"ldaps://{rfc2307.server.machine.address}:{rfc2307.server.port}"
    assert "speaks TLS" in failure(steps(rfc2307, uris=[plain], timeout=2), "tls")["hint"]


@pytest.fixture(scope="module")
def certified(machine: Machine) -> Iterator[Slapd]:
    server = Slapd(machine, "checked", port=7389, secure_port=7636)
    server.up(
        "\n".join(
            [
                company_entries.people(company_entries.COMPANY),
                company_entries.machines(company_entries.COMPANY),
                company_entries.by_login(company_entries.COMPANY),
            ]
        )
    )
    yield server
    server.stop()


def test_certificates_that_are_not_to_be_trusted(
    rfc2307: Directory, certified: Slapd, machine: Machine, tmp_path: Path
):
    address = f"IP:{machine.address}"
    for certificate, why, remedy in (
        (
            Authority(tmp_path / "other").issue("unknown", address),
            "unable to get local issuer",
            "authority CN=test authority to ca_file",
        ),
        (
            certified.authority.issue("ldap.example.com"),
            "IP address mismatch",
            "names to uris, which are ldap.example.com, or",
        ),
        (
            certified.authority.issue("expired", address, days=-1),
            "certificate has expired",
            "Renew the certificate, which is valid from",
        ),
    ):
        step = failure(steps(rfc2307, uris=[restarted(certified, certificate)]), "tls")
        assert why in step["text"]
        assert remedy in step["hint"]
        assert step["facts"]["issuer"] == "CN=test authority"
    unsafe = steps(rfc2307, uris=[certified.secure_uri], validate_certs=False)
    assert "any server may answer" in unsafe[2]["text"]
    assert all(step["ok"] for step in unsafe)


def test_a_wrong_password_is_tried_once(rfc2307: Directory):
    found = steps(rfc2307, uris=[rfc2307.server.secure_uri] * 2, bind_password="wrong")
    assert "invalidCredentials (49)" in failure(found, "bind")["text"]
    assert len(found) == 4


def test_the_second_server_is_looked_at_too(rfc2307: Directory):
    found = steps(
        rfc2307, uris=["ldaps://127.0.0.1:9", rfc2307.server.secure_uri, rfc2307.server.secure_uri]
    )
    assert [item["step"] for item in found] == ["name", "tcp", *ALL, *ALL[:4]]


@pytest.mark.parametrize(
    ("changes", "step", "text"),
    [
        (
            {"projects": {"base": f"ou=typo,{SUFFIX}"}},
            "projects",
            f"the base ou=typo,{SUFFIX} does not exist",
        ),
        (
            {"users": {"filter": "(uid=nobody)"}},
            "users",
            "the base exists, but no entry matches (uid=nobody)",
        ),
        ({"users": {"filter": "(uid)"}}, "users", "the filter is wrong"),
        (
            {"hosts": {"base": f"ou=machines,{SUFFIX}", "filter": "(cn=pc9)"}},
            "hosts",
            "no entry matches (cn=pc9)",
        ),
    ],
)
def test_what_is_not_in_the_directory(
    rfc2307: Directory, changes: dict[str, Any], step: str, text: str
):
    found = [item for item in steps(rfc2307, **changes) if not item["ok"]]
    assert [item["step"] for item in found] == [step]
    assert text in found[0]["text"]


def test_members_that_cannot_be_read(groupofnames: Directory):
    step = failure(steps(groupofnames, bind_dn=BLIND), "membership")
    assert "has no member that can be read" in step["text"]


def test_a_socket_that_is_not_there(rfc2307: Directory):
    step = failure(steps(rfc2307, uris=["ldapi://%2Fnowhere%2Fldapi"], bind="external"), "socket")
    assert step["text"] == "/nowhere/ldapi cannot be opened: No such file or directory"


def test_the_module_from_the_command_line(rfc2307: Directory, ansible: Ansible):
    source = {"source_file": str(ansible.write(rfc2307.options)), "check_connection": True}
    found = ansible.task(source)
    assert not found["failed"]
    assert [step["step"] for step in found["steps"]] == ALL
    refused = ansible.task({**source, "bind_password": "a wrong one"})
    assert refused["failed"]
    assert refused["msg"].startswith(f"bind of {rfc2307.server.secure_uri}: ")
    assert [step["ok"] for step in refused["steps"]] == [True, True, True, False]
    assert "a wrong one" not in json.dumps(refused)
