# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of directories share: private servers, and asking them as a user does."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Membership,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.membership import (
    read_membership,
)

from tests import plays
from tests.testbed.directory_servers import (
    READER_PASSWORD,
    SUFFIX,
    DirectoryServer,
    SambaDomain,
    Slapd,
)
from tests.testbed.machine import Machine

from . import company_entries

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Directory:
    """A running server and the options that read it."""

    server: Any
    options: dict[str, Any]

    def ask(self, **changes: Any) -> Membership:
        return read_membership(settings.read({**self.options, **changes}, "the test"))


@pytest.fixture(scope="session")
def machine(testrun_uid: str, worker_id: str) -> Iterator[Machine]:
    machine = Machine(f"dir{testrun_uid[:4]}-{worker_id}")
    try:
        yield machine
    finally:
        machine.down()


def options(server: Slapd, **more: Any) -> dict[str, Any]:
    """Pages are small, so that there are several."""
    return server.options(bind_password=READER_PASSWORD, page_size=2, **more)


@pytest.fixture(scope="session")
def rfc2307(machine: Machine) -> Directory:
    server = Slapd(machine, "rfc2307", port=1389, secure_port=1636)
    server.up(
        "\n".join(
            [
                company_entries.people(company_entries.COMPANY),
                company_entries.machines(company_entries.COMPANY),
                company_entries.by_login(company_entries.COMPANY),
            ]
        )
    )
    return Directory(server, options(server, layout="rfc2307"))


@pytest.fixture(scope="session")
def rfc2307bis(machine: Machine) -> Directory:
    server = Slapd(machine, "rfc2307bis", auxiliary_groups=True, port=2389, secure_port=2636)
    groups = company_entries.by_dn(
        company_entries.COMPANY, "groupOfNames", "posixGroup", gidNumber=5000
    )
    server.up(
        "\n".join(
            [
                company_entries.people(company_entries.COMPANY),
                company_entries.machines(company_entries.COMPANY),
                groups,
            ]
        )
    )
    return Directory(server, options(server, layout="rfc2307bis"))


@pytest.fixture(scope="session")
def groupofnames(machine: Machine) -> Directory:
    server = Slapd(machine, "groupofnames", port=3389, secure_port=3636)
    server.up(
        "\n".join(
            [
                company_entries.people(company_entries.COMPANY),
                company_entries.machines(company_entries.COMPANY),
                company_entries.by_dn(company_entries.COMPANY, "groupOfNames"),
            ]
        )
    )
    server.change(company_entries.written_again(company_entries.COMPANY))
    return Directory(server, options(server))


@pytest.fixture(scope="session")
def uniquenames(machine: Machine) -> Directory:
    server = Slapd(machine, "uniquenames", port=4389, secure_port=4636)
    groups = company_entries.by_dn(
        company_entries.COMPANY, "groupOfUniqueNames", attribute="uniqueMember"
    )
    server.up(
        "\n".join(
            [
                company_entries.people(company_entries.COMPANY),
                company_entries.machines(company_entries.COMPANY),
                groups,
            ]
        )
    )
    return Directory(server, options(server))


@pytest.fixture(scope="session")
def memberof(groupofnames: Directory) -> Directory:
    """The same, seen from the people's side."""
    own = {"filter": "(objectClass=groupOfNames)", "member_of": ["memberOf"]}
    options = groupofnames.options
    return Directory(
        groupofnames.server,
        {
            **options,
            "layout": "custom",
            "projects": {**options["projects"], **own},
            "users": {"filter": "(uid=*)"},
        },
    )


@pytest.fixture(scope="session")
def ad(machine: Machine) -> Directory:
    server = SambaDomain(machine)
    server.up(company_entries.active_directory(company_entries.COMPANY, server.suffix))
    # Bob's primary group is alpha: he is in no list of members any more.
    sid = base64.b64decode(server.search(f"CN=alpha,OU=Projects,{server.suffix}", "objectSid:")[0])
    rid = int.from_bytes(sid[-4:], "little")
    server.change(
        input=(
            f"dn: CN=Bob,OU=People,{server.suffix}\nchangetype: modify\nreplace:"
            f" primaryGroupID\nprimaryGroupID: {rid}\n"
        )
    )
    # A domain controller enters this itself, some minutes after its start.
    name = f"add: servicePrincipalName\nservicePrincipalName: ldap/{server.host}\n"
    server.change(
        input=f"dn: CN=DC1,OU=Domain Controllers,{server.suffix}\nchangetype: modify\n{name}"
    )
    options = {
        "uris": [server.secure_uri],
        "ca_file": str(server.authority.certificate),
        "bind_dn": server.admin,
        "bind_password": server.password,
        "base": server.suffix,
        "layout": "ad",
        "page_size": 2,
        "projects": {"base": f"OU=Projects,{server.suffix}"},
        "hosts": {"filter": "(&(objectCategory=computer)(!(primaryGroupID=516)))"},
    }
    return Directory(server, options)


@pytest.fixture(scope="session")
def ad_in_chain(ad: Directory) -> Directory:
    """The same, with the server's own rule for groups inside of groups."""
    return Directory(
        ad.server, {**ad.options, "projects": {**ad.options["projects"], "nested": "in_chain"}}
    )


@pytest.fixture(scope="session")
def freeipa(machine: Machine) -> Directory:
    server = DirectoryServer(machine)
    server.up(company_entries.freeipa(company_entries.COMPANY))
    options = {
        "uris": [server.socket_uri],
        "bind": "external",
        "base": SUFFIX,
        "layout": "freeipa",
        "page_size": 2,
        "projects": {"base": f"ou=projects,{SUFFIX}"},
        "hosts": {"base": f"ou=machines,{SUFFIX}"},
    }
    return Directory(server, options)


@pytest.fixture(scope="session")
def ds389(freeipa: Directory) -> Directory:
    """The same server with what every 389-ds has."""
    own = {
        "layout": "groupofnames",
        "users": {"id": "nsUniqueId"},
        "hosts": {"base": f"ou=machines,{SUFFIX}", "domain": "example.com"},
    }
    return Directory(freeipa.server, {**freeipa.options, **own})


SLAPD = ("rfc2307", "rfc2307bis", "groupofnames", "uniquenames", "memberof")
DIRECTORIES = (*SLAPD, "ad", "ad_in_chain", "freeipa", "ds389")


@pytest.fixture(params=DIRECTORIES)
def directory(request: pytest.FixtureRequest) -> Directory:
    """Each directory in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=SLAPD)
def slapd(request: pytest.FixtureRequest) -> Directory:
    """Each kind of tree on OpenLDAP."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@dataclass
class Ansible:
    """ansible-inventory, in a home of its own.

    It has name servers of its own where it is to have them.
    """

    home: Path
    resolver: Path | None = None

    def write(self, options: dict[str, Any], name: str = "ldap_projects.yml") -> Path:
        path = self.home / name
        secret = self.home / "password"
        secret.write_text(options.get("bind_password", "") + "\n")
        shown = {key: value for key, value in options.items() if key != "bind_password"}
        path.write_text(
            json.dumps(
                {
                    "plugin": "shipping.code.ldap_projects",
                    "bind_password_file": str(secret),
                    **shown,
                }
            )
        )
        return path

    def run(
        self, *words: str | Path, program: str = "ansible-inventory", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        settings = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_FORCE_COLOR": "0",
            **environment,
        }
        command = [str(Path(sys.executable).parent / program), *map(str, words)]
        if self.resolver:
            command = [
                "unshare",
                "--mount",
                "sh",
                "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"',
                str(self.resolver),
                *command,
            ]
        return plays.run(command, env=settings, cwd=self.home, timeout=120)

    def task(self, given: dict[str, Any], **environment: str) -> dict[str, Any]:
        """What membership_info returns, with an inventory's options and those of the task."""
        words = ("localhost", "-m", "shipping.code.membership_info", "-a", json.dumps(given))
        done = self.run(*words, program="ansible", **environment)
        assert "Traceback" not in done.stdout + done.stderr
        head, _arrow, result = done.stdout.partition("=>")
        return {**json.loads(result), "failed": "FAILED" in head}

    def list(self, options: dict[str, Any], **environment: str) -> dict[str, Any]:
        done = self.run("-i", self.write(options), "--list", **environment)
        assert done.returncode == 0, done.stderr
        return decoded(done.stdout)


def decoded(text: str) -> dict[str, Any]:
    """What ansible-inventory prints; it marks strings that are no templates."""
    return json.loads(text, object_hook=lambda item: item.get("__ansible_unsafe", item))


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    return Ansible(tmp_path)
