# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small company: an OpenLDAP with the project atlas, users, and their machines.

::

    python3 -m tests.testbed.company up NAME

starts three machines, and prints the folder with the inventory and the catalog. ``join NAME USER``
adds a user to the project, ``leave NAME USER`` removes the user, and ``down NAME`` removes all.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from .directory_servers import READER_PASSWORD, SUFFIX, Slapd
from .machine import Machine
from .user_machine import UserMachine

SAMPLE = Path(__file__).resolve().parents[2] / "playbooks" / "files" / "projects"
SAMPLE_URL = "http://atlas.example.com:8080/"
DOMAIN = "example.com"
HAS = {"pc1": ("ada", "bob"), "pc2": ("ada",), "pc3": ("cy",)}
LEAD = "zoe"  # a groupOfNames cannot be empty, so one user without a machine is always in it


def person(name: str) -> str:
    """Return the DN of a user."""
    return f"uid={name},ou=people,{SUFFIX}"


class CompanyBed:
    """The directory runs in a machine of its own, or in one that has something else."""

    def __init__(self, machine: Machine, has: Mapping[str, Sequence[str]]) -> None:
        self.machine = machine
        self.has = has
        self.directory = Slapd(machine)
        self.machines = {name: UserMachine(f"{machine.name}-{name}") for name in has}
        self.folder = machine.folder / "company"
        self.catalog = self.folder / "projects"

    def up(self, url: str = SAMPLE_URL) -> None:
        """Start everything; ``url`` is where the tools of the project find its service."""
        self.directory.up(self._ldif())
        for name, machine in self.machines.items():
            machine.up(*self.has[name])
        self._write_inventory()
        shutil.copytree(SAMPLE, self.catalog, dirs_exist_ok=True)
        project = self.catalog / "atlas.yml"
        project.write_text(project.read_text().replace(SAMPLE_URL, url))

    def down(self) -> None:
        """Remove everything."""
        for machine in self.machines.values():
            machine.down()
        self.machine.down()

    @property
    def inventory(self) -> Path:
        """The folder for ``ansible-playbook -i``."""
        return self.folder / "inventory"

    def join(self, name: str, project: str = "atlas") -> str:
        """Add a user to a project; returns what was written to the directory."""
        return self._change(name, project, "add")

    def leave(self, name: str, project: str = "atlas") -> str:
        """Remove a user from a project; returns what was written to the directory."""
        return self._change(name, project, "delete")

    def _change(self, name: str, project: str, what: str) -> str:
        ldif = (
            f"dn: cn={project},ou=projects,{SUFFIX}\nchangetype: modify\n{what}: member\nmember:"
            f" {person(name)}\n"
        )
        self.directory.change(ldif)
        return ldif

    def _ldif(self) -> str:
        people = sorted({LEAD, *chain.from_iterable(self.has.values())})
        entries = [
            f"dn: ou={unit},{SUFFIX}\nobjectClass: organizationalUnit\nou: {unit}\n"
            for unit in ("people", "projects", "devices")
        ]
        entries += [
            f"dn: {person(name)}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name.title()}\nsn:"
            f" {name.title()}\n"
            for name in people
        ]
        entries.append(
            f"dn: cn=atlas,ou=projects,{SUFFIX}\nobjectClass: groupOfNames\ncn: atlas\nmember:"
            f" {person(LEAD)}\n"
        )
        for name, users in self.has.items():
            owners = "".join(f"owner: {person(user)}\n" for user in users)
            entries.append(
                f"dn: cn={name},ou=devices,{SUFFIX}\nobjectClass: device\ncn: {name}\n{owners}"
            )
        return "\n".join(entries)

    def _write_inventory(self) -> None:
        shutil.rmtree(self.inventory, ignore_errors=True)
        self.inventory.mkdir(parents=True)
        password = self.folder / "password"
        password.touch(0o600)
        password.write_text(READER_PASSWORD)
        hosts = {"base": f"ou=devices,{SUFFIX}", "domain": DOMAIN}
        source = self.directory.options(
            plugin="shipping.code.ldap_projects",
            bind_password_file=str(password),
            hosts=hosts,
        )
        (self.inventory / "ldap_projects.yml").write_text(json.dumps(source, indent=2))
        # No name server knows these machines, so a second file has how to reach them.
        reached = {
            f"{name}.{DOMAIN}": machine.connection for name, machine in self.machines.items()
        }
        (self.inventory / "reached.yml").write_text(
            json.dumps({"all": {"hosts": reached}}, indent=2)
        )


def main(what: str, name: str, user: str = "") -> None:
    """Start it, stop it, or let a user join or leave."""
    company = CompanyBed(Machine(name), HAS)
    if what in ("join", "leave"):
        print(company.join(user) if what == "join" else company.leave(user))
        return
    company.down()
    if what == "up":
        company = CompanyBed(Machine(name), HAS)
        company.up()
        print(company.folder)


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
