# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private one-node Swarm with a registry, in a machine of the test bed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

from . import engines
from .machine import Machine, run

REGISTRY = "127.0.0.1:5000"
PRIVATE_REGISTRY = "127.0.0.1:5001"
USER, PASSWORD = "ci", "open-sesame-42"


class SwarmBed:
    """An engine that manages a Swarm of its own; an existing Docker is not touched."""

    def __init__(self, machine: Machine, options: str = "", version: str = "") -> None:
        self.machine = machine
        self.options = options
        self.version = version
        self.socket = machine.folder / "docker.sock"

    @property
    def host(self) -> str:
        """Return the value of ``docker_host``."""
        return f"unix://{self.socket}"

    @property
    def running(self) -> bool:
        """Return whether the engine answers."""
        return self.machine.pid("dockerd") is not None and _answers(self)

    def up(self) -> None:
        """Start the engine and make the Swarm, unless that is done already."""
        self.machine.up()
        if not self.running:
            self.start()
        state = json.loads(self.docker("info", "--format", "{{json .Swarm}}"))["LocalNodeState"]
        if state == "inactive":
            self.docker("swarm", "init", "--advertise-addr", "127.0.0.1")

    def start(self) -> None:
        """Start the engine and wait until it answers."""
        folder, runtime = self.machine.folder, self.machine.runtime
        words = (
            engines.command(self.version, self.machine),
            f"--data-root {folder}/data --exec-root {runtime}/exec -H {self.host}",
            f"-p {folder}/dockerd.own.pid --cgroup-parent /{self.machine.netns}",
            f"{engines.storage(self.version)} {self.options}",
        )
        for stale in (self.socket, folder / "dockerd.own.pid"):
            stale.unlink(missing_ok=True)
        self.machine.start("dockerd", " ".join(words))
        deadline = time.monotonic() + 60
        while not _answers(self):
            if self.machine.pid("dockerd") is None or time.monotonic() > deadline:
                raise RuntimeError(f"the engine did not start; see {folder}/dockerd.log")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the engine as a shutdown does."""
        self.machine.stop("dockerd")

    def kill(self) -> None:
        """End the engine and all its containers as a power cut does."""
        self.machine.kill(
            "dockerd",
            spare=[name for name in ("registry", "private-registry") if self.machine.pid(name)],
        )

    def docker(self, *words: str | Path, **options: object) -> str:
        """Run the Docker client against this engine."""
        environment = {
            **os.environ,
            "DOCKER_BUILDKIT": "0",
            "DOCKER_HOST": self.host,
            "DOCKER_CONFIG": str(self.machine.folder / "client"),
        }
        environment.pop("DOCKER_CONTEXT", None)
        return run("docker", *words, env=environment, **options)

    def registry(
        self,
        name: str = "registry",
        address: str = REGISTRY,
        htpasswd: str = "",
        *,
        read_only: bool = False,
    ) -> None:
        """Start a registry inside the machine; with ``htpasswd`` it accepts only known users.

        A read-only one has the images of the open one, and rejects pushes.
        """
        folder = self.machine.folder / name
        folder.mkdir(exist_ok=True)
        if self.machine.pid(name):
            return
        auth = ""
        if htpasswd:
            (folder / "htpasswd").write_text(htpasswd)
            auth = f"auth:\n  htpasswd:\n    realm: shop\n    path: {folder}/htpasswd\n"
        data = self.machine.folder / ("registry" if read_only else name) / "data"
        storage = f"filesystem: {{rootdirectory: {data}}}"
        if read_only:
            storage += ", maintenance: {readonly: {enabled: true}}"
        settings = (
            f"version: 0.1\nlog: {{level: warn}}\nstorage: {{{storage}, delete: {{enabled:"
            f" true}}}}\nhttp: {{addr: {address}}}\n{auth}"
        )
        (folder / "config.yml").write_text(settings)
        self.machine.start(name, f"docker-registry serve {folder}/config.yml", isolated=False)
        self._wait_for_registry(name, address)

    def _wait_for_registry(self, name: str, address: str) -> None:
        host, port = address.split(":")
        deadline = time.monotonic() + 30
        probe = [
            "nsenter",
            f"--net=/run/netns/{self.machine.netns}",
            "bash",
            "-c",
            f"exec 3<>/dev/tcp/{host}/{port}",
        ]
        while subprocess.run(probe, capture_output=True, check=False).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"the registry did not start; see {self.machine.folder}/{name}.log"
                )
            time.sleep(0.05)

    def image_id(self, reference: str) -> str:
        """Return the id of a local image, empty if it does not exist."""
        return self.docker("images", "--quiet", "--no-trunc", reference).strip()


def htpasswd() -> str:
    """Return one line of a password file; the registry wants bcrypt."""
    done = subprocess.run(
        ["htpasswd", "-nbB", USER, PASSWORD], capture_output=True, text=True, check=True
    )
    return done.stdout


def _answers(swarm: SwarmBed) -> bool:
    if not swarm.socket.exists():
        return False
    with contextlib.suppress(RuntimeError):
        swarm.docker("version", "--format", "{{.Server.Version}}")
        return True
    return False
