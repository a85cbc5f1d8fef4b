# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read is whole, and an answer that is empty is none; on a directory in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    Incomplete,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.distinguished_names import (
    dn_key,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.search import (
    Entry,
    Query,
    Reply,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.decide import Decision
from ansible_collections.shipping.code.plugins.plugin_utils._membership.empty_answer import (
    require_content,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.facts import (
    HalfAnswer,
    read_facts,
)

from .test_decide import NOW, OPTIONS, entry

_PART = re.compile(r"\((\w+)=([^()]*)\)")


def classed(text: Entry, name: str) -> Entry:
    return Entry(text.dn, {**text.values, "objectclass": [name.encode()]})


ADA = entry("uid=ada,ou=people,dc=x", uid="ada", entryUUID="1", objectClass="inetOrgPerson")
BOT = entry("cn=bot,ou=people,dc=x", cn="bot", objectClass="device")
PC1 = entry(
    "cn=pc1,ou=machines,dc=x", cn="pc1", objectClass="device", owner="uid=ada,ou=people,dc=x"
)


def project(**values: str | list[str]) -> Entry:
    own = {"objectClass": "groupOfNames", "cn": "a", "member": "uid=ada,ou=people,dc=x"}
    return entry("cn=a,ou=projects,dc=x", **{**own, **values})


class Tree:
    """A directory that evaluates the filters of these tests; ``omits`` leaves out of searches."""

    uri = "ldaps://test"
    naming_contexts: Sequence[str] = ("dc=x",)

    def __init__(self, *entries: Entry, omits: Callable[[Entry], bool] = lambda _entry: False):
        self.entries = entries
        self.omits = omits

    def request(self, query: Query, cookie: bytes | None) -> Reply:
        return Reply(entries=[e for e in self.in_scope(query) if matches(e, query.filter)])

    def in_scope(self, query: Query) -> list[Entry]:
        base = dn_key(query.base)
        if query.scope == "base":
            return [item for item in self.entries if item.key == base]
        found = [item for item in self.entries if item.key.endswith(f",{base}")]
        # An index that leaves out an entry does so for each search but that of its DN.
        by_dn = "(entryDN=" in query.filter
        return found if by_dn else [item for item in found if not self.omits(item)]


def matches(item: Entry, text: str) -> bool:
    """Return whether an entry has one of the values, and is one of the DNs where there are any."""
    parts = _PART.findall(text)
    dns = {dn_key(value.replace("\\2c", ",")) for name, value in parts if name == "entryDN"}
    if dns and item.key not in dns:
        return False
    return any(has(item, name, value) for name, value in parts if name != "entryDN")


def has(item: Entry, name: str, value: str) -> bool:
    values = [text.lower() for text in item.texts(name)]
    return bool(values) if value == "*" else value.lower() in values


def wanted(**more: Any) -> settings.Settings:
    areas = {
        "projects": {"base": "ou=projects,dc=x"},
        "users": {"base": "ou=people,dc=x"},
        "hosts": {"base": "ou=machines,dc=x", "domain": "example.com"},
    }
    return settings.read({**OPTIONS, **areas, **more}, "test")


BASES = [
    entry(dn, objectClass="organizationalUnit")
    for dn in ("dc=x", "ou=projects,dc=x", "ou=people,dc=x", "ou=machines,dc=x")
]


def test_a_user_whom_only_the_search_omits_is_an_error():
    tree = Tree(*BASES, ADA, PC1, project(), omits=lambda item: item is ADA)
    with pytest.raises(HalfAnswer, match="it left out uid=ada,ou=people,dc=x, which is below ou="):
        read_facts(tree, wanted())


def test_a_user_who_is_named_by_login_and_omitted_is_an_error():
    # The index of objectClass omits her, that of uid does not.
    class ByLogin(Tree):
        def request(self, query: Query, cookie: bytes | None) -> Reply:
            self.omits = (lambda _item: False) if "(uid=" in query.filter else lambda i: i is user
            return super().request(query, cookie)

    user = classed(ADA, "posixAccount")
    group = entry("cn=a,ou=projects,dc=x", cn="a", objectClass="posixGroup", memberUid="ada")
    with pytest.raises(HalfAnswer):
        read_facts(ByLogin(*BASES, user, group), wanted(layout="rfc2307"))


def test_an_entry_created_between_two_searches_is_read_again():
    tree = Tree(*BASES, ADA, PC1, project())
    left = [True]
    tree.omits = lambda item: item is ADA and left.pop() if left else False
    assert set(read_facts(tree, wanted()).users) == {ADA.key}


def test_what_is_there_and_does_not_match_is_no_error():
    group = project(member=["uid=ada,ou=people,dc=x", "cn=bot,ou=people,dc=x"])
    facts = read_facts(Tree(*BASES, ADA, BOT, PC1, group), wanted())
    assert facts.others == {BOT.key}


def test_a_project_inside_of_another_one_that_the_search_omits_is_an_error():
    inner = entry("cn=b,ou=projects,dc=x", objectClass="groupOfNames", cn="b", member=ADA.dn)
    group = project(member=[inner.dn])
    with pytest.raises(HalfAnswer, match="the search for projects"):
        read_facts(Tree(*BASES, ADA, PC1, group, inner, omits=lambda i: i is inner), wanted())


@pytest.mark.parametrize(
    ("entries", "what", "remedy"),
    [
        ([ADA, PC1], "no project", "projects.filter"),
        ([ADA, project()], "no host", "hosts.filter"),
        ([PC1, project(member=BOT.dn), BOT], "no user", "users.filter"),
        ([ADA, PC1, BOT, project(member=BOT.dn)], "no member in any of 1 projects", "users.base"),
        (
            [
                ADA,
                PC1,
                entry("cn=a,ou=projects,dc=x", cn="a", objectClass="groupOfNames", memberUid="ada"),
            ],
            "no member in any of 1 projects",
            "cn=a,ou=projects,dc=x has memberUid: write layout: rfc2307",
        ),
    ],
)
def test_an_empty_answer_is_an_error(entries: list[Entry], what: str, remedy: str):
    tree = Tree(*BASES, *entries)
    for allowed in (True, False):
        wanted_settings = wanted(
            allow_empty=allowed,
            unresolved="warn",
            projects={"base": "ou=projects,dc=x", "empty_groups": True},
        )
        decision = Decision(read_facts(tree, wanted_settings), wanted_settings, NOW)
        if allowed:
            require_content(tree, wanted_settings, decision)
            continue
        with pytest.raises(Incomplete) as caught:
            require_content(tree, wanted_settings, decision)
        assert what in caught.value.what
        assert remedy in caught.value.hint
