# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control machine with Ansible and cron, on which the role is applied by SSH.

It has a machine of people to deliver to.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import plays
from tests.testbed.user_machine import UserMachine

ROOT = Path(__file__).resolve().parents[2]
NAME, PC = "shipping-sync", "pc1.example.com"
HOME, SETTINGS, PROGRAM = f"/var/lib/{NAME}", f"/etc/{NAME}", f"/opt/{NAME}/membership_sync.py"
REPOSITORY = "/opt/git/tools"
# The Python and the packages of these tests, where another account can read them.
SHOWS = {
    "/opt/python": Path(sys.base_prefix),
    "/opt/packages": Path(sysconfig.get_path("purelib")),
    "/opt/programs": Path(sys.executable).parent,
    "/opt/collections/ansible_collections/shipping/code": ROOT,
}
ANSIBLE = (
    "#!/bin/sh\nLD_LIBRARY_PATH=/opt/python/lib PYTHONPATH=/opt/packages exec"
    ' /opt/python/bin/python3 -m ansible playbook "$@"\n'
)
FAKE_RULEBOOK = "#!/bin/sh\nexit 0\n"  # only its being there is looked at


@dataclass
class Played:
    """What a play of the role came to."""

    rc: int
    output: str

    @property
    def changed(self) -> int:
        """How many tasks have changed something."""
        return int(self.output.rpartition("changed=")[2].split()[0])


@dataclass
class Control:
    """The control machine, and the machine of Ada that it delivers to."""

    machine: UserMachine
    pc: UserMachine
    folder: Path

    def prepare(self) -> None:
        """Ansible, and the project's repository, as new."""
        self.machine.run("rm", "-rf", "/opt/ansible", "/opt/git")
        for name, text in (("ansible-playbook", ANSIBLE), ("ansible-rulebook", FAKE_RULEBOOK)):
            self.write(f"/opt/ansible/bin/{name}", text)
            self.machine.run("chmod", "755", f"/opt/ansible/bin/{name}")
        self.machine.run("ln", "-s", "/opt/programs/uv", "/opt/ansible/bin/uv")
        self.members("ada")
        self.machine.run(
            "cp",
            "-r",
            "/opt/collections/ansible_collections/shipping/code/playbooks/files/projects",
            f"{REPOSITORY}/projects",
        )
        self.machine.run("git", "init", "--quiet", "--initial-branch", "main", REPOSITORY)

    def write(self, path: str, text: str) -> None:
        """Write a file there."""
        self.machine.run(
            "sh", "-c", f"mkdir -p {os.path.dirname(path)}; printf %s {shlex.quote(text)} >{path}"
        )

    def members(self, *names: str, **variables: Any) -> None:
        """Who is in the project, as the inventory in the repository says."""
        user = {
            "id": "id-ada",
            "name": "ada",
            "projects": ["atlas"] if "ada" in names else [],
            "hints": {},
        }
        own = {
            key: value
            for key, value in self.pc.connection.items()
            if key != "ansible_ssh_private_key_file"
        }
        host = {**own, "ansible_become": False, "shipping_users": [user], **variables}
        content = {
            "all": {
                "hosts": {PC: host},
                "vars": {"shipping_membership_revision": f"time:control:{time.time_ns()}"},
            }
        }
        self.write(f"{REPOSITORY}/inventories/directory/hosts.json", json.dumps(content))

    def breaks(self, *, broken: bool) -> None:
        """A tool of the project has a self-test that fails, or has it no more."""
        tool = (
            ""
            if not broken
            else (
                "tools:\n  broken: {type: script, version: '1', file: atlas/where.sh, self_test:"
                " ['false']}"
            )
        )
        self.machine.run(
            "sed",
            "-i",
            f"/broken:/d; s|^tools:|{tool or 'tools:'}|".replace("\n", "\\n"),
            f"{REPOSITORY}/projects/atlas.yml",
        )

    def commit(self) -> None:
        """The repository's branch is what its folder is.

        It belongs to the account, since git reads nobody else's.
        """
        git = f"git -C {REPOSITORY} -c user.name=a -c user.email=a@example.com"
        self.machine.run(
            "sh",
            "-c",
            f"chown -R root {REPOSITORY}; {git} add -A; {git} commit --quiet --allow-empty"
            f" --message change; chown -R {NAME} {REPOSITORY}",
        )

    @property
    def variables(self) -> dict[str, Any]:
        """How the role is applied."""
        return {
            "membership_sync_repository": REPOSITORY,
            "membership_sync_bin": "/opt/ansible/bin",
            "membership_sync_interval": 1,
            "membership_sync_jitter": 0,
            "membership_sync_secrets": {
                "ssh-key": self.pc.key.read_text(),
                "ldap-password": "reader secret",
            },
            "membership_sync_environment": {
                "ANSIBLE_COLLECTIONS_PATH": "/opt/collections",
                "ANSIBLE_PRIVATE_KEY_FILE": "{credentials}/ssh-key",
                "SHIPPING_LDAP_PASSWORD_FILE": "{credentials}/ldap-password",
            },
        }

    def apply(self, *flags: str, **variables: Any) -> Played:
        """Apply the role."""
        inventory, play, given = (
            self.folder / "hosts.json",
            self.folder / "play.yml",
            self.folder / "given.json",
        )
        inventory.write_text(
            json.dumps(
                {
                    "all": {
                        "hosts": {"control": {**self.machine.connection, "ansible_become": False}}
                    }
                }
            )
        )
        given.write_text(json.dumps({**self.variables, **variables}))
        given.chmod(0o600)
        play.write_text(
            json.dumps(
                [
                    {
                        "hosts": "all",
                        "gather_facts": False,
                        "roles": ["shipping.code.membership_sync"],
                    }
                ]
            )
        )
        words = [
            Path(sys.executable).parent / "ansible-playbook",
            "-i",
            inventory,
            play,
            "-e",
            f"@{given}",
            *flags,
        ]
        environment = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")
            },
            "HOME": str(self.folder),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_FORCE_COLOR": "0",
            # As ansible.cfg has it: one connection for a task, instead of four.
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "cp"),
        }
        done = plays.run(
            [str(word) for word in words], env=environment, cwd=self.folder, timeout=300
        )
        return Played(done.returncode, done.stdout + done.stderr)

    def says(self, user: str, command: str) -> tuple[int, str]:
        """What a command says on Ada's machine."""
        done = self.pc.ssh(user, command)
        return done.returncode, done.stdout.strip() or done.stderr.strip()

    def sync(self) -> int:
        """Run the sync as cron would, now."""
        return self.machine.ssh(
            "root", f"runuser -u {NAME} -- python3 {PROGRAM} {SETTINGS}/sync.json"
        ).returncode

    def read(self, path: str) -> str:
        """A file there."""
        return self.machine.run("cat", path)

    def metrics(self) -> dict[str, float]:
        """What Prometheus would be told."""
        lines = self.machine.run(
            "sh", "-c", f"cat {HOME}/metrics/*.prom 2>/dev/null || true"
        ).splitlines()
        return {
            line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
            for line in lines
            if not line.startswith("#")
        }

    def files(self) -> set[str]:
        """All files there that are of the sync."""
        found = self.machine.run(
            "sh",
            "-c",
            f"find /etc /opt/{NAME} /var/lib/{NAME} /var/spool -name '*{NAME}*' 2>/dev/null ||"
            " true",
        )
        return set(found.split())


def wait_for(condition: Callable[[], bool], patience: float) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)
