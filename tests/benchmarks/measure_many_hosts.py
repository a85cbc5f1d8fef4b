# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries without changes to hosts that only answer: what the controller itself takes.

A host is a program in place of its Python. It answers what a real delivery has answered before, and
"pong" to every module.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed.machine import run

from .measure import Contender, Results, Runs, compare, run_once
from .measure_delivery import FLOOR, OURS, PING, ROOT, SAYS_CHANGED, SAYS_SAME

PHASE = "no changes"
SIZES, ROUNDS = (20, 200), 5
QUICK, QUICK_ROUNDS = (2, 4), 1
_TOOLS = 20
_USER = {"id": "root", "name": "root", "projects": ["atlas"]}
_RECORDER = """\
#!/bin/sh
'{python}' "$@" > '{answer}.new' || exit
mv '{answer}.new' '{answer}'
cat '{answer}'
"""
# A program of the collection comes with -IS, a module without.
_STUB = """\
#!/bin/sh
cat > /dev/null
if [ "$1" = -IS ]; then exec cat '{answer}'; fi
echo '{{"ping": "pong", "changed": false}}'
"""


@dataclass
class ManyHostsBench:
    """A catalog, one host whose answer is recorded, and as many as needed that repeat it."""

    folder: Path
    environment: dict[str, str]

    def __post_init__(self) -> None:
        self.environment = {
            **self.environment,
            "ANSIBLE_FORKS": "20",
            "ANSIBLE_PIPELINING": "1",
        }

    def up(self) -> None:
        """Write the catalog, and record what a host answers that has all of it."""
        files = self.folder / "projects" / "atlas"
        files.mkdir(parents=True)
        tools: dict[str, Any] = {}
        for name in (f"script{number}" for number in range(_TOOLS)):
            (files / f"{name}.sh").write_text(f"#!/bin/sh\necho {name}\n")
            tools[name] = {"type": "script", "version": "1", "file": f"atlas/{name}.sh"}
        (self.folder / "projects" / "atlas.yml").write_text(json.dumps({"tools": tools}))
        self._write_program("recorder", _RECORDER)
        self._write_program("stub", _STUB)
        recorded = Contender(OURS, lambda _hosts, _value: self._deliver(1, "recorder"))
        for expected in (SAYS_CHANGED, SAYS_SAME):
            run_once(self, recorded, 1, "", Runs(), says=expected)

    def down(self) -> None:
        """Remove what was delivered, and with it the shell integration of this host."""
        task = {"shipping.code.toolbox": {"state": "absent", "path": str(self.folder / "opt")}}
        run(*self._plain(1, "absent", [task], "recorder"), env=self.environment)

    def _write_program(self, name: str, text: str) -> None:
        program = self.folder / name
        program.write_text(text.format(python=sys.executable, answer=self.folder / "answer"))
        program.chmod(0o755)

    def _inventory(self, hosts: int, python: str) -> Path:
        path = self.folder / f"{python}-{hosts}.json"
        shared = {
            "shipping_users": [_USER],
            "shipping_membership_revision": "time:control:1",
            "ansible_become": False,
            "ansible_connection": "local",
            "ansible_python_interpreter": str(self.folder / python),
        }
        names: dict[str, dict[str, str]] = {
            f"pc{number}.example.com": {} for number in range(hosts)
        }
        path.write_text(json.dumps({"all": {"hosts": names, "vars": shared}}))
        return path

    def _play(self, inventory: Path, *words: str | Path) -> list[str | Path]:
        return [Path(sys.executable).parent / "ansible-playbook", "-i", inventory, *words]

    def _deliver(self, hosts: int, python: str) -> list[str | Path]:
        variables = {
            "delivery_catalog": str(self.folder / "projects"),
            "delivery_options": {"path": str(self.folder / "opt")},
        }
        playbook = ROOT / "playbooks" / "deliver.yml"
        return self._play(self._inventory(hosts, python), playbook, "-e", json.dumps(variables))

    def _plain(
        self, hosts: int, name: str, tasks: Sequence[dict[str, Any]], python: str = "stub"
    ) -> list[str | Path]:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]))
        return self._play(self._inventory(hosts, python), path)

    @property
    def contenders(self) -> list[Contender]:
        """Those that are measured side by side."""
        return [
            Contender(OURS, lambda hosts, _value: self._deliver(hosts, "stub")),
            Contender(
                PING,
                lambda hosts, _value: self._plain(hosts, "ping", [{"ansible.builtin.ping": {}}]),
                counts=False,
            ),
            Contender(FLOOR, lambda hosts, _value: self._plain(hosts, "empty", []), counts=False),
        ]

    def finish(self, contender: Contender) -> None:
        """Do nothing: each command ends what it begins."""


def measure(bench: ManyHostsBench, sizes: Sequence[int], rounds: int) -> dict[int, Results]:
    """Return the runs by number of hosts."""
    found: dict[int, Results] = {}
    for hosts in sizes:
        print(f"delivery, {hosts} hosts that only answer", flush=True)
        found[hosts] = {PHASE: compare(bench, hosts, [""] * rounds, says=SAYS_SAME)}
    return found


def seconds_for_each_host(runs: Mapping[str, Runs], hosts: int) -> float:
    """Return the processor's seconds of a delivery beyond an empty play, for one host."""
    return (runs[OURS].processor_median - runs[FLOOR].processor_median) / hosts
