# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples of the guides, as they stand there.

Only where the server is, and its secrets, are those of the test.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.testbed.directory_servers import READER, READER_PASSWORD, SUFFIX, Slapd
from tests.testbed.machine import Machine

from . import company_entries
from .company_entries import COMPANY
from .conftest import ROOT, Ansible, Directory
from .test_inventory import hosts
from .test_membership import changed, removed

GUIDES = ROOT / "docs" / "docsite" / "rst"
PLACE = ("uris", "ca_file", "bind_password_file", "bind_password_command", "allow_clear_text")
BY_MAP = {
    "pc1.example.com": {"ada": ["alpha"]},
    "pc2.example.com": {"bob": ["alpha", "beta"], "cy": ["beta"]},
    "pc3.example.com": {},
}
BY_HOST = {name: {"ada": ["alpha"]} if name == "pc1.example.com" else {} for name in COMPANY.works}


def blocks(guide: str) -> list[dict[str, Any]]:
    text = (GUIDES / f"{guide}.rst").read_text()
    return [
        yaml.safe_load(re.sub("(?m)^    ", "", block))
        for block in re.findall(r"\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", text)
    ]


def samples(guide: str) -> list[dict[str, Any]]:
    return [block for block in blocks(guide) if isinstance(block, dict) and "plugin" in block]


def shown(ansible: Ansible, sample: dict[str, Any], **place: Any) -> dict[str, Any]:
    """Who works where, with this sample against this server."""
    assert set(place) <= {*PLACE, "bind_password"}
    inventory = ansible.list(
        {**{key: value for key, value in sample.items() if key not in PLACE}, **place}
    )
    return {
        name: {user["name"]: user["projects"] for user in values["shipping_users"]}
        for name, values in hosts(inventory).items()
    }


def safely(directory: Directory) -> dict[str, Any]:
    server = directory.server
    return {
        "uris": [server.secure_uri],
        "ca_file": str(server.authority.certificate),
        "bind_password": READER_PASSWORD,
    }


def by_name(directory: Directory) -> dict[str, Any]:
    return {**safely(directory), "uris": [directory.server.uri]}


def by_socket(directory: Directory) -> dict[str, Any]:
    return {"uris": [directory.server.socket_uri]}


OPENLDAP = [
    ("groupofnames", safely),
    ("rfc2307bis", safely),
    ("rfc2307", by_name),
    ("groupofnames", by_socket),
]


@pytest.mark.parametrize("number", range(len(OPENLDAP)))
def test_openldap(request: pytest.FixtureRequest, ansible: Ansible, number: int):
    kind, place = OPENLDAP[number]
    (host_map,) = (block for block in blocks("guide_membership_openldap") if "plugin" not in block)
    (ansible.home / "hosts.yml").write_text(yaml.safe_dump(host_map))
    found = shown(
        ansible,
        samples("guide_membership_openldap")[number],
        **place(request.getfixturevalue(kind)),
    )
    assert found == (BY_MAP if kind == "rfc2307" else COMPANY.works)


@pytest.mark.parametrize("number", [0, 1])
def test_active_directory(ad: Directory, ansible: Ansible, number: int):
    dn, password = f"CN=reader,CN=Users,{ad.server.suffix}", "Reader secret 1"
    code = base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()
    account = company_entries.entry(
        dn,
        objectClass="user",
        sAMAccountName="reader",
        userPrincipalName="reader@ad.example.com",
        userAccountControl=512,
    )
    ad.server.change("-a", input=f"{account}unicodePwd:: {code}\n")
    try:
        found = shown(
            ansible,
            samples("guide_membership_ad")[number],
            **{**safely(ad), "bind_password": password},
        )
    finally:
        ad.server.change(input=removed(dn))
    assert found == COMPANY.works


def test_freeipa(freeipa: Directory, ansible: Ansible):
    """But for TLS, which the test's 389-ds has not."""
    sample = samples("guide_membership_389ds")[0]
    places = [
        company_entries.entry(
            f"cn={name},{SUFFIX}", objectClass="nsContainer", cn=name.partition(",")[0]
        )
        for name in ("etc", "sysaccounts,cn=etc")
    ]
    reader = company_entries.entry(
        sample["bind_dn"],
        objectClass=["account", "simpleSecurityObject"],
        uid="reader",
        userPassword=READER_PASSWORD,
    )
    tree = "\n".join(
        [*places, reader, company_entries.freeipa_accounts(COMPANY, sample["projects"]["prefix"])]
    )
    freeipa.server.change("-a", input=tree)
    try:
        found = shown(
            ansible,
            sample,
            uris=[freeipa.server.uri],
            bind_password=READER_PASSWORD,
            allow_clear_text=True,
        )
    finally:
        freeipa.server.change(
            input="\n".join(
                f"{line}\nchangetype: delete\n"
                for line in reversed(re.findall(r"(?m)^dn::? .*$", tree))
            )
        )
    assert found == COMPANY.works


def test_389ds(ds389: Directory, ansible: Ansible):
    assert shown(ansible, samples("guide_membership_389ds")[1], **by_socket(ds389)) == COMPANY.works


@pytest.fixture
def univention(machine: Machine) -> Iterator[Slapd]:
    server = Slapd(machine, "ucs", port=7389, secure_port=7636)
    server.schemas = (str(Path(__file__).with_name("ucs")),)
    prefix = samples("guide_membership_ucs")[0]["projects"]["prefix"]
    server.up(company_entries.univention(COMPANY, prefix))
    yield server
    server.stop()


def test_univention(univention: Slapd, ansible: Ansible):
    """On OpenLDAP, with entries of the shape that a UCS writes."""
    (sample,) = samples("guide_membership_ucs")
    place = {
        "uris": [univention.secure_uri],
        "ca_file": str(univention.authority.certificate),
        "bind_password": READER_PASSWORD,
    }
    assert shown(ansible, {**sample, "bind_dn": READER}, **place) == COMPANY.works


def test_custom(groupofnames: Directory, ansible: Ansible):
    modify = f"dn: cn=Ada,ou=people,{SUFFIX}\nchangetype: modify\n"
    host = f"{modify}add: objectClass\nobjectClass: extensibleObject\n-\nadd: host\nhost: pc1\n"
    with changed(
        groupofnames,
        host,
        f"{modify}delete: host\n-\ndelete: objectClass\nobjectClass: extensibleObject\n",
    ):
        assert shown(ansible, samples("guide_membership")[0], **safely(groupofnames)) == BY_HOST


def test_every_sample_is_tried():
    """Those with Kerberos and from the state have tests of their own."""
    tried = {
        "guide_membership": 3,
        "guide_membership_openldap": len(OPENLDAP),
        "guide_membership_389ds": 2,
        "guide_membership_ad": 2,
        "guide_membership_ucs": 1,
    }
    assert {
        path.stem: len(samples(path.stem))
        for path in sorted(Path(GUIDES).glob("guide_membership*.rst"))
    } == tried
