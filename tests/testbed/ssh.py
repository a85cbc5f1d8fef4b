# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SSH server in a machine of the test bed, and how Ansible reaches it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from .machine import Machine, run


class Ssh:
    """An SSH server in a machine; it sees the same files as this machine does."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.folder = machine.folder / "ssh"

    @property
    def connection(self) -> dict[str, str]:
        """Return the variables for an inventory."""
        return {
            "ansible_host": self.machine.address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.folder / "user"),
            "ansible_ssh_common_args": (
                "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=2 -o"
                " ServerAliveInterval=1"
            ),
        }

    def start(self) -> None:
        """Start the server and wait until it listens."""
        self.folder.mkdir(exist_ok=True)
        for name in ("host", "user"):
            if not (self.folder / name).exists():
                run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name)
        settings = {
            "ListenAddress": f"{self.machine.address}:22",
            "HostKey": self.folder / "host",
            "AuthorizedKeysFile": self.folder / "user.pub",
            "PidFile": self.folder / "sshd.own.pid",
            "StrictModes": "no",
            "UsePAM": "no",
            "PermitRootLogin": "yes",
        }
        (self.folder / "sshd_config").write_text(
            "".join(f"{key} {value}\n" for key, value in settings.items())
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        self.machine.start(
            "sshd", f"/usr/sbin/sshd -D -e -f {self.folder}/sshd_config", isolated=False
        )
        deadline = time.monotonic() + 10
        while "Server listening" not in (self.machine.folder / "sshd.log").read_text():
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"the SSH server did not start; see {self.machine.folder}/sshd.log"
                )
            time.sleep(0.05)

    def cut(self) -> None:
        """End the server and all connections, as a broken cable does."""
        for entry in run("ip", "netns", "pids", self.machine.netns).split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{entry}/comm").read_text().strip() == "sshd":
                    os.kill(int(entry), signal.SIGKILL)
        (self.machine.folder / "sshd.log").unlink()
