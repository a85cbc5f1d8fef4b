# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provide workstations, a catalog and an inventory, and deliver to them as an operator does."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests import plays
from tests.testbed.user_machine import UserMachine

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "playbooks" / "files" / "projects"
OPT = "/opt/shipping"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """The outcome of a play."""

    rc: int
    output: str
    results: list[dict[str, Any]]
    seconds: float

    @property
    def ok(self) -> bool:
        return self.rc == 0

    def of(self, host: str, action: str = "toolbox") -> list[dict[str, Any]]:
        """Return the results of a module on a host, in their order."""
        return [
            line["result"]
            for line in self.results
            if line["host"] == host and line["action"].endswith(f".{action}")
        ]

    @property
    def states(self) -> dict[str, str]:
        """Return the state of each host in the last table."""
        tables = [
            line["result"]
            for line in self.results
            if line["action"].endswith(".delivery") and "hosts" in line["result"]
        ]
        return {row["host"]: row["state"] for row in tables[-1]["hosts"]}

    @property
    def changed(self) -> set[str]:
        """Return the hosts that changed."""
        return {line["host"] for line in self.results if line["result"].get("changed")}


@dataclass(frozen=True)
class Delivering:
    """A running play."""

    process: plays.Play | subprocess.Popen[bytes]
    output: Path
    results: Path
    begun: float

    def wait(self, timeout: float = 300) -> Outcome:
        """Wait for its end."""
        rc = self.process.wait(timeout)
        lines = self.results.read_text().splitlines() if self.results.exists() else []
        output = self.output.read_text(errors="replace")
        return Outcome(
            rc, output, [json.loads(line) for line in lines], time.monotonic() - self.begun
        )

    def kill(self) -> None:
        """Kill the whole play, as a power cut of the controller does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Fleet:
    """Workstations by name, with their users and the projects of users."""

    home: Path
    machines: dict[str, UserMachine]
    has: dict[str, list[str]]
    projects: dict[str, set[str]] = field(default_factory=dict)
    revision: int = 1
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def catalog(self) -> Path:
        return self.home / "projects"

    @property
    def state(self) -> Path:
        return self.home / "state"

    def catalog_of(self, name: str, tools: dict[str, Any], **files: bytes) -> None:
        """Write a project's file, and files beside it."""
        (self.catalog / name).mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (self.catalog / name / file).write_bytes(content)
        (self.catalog / f"{name}.yml").write_text(
            json.dumps({"description": f"The project {name}", "tools": tools})
        )

    def sample(self) -> None:
        """Copy the sample catalog of the collection."""
        shutil.copytree(SAMPLE, self.catalog, dirs_exist_ok=True)

    def user(self, name: str) -> dict[str, Any]:
        mine = sorted(project for project, members in self.projects.items() if name in members)
        return {
            "id": self.ids.get(name, f"id-{name}"),
            "name": name,
            "projects": mine,
            "hints": {"uid": 1},
        }

    def inventory(self) -> Path:
        """Write the inventory as the inventory plugin does."""
        hosts = {
            name: {
                **machine.connection,
                "ansible_become": False,
                "shipping_users": [self.user(user) for user in self.has[name]],
            }
            for name, machine in self.machines.items()
        }
        path = self.home / "hosts.json"
        path.write_text(
            json.dumps(
                {
                    "all": {
                        "hosts": hosts,
                        "vars": {"shipping_membership_revision": f"time:control:{self.revision}"},
                    }
                }
            )
        )
        return path

    def deliver(
        self, *flags: str, state: bool = True, play: dict[str, Any] | None = None, **variables: Any
    ) -> Outcome:
        """Run the collection's playbook; ``play`` has further keywords of its play."""
        given = {
            "delivery_catalog": str(self.catalog),
            **({"delivery_state_path": str(self.state)} if state else {}),
            **variables,
        }
        playbook = ROOT / "playbooks" / "deliver.yml"
        if play:
            (found,) = yaml.safe_load(playbook.read_text())
            playbook = self.home / "deliver.yml"
            playbook.write_text(json.dumps([{**found, **play}]))
        return self.play(str(playbook), "-e", json.dumps(given), *flags)

    def task(self, module: str, options: dict[str, Any], *flags: str, **keywords: Any) -> Outcome:
        """Run a play with one module call on all hosts."""
        path = self.home / "play.yml"
        tasks = [{"name": module, f"shipping.code.{module}": options, **keywords}]
        path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        return self.play(str(path), *flags)

    def start(self, playbook: str, *flags: str) -> Delivering:
        results = self.home / f"results-{time.time_ns()}.jsonl"
        output = results.with_suffix(".txt")
        environment = {
            **{name: os.environ[name] for name in ("LANG", "SSL_CERT_FILE") if name in os.environ},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.home / "cp"),
            "SHIPPING_TEST_RESULTS": str(results),
        }
        words = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            str(self.inventory()),
            playbook,
            *flags,
        ]
        with output.open("wb") as file:
            process = plays.start(words, stdout=file, env=environment, cwd=self.home)
        return Delivering(process, output, results, time.monotonic())

    def play(self, playbook: str, *flags: str) -> Outcome:
        return self.start(playbook, *flags).wait()

    def says(self, machine: str, user: str, command: str) -> tuple[int, str]:
        """Return the exit code and the output of a user's command by SSH."""
        done = self.machines[machine].ssh(user, command)
        return done.returncode, done.stdout.strip() or done.stderr.strip()

    def commands(self, machine: str, user: str) -> set[str]:
        done = self.machines[machine].ssh(
            "root", f"ls {OPT}/current/users/{user}/bin 2>/dev/null || true"
        )
        return set(done.stdout.split()) - {"tools"}

    def objects(self, machine: str) -> set[str]:
        done = self.machines[machine].ssh("root", f"ls {OPT}/store 2>/dev/null || true")
        return {name.partition("-")[2] for name in done.stdout.split()}
