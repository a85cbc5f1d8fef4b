# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of users, in a namespace of each kind.

It has file systems, accounts, processes and an SSH server of its own.
Its changes are in layers over this machine's /etc, /opt, /home, /usr and /var; everything else is
read-only there. Switched off, it keeps its layers, as a computer keeps its disk.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from .machine import Machine, run

_LAYERS = ("etc", "opt", "home", "usr", "var")
_OPTIONS = (
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
    "ConnectTimeout=2",
    "BatchMode=yes",
)


class UserMachine:
    """One machine; root and every user log in with the same key.

    ``shows`` are folders of this machine, by where they are there.
    """

    def __init__(self, name: str, shows: Mapping[str, Path] | None = None) -> None:
        self.machine = Machine(name)
        self.shows = shows or {}
        self.folder = self.machine.folder
        self.key = self.folder / "key"

    @property
    def connection(self) -> dict[str, str]:
        """Return the variables for an inventory."""
        return {
            "ansible_host": self.machine.address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": " ".join(f"-o {option}" for option in _OPTIONS),
            "ansible_python_interpreter": "/usr/bin/python3",
        }

    def up(self, *users: str) -> None:
        """Make it, switch it on, and give it users."""
        self.machine.up()
        for layer in _LAYERS:
            for kind in ("upper", "work"):
                (self.folder / kind / layer).mkdir(parents=True, exist_ok=True)
        (self.folder / "upper" / "var").chmod(0o755)
        self._write_settings()
        self.power_on()
        for user in users:
            self.run("useradd", "--create-home", "--shell", "/bin/bash", "--password", "*", user)

    def _write_settings(self) -> None:
        etc = self.folder / "upper" / "etc" / "ssh"
        etc.mkdir(parents=True, exist_ok=True)
        for path in (self.key, etc / "host"):
            if not path.exists():
                run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
        (etc / "people").write_text((self.folder / "key.pub").read_text())
        settings = {
            "ListenAddress": f"{self.machine.address}:22",
            "HostKey": "/etc/ssh/host",
            "AuthorizedKeysFile": "/etc/ssh/people",
            # The default, which also withstands quantum computers, takes 0.13 s of a processor for
            # each connection (OpenSSH 9.2), most of what a short command takes; this takes 0.02 s.
            "KexAlgorithms": "curve25519-sha256",
            "PidFile": "none",
            "UsePAM": "yes",
            "PermitRootLogin": "yes",
            "MaxStartups": "100",
            "Subsystem": "sftp internal-sftp",
        }
        (etc / "machine").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))

    def power_on(self) -> None:
        """Switch it on and wait until it lets one in."""
        log = self.folder / "sshd.log"
        log.unlink(missing_ok=True)
        layers = [
            "mount -t overlay overlay -o"
            f" lowerdir=/{name},upperdir={self.folder}/upper/{name}"
            f",workdir={self.folder}/work/{name}"
            f" /{name}"
            for name in _LAYERS
        ]
        steps = [
            f"hostname {self.machine.name}",
            *layers,
            *(
                f"mkdir -p {place} && mount --bind {folder} {place}"
                for place, folder in self.shows.items()
            ),
            "mount -t tmpfs -o mode=755 tmpfs /run",
            "mount -t tmpfs -o mode=1777 tmpfs /tmp",
            "mount -t tmpfs -o mode=700 tmpfs /root",
            "mkdir /run/sshd",
            "mount -o remount,bind,ro /",
            "cd /",
            "exec /usr/sbin/sshd -D -e -f /etc/ssh/machine",
        ]
        inside = shlex.quote(" && ".join(steps))
        self.machine.start(
            "sshd",
            f"unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc sh -c {inside}",
            isolated=False,
        )
        deadline = time.monotonic() + 10
        while "Server listening" not in log.read_text():
            if time.monotonic() > deadline:
                raise RuntimeError(f"the SSH server did not start: {log.read_text()}")
            time.sleep(0.05)

    def power_off(self) -> None:
        """As pulling the plug."""
        pid = self.machine.pid("sshd")
        if pid:
            os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        deadline = time.monotonic() + 10
        while (
            run("ip", "netns", "pids", self.machine.netns).split() and time.monotonic() < deadline
        ):
            time.sleep(0.02)

    def down(self) -> None:
        """Remove it."""
        with contextlib.suppress(RuntimeError):
            self.power_off()
        self.machine.down()

    def ssh(self, user: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a user who logs in by SSH, through the login shell."""
        return subprocess.run(
            self._words(user, *command),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )

    def unpack(self, packed: bytes, folder: str) -> None:
        """Unpack a tar there, as root."""
        subprocess.run(
            self._words("root", "tar", "--extract", "--directory", folder),
            input=packed,
            capture_output=True,
            check=True,
            timeout=120,
        )

    def _words(self, user: str, *command: str) -> list[str]:
        options = list(chain.from_iterable(("-o", option) for option in _OPTIONS))
        return ["ssh", *options, "-i", str(self.key), f"{user}@{self.machine.address}", *command]

    def run(self, *command: str) -> str:
        """Run a command as root; what it prints."""
        done = self.ssh("root", shlex.join(command))
        if done.returncode:
            raise RuntimeError(
                f"{shlex.join(command)} failed with {done.returncode}:"
                f" {done.stderr.strip() or done.stdout.strip()}"
            )
        return done.stdout

    def path(self, path: str) -> Path:
        """Return where a file that the machine has written is on this one."""
        return self.folder / "upper" / path.lstrip("/")
