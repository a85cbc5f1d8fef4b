# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Active Directory by its domain and a Kerberos ticket alone.

The name server and the KDC are those of Samba.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.testbed.directory_servers import SambaDomain
from tests.testbed.machine import run

from .company_entries import COMPANY
from .conftest import Ansible, Directory
from .test_inventory import hosts


@pytest.fixture
def domain_ansible(ad: Directory, tmp_path: Path) -> Ansible:
    """Where the domain's name server is asked."""
    (tmp_path / "resolv.conf").write_text(
        f"nameserver {ad.server.machine.address}\noptions timeout:2 attempts:1\n"
    )
    return Ansible(tmp_path, tmp_path / "resolv.conf")


def by_domain(ad: Directory, **more: Any) -> dict[str, Any]:
    options = {name: value for name, value in ad.options.items() if name != "uris"}
    return {**options, "srv_domain": ad.server.domain, **more}


def works(inventory: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {user["name"]: user["projects"] for user in values["shipping_users"]}
        for name, values in hosts(inventory).items()
    }


@pytest.mark.parametrize("more", [{}, {"start_tls": True}, {"srv_site": "Default-First-Site-Name"}])
def test_a_domain_names_its_servers(ad: Directory, domain_ansible: Ansible, more: dict[str, Any]):
    assert works(domain_ansible.list(by_domain(ad, **more))) == COMPANY.works


@pytest.mark.parametrize("more", [{"srv_domain": "sub.ad.example.com"}, {"srv_site": "Elsewhere"}])
def test_a_domain_without_servers(ad: Directory, domain_ansible: Ansible, more: dict[str, Any]):
    done = domain_ansible.run("-i", domain_ansible.write(by_domain(ad, **more)), "--list")
    text = " ".join(done.stderr.split())
    assert done.returncode != 0
    assert "the DNS has no servers under _ldap._tcp." in text
    assert "there is no such record. Check srv_domain and srv_site" in text


def ticket(server: SambaDomain, folder: Path) -> dict[str, str]:
    """A ticket as kinit gets it, in the environment that names it."""
    (folder / "krb5.conf").write_text(
        f"[libdefaults]\ndefault_realm = {server.realm}\ndns_lookup_kdc = false\nrdns ="
        f" false\nudp_preference_limit = 1\n[realms]\n{server.realm} = {{\n  kdc ="
        f" {server.machine.address}\n}}\n"
    )
    environment = {"KRB5_CONFIG": str(folder / "krb5.conf"), "KRB5CCNAME": str(folder / "tickets")}
    run(
        "kinit",
        "Administrator",
        input=server.password,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    return environment


@pytest.mark.parametrize("start_tls", [False, True])
def test_a_kerberos_ticket(ad: Directory, domain_ansible: Ansible, start_tls: bool):
    options = by_domain(ad, bind="gssapi", start_tls=start_tls)
    del options["bind_dn"], options["bind_password"]
    environment = ticket(ad.server, domain_ansible.home)
    assert works(domain_ansible.list(options, **environment)) == COMPANY.works


def test_without_a_ticket(ad: Directory, domain_ansible: Ansible):
    options = by_domain(ad, bind="gssapi")
    del options["bind_dn"], options["bind_password"]
    environment = {
        **ticket(ad.server, domain_ansible.home),
        "KRB5CCNAME": str(domain_ansible.home / "nothing"),
    }
    done = domain_ansible.run("-i", domain_ansible.write(options), "--list", **environment)
    text = " ".join(done.stderr.split())
    assert done.returncode != 0
    assert "No Kerberos credentials available" in text
    assert "Run kinit as the user who runs Ansible" in text
    assert "Traceback" not in text
