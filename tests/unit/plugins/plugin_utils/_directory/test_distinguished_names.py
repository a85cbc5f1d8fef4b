# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import uuid

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import distinguished_names
from hypothesis import assume, example, given
from hypothesis import strategies as st
from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.operation.search import search_operation
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import parse_dn

SAME = [
    [
        "cn=Ada,ou=people,dc=x",
        "CN=ada, OU=People ,DC=X",
        "cn = ADA,ou= people,dc =x",
        "cn=Ada;ou=people;dc=x",
        'cn="Ada",ou=people,dc=x',
    ],
    [
        r"cn=Lovelace\, Ada,dc=x",
        r"cn=lovelace\2C ada,dc=x",
        'cn="Lovelace, Ada",dc=x',
        r"cn=Lovelace\,  Ada,dc=x",
    ],
    [r"cn=M\C3\BCller,dc=x", "cn=Müller,dc=x", "CN=MÜLLER,DC=X", "cn=Mu\u0308ller,dc=x"],
    ["cn=a+uid=b,dc=x", "uid=B+cn=A,dc=x"],
    ["cn=a=b,dc=x", r"cn=a\=b,dc=x", r"cn=a\3Db,dc=x"],
    [r"cn=Ada\ ,dc=x", "cn=Ada,dc=x"],
    ["cn=#0403416461,dc=x", "cn=Ada,dc=x", "cn=#0C03416461,dc=x"],
    [r"cn=\#1,dc=x", r"cn=\231,dc=x"],
]


@pytest.mark.parametrize("spellings", SAME)
def test_spellings_of_one_dn(spellings):
    assert len({distinguished_names.dn_key(text) for text in spellings}) == 1


def test_different_dns():
    texts = [
        "cn=a,dc=x",
        "cn=b,dc=x",
        r"cn=a\,dc=x",
        "cn=a",
        r"cn=a\+uid=b,dc=x",
        "cn=a+uid=b,dc=x",
        "uid=a,dc=x",
        "cn=a,dc=x,dc=y",
    ]
    assert len({distinguished_names.dn_key(text) for text in texts}) == len(texts)


def plain(value: str) -> str:
    return "".join(f"\\{letter}" if letter in '\\,+"<>;=#' else letter for letter in value)


def as_octets(value: str) -> str:
    return "".join(f"\\{octet:02X}" for octet in value.encode())


VALUES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.sampled_from(' ,+"\\;=#<>'),
    min_size=1,
    max_size=12,
).filter(str.strip)


def test_letters_are_compared_one_by_one():
    """As servers do: a sharp s is not two of them.

    All forms of sigma are one only where one is the other's capital.
    """
    assert distinguished_names.dn_key("cn=Straße") != distinguished_names.dn_key("cn=STRASSE")
    assert (
        distinguished_names.dn_key("cn=\u03a3")
        == distinguished_names.dn_key("cn=\u03c3")
        != distinguished_names.dn_key("cn=\u03c2")
    )


@given(VALUES)
def test_escapes_do_not_matter(value):
    assert distinguished_names.dn_key(f"cn={plain(value)},dc=x") == distinguished_names.dn_key(
        f"CN={as_octets(value)},DC=X"
    )


@given(VALUES, VALUES)
def test_values_that_differ_are_two(one, other):
    assume(
        distinguished_names.dn_key(f"cn={as_octets(one)}")
        != distinguished_names.dn_key(f"cn={as_octets(other)}")
    )
    assert distinguished_names.dn_key(f"cn={plain(one)},dc=x") != distinguished_names.dn_key(
        f"cn={plain(other)},dc=x"
    )


@given(VALUES)
def test_a_value_is_got_back(value):
    assert (
        distinguished_names.first_value(f"cn={plain(value)},dc=x", "CN") == value.strip()
        or value != value.strip()
    )


@given(st.text(max_size=40))
def test_any_text_has_a_key(text):
    assert isinstance(distinguished_names.dn_key(text), str)


@given(st.text(max_size=20))
def test_filters_mean_what_was_given(value):
    escaped = distinguished_names.filter_value(value)
    assert not set(escaped) & set("*()")
    assert (
        re.sub(rb"\\(..)", lambda pair: bytes.fromhex(pair[1].decode()), escaped.encode())
        == value.encode()
    )


def asserted(escaped: str) -> bytes:
    """The value that ldap3 sends for a filter."""
    query = ("dc=x", f"(cn={escaped})", "SUBTREE", "NEVER", ["cn"])
    request = search_operation(*query, 0, 0, False, auto_escape=False, auto_encode=False)
    return bytes(request["filter"]["equalityMatch"]["assertionValue"])


@given(st.text(min_size=1, max_size=20))
@example(" a b  ")
@example(" ")
@example("a\u00a0")
@example("\u3000a")
@example("a\n")
@example("*)(cn=*")
def test_a_filter_matches_the_given_value(value):
    assert asserted(distinguished_names.filter_value(value)) == value.encode()


def test_why_the_escaping_of_ldap3_is_not_used():
    """Where this fails, ldap3 has mended it, and its function can take the place of ours."""
    assert asserted(escape_filter_chars("a\u00a0")) == b"a"
    with pytest.raises(LDAPInvalidDnError):
        parse_dn("cn=a=b,dc=x")


@given(st.text(max_size=20))
def test_a_filter_can_be_shown(value):
    escaped = distinguished_names.filter_value(value)
    assert escaped.isascii() and (escaped.isprintable() or not escaped)


def test_filter_of_octets():
    assert (
        distinguished_names.any_of("objectSid", ["a*", "b)"])
        == r"(|(objectSid=a\2a)(objectSid=b\29))"
    )
    assert distinguished_names.filter_value(b"\x00\xff") == r"\00\ff"


def test_unique_member_may_have_bits():
    assert distinguished_names.member_dn("cn=a,dc=x#'0101'B") == "cn=a,dc=x"
    assert distinguished_names.member_dn(r"cn=a\#'0101'B,dc=x") == r"cn=a\#'0101'B,dc=x"


def test_identifiers():
    guid = uuid.uuid4()
    assert distinguished_names.identifier("objectGUID", guid.bytes_le) == str(guid)
    assert (
        distinguished_names.identifier("employeeNumber", b"0123456789012345") == "0123456789012345"
    )


@pytest.mark.parametrize(
    ("name", "domain", "expected"),
    [
        ("PC1.Example.COM", "", "pc1.example.com"),
        ("pc1", "Example.com", "pc1.example.com"),
        ("pc1.lab", "example.com", "pc1.lab"),
        (" pc1. ", "", "pc1"),
        ("pc 1", "example.com", None),
        ("-pc1", "", None),
        ("../etc", "", None),
        ("{{ x }}", "", None),
        ("pc_1", "", None),
        ("pc1\n", "", "pc1"),
        ("", "", None),
        ("a" * 64, "", None),
    ],
)
def test_host_names(name, domain, expected):
    assert distinguished_names.host_name(name, domain) == expected


def test_groups_of_ansible():
    assert [distinguished_names.group_name(name) for name in ("alpha", "my-app", "Größe & co")] == [
        "project_alpha",
        "project_my_app",
        "project_Gr__e___co",
    ]
    assert [
        distinguished_names.is_odd(name) for name in ("alpha", "my-app", "Größe & co", "a.b")
    ] == [False, False, True, True]


@given(st.text(max_size=30))
def test_any_project_has_a_group_that_ansible_takes(name):
    assert distinguished_names.group_name(name).isidentifier()
    assert distinguished_names.group_name(name).isascii()
