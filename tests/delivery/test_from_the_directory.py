# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test all of it: a directory's group, the inventory, the playbook, a command on a host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.directory import company_entries
from tests.directory.company_entries import Company, Person
from tests.testbed.directory_servers import READER, READER_PASSWORD, SUFFIX, Slapd
from tests.testbed.machine import Machine

from .fleet import Fleet

PC1, PC2, PC3 = "pc1.example.com", "pc2.example.com", "pc3.example.com"
PEOPLE = {"ada": Person("ada", 1001), "bob": Person("bob", 1002), "cy": Person("cy", 1003)}
COMPANY = Company(
    people=tuple(PEOPLE.values()),
    projects={"atlas": ("cy",), "beta": ("bob",)},
    teams={},
    inside={},
    machines={"pc1": ("ada", "bob"), "pc2": ("ada",), "pc3": ("cy",)},
)


class FromDirectory(Fleet):
    """Return the same workstations, with users of a real directory."""

    server: Slapd

    def inventory(self) -> Path:
        folder = self.home / "inventory"
        (folder / "host_vars").mkdir(parents=True, exist_ok=True)
        for name, machine in self.machines.items():
            (folder / "host_vars" / f"{name}.yml").write_text(
                json.dumps({**machine.connection, "ansible_become": False})
            )
        (folder / "password").write_text(READER_PASSWORD)
        options = {
            "plugin": "shipping.code.ldap_projects",
            "uris": [self.server.secure_uri],
            "ca_file": str(self.server.authority.certificate),
            "bind_dn": READER,
            "bind_password_file": str(folder / "password"),
            "base": SUFFIX,
            "layout": "groupofnames",
            "projects": {"base": f"ou=projects,{SUFFIX}"},
            "hosts": {"base": f"ou=machines,{SUFFIX}", "domain": "example.com"},
        }
        path = folder / "ldap_projects.yml"
        path.write_text(json.dumps(options))
        return path

    def change(self, project: str, verb: str, *people: str) -> None:
        members = "".join(f"member: {company_entries.person_dn(PEOPLE[name])}\n" for name in people)
        self.server.change(
            f"dn: cn={project},ou=projects,{SUFFIX}\nchangetype: modify\n{verb}: member\n{members}"
        )


@pytest.fixture
def company(fleet: Fleet, testrun_uid: str) -> Iterator[FromDirectory]:
    server = Slapd(Machine(f"pcd{testrun_uid[:4]}"))
    try:
        server.up(
            "\n".join(
                [
                    company_entries.people(COMPANY),
                    company_entries.machines(COMPANY),
                    company_entries.by_dn(COMPANY, "groupOfNames"),
                ]
            )
        )
        found = FromDirectory(fleet.home, fleet.machines, fleet.has)
        found.server = server
        yield found
    finally:
        server.machine.down()


def test_join_and_leave(company: FromDirectory):
    company.sample()
    first = company.deliver()
    assert first.ok and "beta has no file in the catalog" in json.dumps(first.results), first.output
    assert company.commands(PC1, "ada") == set() and company.says(PC3, "cy", "atlas-tiles 2") == (
        0,
        "16 tiles",
    )
    company.change("atlas", "add", "ada")
    joined = company.deliver()
    assert joined.ok and joined.changed == {PC1, PC2}, joined.output
    assert company.says(PC1, "ada", "atlas-tiles 3") == (0, "64 tiles") and company.says(
        PC2, "ada", "atlas --version"
    ) == (0, "atlas 1.0")
    assert company.deliver().changed == set()
    company.change("atlas", "delete", "ada")
    left = company.deliver()
    assert left.ok and left.changed == {PC1, PC2}, left.output
    assert company.says(PC1, "ada", "atlas-tiles 3")[0] == 127 and company.commands(PC3, "cy") == {
        "atlas",
        "atlas-tiles",
        "atlas-where",
    }


def test_a_fault_of_the_directory_removes_nothing(company: FromDirectory):
    company.sample()
    assert company.deliver().ok
    company.server.stop()
    failed = company.deliver()
    assert (
        not failed.ok and "the directory did not answer" in failed.output and failed.results == []
    )
    assert company.says(PC3, "cy", "atlas-tiles 2") == (0, "16 tiles")
