# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-rulebook with the collection as users get it.

It leads from the directory to a command on somebody's machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.testbed.checkout_copy import copy_checkout
from tests.testbed.company import CompanyBed
from tests.testbed.machine import run
from tests.testbed.processes import kill_with_descendants


def java_home() -> str:
    """Java 17, which drools wants; the one that the machine has where there is no other."""
    found = sorted(Path("/usr/lib/jvm").glob("java-17-openjdk-*"))
    return str(found[0]) if found else os.environ.get("JAVA_HOME", "")


def installed(folder: Path) -> Path:
    """The collection, built and installed into an empty folder, whose path is returned."""
    home = {**environment(folder, folder), "ANSIBLE_GALAXY_SERVER_LIST": ""}
    tree = folder / "tree"
    copy_checkout(tree, with_links=False)
    galaxy = Path(sys.executable).parent / "ansible-galaxy"
    run(galaxy, "collection", "build", "--output-path", folder / "built", tree, env=home)
    (artifact,) = (folder / "built").glob("*.tar.gz")
    run(
        galaxy,
        "collection",
        "install",
        "--offline",
        "-p",
        folder / "collections",
        artifact,
        env=home,
    )
    return folder / "collections"


def environment(home: Path, collections: Path) -> dict[str, str]:
    """Nothing of ours is on a path but the collection."""
    return {
        **{name: os.environ[name] for name in ("LANG", "SSL_CERT_FILE") if name in os.environ},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "JAVA_HOME": java_home(),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(home / "cp"),
    }


class Reached(Protocol):
    """What a rulebook is to know of a company."""

    @property
    def inventory(self) -> Path:
        """The folder with the inventories that ask the directory and say how to reach machines."""

    @property
    def catalog(self) -> Path:
        """The folder of the projects."""


@dataclass
class Rulebook:
    """A process of ansible-rulebook, and what it prints."""

    company: Reached
    home: Path
    collections: Path
    more: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> Path:
        return self.home / "state"

    @property
    def environment(self) -> dict[str, str]:
        """What it runs with."""
        return {**environment(self.home, self.collections), **self.more}

    @property
    def log(self) -> Path:
        return self.home / "rulebook.log"

    def write(self) -> None:
        """The variables, and the inventory of what is pending."""
        folder = self.home / "inventory"
        folder.mkdir(parents=True, exist_ok=True)
        pending = {
            "plugin": "shipping.code.ldap_projects",
            "source": "state",
            "only": "pending",
            "state_path": str(self.state),
        }
        (folder / "ldap_projects.yml").write_text(json.dumps(pending))
        self.home.mkdir(parents=True, exist_ok=True)
        (folder / "reached.yml").write_text((self.company.inventory / "reached.yml").read_text())
        source = {
            "source_file": str(self.company.inventory / "ldap_projects.yml"),
            "state_path": str(self.state),
        }
        (self.home / "variables.yml").write_text(
            json.dumps({**source, "delivery_catalog": str(self.company.catalog)})
        )

    def start(self, rulebook: str = "shipping.code.deliver", *, inventory: bool = True) -> None:
        words = ["-i", self.home / "inventory"] if inventory else []
        command = [
            Path(sys.executable).parent / "ansible-rulebook",
            "-r",
            rulebook,
            *words,
            "--vars",
            self.home / "variables.yml",
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*map(str, command)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.home,
                start_new_session=True,
                env=self.environment,
            )

    def kill(self) -> None:
        """With all that it has started, at once; its plays have sessions of their own."""
        if self.process:
            kill_with_descendants(self.process.pid)
            self.process.wait()

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait(self, what: Callable[[], object], patience: float = 60) -> float:
        """Wait until it is so; the second at which it was."""
        deadline = time.monotonic() + patience
        while not what():
            assert time.monotonic() < deadline and self.process and self.process.poll() is None, (
                self.text()[-6000:]
            )
            time.sleep(0.02)
        return time.time()


@contextlib.contextmanager
def running(company: CompanyBed, home: Path, collections: Path) -> Iterator[Rulebook]:
    """A rulebook that delivers; killed afterwards."""
    rulebook = Rulebook(company, home, collections)
    rulebook.write()
    rulebook.start()
    try:
        yield rulebook
    finally:
        rulebook.kill()
