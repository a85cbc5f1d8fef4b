# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shipping a commit to a Swarm: this collection, and Docker's client as the floor."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.testbed import images
from tests.testbed.machine import Machine
from tests.testbed.swarm_bed import REGISTRY, SwarmBed

from .measure import Contender, Results, add, compare, play

OURS, FLOOR, EMPTY = (
    "shipping.code.ship",
    "docker build && docker push && docker stack deploy --detach=false",
    "an empty play",
)
SIDE_BY_SIDE = (OURS, FLOOR, EMPTY)
_FLOOR = """\
set -e
docker build --quiet --tag {image} {folder}
docker push --quiet {image}
docker stack deploy --detach=false --resolve-image always --compose-file {compose} floor
"""
_AUTHOR = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")


class ShipBench:
    """A Swarm of its own, a repository, and the contenders."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.machine = Machine("bench-ship")
        self.swarm = SwarmBed(self.machine)
        self.environment = {
            **environment,
            "DOCKER_HOST": self.swarm.host,
            "DOCKER_BUILDKIT": "0",
        }

    @property
    def _repository(self) -> Path:
        return self.folder / "shop"

    def up(self) -> None:
        """Start from nothing."""
        self.machine.down()
        self.machine = Machine("bench-ship")
        self.swarm = SwarmBed(self.machine)
        self.swarm.up()
        self.swarm.registry()
        images.load_base(self.swarm)
        self.swarm.docker("tag", images.BASE, f"{REGISTRY}/tool:1")
        self.swarm.docker("push", "--quiet", f"{REGISTRY}/tool:1")
        self._make_repository()
        host = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ship_release": {"docker_host": self.swarm.host},
        }
        inventory = {"all": {"hosts": {"swarm": host}}}
        (self.folder / "hosts.json").write_text(json.dumps(inventory))

    def down(self) -> None:
        """Remove it."""
        self.machine.down()

    def ours(self, _services: int, value: str) -> list[str | Path]:
        """Return the playbook on a commit with a value."""
        given = {"repository": str(self._repository), "commit": self._commit(value)}
        return [
            Path(sys.executable).parent / "ansible-playbook",
            *("-i", self.folder / "hosts.json", "shipping.code.ship"),
            *("-e", json.dumps({**given, "branch": "main"})),
        ]

    def floor(self, _services: int, value: str) -> list[str | Path]:
        """Return what Docker's client needs for the same."""
        folder = self.folder / "floor"
        folder.mkdir(exist_ok=True)
        image = f"{REGISTRY}/floor:{value}"
        self._write(folder, value)
        compose = self.folder / "floor.json"
        compose.write_text(json.dumps({"version": "3.8", **_compose(image)}))
        script = _FLOOR.format(image=image, folder=folder, compose=compose)
        return ["bash", "-c", script]

    def empty(self, _services: int, _value: str) -> list[str | Path]:
        """Return what Ansible itself takes."""
        return play(self.folder, "empty", [])

    @property
    def contenders(self) -> list[Contender]:
        """Those that are measured side by side."""
        return [
            Contender(OURS, self.ours),
            Contender(FLOOR, self.floor, counts=False),
            Contender(EMPTY, self.empty, counts=False),
        ]

    def finish(self, contender: Contender) -> None:
        """Wait for nothing: all contenders end when the service runs."""

    def _make_repository(self) -> None:
        web = self._repository / "web"
        web.mkdir(parents=True)
        image = {"repository": f"{REGISTRY}/shipped", "context": "web"}
        content = {
            "app": "shipped",
            "images": {"web": image},
            "environments": {"production": {"branch": "main", "hosts": "swarm"}},
        }
        (self._repository / "shipping.yml").write_text(json.dumps(content))
        (self._repository / "compose.yml").write_text(json.dumps(_compose("")))
        self._git("init", "--quiet", "--initial-branch=main")

    def _commit(self, value: str) -> str:
        """Return a commit in which one line has a value."""
        self._write(self._repository / "web", value)
        self._git("add", ".")
        if self._git("status", "--porcelain"):
            self._git("commit", "--quiet", "-m", f"Say {value}")
        return self._git("rev-parse", "HEAD")

    def _git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", self._repository, *_AUTHOR, *words],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    @staticmethod
    def _write(folder: Path, value: str) -> None:
        (folder / "Dockerfile").write_text(f"FROM {REGISTRY}/tool:1\nCOPY say /say\n")
        (folder / "say").write_text(f"{value}\n")


def _compose(image: str) -> dict[str, object]:
    service = {
        **({"image": image} if image else {"build": "web"}),
        "command": ["sleep", "100000"],
        "init": True,
        "stop_grace_period": "1s",
    }
    return {"services": {"web": service}}


def measure(bench: ShipBench, *, quick: bool) -> Results:
    """All phases, by name."""
    quiet, changed = (1, 1) if quick else (7, 5)
    results: Results = {}
    print("Ship, the first commit", flush=True)
    add(results, "first", compare(bench, 1, ["first"]))
    print("Ship, no changes", flush=True)
    results["no changes"] = compare(bench, 1, ["first"] * quiet, says="changed=0")
    print("Ship, one line changed", flush=True)
    values = [f"value{number}" for number in range(changed)]
    results["one changed"] = compare(bench, 1, values, says="changed=[1-9]")
    return results
