# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shipping services to a Swarm: this collection, and what else does it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.testbed import images
from tests.testbed.machine import Machine
from tests.testbed.swarm import REGISTRY, Swarm

from .measure import Contender, Runs, once

IMAGE = f"{REGISTRY}/tool:1"
PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")
OURS, LOOP, STACK, CLI, EMPTY = "shipping.code.release", "docker_swarm_service, looped", "docker_stack", "docker stack deploy", "an empty play"
CURVE = (1, 5, 10, 20, 40)


def compose(services: int, value: str) -> dict[str, Any]:
    """An app of so many services; ``value`` stands in the first one alone."""
    one = {"image": IMAGE, "command": ["sleep", "100000"], "init": True, "stop_grace_period": "1s"}
    return {
        "version": "3.8",
        "services": {f"s{number}": {**one, "environment": {"VALUE": value if number == 0 else "same"}} for number in range(services)},
    }


class Bench:
    """A Swarm of its own, and the contenders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machine = Machine("bench")
        self.swarm = Swarm(self.machine)

    def up(self) -> None:
        """Start from nothing."""
        self.machine.down()
        self.machine = Machine("bench")
        self.swarm = Swarm(self.machine)
        self.swarm.up()
        self.swarm.registry()
        images.load_base(self.swarm)
        self.swarm.docker("tag", images.BASE, IMAGE)
        self.swarm.docker("push", "--quiet", IMAGE)

    def clear(self) -> None:
        """Remove all services and wait until their tasks are gone."""
        names = self.swarm.docker("service", "ls", "--quiet").split()
        if names:
            self.swarm.docker("service", "rm", *names)
        while self.swarm.docker("ps", "--quiet"):
            time.sleep(0.5)
        time.sleep(3)
        configs = self.swarm.docker("config", "ls", "--quiet").split()
        if configs:
            self.swarm.docker("config", "rm", *configs)
        self.swarm.docker("network", "prune", "--force")

    def play(self, name: str, tasks: list[dict[str, Any]]) -> list[str | Path]:
        """The command for a play with these tasks."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]))
        return [PLAYBOOK, "-i", "localhost,", path]

    def ours(self, services: int, value: str) -> list[str | Path]:
        """One task."""
        (self.folder / "compose.json").write_text(json.dumps(compose(services, value)))
        options = {"app": "ours", "version": value, "compose": str(self.folder / "compose.json"), "docker_host": self.swarm.host, "monitor": 0.1}
        return self.play("ours", [{"shipping.code.release": options}])

    def looped(self, services: int, value: str) -> list[str | Path]:
        """One task, with a loop over the services."""
        options = {
            "name": "loop_{{ item.name }}",
            "image": IMAGE,
            "command": ["sleep", "100000"],
            "init": True,
            "stop_grace_period": "1s",
            "env": {"VALUE": "{{ item.value }}"},
            "networks": ["loop"],
            "docker_host": self.swarm.host,
        }
        items = [{"name": name, "value": service["environment"]["VALUE"]} for name, service in compose(services, value)["services"].items()]
        network = {"name": "loop", "driver": "overlay", "docker_host": self.swarm.host}
        return self.play(
            "loop",
            [{"community.docker.docker_network": network}, {"community.docker.docker_swarm_service": options, "loop": items}],
        )

    def stack(self, services: int, value: str) -> list[str | Path]:
        """The module that calls the client."""
        options = {"name": "stack", "compose": [compose(services, value)], "docker_host": self.swarm.host}
        return self.play("stack", [{"community.docker.docker_stack": options}])

    def client(self, services: int, value: str) -> list[str | Path]:
        """The client alone."""
        (self.folder / "client.json").write_text(json.dumps(compose(services, value)))
        return ["docker", "--host", self.swarm.host, "stack", "deploy", "--detach=true", "--compose-file", self.folder / "client.json", "client"]

    def empty(self, services: int, value: str) -> list[str | Path]:
        """What Ansible itself takes."""
        return self.play("empty", [])

    @property
    def contenders(self) -> list[Contender]:
        """Those that are measured side by side."""
        return [
            Contender(OURS, self.ours),
            Contender(LOOP, self.looped),
            Contender(STACK, self.stack),
            Contender(CLI, self.client),
            Contender(EMPTY, self.empty),
        ]

    def bad(self, change: dict[str, Any], **options: Any) -> list[str | Path]:
        """A release whose first service is changed to something that cannot be."""
        content = compose(20, "first")
        content["services"]["s0"].update(change)
        (self.folder / "bad-compose.json").write_text(json.dumps(content))
        given = {"app": "ours", "version": "bad", "compose": str(self.folder / "bad-compose.json"), "docker_host": self.swarm.host, "monitor": 0.1}
        return self.play("bad", [{"shipping.code.release": {**given, **options}}])


class Comparison:
    """Runs all contenders in turn, and keeps what they took."""

    def __init__(self, bench: Bench, environment: dict[str, str]) -> None:
        self.bench = bench
        self.environment = environment

    def run(self, services: int, values: list[str], names: tuple[str, ...] = (), says: str = "") -> dict[str, Runs]:
        """Each contender once a value, in turn; what plays print must have ``says``."""
        runs: dict[str, Runs] = {}
        for value in values:
            for contender in self.bench.contenders:
                if not names or contender.name in names:
                    wanted = says if contender.name in (OURS, LOOP, STACK) else ""
                    once(contender, services, value, self.environment, self.bench.folder, runs.setdefault(contender.name, Runs()), wanted)
                    self._settled(contender)
        return runs

    def _settled(self, contender: Contender) -> None:
        """Let the engine end what a contender only began, so that the next one is not slowed by it."""
        if contender.name in (LOOP, STACK, CLI):
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline:
                states = self.bench.swarm.docker("service", "ls", "--format", "{{.Replicas}}").split()
                if all(state == "1/1" for state in states):
                    return
                time.sleep(0.5)
