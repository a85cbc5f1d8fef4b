# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.shipping.code.plugins.doc_fragments.directory import ModuleDocFragment
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.layouts import LAYOUTS

GOOD: dict[str, Any] = {
    "uris": ["ldaps://ldap.example.com"],
    "base": "dc=x",
    "layout": "rfc2307",
    "hosts": {},
}


def problems(**changes: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        settings.read({**GOOD, **changes}, "ldap_projects.yml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "custom"])
def test_a_layout_says_everything(layout):
    found = settings.read({**GOOD, "layout": layout}, "test")
    assert found.projects.filter == LAYOUTS[layout].projects_filter
    assert found.users.base == found.base == "dc=x"


def test_options_override_the_layout():
    found = settings.read(
        {
            **GOOD,
            "projects": {"members": "owner", "filter": "(cn=prj-*)", "empty_groups": True},
            "users": {"login": "mail"},
        },
        "test",
    )
    assert found.layout.member_dns == ("owner",)
    assert found.projects.filter == "(cn=prj-*)"
    assert "(objectClass=groupOfNames)" in found.layout.groups_filter, (
        "groups inside of projects need no such name"
    )
    assert found.layout.users_login == "mail"


@pytest.mark.parametrize(
    ("uri", "scheme", "host", "port"),
    [
        ("ldaps://ldap.example.com", "ldaps", "ldap.example.com", 636),
        ("LDAP://ldap.example.com:1389/", "ldap", "ldap.example.com", 1389),
        ("ldaps://[2001:db8::1]:1636", "ldaps", "2001:db8::1", 1636),
        ("ldapi://%2Frun%2Fslapd%2Fldapi", "ldapi", "/run/slapd/ldapi", 0),
    ],
)
def test_uris(uri, scheme, host, port):
    (server,) = settings.read({**GOOD, "uris": [uri]}, "test").connection.servers
    assert (server.scheme, server.host, server.port) == (scheme, host, port)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"uris": ["https://x"]}, "uris: 'https://x' is not one of ldap://HOST"),
        ({"uris": ["ldap://x:port"]}, "uris: 'ldap://x:port' is not one of"),
        (
            {"uris": ["ldaps://dc1:3269"]},
            "uris: 'ldaps://dc1:3269' is a global catalog, which lacks members",
        ),
        ({"uris": []}, "uris: is missing"),
        ({"base": ""}, "base: is missing"),
        ({"layout": "rfc2308"}, "layout: is 'rfc2308', not one of"),
        ({"layout": "custom"}, "projects.filter: is missing; with layout custom"),
        (
            {"layout": "custom", "projects": {"filter": "(cn=*)"}},
            "projects: has no attribute that names members",
        ),
        ({"bind": "simpel"}, "did you mean simple?"),
        ({"bind_dn": "cn=a"}, "bind_password: is missing"),
        ({"bind": "simple", "bind_password": "a"}, "bind_dn: is missing"),
        ({"bind": "external"}, "client_certificate: is missing"),
        ({"bind": "gssapi", "uris": ["ldap://x"]}, "bind: gssapi works inside TLS only"),
        (
            {"bind_dn": "cn=a", "bind_password": "a", "uris": ["ldaps://y", "ldap://x"]},
            "bind: simple would send the password in clear text to ldap://x",
        ),
        ({"client_key": "key.pem"}, "client_key: and client_certificate go together"),
        ({"timeout": 0}, "timeout: is 0; write a whole number from 1 to 600"),
        ({"page_size": True}, "page_size: is True"),
        ({"start_tls": "sure"}, "start_tls: is 'sure'; write true or false"),
        (
            {"projects": {"nested": "in_chain"}},
            "projects.nested: in_chain is supported by Active Directory only",
        ),
        ({"projects": {"nest": "none"}}, "projects.nest: is unknown; did you mean nested?"),
        (
            {"projects": {"filter": "cn=*"}},
            "projects.filter: is 'cn=*'; write an LDAP filter in parentheses",
        ),
        ({"projects": {"filter": "(&(a=b)"}}, "projects.filter: is '(&(a=b)'"),
        ({"projects": {"filter": "(a=b)(c=d)"}}, "projects.filter: is '(a=b)(c=d)'"),
        (
            {"projects": {"members": ["member;x"]}},
            "projects.members: is ['member;x']; write a list of attribute names",
        ),
        ({"projects": ["alpha"]}, "projects: is ['alpha']; write base, filter"),
        ({"users": {"login": "u)(x"}}, "users.login: is 'u)(x', which is not an attribute name"),
        (
            {"users": {"login_format": "{user}"}},
            "users.login_format: is '{user}'; write {name} once",
        ),
        ({"users": {"scope": "base"}}, "users.scope: is 'base', not one of one, subtree"),
        ({"hosts": None}, "hosts: is missing"),
        (
            {"hosts": None, "host_map": {"a": 1}},
            "host_map.a: is 1; write a list of login names",
        ),
        ({"host_map": ["a"]}, "host_map: is to hold one host a line"),
        (
            {"hosts": None, "host_map": {"a": ["b"]}, "users": {"hosts": "host"}},
            "users.hosts: requires hosts",
        ),
        (
            {"hosts": None, "host_map": {"a": ["b"]}, "netgroups": {}},
            "netgroups: requires hosts",
        ),
        ({"netgroups": {"filtre": "(cn=*)"}}, "netgroups.filtre: is unknown; did you mean filter?"),
        ({"unresolved": "ignore"}, "unresolved: is 'ignore', not one of error, warn"),
        ({"total_timeout": 0}, "total_timeout: is 0; write a whole number from 1 to 86400"),
    ],
)
def test_mistakes(changes, text):
    assert any(text in problem for problem in problems(**changes)), problems(**changes)


def test_the_documentation_has_all_options_with_their_defaults():
    documented = {
        **yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"],
        **yaml.safe_load(ModuleDocFragment.LOGIN)["options"],
    }
    assert set(documented) == set(settings.OPTIONS)
    for name, within in settings.SECTIONS.items():
        assert set(documented[name]["suboptions"]) == set(within)
    found = settings.read(GOOD, "test")
    for name in (
        "timeout",
        "total_timeout",
        "page_size",
        "start_tls",
        "validate_certs",
        "allow_clear_text",
    ):
        assert documented[name]["default"] == getattr(found.connection, name)
    assert documented["batch_size"]["default"] == found.batch_size


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "custom"])
def test_names_that_lead_nowhere_are_an_error_by_default(layout):
    found = settings.read({**GOOD, "layout": layout}, "test")
    assert found.unresolved == ("warn" if layout == "rfc2307" else "error")
    assert (
        settings.read({**GOOD, "layout": layout, "unresolved": "warn"}, "test").unresolved == "warn"
    )


def test_all_mistakes_are_reported_at_once():
    assert len(problems(uris=[], base="", layout="x", timeout=0)) >= 4


def test_a_password_is_in_no_text():
    found = settings.read({**GOOD, "bind_dn": "cn=a", "bind_password": "hunter2"}, "test")
    assert "hunter2" not in repr(found)
    assert "hunter2" not in settings.fingerprint(found)
    assert found.connection.password == "hunter2"


def test_other_options_are_another_answer():
    one, other = (
        settings.read({**GOOD, "users": {"filter": text}}, "test")
        for text in ("(uid=*)", "(uid=a*)")
    )
    assert settings.fingerprint(one) != settings.fingerprint(other)
