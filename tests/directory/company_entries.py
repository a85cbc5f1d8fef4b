# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One company, written down in the way of each directory, and who works where in it.

Ada and Bob are in alpha; beta has a team inside, with Cy and Eve, which has beta inside, in a
circle. Dan's account is closed; Fay has a machine and no project; machine pc5 belongs to nobody.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.testbed.directory_servers import SUFFIX

# A scenario of molecule starts this directory by hand, where the collection cannot be imported.
if TYPE_CHECKING:
    from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
        Membership,
    )

EVE = 'Eve, "the" Müller+Söhne'
ODD = "Größe & co"


@dataclass(frozen=True)
class Person:
    uid: str
    number: int
    name: str = ""
    closed: bool = False

    @property
    def cn(self) -> str:
        return self.name or self.uid.capitalize()


@dataclass(frozen=True)
class Company:
    people: tuple[Person, ...]
    projects: Mapping[str, tuple[str, ...]]
    teams: Mapping[str, tuple[str, ...]]
    inside: Mapping[str, tuple[str, ...]]
    """The teams and projects that are inside of a project or a team."""
    machines: Mapping[str, tuple[str, ...]]
    works: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    """Each host's users, and their projects."""


COMPANY = Company(
    people=(
        Person("ada", 1001),
        Person("bob", 1002),
        Person("cy", 1003),
        Person("dan", 1004, closed=True),
        Person("eve", 1005, EVE),
        Person("fay", 1006),
    ),
    projects={"alpha": ("ada", "bob", "dan"), "beta": ("bob",), ODD: ("eve",)},
    teams={"team": ("cy", "eve")},
    inside={"beta": ("team",), "team": ("beta",)},
    machines={
        "pc1": ("ada",),
        "pc2": ("bob", "cy"),
        "pc3": ("dan",),
        "pc4": ("fay",),
        "pc5": (),
        "pc6": ("eve",),
    },
    works={
        "pc1.example.com": {"ada": ["alpha"]},
        "pc2.example.com": {"bob": ["alpha", "beta"], "cy": ["beta"]},
        "pc3.example.com": {},
        "pc4.example.com": {"fay": []},
        "pc5.example.com": {},
        "pc6.example.com": {"eve": [ODD, "beta"]},
    },
)


def works(membership: Membership) -> dict[str, dict[str, list[str]]]:
    """Each host's users, and their projects."""
    return {
        host.name: {user.name: list(user.projects) for user in host.users}
        for host in membership.hosts
    }


def escaped(value: str) -> str:
    """A value inside a DN (RFC 4514 2.4)."""
    return "".join(f"\\{letter}" if letter in '\\,+"<>;=#' else letter for letter in value)


def person_dn(person: Person) -> str:
    return f"cn={escaped(person.cn)},ou=people,{SUFFIX}"


def entry(dn: str, **attributes: str | int | Iterable[str]) -> str:
    """One entry in LDIF (RFC 2849); everything that is not plain goes as base64."""
    lines = [_line("dn", dn)]
    for name, values in attributes.items():
        lines += [
            _line(name, str(value))
            for value in ([values] if isinstance(values, (str, int)) else values)
        ]
    return "\n".join(lines) + "\n"


def _line(name: str, value: str) -> str:
    plain = (
        value.isascii()
        and value.isprintable()
        and not value.startswith((" ", ":", "<"))
        and not value.endswith(" ")
    )
    return f"{name}: {value}" if plain else f"{name}:: {base64.b64encode(value.encode()).decode()}"


def unit(name: str) -> str:
    return entry(f"ou={name},{SUFFIX}", objectClass="organizationalUnit", ou=name)


def people(company: Company) -> str:
    accounts = [_account(person, person_dn(person)) for person in company.people]
    return "\n".join([unit("people"), *accounts])


def _account(person: Person, dn: str, group: int = 100) -> str:
    return entry(
        dn,
        objectClass=["inetOrgPerson", "posixAccount", "shadowAccount"],
        cn=person.cn,
        sn=person.cn,
        uid=person.uid,
        uidNumber=person.number,
        gidNumber=group,
        homeDirectory=f"/home/{person.uid}",
        **({"shadowExpire": 1} if person.closed else {}),
    )


def machines(company: Company) -> str:
    found = [unit("machines")]
    dns = {person.uid: person_dn(person) for person in company.people}
    for name, owners in company.machines.items():
        found.append(
            entry(
                f"cn={name},ou=machines,{SUFFIX}",
                objectClass="device",
                cn=name,
                **({"owner": [dns[uid] for uid in owners]} if owners else {}),
            )
        )
    return "\n".join(found)


def by_dn(company: Company, *classes: str, attribute: str = "member", **more: int) -> str:
    """Groups that name their members by DN; other spellings of a DN mean the same."""
    dns = {person.uid: person_dn(person) for person in company.people}
    places = {name: f"cn={escaped(name)},ou=projects,{SUFFIX}" for name in company.projects}
    places.update({name: f"cn={name},ou=teams,{SUFFIX}" for name in company.teams})
    found = [unit("projects"), unit("teams")]
    for name, members in {**company.projects, **company.teams}.items():
        written = [
            *(dns[uid] for uid in members),
            *(
                places[inner].replace("ou=", "OU=").replace(",", " , ")
                for inner in company.inside.get(name, ())
            ),
        ]
        found.append(
            entry(places[name], objectClass=list(classes), cn=name, **{attribute: written}, **more)
        )
    return "\n".join(found)


def by_login(company: Company) -> str:
    """PosixGroup with memberUid, which has no groups inside."""
    found = [unit("projects"), unit("teams")]
    members = {name: set(uids) for name, uids in company.projects.items()}
    for name, inner in company.inside.items():
        for team in inner:
            if name in members:
                members[name].update(company.teams.get(team, ()))
    for name, uids in members.items():
        found.append(
            entry(
                f"cn={escaped(name)},ou=projects,{SUFFIX}",
                objectClass="posixGroup",
                cn=name,
                gidNumber=5000,
                memberUid=sorted(uids),
            )
        )
    return "\n".join(found)


def written_again(company: Company) -> str:
    """The members of all groups once more.

    Some overlays only see what is written through the server.
    """
    changes = []
    for text in by_dn(company, "groupOfNames").split("\n\n"):
        lines = text.strip().splitlines()
        members = [line for line in lines if line.startswith("member:")]
        if members:
            empty = f"replace: member\nmember: cn=nobody,{SUFFIX}\n-\n"
            changes.append(
                "\n".join([lines[0], "changetype: modify", f"{empty}replace: member", *members])
                + "\n"
            )
    return "\n".join(changes)


def active_directory(company: Company, suffix: str) -> str:
    """The same in Active Directory, where a machine is managed by one person or one group."""
    units = [
        entry(f"OU={name},{suffix}", objectClass="organizationalUnit")
        for name in ("People", "Projects", "Teams", "Machines")
    ]
    person_dns = {
        person.uid: f"CN={escaped(person.cn)},OU=People,{suffix}" for person in company.people
    }
    users = [
        # 512: a normal account, 32: its password may be empty, 2: it is disabled
        entry(
            person_dns[person.uid],
            objectClass="user",
            sAMAccountName=person.uid,
            userAccountControl=546 if person.closed else 544,
        )
        for person in company.people
    ]
    group_dns = {name: f"CN={escaped(name)},OU=Projects,{suffix}" for name in company.projects}
    group_dns.update({name: f"CN={name},OU=Teams,{suffix}" for name in company.teams})
    groups = [
        entry(dn, objectClass="group", sAMAccountName=f"group-{number}")
        for number, dn in enumerate(group_dns.values())
    ]
    computers: list[str] = []
    for name, owners in company.machines.items():
        computers += _computer(name, [person_dns[uid] for uid in owners], suffix)
    return "\n".join(
        [*units, *users, *groups, *computers, *_memberships(company, person_dns, group_dns)]
    )


def _computer(name: str, owner_dns: list[str], suffix: str) -> Iterator[str]:
    managers = owner_dns
    if len(owner_dns) > 1:
        managers = [f"CN={name} users,OU=Teams,{suffix}"]
        yield entry(
            managers[0], objectClass="group", sAMAccountName=f"{name}-users", member=owner_dns
        )
    yield entry(
        f"CN={name},OU=Machines,{suffix}",
        objectClass="computer",
        sAMAccountName=f"{name}$",
        dNSHostName=f"{name.upper()}.example.com",
        **({"managedBy": managers} if managers else {}),
    )


def _memberships(
    company: Company, person_dns: Mapping[str, str], group_dns: Mapping[str, str]
) -> Iterator[str]:
    """Changes, since groups that are members of one another must all be there before."""
    for name, uids in {**company.projects, **company.teams}.items():
        inner = [group_dns[group] for group in company.inside.get(name, ())]
        members = [person_dns[uid] for uid in uids] + inner
        lines = [_line("dn", group_dns[name]), "changetype: modify", "add: member"]
        yield "\n".join([*lines, *(_line("member", dn) for dn in members)]) + "\n"


def freeipa(company: Company) -> str:
    """The same with FreeIPA's classes and attributes; its hosts also manage themselves."""
    found = []
    for number, text in enumerate(
        "\n".join(
            [people(company), machines(company), by_dn(company, "groupOfNames", "ipaUserGroup")]
        ).split("\n\n")
    ):
        lines = text.strip().splitlines()
        if "objectClass: inetOrgPerson" in lines:
            lines = [
                "nsAccountLock: TRUE" if line.startswith("shadowExpire") else line for line in lines
            ]
            lines += ["objectClass: ipaObject", f"ipaUniqueID: {uuid.UUID(int=number)}"]
        if "objectClass: device" in lines:
            name = next(line for line in lines if line.startswith("cn: ")).removeprefix("cn: ")
            owners = [
                line.replace("owner:", "managedBy:", 1)
                for line in lines
                if line.startswith("owner:")
            ]
            lines += [
                *owners,
                lines[0].replace("dn:", "managedBy:", 1),
                "objectClass: ipaHost",
                f"fqdn: {name}.example.com",
            ]
        found.append("\n".join(lines) + "\n")
    return "\n".join(found)


def freeipa_accounts(company: Company, prefix: str) -> str:
    """The same where FreeIPA has it.

    All groups in one place, those that are projects with a prefix.
    """
    places = [
        "cn=accounts",
        *(f"cn={name},cn=accounts" for name in ("users", "groups", "computers")),
    ]
    containers = [
        entry(
            f"{place},{SUFFIX}",
            objectClass="nsContainer",
            cn=place.partition(",")[0].removeprefix("cn="),
        )
        for place in places
    ]
    entries = freeipa(_prefixed(company, prefix)).split("\n\n")
    return "\n".join(
        [
            *containers,
            *(
                f"{_moved(text.strip())}\n"
                for text in entries
                if "objectClass: organizationalUnit" not in text
            ),
        ]
    )


def univention(company: Company, prefix: str) -> str:
    """The same as a Univention Corporate Server has it.

    Groups name users, computers and groups by DN, and the first two by their login names too.
    """
    company = _prefixed(company, prefix)
    found = [
        entry(f"cn={name},{SUFFIX}", objectClass="organizationalRole", cn=name)
        for name in ("users", "groups", "computers")
    ]
    dns = {person.uid: f"uid={person.uid},cn=users,{SUFFIX}" for person in company.people}
    found += [_account(person, dns[person.uid], 5000) for person in company.people]
    for number, (name, owners) in enumerate(company.machines.items()):
        found.append(_univention_computer(name, owners, 2000 + number))
    members = {**company.projects, **company.teams}
    places = {name: f"cn={escaped(name)},cn=groups,{SUFFIX}" for name in members}
    computer = next(iter(company.machines))
    for number, (name, uids) in enumerate(members.items()):
        inner = [places[group] for group in company.inside.get(name, ())]
        found.append(
            entry(
                places[name],
                objectClass=["posixGroup", "univentionGroup"],
                cn=name,
                gidNumber=5001 + number,
                uniqueMember=[
                    *(dns[uid] for uid in uids),
                    *inner,
                    f"cn={computer},cn=computers,{SUFFIX}",
                ],
                memberUid=[*uids, f"{computer}$"],
            )
        )
    return "\n".join(found)


def _univention_computer(name: str, owners: Iterable[str], number: int) -> str:
    return entry(
        f"cn={name},cn=computers,{SUFFIX}",
        objectClass=[
            "person",
            "univentionLinuxClient",
            "posixAccount",
            "shadowAccount",
            "univentionFreeAttributes",
        ],
        cn=name,
        sn=name,
        uid=f"{name}$",
        uidNumber=number,
        gidNumber=5000,
        homeDirectory="/dev/null",
        associatedDomain="example.com",
        **({"univentionFreeAttribute1": list(owners)} if owners else {}),
    )


_PLACE = re.compile(r"ou=(people|projects|teams|machines)(?= *,)", re.IGNORECASE)
_MOVES = {"people": "users", "machines": "computers", "projects": "groups", "teams": "groups"}


def _moved(text: str) -> str:
    """An entry with all DNs in it in FreeIPA's places."""
    lines = []
    for line in text.splitlines():
        name, coded, value = re.fullmatch(r"(\S+?):(:?) (.*)", line).groups()  # type: ignore[union-attr]
        plain = base64.b64decode(value).decode() if coded else value
        lines.append(
            _line(
                name, _PLACE.sub(lambda match: f"cn={_MOVES[match[1].lower()]},cn=accounts", plain)
            )
        )
    return "\n".join(lines)


def _prefixed(company: Company, prefix: str) -> Company:
    def name(group: str) -> str:
        return prefix + group if group in company.projects else group

    inside = {name(group): tuple(map(name, inner)) for group, inner in company.inside.items()}
    return replace(
        company,
        projects={name(group): members for group, members in company.projects.items()},
        inside=inside,
    )
