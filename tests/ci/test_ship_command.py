# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role ship_command on this host: its keys by a real sshd, with a stand-in for the play."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.testbed.machine import free_port

from .project_repository import ProjectRepository, run, until

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SSHD = "/usr/sbin/sshd"


@dataclass
class DeployHost:
    """A host whose account has the forced command; keys are ``ci`` and ``other``."""

    repository: ProjectRepository
    port: int

    @property
    def folder(self) -> Path:
        """All files of the test."""
        return self.repository.folder

    def apply_role(self, **changes: object) -> subprocess.CompletedProcess[str]:
        """Apply the role; return what the play printed."""
        settings = {
            "repository": str(self.repository.bare),
            "branch": "main",
            "inventory": "/i.yml",
        }
        keys = [
            {"key": (self.folder / f"{name}.pub").read_text(), "apps": [app]}
            for name, app in (("ci", "shop"), ("other", "blog"))
        ]
        variables = {
            "ship_command_apps": {"shop": settings, "blog": settings},
            "ship_command_keys": keys,
            "ship_command_user": getpass.getuser(),
            "ship_command_folder": str(self.folder / "etc"),
            "ship_command_library": str(self.folder / "lib"),
            "ship_command_authorized_keys": str(self.folder / "keys" / "authorized_keys"),
            "ship_command_playbook": str(self.folder / "bin" / "ansible-playbook"),
            "ship_command_python": sys.executable,
            **changes,
        }
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "roles": ["shipping.code.ship_command"],
        }
        (self.folder / "play.yml").write_text(json.dumps([{**play, "vars": variables}]))
        programs = Path(sys.executable).parent
        environment = {
            **self.repository.environment,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        }
        return subprocess.run(
            [programs / "ansible-playbook", "-i", "localhost,", "play.yml"],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def ssh(self, key: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Log in with a key, as a CI does."""
        options = {
            "IdentityFile": self.folder / key,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.folder / "known_hosts",
            "StrictHostKeyChecking": "accept-new",
            "BatchMode": "yes",
        }
        flags = [f"-o{name}={value}" for name, value in options.items()]
        return subprocess.run(
            ["ssh", "-F", "none", *flags, "-p", str(self.port), "127.0.0.1", *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def host(repository: ProjectRepository) -> Iterator[DeployHost]:
    """An sshd of this user, which knows only the keys of the role."""
    if not Path(SSHD).exists() or not shutil.which("ssh-keygen"):
        pytest.skip("not installed: openssh-server, openssh-client")
    port = free_port()
    for name in ("hostkey", "ci", "other"):
        words = ("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", repository.folder / name)
        run(["ssh-keygen", *words])
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": repository.folder / "hostkey",
        "AuthorizedKeysFile": repository.folder / "keys" / "authorized_keys",
        "PidFile": "none",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "forced-commands-only",
        # The folders of the test are below one that all users may write to.
        "StrictModes": "no",
    }
    config = repository.folder / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    Path("/run/sshd").mkdir(exist_ok=True)
    with (repository.folder / "sshd.log").open("w") as log:
        sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log)
    try:
        until(lambda: "listening" in (repository.folder / "sshd.log").read_text(), 20)
        yield DeployHost(repository, port)
    finally:
        sshd.terminate()
        sshd.wait(20)


def test_a_key_deploys_a_commit_of_its_app_and_nothing_else(host: DeployHost) -> None:
    done = host.apply_role()
    assert done.returncode == 0 and "changed=0" not in done.stdout, done.stdout
    again = host.apply_role()
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout

    good, _printed = host.repository.push("good")
    bad, _printed = host.repository.push("bad")
    newer, _printed = host.repository.push("newer")
    for commit, status in ((good, 0), (bad, 1), (newer, 0), (good, 1)):
        done = host.ssh("ci", "shop", commit)
        assert done.returncode == status and "the play prints" in done.stdout, done.stderr
    assert host.repository.live == newer and len(host.repository.plays) == 4

    for key, words in {
        "other": ("shop", newer),
        "ci": ("cat", "/etc/passwd"),
    }.items():
        done = host.ssh(key, *words)
        assert (done.returncode, done.stdout) == (2, "") and "is rejected" in done.stderr
    assert host.ssh("ci").returncode == 2
    forwarding = host.ssh("ci", "-W", "127.0.0.1:22")
    assert forwarding.returncode != 0
    assert len(host.repository.plays) == 4

    gone = host.apply_role(ship_command_state="absent")
    assert gone.returncode == 0 and host.ssh("ci", "shop", newer).returncode == 255


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"ship_command_keys": [{"key": 'command="sh" ssh-ed25519 AAAA', "apps": ["shop"]}]},
            "ship_command_keys[0] cannot be used",
        ),
        (
            {"ship_command_keys": [{"key": "ssh-ed25519 AAAA ci", "apps": ["shop; true"]}]},
            "ship_command_keys[0] cannot be used",
        ),
        (
            {
                "ship_command_apps": {
                    "shop\n": {"repository": "/r", "branch": "main", "inventory": "/i.yml"}
                },
                "ship_command_keys": [{"key": "ssh-ed25519 AAAA ci", "apps": ["shop\n"]}],
            },
            "ship_command_keys[0] cannot be used",
        ),
        (
            {"ship_command_apps": {"shop": {"branch": "main"}, "blog": {}}},
            "shop in ship_command_apps",
        ),
        ({"ship_command_user": "nobody-here"}, "The account nobody-here cannot be used"),
    ],
    ids=["options in a key", "an odd app", "a line feed", "settings", "account"],
)
def test_mistakes(host: DeployHost, changes: dict[str, object], text: str) -> None:
    done = host.apply_role(**changes)
    assert done.returncode != 0 and text in done.stdout, done.stdout
    assert not (host.folder / "keys").exists()
