# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who works where, in every directory; and no answer where it is not the whole one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import connection
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    Contradiction,
    DirectoryError,
    Inaccessible,
    Incomplete,
)

from tests.testbed.directory_servers import BLIND, LIMITED, READER, READER_PASSWORD, SUFFIX

from .company_entries import COMPANY, ODD, entry, escaped, works
from .conftest import Directory


@contextmanager
def changed(directory: Directory, there: str, back: str) -> Iterator[None]:
    """A change that is taken back."""
    directory.server.change(there)
    try:
        yield
    finally:
        directory.server.change(back)


def added(text: str) -> str:
    head, _end, rest = text.partition("\n")
    return f"{head}\nchangetype: add\n{rest}"


def removed(dn: str) -> str:
    return f"dn: {dn}\nchangetype: delete\n"


def test_everybody_is_where_they_work(directory: Directory):
    assert works(directory.ask()) == COMPANY.works


def test_the_same_again(directory: Directory):
    one, other = directory.ask(), directory.ask()
    assert (one.hosts, one.projects, one.remarks) == (
        other.hosts,
        other.projects,
        other.remarks,
    )
    if not one.revision.startswith("time:"):  # 389-ds without a changelog has none of its own.
        assert one.revision == other.revision


def test_groups_of_ansible_and_what_is_odd(directory: Directory):
    answer = directory.ask()
    assert answer.projects == {
        "alpha": "project_alpha",
        "beta": "project_beta",
        ODD: "project_Gr__e___co",
    }
    assert f"the project {ODD!r} is the group project_Gr__e___co" in answer.remarks


def test_a_user_who_leaves_has_no_project_and_keeps_the_host(groupofnames: Directory):
    before = groupofnames.ask()
    dn = f"cn=alpha,ou=projects,{SUFFIX}"
    member = f"member: cn=Ada,ou=people,{SUFFIX}"
    modify = f"dn: {dn}\nchangetype: modify\n"
    with changed(
        groupofnames, f"{modify}delete: member\n{member}\n", f"{modify}add: member\n{member}\n"
    ):
        after = groupofnames.ask()
    assert works(after) == {**COMPANY.works, "pc1.example.com": {"ada": []}}
    assert after.revision > before.revision
    assert after.revision.startswith(f"csn:{SUFFIX}:")


def test_nested_groups_may_be_left_out(groupofnames: Directory):
    answer = groupofnames.ask(projects={**groupofnames.options["projects"], "nested": "none"})
    assert works(answer)["pc2.example.com"] == {"bob": ["alpha", "beta"], "cy": []}


def test_a_user_has_id_and_hints(rfc2307: Directory):
    ada = rfc2307.ask().hosts[0].users[0]
    assert ada.hints == {"uid": 1001, "home": "/home/ada"}
    assert len(ada.id) == 36


def test_hosts_of_a_map_and_of_users(groupofnames: Directory):
    options = {
        "hosts": None,
        "host_map": {"Laptop1": ["ada", "gone"], "laptop2.example.com": []},
    }
    with pytest.raises(Exception, match="hosts: is missing"):
        groupofnames.ask(hosts=None)
    assert "host laptop1 in host_map names gone, which cannot be found" in str(
        refusal(groupofnames, **options)
    )
    answer = groupofnames.ask(**options, unresolved="warn")
    assert works(answer) == {"laptop1": {"ada": ["alpha"]}, "laptop2.example.com": {}}
    assert (
        "host laptop1 in host_map names gone, which cannot be found and counts as deleted"
        in answer.remarks
    )


def test_a_host_of_a_group(groupofnames: Directory):
    dn = f"cn=pool,ou=machines,{SUFFIX}"
    pool = entry(dn, objectClass="device", cn="pool", owner=f"cn=team,ou=teams,{SUFFIX}")
    with changed(groupofnames, added(pool), removed(dn)):
        assert works(groupofnames.ask())["pool.example.com"] == {
            "bob": ["alpha", "beta"],
            "cy": ["beta"],
            "eve": [ODD, "beta"],
        }


def test_a_name_like_a_template_stays_a_name(groupofnames: Directory):
    name = "{{ lookup('pipe', 'id') }}"
    dn = f"cn={escaped(name)},ou=projects,{SUFFIX}"
    project = entry(dn, objectClass="groupOfNames", cn=name, member=f"cn=Ada,ou=people,{SUFFIX}")
    with changed(groupofnames, added(project), removed(dn)):
        assert works(groupofnames.ask())["pc1.example.com"] == {"ada": ["alpha", name]}


def test_the_primary_group_of_active_directory(ad: Directory):
    answer = ad.ask(projects={**ad.options["projects"], "primary_group": False})
    assert works(answer)["pc2.example.com"] == {"bob": ["beta"], "cy": ["beta"]}


def test_active_directory_has_revisions_and_ids_of_its_own(ad: Directory):
    before = ad.ask()
    assert re.fullmatch(r"usn:[0-9a-f-]{36}:\d+", before.revision)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", before.hosts[0].users[0].id)


def test_other_partitions_of_active_directory_are_not_a_gap(
    ad: Directory, monkeypatch: pytest.MonkeyPatch
):
    assert works(ad.ask()) == COMPANY.works
    monkeypatch.setattr(
        connection, "_DOMAIN_SCOPE", "1.2.3"
    )  # Without the control the server names them.
    error = refusal(ad)
    assert "left out a part of the tree" in error.what
    assert "DC=DomainDnsZones" in error.why or "CN=Configuration" in error.why


# No answer rather than a short one


def refusal(directory: Directory, **changes: object) -> DirectoryError:
    with pytest.raises(DirectoryError) as caught:
        directory.ask(**changes)
    return caught.value


@pytest.mark.parametrize("page_size", [2, 500])
def test_a_limit_of_the_server(slapd: Directory, page_size: int):
    error = refusal(slapd, bind_dn=LIMITED, page_size=page_size)
    assert isinstance(error, Incomplete)
    assert "sizeLimitExceeded" in error.why or "adminLimitExceeded" in error.why
    assert "limits of this account" in error.hint


def test_a_limit_of_389ds_is_one_of_a_page(freeipa: Directory):
    reader = {
        "uris": [freeipa.server.uri],
        "bind": "simple",
        "bind_password": READER_PASSWORD,
        "allow_clear_text": True,
    }
    assert works(freeipa.ask(**reader, bind_dn=READER, page_size=500)) == COMPANY.works
    assert works(freeipa.ask(**reader, bind_dn=LIMITED, page_size=2)) == COMPANY.works
    error = refusal(freeipa, **reader, bind_dn=LIMITED, page_size=500)
    assert isinstance(error, Incomplete)
    assert "LimitExceeded" in error.why


@pytest.mark.parametrize("where", ["projects", "users", "hosts"])
def test_a_base_that_does_not_exist(directory: Directory, where: str):
    base = f"ou=typo,{directory.options['base']}"
    error = refusal(directory, **{where: {**directory.options.get(where, {}), "base": base}})
    assert isinstance(error, Inaccessible)
    assert error.what.startswith(f"the base {base} does not exist at ldap")


@pytest.mark.parametrize("kind", ["rfc2307bis", "groupofnames", "uniquenames"])
def test_members_that_cannot_be_read(request: pytest.FixtureRequest, kind: str):
    error = refusal(request.getfixturevalue(kind), bind_dn=BLIND)
    assert isinstance(error, Incomplete)
    assert "has no member that can be read" in error.what


def test_a_part_of_the_tree_that_is_elsewhere(groupofnames: Directory):
    dn = f"ou=abroad,ou=projects,{SUFFIX}"
    elsewhere = entry(
        dn,
        objectClass=["referral", "extensibleObject"],
        ou="abroad",
        ref=f"ldap://abroad.example.com/{dn}",
    )
    groupofnames.server.change(added(elsewhere))
    try:
        error = refusal(groupofnames)
    finally:
        groupofnames.server.control("ldapdelete", "-M", dn)
    assert isinstance(error, Incomplete)
    assert "left out a part of the tree: it is at ldap://abroad.example.com/" in str(error)


def test_an_id_that_cannot_be_read(groupofnames: Directory):
    error = refusal(groupofnames, users={"id": "employeeNumber"})
    assert "has no employeeNumber" in str(error)
    assert "users.id" in error.hint


def test_two_hosts_of_one_name(groupofnames: Directory):
    dn = f"cn=PC1.Example.Com,ou=machines,{SUFFIX}"
    with changed(
        groupofnames, added(entry(dn, objectClass="device", cn="PC1.Example.Com")), removed(dn)
    ):
        answer = groupofnames.ask()
    others = {name: users for name, users in COMPANY.works.items() if name != "pc1.example.com"}
    assert works(answer) == others
    assert any("two entries are the host pc1.example.com" in text for text in answer.remarks)


def test_two_projects_of_one_group(groupofnames: Directory):
    dn = f"cn=al pha,ou=projects,{SUFFIX}"
    other = f"cn=al_pha,ou=projects,{SUFFIX}"
    groups = [
        entry(name, objectClass="groupOfNames", cn=cn, member=f"cn=Ada,ou=people,{SUFFIX}")
        for name, cn in ((dn, "al pha"), (other, "al_pha"))
    ]
    with changed(groupofnames, "\n".join(map(added, groups)), f"{removed(dn)}\n{removed(other)}"):
        answer = groupofnames.ask()
    others = {name: users for name, users in COMPANY.works.items() if name != "pc1.example.com"}
    assert works(answer) == others
    text = "two projects would be the group project_al_pha: al pha and al_pha"
    assert any(remark.startswith(text) for remark in answer.remarks)


def test_two_users_whose_names_are_equal_in_other_directories(ds389: Directory):
    """OpenLDAP takes them for one, 389-ds for two."""
    names = [f"cn={name},ou=people,{SUFFIX}" for name in ("ﬁ", "fi")]
    people = [
        entry(dn, objectClass="inetOrgPerson", cn="fi", sn="x", uid=f"x{number}")
        for number, dn in enumerate(names)
    ]
    ds389.server.change("-a", input="\n".join(people))
    try:
        error = refusal(ds389)
    finally:
        ds389.server.change(input="\n".join(entry(dn, changetype="delete") for dn in names))
    assert isinstance(error, Contradiction)
    assert "two entries have names that cannot be distinguished" in str(error)


def test_a_host_without_a_usable_name(groupofnames: Directory):
    dn = f"cn=pc 7/x,ou=machines,{SUFFIX}"
    with changed(groupofnames, added(entry(dn, objectClass="device", cn="pc 7/x")), removed(dn)):
        answer = groupofnames.ask()
    assert works(answer) == COMPANY.works
    text = "('pc 7/x') is left out, as no host can have its cn as a name"
    assert any(text in remark for remark in answer.remarks)


def test_a_filter_with_a_mistake(groupofnames: Directory):
    error = refusal(groupofnames, users={"filter": "(uid)"})
    assert "(uid)" in error.what
    assert "filter" in error.hint


def test_roles_of_389ds_as_projects(ds389: Directory):
    """Its roles are hidden from each filter that does not name their class."""
    roles = {name: f"cn={name},ou=people,{SUFFIX}" for name in ("boss", "guest")}
    classes = ["ldapsubentry", "nsroledefinition", "nssimpleroledefinition"]
    classes.append("nsmanagedroledefinition")
    people = [(f"cn={name},ou=people,{SUFFIX}", role) for name, role in ROLES]
    for name, dn in roles.items():
        ds389.server.change("-a", input=entry(dn, objectClass=classes, cn=name))
    modify = "dn: {}\nchangetype: modify\n{}: nsRoleDN\nnsRoleDN: {}\n"
    for dn, role in people:
        ds389.server.change(input=modify.format(dn, "add", roles[role]))
    projects = {"filter": "(&(objectClass=ldapSubEntry)(cn=boss))", "member_of": ["nsRole"]}
    given = {
        "layout": "custom",
        "projects": projects,
        "users": {"filter": "(objectClass=inetOrgPerson)", "id": "nsUniqueId", "login": "uid"},
    }
    try:
        answer = ds389.ask(**given)
    finally:
        for dn, role in people:
            ds389.server.change(input=modify.format(dn, "delete", roles[role]))
        ds389.server.change(input="\n".join(map(removed, roles.values())))
    assert {name: users for name, users in works(answer).items() if any(users.values())} == {
        "pc1.example.com": {"ada": ["boss"]}
    }


ROLES = (("Ada", "boss"), ("Fay", "guest"))
