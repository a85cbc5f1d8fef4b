# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure an inventory of a large company from a directory.

This collection, a peer, and what Ansible takes for the same inventory without a directory.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed.directory_servers import READER, READER_PASSWORD, SUFFIX, Slapd
from tests.testbed.machine import Machine, cache, run

from .measure import Contender, Results, Runs, add, compare

OURS, FLOOR = "shipping.code.ldap_projects", "the same inventory, from ready JSON"
PEER, CLI = "microsoft.ad.ldap, hosts without users and groups", "ldapsearch of the same entries"
LIST, HOST = "ansible-inventory --list", "ansible-inventory --host"
NAMELESS = "entries without a name"


@dataclass(frozen=True)
class DirectorySize:
    """A company, and how often each phase is run."""

    machines: int
    projects: int
    rounds: int


SIZES = (DirectorySize(10_000, 200, 5), DirectorySize(100_000, 1_000, 2))
QUICK = (DirectorySize(200, 10, 1),)


def company_ldif(size: DirectorySize) -> Iterator[str]:
    """Yield the entries of a company, in LDIF.

    Each user has a host and is in two projects, in one of them by a team inside of it.
    The hosts have the attribute ``name``, which OpenLDAP does not define, for the peer cannot
    do without.
    """
    for unit in ("people", "machines", "projects", "teams"):
        yield f"dn: ou={unit},{SUFFIX}\nobjectClass: organizationalUnit\nou: {unit}\n"
    direct, inside = defaultdict(list), defaultdict(list)
    for number in range(size.machines):
        name, dn = f"user{number}", f"uid=user{number},ou=people,{SUFFIX}"
        direct[number % size.projects].append(dn)
        inside[(number * 7 + 3) % size.projects].append(dn)
        yield (
            f"dn: {dn}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: {name}\ncn:"
            f" {name}\nsn: {name}\nmail: {name}@example.com\nuidNumber: {number + 1000}\ngidNumber:"
            f" 100\nhomeDirectory: /home/{name}\n"
        )
        classes = "objectClass: device\nobjectClass: extensibleObject"
        yield (
            f"dn: cn=pc{number},ou=machines,{SUFFIX}\n{classes}\ncn: pc{number}\nname:"
            f" pc{number}\nowner: {dn}\n"
        )
    for number in range(size.projects):
        members = [*direct[number], f"cn=team{number},ou=teams,{SUFFIX}"]
        yield _group(f"cn=project{number},ou=projects,{SUFFIX}", f"project{number}", members)
        yield _group(
            f"cn=team{number},ou=teams,{SUFFIX}", f"team{number}", inside[number] or members[:1]
        )


def _group(dn: str, name: str, members: list[str]) -> str:
    return "\n".join(
        [
            f"dn: {dn}",
            "objectClass: groupOfNames",
            f"cn: {name}",
            *(f"member: {member}" for member in members),
            "",
        ]
    )


class DirectoryBench:
    """An OpenLDAP of its own, and the contenders."""

    def __init__(self, folder: Path, environment: dict[str, str], size: DirectorySize) -> None:
        self.folder = folder
        self.environment = environment
        self.size = size
        self._place()

    def _place(self) -> None:
        self.server = Slapd(Machine("bench-directory"), maxsize=2**32)

    def up(self) -> None:
        """Start the directory, and write the inventories."""
        self.server.machine.down()
        self._place()
        self.server.machine.up()
        self._fill()
        self.server.start()
        (self.folder / "password").write_text(READER_PASSWORD)
        (self.folder / "ldap_projects.yml").write_text(json.dumps(self._options()))
        (self.folder / "microsoft.ad.ldap.yml").write_text(json.dumps(self._options_of_peer()))
        self._write_floor()

    def down(self) -> None:
        """Remove it."""
        self.server.machine.down()

    def _fill(self) -> None:
        """Load the entries, from the cache if they were loaded before."""
        key = hashlib.sha256(
            f"{inspect.getsource(company_ldif)}{inspect.getsource(_group)}{self.size}{server_version()}".encode()
        ).hexdigest()[:12]
        kept, data = (
            cache() / f"benchmark-directory-{self.size.machines}-{key}",
            self.server.folder / "data",
        )
        self.server.folder.mkdir()
        if not kept.exists():
            for former in cache().glob(f"benchmark-directory-{self.size.machines}-*"):
                shutil.rmtree(former)
            self.server.load("\n".join(company_ldif(self.size)))
            partial = kept.with_suffix(".partial")
            _copy(data, partial)
            partial.rename(kept)
        else:
            _copy(kept, data)
            self.server.configure()

    def _options(self) -> dict[str, Any]:
        password = str(self.folder / "password")
        return self.server.options(
            plugin=OURS, bind_password_file=password, users={"base": f"ou=people,{SUFFIX}"}
        )

    def _options_of_peer(self) -> dict[str, Any]:
        return {
            "plugin": "microsoft.ad.ldap",
            "server": self.server.machine.address,
            "port": self.server.secure_port,
            "tls_mode": "ldaps",
            "ca_cert": str(self.server.authority.certificate),
            "auth_protocol": "simple",
            "username": READER,
            "password": READER_PASSWORD,
            "search_base": f"ou=machines,{SUFFIX}",
            "filter": "(objectClass=device)",
            "filter_without_computer": True,
        }

    def _write_floor(self) -> None:
        """Write a script that prints what the plugin returns.

        Both inventories must be equal.
        """
        given = self._listed("ldap_projects.yml")
        (self.folder / "floor.json").write_text(json.dumps(given))
        script = self.folder / "floor.sh"
        script.write_text(f"#!/bin/sh\nexec cat {self.folder}/floor.json\n")
        script.chmod(0o755)
        if (
            len(given["_meta"]["hostvars"]) != self.size.machines
            or self._listed("floor.sh") != given
        ):
            raise RuntimeError("the inventories that are to be compared are not the same")

    def _listed(self, name: str) -> Any:
        words = self.inventory(name, LIST)
        return json.loads(
            run(*words, env=self.environment, cwd=self.folder),
            object_hook=lambda item: item.get("__ansible_unsafe", item),
        )

    def inventory(self, name: str, phase: str) -> list[str | Path]:
        """Return the command that reads an inventory."""
        of = ["--list"] if phase == LIST else ["--host", "pc0.example.com"]
        return [_program("ansible-inventory"), "-i", self.folder / name, *of]

    def nameless(self) -> Runs:
        """Return what the peer prints about entries of OpenLDAP as they are."""
        path = self.folder / "nameless.microsoft.ad.ldap.yml"
        path.write_text(
            json.dumps(
                {
                    **self._options_of_peer(),
                    "search_base": f"ou=teams,{SUFFIX}",
                    "filter": "(objectClass=groupOfNames)",
                }
            )
        )
        words = self.inventory(path.name, LIST)
        told = subprocess.run(
            list(map(str, words)),
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        line = next(
            (line for line in told.stderr.splitlines() if "name" in line and "ailed" in line),
            told.stderr[-300:],
        )
        return Runs(said=line.replace(str(self.folder), "…"))

    def search(self, _machines: int, _phase: str) -> list[str | Path]:
        """All entries, with the attributes that say who works where."""
        how = (
            "-x",
            "-LLL",
            "-o",
            "ldif-wrap=no",
            "-E",
            "pr=500/noprompt",
            "-H",
            self.server.secure_uri,
            "-D",
            READER,
            "-y",
            self.folder / "password",
        )
        attributes = ("cn", "member", "owner", "uid", "entryUUID", "uidNumber", "homeDirectory")
        return [
            "env",
            f"LDAPTLS_CACERT={self.server.authority.certificate}",
            "ldapsearch",
            *how,
            "-b",
            SUFFIX,
            "(objectClass=*)",
            *attributes,
        ]

    @property
    def contenders(self) -> list[Contender]:
        """Those that are measured side by side."""
        return [
            Contender(OURS, lambda _machines, phase: self.inventory("ldap_projects.yml", phase)),
            Contender(FLOOR, lambda _machines, phase: self.inventory("floor.sh", phase)),
            Contender(
                PEER, lambda _machines, phase: self.inventory("microsoft.ad.ldap.yml", phase)
            ),
            Contender(CLI, self.search),
        ]

    def finish(self, contender: Contender) -> None:
        """Remove everything."""


def _copy(folder: Path, to: Path) -> None:
    """Copy a database, which is a sparse file of its largest size."""
    run("cp", "--recursive", "--sparse=always", folder, to)


def _program(name: str) -> Path:
    return Path(sys.executable).parent / name


def server_version() -> str:
    """Return the version of OpenLDAP."""
    return run("dpkg-query", "--show", "--showformat=${Version}", "slapd")


def measure(bench: DirectoryBench) -> Results:
    """Both phases; the peer and the client have one of their own only."""
    results: Results = {}
    for phase, names in ((LIST, (OURS, FLOOR, PEER, CLI)), (HOST, (OURS, FLOOR))):
        print(f"directory, {bench.size.machines} machines, {phase}", flush=True)
        for _round in range(bench.size.rounds):
            add(results, phase, compare(bench, bench.size.machines, [phase], names))
    results[NAMELESS] = {PEER: bench.nameless()}
    return results
