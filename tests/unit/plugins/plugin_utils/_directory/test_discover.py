# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers, in which order. A real name server is asked in tests/directory."""

from __future__ import annotations

import importlib
import random
from collections import Counter
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._directory import discover, settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    DirectoryError,
    Inaccessible,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.discover import (
    SrvRecord,
    ordered,
)

GOOD: dict[str, Any] = {
    "srv_domain": "Example.com.",
    "base": "dc=x",
    "layout": "rfc2307",
    "hosts": {},
}


def connection(**changes: Any) -> settings.ConnectionSettings:
    return settings.read({**GOOD, **changes}, "test").connection


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "_ldap._tcp.example.com"),
        ({"layout": "ad"}, "_ldap._tcp.dc._msdcs.example.com"),
        ({"layout": "ad", "srv_site": "Berlin"}, "_ldap._tcp.berlin._sites.dc._msdcs.example.com"),
    ],
)
def test_the_name_of_the_records(changes, name):
    assert connection(**changes).srv_name == name


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"srv_domain": "exa mple"}, "srv_domain: is 'exa mple'; write a domain"),
        ({"uris": ["ldaps://x"]}, "srv_domain: and uris exclude each other"),
        ({"srv_site": "Berlin"}, "srv_site: requires layout ad and srv_domain"),
        ({"layout": "ad", "srv_site": "a.b*"}, "srv_site: is 'a.b*'"),
    ],
)
def test_mistakes(changes, text):
    with pytest.raises(SpecError) as caught:
        connection(**changes)
    assert any(str(problem).startswith(text) for problem in caught.value.problems)


def test_priorities_go_before_weights():
    targets = [SrvRecord(20, 100, 389, "c"), SrvRecord(10, 0, 389, "a"), SrvRecord(10, 5, 389, "b")]
    for seed in range(20):
        order = [target.host for target in ordered(targets, random.Random(seed))]
        assert order[-1] == "c"
        assert sorted(order) == ["a", "b", "c"]


def test_weights_are_chances():
    targets = [SrvRecord(0, 90, 389, "a"), SrvRecord(0, 10, 389, "b"), SrvRecord(0, 0, 389, "c")]
    chance = random.Random(1)
    first = Counter(next(ordered(targets, chance)).host for _turn in range(2000))
    assert 1700 < first["a"] < 1900
    assert 100 < first["b"] < 300
    assert first["c"] < 10


@pytest.mark.parametrize(
    ("start_tls", "uri"),
    [(False, "ldaps://ldap.example.com:636"), (True, "ldap://ldap.example.com:1389")],
)
def test_a_server_is_reached_with_tls_alone(start_tls, uri):
    (server,) = discover.servers(
        [SrvRecord(0, 0, 1389, "ldap.example.com")], connection(start_tls=start_tls)
    )
    assert server.uri == uri
    assert server.host == "ldap.example.com"


@pytest.mark.parametrize("host", ["ldap.evil.com", "evilexample.com", "example.com.evil.com"])
def test_a_forged_answer_does_not_choose_the_directory(host):
    with pytest.raises(Inaccessible, match=f"names {host}: which is outside of example.com"):
        list(discover.servers([SrvRecord(0, 0, 389, host)], connection()))


def test_what_to_install(monkeypatch: pytest.MonkeyPatch):
    found = importlib.import_module

    def missing(name: str) -> Any:
        if name.startswith("dns"):
            raise ImportError(name)
        return found(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(DirectoryError, match=r"pip install 'dnspython>=2\.6,<3'"):
        discover.query("_ldap._tcp.example.com", 1)
