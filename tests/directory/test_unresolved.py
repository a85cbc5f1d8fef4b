# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that lead nowhere.

Who was deleted looks as who is hidden does, and neither may be taken for the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox.revision_order import is_older

from tests.testbed.directory_servers import READER, READER_PASSWORD, SUFFIX, Slapd

from .company_entries import COMPANY, entry, unit, works
from .conftest import Directory
from .test_membership import added, changed, refusal, removed

BY_DN = {
    "rfc2307bis": "member",
    "groupofnames": "member",
    "uniquenames": "uniqueMember",
    "freeipa": "member",
    "ds389": "member",
}


def change(directory: Directory, text: str) -> None:
    """As each kind of server takes it."""
    server: Any = directory.server
    server.change(**({"ldif": text} if isinstance(server, Slapd) else {"input": text}))


@contextmanager
def in_alpha(directory: Directory, attribute: str, value: str) -> Iterator[None]:
    """Somebody more in project alpha."""
    name = f"cn=alpha,ou=projects,{directory.options['base']}"
    there, back = (
        f"dn: {name}\nchangetype: modify\n{verb}: {attribute}\n{attribute}: {value}\n"
        for verb in ("add", "delete")
    )
    change(directory, there)
    try:
        yield
    finally:
        change(directory, back)


@pytest.mark.parametrize("kind", BY_DN)
def test_a_deleted_user(request: pytest.FixtureRequest, kind: str):
    directory = request.getfixturevalue(kind)
    gone = f"cn=Gone,ou=people,{SUFFIX}"
    with in_alpha(directory, BY_DN[kind], gone):
        error = refusal(directory)
        answer = directory.ask(unresolved="warn")
    assert error.what == f"project alpha names {gone}, which cannot be found"
    assert works(answer) == COMPANY.works
    assert (
        f"project alpha names {gone}, which cannot be found and counts as deleted" in answer.remarks
    )


@pytest.mark.parametrize("kind", BY_DN)
def test_an_existing_entry_outside_the_users(request: pytest.FixtureRequest, kind: str):
    directory = request.getfixturevalue(kind)
    with in_alpha(directory, BY_DN[kind], READER):
        answer = directory.ask()
    assert works(answer) == COMPANY.works
    assert (
        f"project alpha names entries that are not among the users of users.base: {READER}"
        in answer.remarks
    )


def test_a_login_name_of_a_deleted_user(rfc2307: Directory):
    with in_alpha(rfc2307, "memberUid", "gone"):
        answer = rfc2307.ask()
        error = refusal(rfc2307, unresolved="error")
    assert works(answer) == COMPANY.works
    assert "project alpha names gone, which cannot be found and counts as deleted" in answer.remarks
    assert error.what == "project alpha names gone, which cannot be found"


@pytest.mark.parametrize("where", ["people", "teams"])
def test_a_hidden_user_is_not_lost(groupofnames: Directory, where: str):
    """A person, and a group inside of the project, that only some accounts may see."""
    top = f"ou=hidden,{SUFFIX}"
    person = f"cn=Hid,{top}"
    team = f"cn=hidden team,{top}"
    tree = [entry(top, objectClass="organizationalUnit", ou="hidden")]
    tree.append(entry(person, objectClass="inetOrgPerson", cn="Hid", sn="Hid", uid="hid"))
    tree.append(
        entry(
            team, objectClass="groupOfNames", cn="hidden team", member=f"cn=Fay,ou=people,{SUFFIX}"
        )
    )
    member = person if where == "people" else team
    with (
        changed(
            groupofnames, "\n".join(map(added, tree)), "\n".join(map(removed, (team, person, top)))
        ),
        in_alpha(groupofnames, "member", member),
    ):
        assert works(groupofnames.ask())["pc4.example.com"] == {
            "fay": [] if where == "people" else ["alpha"]
        }
        error = refusal(groupofnames, bind="anonymous")
    assert error.what == f"project alpha names {member}, which cannot be found"


def test_a_group_outside_of_the_base(groupofnames: Directory):
    """It is followed wherever the server has it."""
    base = f"ou=company,{SUFFIX}"
    moved = [entry(base, objectClass="organizationalUnit", ou="company")]
    person = f"cn=Gil,{base}"
    moved.append(entry(person, objectClass="inetOrgPerson", cn="Gil", sn="Gil", uid="gil"))
    moved.append(entry(f"cn=pc8,{base}", objectClass="device", cn="pc8", owner=person))
    moved.append(
        entry(
            f"cn=gamma,{base}",
            objectClass="groupOfNames",
            cn="gamma",
            member=f"cn=outside,ou=teams,{SUFFIX}",
        )
    )
    moved.append(
        entry(
            f"cn=outside,ou=teams,{SUFFIX}", objectClass="groupOfNames", cn="outside", member=person
        )
    )
    dns = [text.partition("\n")[0].removeprefix("dn: ") for text in moved]
    narrow = {"base": base, "projects": {}, "users": {}, "hosts": {"domain": "example.com"}}
    with changed(
        groupofnames, "\n".join(map(added, moved)), "\n".join(map(removed, reversed(dns)))
    ):
        assert works(groupofnames.ask(**narrow)) == {"pc8.example.com": {"gil": ["gamma"]}}


def test_a_user_of_another_domain(ad: Directory):
    """Active Directory keeps such a member as an entry of its own, which is no person here."""
    with in_alpha(ad, "member", "<SID=S-1-5-21-1004336348-1177238915-682003330-512>"):
        answer = ad.ask()
    assert works(answer) == COMPANY.works
    (remark,) = [text for text in answer.remarks if "ForeignSecurityPrincipals" in text]
    assert remark.startswith(
        "project alpha names entries that are not among the users of users.base:"
        " CN=S-1-5-21-1004336348"
    )


def test_a_user_that_active_directory_has_deleted(ad: Directory):
    """It takes the name out of the groups itself."""
    dn = f"CN=Gus,OU=People,{ad.server.suffix}"
    ad.server.change(
        "-a", input=entry(dn, objectClass="user", sAMAccountName="gus", userAccountControl=544)
    )
    alpha = f"dn: CN=alpha,OU=Projects,{ad.server.suffix}\nchangetype: modify\n"
    ad.server.change(input=f"{alpha}add: member\nmember: {dn}\n")
    ad.server.change(input=removed(dn))
    assert works(ad.ask()) == COMPANY.works


# Netgroups


def test_hosts_of_netgroups(rfc2307: Directory):
    netgroups = [unit("netgroups")]
    tree = {
        "all": {"memberNisNetgroup": ["desks", "labs"]},
        "desks": {
            "nisNetgroupTriple": ["(pc3,ada,)", "(pc5.example.com,bob,nis)"],
            "memberNisNetgroup": "all",
        },
        "labs": {"nisNetgroupTriple": ["(pc4,-,)", "(,cy,)"]},
        "others": {"nisNetgroupTriple": "(pc1,fay,)"},
    }
    netgroups += [
        entry(f"cn={name},ou=netgroups,{SUFFIX}", objectClass="nisNetgroup", cn=name, **held)
        for name, held in tree.items()
    ]
    dns = [text.partition("\n")[0].removeprefix("dn: ") for text in netgroups]
    chosen = {
        "hosts": {**rfc2307.options["hosts"], "owners": []},
        "netgroups": {"filter": "(&(objectClass=nisNetgroup)(cn=all))"},
    }
    with changed(rfc2307, "\n".join(map(added, netgroups)), "\n".join(map(removed, reversed(dns)))):
        answer = rfc2307.ask(**chosen)
        everything = rfc2307.ask(**{**chosen, "netgroups": {}})
        rfc2307.server.change(
            f"dn: cn=all,ou=netgroups,{SUFFIX}\nchangetype: modify\nadd:"
            " memberNisNetgroup\nmemberNisNetgroup: lost\n"
        )
        error = refusal(rfc2307, **chosen, unresolved="error")
    assert {name: users for name, users in works(answer).items() if users} == {
        "pc3.example.com": {"ada": ["alpha"]},
        "pc5.example.com": {"bob": ["alpha", "beta"]},
    }
    assert sorted(works(answer)) == sorted(COMPANY.works)
    assert "netgroup labs gives cy any host, which is ignored" in answer.remarks
    assert works(everything)["pc1.example.com"] == {"fay": []}
    assert error.what == "a netgroup names lost, which cannot be found"


# The revision of replicas

REPLICA = f'cn=replica,cn="{SUFFIX}",cn=mapping tree,cn=config'
ACCESS = (
    '(targetattr = "nsds50ruv || objectClass || nsUniqueId")(version 3.0; acl "revision"; allow'
    f' (read, search) userdn = "ldap:///{READER}";)'
)


def test_389ds_with_replication_has_the_last_change_of_all_replicas(freeipa: Directory):
    text = entry(
        REPLICA,
        objectClass="nsDS5Replica",
        cn="replica",
        nsDS5ReplicaRoot=SUFFIX,
        nsDS5ReplicaType=3,
        nsDS5Flags=1,
        nsDS5ReplicaId=7,
    )
    freeipa.server.change("-a", input=text)
    tree = f'dn: cn="{SUFFIX}",cn=mapping tree,cn=config\nchangetype: modify\n'
    alpha = (
        f"dn: cn=alpha,ou=projects,{SUFFIX}\nchangetype: modify\nreplace:"
        " description\ndescription: "
    )
    options = {
        "uris": [freeipa.server.uri],
        "bind": "simple",
        "bind_dn": READER,
        "bind_password": READER_PASSWORD,
        "allow_clear_text": True,
    }
    try:
        freeipa.server.change(input=f"{alpha}one\n")
        one, same = freeipa.ask().revision, freeipa.ask().revision
        freeipa.server.change(input=f"{alpha}two\n")
        other = freeipa.ask().revision
        without = freeipa.ask(**options)
        freeipa.server.change(input=f"{tree}add: aci\naci: {ACCESS}\n")
        allowed = freeipa.ask(**options).revision
    finally:
        freeipa.server.change(input=removed(REPLICA))
    assert one == same
    assert one.startswith("ruv:")
    assert is_older(one, other)
    assert not is_older(other, one)
    assert without.revision.startswith("time:control:")
    assert works(without) == COMPANY.works, (
        "to ask for what one may not see leaves its mark on a connection of 389-ds"
    )
    assert allowed == other
