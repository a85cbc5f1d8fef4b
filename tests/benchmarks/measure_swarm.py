# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shipping services to a Swarm: this collection, and what else does it."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.testbed import images
from tests.testbed.machine import Machine
from tests.testbed.swarm_bed import REGISTRY, SwarmBed

from .failures import FailureCase, measure_failure
from .measure import Contender, Results, add, compare, play

IMAGE = f"{REGISTRY}/tool:1"
OURS, LOOP, STACK, CLI, EMPTY = (
    "shipping.code.release",
    "docker_swarm_service, looped",
    "docker_stack",
    "docker stack deploy",
    "an empty play",
)
SIDE_BY_SIDE = (OURS, LOOP, STACK, CLI, EMPTY)
# Those that wait until what they wrote runs, with the monitor window that is the default.
WAITING, FLOOR, UPDATE, MANY = (
    "shipping.code.release, monitor: 5",
    "plain API calls side by side",
    "docker service update",
    "shipping.code.release, services without replicas",
)
MONITOR = 5
WAITED_FIRST, WAITED_CHANGE = "waited for: first", "waited for: one changed"
# Numbers of services whose peak memory is compared.
SIZES, QUICK_SIZES = (20, 200), (2, 3)
FLOOR_PROGRAM = Path(__file__).with_name("swarm_floor.py")
FAILURES = {
    "an image that no registry has, seen by the plan": FailureCase(
        {"image": f"{REGISTRY}/no-such-image:1"}, "has no", at_once=True
    ),
    "an image that no registry has, seen by the node": FailureCase(
        {"image": f"{REGISTRY}/no-such-image:1"}, "has no", "never"
    ),
    "a program that ends at once": FailureCase(
        {"command": ["sh", "-c", "exit 3"]}, "exited with code 3"
    ),
    "no node that matches": FailureCase(
        {"deploy": {"placement": {"constraints": ["node.labels.gpu == yes"]}}}, "no node matches"
    ),
}


def compose(services: int, value: str, image: str = IMAGE) -> dict[str, Any]:
    """Return an app of so many services; only the first one has ``value``."""
    one = {"image": image, "command": ["sleep", "100000"], "init": True, "stop_grace_period": "1s"}
    return {
        "version": "3.8",
        "services": {
            f"s{number}": {**one, "environment": {"VALUE": value if number == 0 else "same"}}
            for number in range(services)
        },
    }


class SwarmBench:
    """A Swarm of its own, and the contenders."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.services = 20
        self.machine = Machine("bench")
        self.swarm = SwarmBed(self.machine)

    def up(self) -> None:
        """Start from nothing."""
        self.machine.down()
        self.machine = Machine("bench")
        self.swarm = SwarmBed(self.machine)
        self.swarm.up()
        self.swarm.registry()
        images.load_base(self.swarm)
        self.swarm.docker("tag", images.BASE, IMAGE)
        self.swarm.docker("push", "--quiet", IMAGE)

    def down(self) -> None:
        """Remove it."""
        self.machine.down()

    def clear(self) -> None:
        """Remove all services and wait until their tasks have ended."""
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

    def release(
        self, app: str, content: dict[str, Any], value: str, monitor: float = 0.1
    ) -> list[str | Path]:
        """One task."""
        path = self.folder / f"{app}-compose.json"
        path.write_text(json.dumps(content))
        options = {
            "app": app,
            "version": value,
            "compose": str(path),
            "docker_host": self.swarm.host,
            "monitor": monitor,
        }
        return play(self.folder, app, [{"shipping.code.release": options}])

    def ours(self, services: int, value: str) -> list[str | Path]:
        """Return this collection."""
        return self.release("ours", compose(services, value), value)

    def waiting(self, services: int, value: str) -> list[str | Path]:
        """Return this collection with its default monitor window."""
        return self.release("waiting", compose(services, value), value, MONITOR)

    def many(self, services: int, value: str) -> list[str | Path]:
        """Return this collection with services without replicas, of which a host can have many."""
        content = compose(services, value)
        for service in content["services"].values():
            service["deploy"] = {"replicas": 0}
        return self.release("many", content, value)

    def floor(self, services: int, _value: str) -> list[str | Path]:
        """Return the program that makes the same services and waits for the same window."""
        given = {"network": "floor", "image": IMAGE, "monitor": MONITOR}
        content = {**given, "services": compose(services, "first")["services"]}
        (self.folder / "floor.json").write_text(json.dumps(content))
        return [sys.executable, FLOOR_PROGRAM, self.swarm.host, self.folder / "floor.json"]

    def update(self, _services: int, value: str) -> list[str | Path]:
        """Return the client's update of one of the floor's services, which it waits for."""
        words = ("service", "update", "--quiet", "--env-add", f"VALUE={value}", "floor_s0")
        return ["docker", "--host", self.swarm.host, *words]

    def loop_play(self, services: int, value: str) -> list[str | Path]:
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
        items = [
            {"name": name, "value": service["environment"]["VALUE"]}
            for name, service in compose(services, value)["services"].items()
        ]
        network = {"name": "loop", "driver": "overlay", "docker_host": self.swarm.host}
        return play(
            self.folder,
            "loop",
            [
                {"community.docker.docker_network": network},
                {"community.docker.docker_swarm_service": options, "loop": items},
            ],
        )

    def stack(self, services: int, value: str) -> list[str | Path]:
        """Return the module that calls the client."""
        options = {
            "name": "stack",
            "compose": [compose(services, value)],
            "docker_host": self.swarm.host,
        }
        return play(self.folder, "stack", [{"community.docker.docker_stack": options}])

    def client(self, services: int, value: str) -> list[str | Path]:
        """Return the client alone."""
        (self.folder / "client.json").write_text(json.dumps(compose(services, value)))
        return [
            "docker",
            "--host",
            self.swarm.host,
            "stack",
            "deploy",
            "--detach=true",
            "--compose-file",
            self.folder / "client.json",
            "client",
        ]

    def empty(self, services: int, value: str) -> list[str | Path]:
        """Return what Ansible itself takes."""
        return play(self.folder, "empty", [])

    @property
    def contenders(self) -> list[Contender]:
        """Those that are measured side by side."""
        return [
            Contender(OURS, self.ours),
            Contender(LOOP, self.loop_play),
            Contender(STACK, self.stack),
            Contender(CLI, self.client, counts=False),
            Contender(EMPTY, self.empty, counts=False),
            Contender(WAITING, self.waiting),
            Contender(FLOOR, self.floor, counts=False),
            Contender(UPDATE, self.update, counts=False),
            Contender(MANY, self.many),
        ]

    def finish(self, contender: Contender) -> None:
        """Let the engine end what a contender only began, so that it does not slow the next."""
        if contender.name in (LOOP, STACK, CLI):
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline:
                states = self.swarm.docker("service", "ls", "--format", "{{.Replicas}}").split()
                if all(state == "1/1" for state in states):
                    return
                time.sleep(0.5)

    def failing_release(self, change: dict[str, Any], **options: Any) -> list[str | Path]:
        """Return a release whose first service is changed to something that cannot be."""
        content = compose(self.services, "first")
        content["services"]["s0"].update(change)
        (self.folder / "bad-compose.json").write_text(json.dumps(content))
        given = {
            "app": "ours",
            "version": "bad",
            "compose": str(self.folder / "bad-compose.json"),
            "docker_host": self.swarm.host,
            "monitor": 0.1,
        }
        return play(self.folder, "bad", [{"shipping.code.release": {**given, **options}}])

    def sign(self, failure: FailureCase) -> SwarmSign:
        """Return the engine's first sign of it."""
        return SwarmSign(self.swarm.host)

    def recover(self) -> None:
        """Do nothing: a play has restored everything by its end."""


class SwarmSign:
    """Looks for the first sign of a failure: a task that failed or waits with a reason."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.seen = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def _look_on(self) -> None:
        from docker import APIClient

        client = APIClient(base_url=self.host, version="1.41")
        known = {task["ID"] for task in client.tasks()}
        while not self._stop.wait(0.02):
            for task in client.tasks():
                status = task["Status"]
                if task["ID"] not in known and (
                    status["State"] in ("failed", "rejected") or status.get("Err")
                ):
                    self.seen = time.time()
                    return

    def __enter__(self) -> SwarmSign:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        self._thread.join()


def measure(bench: SwarmBench, curve: tuple[int, ...], *, quick: bool) -> Results:
    """All phases, by name; those of the curve by their number of services."""
    results: Results = {}
    first, quiet, changed, few, services = (1, 1, 1, 1, 2) if quick else (3, 7, 5, 3, 20)
    bench.services = services
    print(f"Swarm, {services} services, from nothing", flush=True)
    for _round in range(first):
        bench.clear()
        add(results, "first", compare(bench, services, ["first"], SIDE_BY_SIDE))
    print(f"Swarm, {services} services, no changes", flush=True)
    results["no changes"] = compare(
        bench, services, ["first"] * quiet, SIDE_BY_SIDE, says="changed=0"
    )
    print(f"Swarm, {services} services, one changed", flush=True)
    values = [f"value {number}" for number in range(changed)]
    results["one changed"] = compare(bench, services, values, SIDE_BY_SIDE, says="changed=1")
    compare(bench, services, ["first"], (OURS,))
    for name, failure in FAILURES.items():
        print(f"Swarm, {name}", flush=True)
        results[name] = {"told": measure_failure(bench, failure, few)}
    for number in curve:
        print(f"Swarm, no changes with {number} services", flush=True)
        bench.clear()
        compare(bench, number, ["first"], (OURS, LOOP, STACK))
        results[f"curve {number}"] = compare(
            bench, number, ["first"] * few, (OURS, LOOP, STACK, EMPTY), says="changed=0"
        )
    _with_floors(bench, services, values, results)
    for number in QUICK_SIZES if quick else SIZES:
        print(f"Swarm, memory with {number} services", flush=True)
        bench.clear()
        results[f"memory {number}"] = compare(bench, number, ["first"], (MANY,))
    return results


def _with_floors(bench: SwarmBench, services: int, values: Sequence[str], results: Results) -> None:
    """Compare with what waits for the same, and does nothing else."""
    print(f"Swarm, {services} services, waited for", flush=True)
    for name in (WAITING, FLOOR) * min(3, len(values)):
        bench.clear()
        add(results, WAITED_FIRST, compare(bench, services, ["first"], (name,)))
    # Of the client only the update is compared: its services are those of the floor.
    compare(bench, services, ["first"], (WAITING,))
    results[WAITED_CHANGE] = compare(bench, services, values, (WAITING, UPDATE), says="changed=1")
