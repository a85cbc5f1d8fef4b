# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories that nobody would think of.

They are held against another client, which lets the server say what a DN means.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from tests.testbed.directory_servers import SUFFIX, Slapd
from tests.testbed.machine import Machine

from .company_entries import works
from .conftest import Directory, options

ldap = pytest.importorskip(
    "ldap", reason="python-ldap is missing; tests/requirements-directory.txt has it"
)
from ldap.dn import escape_dn_chars  # noqa: E402

ODD = (  # sigmas, other i and s, a ligature, an accent alone
    ' ,+"\\<>;=#*()/aAbBzZ019éÉßäÄñ中\u03c3\u03c2\u03a3\u0130\u0131\u017f\ufb01½\u0301'
)
NAMES = st.text(st.sampled_from(ODD), min_size=1, max_size=8) | st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Co", "Cn")), min_size=1, max_size=5
)


@dataclass(frozen=True)
class Spelling:
    """How somebody else would write a DN that means the same."""

    swapped: bool
    spaced: bool
    coded: bool

    def rdn(self, *assertions: tuple[str, str]) -> str:
        return "+".join(
            f"{self.case(name)}={self.value(value)}"
            for name, value in (reversed(assertions) if self.swapped else assertions)
        )

    def case(self, text: str) -> str:
        if not self.swapped:
            return text
        return "".join(letter.swapcase() if letter.isascii() else letter for letter in text)

    def value(self, text: str) -> str:
        own = self.case(text.replace(" ", "  ") if self.spaced else text)
        if self.coded:
            return "".join(f"\\{octet:02x}" for octet in own.encode())
        return escape_dn_chars(own)

    def dn(self, rdn: str, base: str) -> str:
        return (" , " if self.spaced else ",").join(
            [rdn, *(self.case(part) for part in base.split(","))]
        )


PLAIN = Spelling(swapped=False, spaced=False, coded=False)
SPELLINGS = st.builds(Spelling, st.booleans(), st.booleans(), st.booleans())


@dataclass(frozen=True)
class Group:
    name: str
    people: tuple[tuple[int, Spelling], ...]
    groups: tuple[tuple[int, Spelling], ...]
    is_project: bool


@dataclass(frozen=True)
class Tree:
    """People by their names, with whether the login name is a part of the DN; and groups.

    Groups may be inside of each other in circles.
    """

    people: tuple[tuple[str, bool], ...]
    groups: tuple[Group, ...]


def _links(most: int) -> st.SearchStrategy[tuple[tuple[int, Spelling], ...]]:
    return st.lists(
        st.tuples(st.integers(0, most), SPELLINGS), max_size=4, unique_by=lambda link: link[0]
    ).map(tuple)


TREES = st.builds(
    Tree,
    st.lists(st.tuples(NAMES, st.booleans()), min_size=1, max_size=6).map(tuple),
    st.lists(
        st.builds(Group, NAMES, _links(6), _links(5), st.booleans()), min_size=1, max_size=6
    ).map(tuple),
)
TWO = Tree(
    (("Straße", False), ("STRASSE", False)),
    (Group("one", ((0, PLAIN),), (), True), Group("other", ((1, PLAIN),), (), True)),
)


class Oracle:
    """python-ldap, which asks the server for everything that has to do with DNs."""

    numbers = itertools.count()

    def __init__(self, server: Slapd) -> None:
        self.connection = ldap.initialize(server.socket_uri)
        self.connection.sasl_external_bind_s()

    def fill(self, tree: Tree) -> str:
        """The tree in a place of its own; what the server does not take is left out."""
        base = f"ou=tree{next(self.numbers)},{SUFFIX}"
        self._add(base, objectClass=["organizationalUnit"])
        for place in ("people", "groups", "projects"):
            self._add(f"ou={place},{base}", objectClass=["organizationalUnit"])
        for number, (name, double) in enumerate(tree.people):
            self._add(
                PLAIN.dn(self._person(number, name, double, PLAIN), f"ou=people,{base}"),
                objectClass=["inetOrgPerson"],
                sn=["x"],
                uid=[f"u{number}"],
            )
        for number, group in enumerate(tree.groups):
            members = [*self._people(tree, group, base), *self._groups(tree, group, base)] or [
                f"cn=gone,{base}"
            ]
            self._add(
                self._group(group, PLAIN, base),
                objectClass=["groupOfNames"],
                member=list(dict.fromkeys(members)),
                description=[f"p{number}"],
            )
        return base

    def _person(self, number: int, name: str, double: bool, spelling: Spelling) -> str:
        return spelling.rdn(("cn", name), *([("uid", f"u{number}")] if double else []))

    def _group(self, group: Group, spelling: Spelling, base: str) -> str:
        return spelling.dn(
            spelling.rdn(("cn", group.name)),
            f"ou={'projects' if group.is_project else 'groups'},{base}",
        )

    def _people(self, tree: Tree, group: Group, base: str) -> Iterator[str]:
        """Each once: a server takes no value twice, however it is spelled."""
        for number, spelling in group.people:
            if number < len(tree.people):
                yield spelling.dn(
                    self._person(number, *tree.people[number], spelling), f"ou=people,{base}"
                )
            else:
                yield spelling.dn(f"cn=stranger{number}", base)

    def _groups(self, tree: Tree, group: Group, base: str) -> Iterator[str]:
        for number, spelling in group.groups:
            if number < len(tree.groups):
                yield self._group(tree.groups[number], spelling, base)

    def _add(self, dn: str, **attributes: list[str]) -> None:
        values = [(name, [value.encode() for value in held]) for name, held in attributes.items()]
        try:
            self.connection.add_s(dn, values)
        except (
            ldap.ALREADY_EXISTS,
            ldap.INVALID_SYNTAX,
            ldap.INVALID_DN_SYNTAX,
            ldap.NAMING_VIOLATION,
            ldap.TYPE_OR_VALUE_EXISTS,
        ) as error:
            event(type(error).__name__)

    def works(self, base: str) -> dict[str, set[str]]:
        """The projects of each person."""
        found: dict[str, set[str]] = {
            entry["uid"][0].decode(): set()
            for _dn, entry in self._search(base, "(objectClass=inetOrgPerson)")
        }
        for dn, entry in self._search(f"ou=projects,{base}", "(objectClass=groupOfNames)"):
            for login in self._members(dn):
                found[login].add(entry["description"][0].decode())
        return found

    def _members(self, dn: str) -> set[str]:
        seen: set[bytes] = set()
        found: set[str] = set()
        waiting = [dn]
        while waiting:
            entry = self._one(waiting.pop())
            if entry is None or entry["entryUUID"][0] in seen:
                continue
            seen.add(entry["entryUUID"][0])
            found |= {value.decode() for value in entry.get("uid", ())}
            waiting += [value.decode() for value in entry.get("member", ())]
        return found

    def _one(self, dn: str) -> dict[str, list[bytes]] | None:
        try:
            return self.connection.search_s(
                dn, ldap.SCOPE_BASE, "(objectClass=*)", ["entryUUID", "uid", "member"]
            )[0][1]
        except ldap.NO_SUCH_OBJECT:
            return None

    def _search(self, base: str, chosen: str) -> list[tuple[str, dict[str, Any]]]:
        return self.connection.search_s(base, ldap.SCOPE_SUBTREE, chosen, ["uid", "description"])


@pytest.fixture(scope="module")
def anything(machine: Machine) -> Iterator[Directory]:
    server = Slapd(machine, "oracle", port=7389, secure_port=7636)
    server.up("")
    yield Directory(server, options(server))
    server.stop()


@example(tree=TWO)
@given(tree=TREES)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_another_client_comes_to_the_same(anything: Directory, tree: Tree):
    oracle = Oracle(anything.server)
    base = oracle.fill(tree)
    expected = oracle.works(base)
    assume(expected)
    answer = anything.ask(
        base=base,
        page_size=3,
        batch_size=2,
        unresolved="warn",
        # Trees without a project or without a member are among them.
        allow_empty=True,
        hosts=None,
        host_map={f"pc{login}": [login] for login in expected},
        projects={"base": f"ou=projects,{base}", "name": "description"},
    )
    assert works(answer) == {
        f"pc{login}": {login: sorted(projects)} for login, projects in expected.items()
    }
