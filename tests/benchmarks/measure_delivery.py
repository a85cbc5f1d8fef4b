# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure deliveries of tools to hosts by SSH.

This collection, the same by the modules that come with Ansible, and pyinfra.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed.machine import run
from tests.testbed.user_machine import UserMachine
from tests.testbed.wheel_files import lock_of, wheel

from .measure import Contender, Results, Runs, add, compare

ROOT = Path(__file__).parents[2]
OURS, LOOP, PEER = "shipping.code.delivery", "copy, unarchive, pip and file, looped", "pyinfra"
PING, FLOOR = "one call of ansible.builtin.ping", "an empty play"
BACK, BACK_ON_MACHINE = "rolling back a generation", "the same, on the host"
USER, HERE = "ada", "/opt"
SAYS_CHANGED, SAYS_SAME = r"\A(?![\s\S]*changed=0)", r"\A(?![\s\S]*changed=[1-9])"


@dataclass(frozen=True)
class DeliverySize:
    """The number of hosts, and how often each phase is run."""

    machines: int
    first: int
    quiet: int
    changed: int
    alone: int
    """How often the quick contenders are run once more with no changes.

    What is between them is small beside what single runs differ by.
    """
    has_peers: bool = True

    @property
    def contenders(self) -> tuple[str, ...]:
        """Return what is measured; the peers take minutes a run on many hosts."""
        return (OURS, *((LOOP, PEER) if self.has_peers else ()), PING, FLOOR)


FEW, MANY, QUICK = (
    DeliverySize(3, 3, 5, 3, 20),
    DeliverySize(20, 1, 1, 3, 10, has_peers=False),
    DeliverySize(2, 1, 1, 1, 1),
)
SCRIPTS, ARCHIVES, PYTHONS, BINARIES = (
    [f"script{number}" for number in range(8)],
    [f"archive{number}" for number in range(4)],
    [f"snake{number}" for number in range(4)],
    [f"binary{number}" for number in range(4)],
)
TOOLS = (*SCRIPTS, *ARCHIVES, *PYTHONS, *BINARIES)


class DeliveryBench:
    """Hosts with a user each, and twenty tools of one project.

    The tools are in a folder that all contenders read.
    """

    def __init__(self, folder: Path, environment: dict[str, str], size: DeliverySize) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.size = size
        self.files = folder / "projects" / "atlas"
        self.environment = {
            **environment,
            "ANSIBLE_FORKS": "20",
            "ANSIBLE_PIPELINING": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        self.machines = [UserMachine(f"bench-pc{number}") for number in range(size.machines)]
        self.runs = 0
        self.value = ""

    def up(self) -> None:
        """Start the hosts, and write the tools to deliver."""
        self.pyinfra = Path(
            run(
                ROOT / "tests" / "testbed" / "setup.sh",
                "python",
                ROOT / "tests" / "benchmarks" / "requirements-pyinfra.txt",
            ).strip()
        )
        for machine in self.machines:
            machine.down()
        self.machines = [UserMachine(machine.machine.name) for machine in self.machines]
        for machine in self.machines:
            machine.up(USER)
        self._write_tools()
        self._write_inventories()

    def down(self) -> None:
        """Remove them."""
        for machine in self.machines:
            machine.down()

    def peer_version(self) -> str:
        """Return what it is called, with its version."""
        return run(self.pyinfra / "pyinfra", "--version").strip()

    def clear(self) -> None:
        """As if nothing had ever been delivered."""
        self._everywhere("sh", "-c", f"rm -rf {HERE}/*")

    def _everywhere(self, *command: str) -> list[str]:
        with ThreadPoolExecutor(max_workers=4) as pool:
            return list(pool.map(lambda machine: machine.run(*command), self.machines))

    def _write_tools(self) -> None:
        self.files.mkdir(parents=True)
        for name in ARCHIVES:
            _archive(self.files / f"{name}.tar.gz", name)
        for name in PYTHONS:
            (self.files / name).mkdir()
            made = wheel(self.files / name, name, "1", f"def main():\n    print('{name}')\n")
            (self.files / f"{name}.txt").write_text(lock_of(name, "1", made))
        for name in BINARIES:
            (self.files / name).write_bytes(_says(name) + b"#" * 2_000_000)
        self._write_scripts("first")

    def _write_scripts(self, value: str) -> None:
        """Only the first one has ``value``."""
        self.value = value
        for name in SCRIPTS:
            (self.files / f"{name}.sh").write_bytes(_says(value if name == SCRIPTS[0] else name))

    def _write_inventories(self) -> None:
        user = {"id": USER, "name": USER, "projects": ["atlas"]}
        hosts = {
            f"{machine.machine.name}.example.com": {**machine.connection, "shipping_users": [user]}
            for machine in self.machines
        }
        shared = {"shipping_membership_revision": "time:control:1", "ansible_become": False}
        (self.folder / "hosts.json").write_text(
            json.dumps({"all": {"hosts": hosts, "vars": shared}})
        )
        data = {
            "ssh_user": "root",
            "ssh_strict_host_key_checking": "no",
            "ssh_known_hosts_file": str(self.folder / "known_hosts"),
        }
        reached = [
            (machine.machine.address, {**data, "ssh_key": str(machine.key)})
            for machine in self.machines
        ]
        (self.folder / "inventory.py").write_text(f"machines = {reached!r}\n")
        (self.folder / "deploy.py").write_text(
            _PYINFRA.format(**self._lists(), here=f"{HERE}/pyinfra")
        )
        catalog = {
            "description": "A benchmark",
            "tools": {name: self._entry(name) for name in TOOLS},
        }
        (self.folder / "projects" / "atlas.yml").write_text(json.dumps(catalog))

    def _lists(self) -> dict[str, Any]:
        return {
            "files": str(self.files),
            "scripts": SCRIPTS,
            "archives": ARCHIVES,
            "pythons": PYTHONS,
            "binaries": BINARIES,
        }

    def _entry(self, name: str) -> dict[str, Any]:
        if name in SCRIPTS:
            return {"type": "script", "version": "1", "file": f"atlas/{name}.sh"}
        if name in PYTHONS:
            return {
                "type": "python",
                "version": "1",
                "lock": f"atlas/{name}.txt",
                "wheels": f"atlas/{name}",
                "commands": [name],
            }
        file = name if name in BINARIES else f"{name}.tar.gz"
        content = {
            "version": "1",
            "file": f"atlas/{file}",
            "sha256": hashlib.sha256((self.files / file).read_bytes()).hexdigest(),
        }
        return (
            {"type": "binary", **content}
            if name in BINARIES
            else {"type": "archive", **content, "commands": [f"bin/{name}"]}
        )

    def _playbook(self, *words: str | Path) -> list[str | Path]:
        """Each command opens connections of its own, as one that is given once an hour does."""
        self.runs += 1
        own = f"ANSIBLE_SSH_CONTROL_PATH_DIR={self.folder}/cp{self.runs}"
        return [
            "env",
            own,
            Path(sys.executable).parent / "ansible-playbook",
            "-i",
            self.folder / "hosts.json",
            *words,
        ]

    def _play(self, name: str, tasks: list[dict[str, Any]]) -> list[str | Path]:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        return self._playbook(path)

    def ours(self, _machines: int, value: str) -> list[str | Path]:
        """Return the collection's own playbook."""
        self._write_scripts(value)
        return self._playbook(
            ROOT / "playbooks" / "deliver.yml", "-e", f"delivery_catalog={self.folder}/projects"
        )

    def loop_play(self, _machines: int, value: str) -> list[str | Path]:
        """Return the same content, and a link for each command."""
        self._write_scripts(value)
        here, files = f"{HERE}/looped", self.files
        wheels = "--no-index --no-deps"
        tasks: list[dict[str, Any]] = [
            {
                "ansible.builtin.file": {
                    "path": f"{here}/{{{{ item }}}}",
                    "state": "directory",
                    "mode": "0755",
                },
                "loop": ["bin", "files", "wheels", *ARCHIVES],
            },
            {
                "ansible.builtin.copy": {
                    "src": f"{files}/{{{{ item }}}}",
                    "dest": f"{here}/files/{{{{ item }}}}",
                    "mode": "0755",
                },
                "loop": [*(f"{name}.sh" for name in SCRIPTS), *BINARIES],
            },
            {
                "ansible.builtin.unarchive": {
                    "src": f"{files}/{{{{ item }}}}.tar.gz",
                    "dest": f"{here}/{{{{ item }}}}",
                },
                "loop": ARCHIVES,
            },
            {
                "ansible.builtin.copy": {
                    "src": f"{files}/{{{{ item }}}}/",
                    "dest": f"{here}/wheels/",
                    "mode": "0644",
                },
                "loop": PYTHONS,
            },
            {
                "ansible.builtin.pip": {
                    "name": "{{ item }}",
                    "version": "1",
                    "virtualenv": f"{here}/venv-{{{{ item }}}}",
                    "virtualenv_command": "/usr/bin/python3 -m venv",
                    "extra_args": f"{wheels} --find-links {here}/wheels",
                },
                "loop": PYTHONS,
            },
            {
                "ansible.builtin.file": {
                    "src": f"{here}/{{{{ item.value }}}}",
                    "dest": f"{here}/bin/{{{{ item.key }}}}",
                    "state": "link",
                },
                "loop": [{"key": name, "value": target} for name, target in _links().items()],
            },
        ]
        return self._play("loop", tasks)

    def peer(self, _machines: int, value: str) -> list[str | Path]:
        """Return the same by pyinfra's operations."""
        self._write_scripts(value)
        return [
            self.pyinfra / "pyinfra",
            "-y",
            self.folder / "inventory.py",
            self.folder / "deploy.py",
        ]

    def ping(self, _machines: int, _value: str) -> list[str | Path]:
        """One round trip."""
        return self._play("ping", [{"ansible.builtin.ping": {}}])

    def empty(self, _machines: int, _value: str) -> list[str | Path]:
        """Return what Ansible itself takes."""
        return self._play("empty", [])

    @property
    def contenders(self) -> list[Contender]:
        """Those that are measured side by side."""
        return [
            Contender(OURS, self.ours),
            Contender(LOOP, self.loop_play),
            Contender(PEER, self.peer, counts=False),
            Contender(PING, self.ping, counts=False),
            Contender(FLOOR, self.empty, counts=False),
            Contender(BACK, self.roll_back),
        ]

    def finish(self, contender: Contender) -> None:
        """See that all tools are there, and the first one as it was wanted last."""
        places = {
            OURS: f"{HERE}/shipping/current/users/{USER}/bin",
            LOOP: f"{HERE}/looped/bin",
            PEER: f"{HERE}/pyinfra/bin",
        }
        if contender.name in places:
            script = 'cd "$0" && for name in "$@"; do ./$name || exit; done'
            expected = [self.value, *TOOLS[1:]]
            for said in self._everywhere("sh", "-c", script, places[contender.name], *TOOLS):
                if said.split() != expected:
                    raise RuntimeError(f"{contender.name} has not delivered what it was to: {said}")

    def roll_back(self, _machines: int, _value: str) -> list[str | Path]:
        """Roll all hosts back."""
        return self._play("back", [{"shipping.code.toolbox": {"generation": "previous"}}])

    def roll_back_on_machine(self) -> Runs:
        """Return the seconds of a rollback on the host itself, without Ansible and SSH."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as content:
            for name in ("_core", "_toolbox"):
                content.add(
                    ROOT / "plugins" / "module_utils" / name,
                    f"toolbox/{name}",
                    filter=lambda item: None if "__pycache__" in item.name else item,
                )
        runs = Runs()
        for machine in self.machines:
            machine.unpack(packed.getvalue(), HERE)
            runs.seconds.append(
                float(machine.run("/usr/bin/python3", "-c", _TIMED, HERE + "/shipping"))
            )
            machine.run("rm", "-r", f"{HERE}/toolbox")
        return runs


_TIMED = """\
import sys, time
sys.path.insert(0, "/opt")
from toolbox._toolbox.generation_rollback import roll_back
begun = time.perf_counter()
answer = roll_back(sys.argv[1], "previous", 3, 60, check_mode=False)
assert answer["changed"]
print(time.perf_counter() - begun)
"""

_PYINFRA = """\
from pyinfra.operations import files, pip, server

HERE, FILES = {here!r}, {files!r}
links = {{}}
for name in ("bin", "files", "wheels"):
    files.directory(path=f"{{HERE}}/{{name}}")
for name, file in [
    *((name, f"{{name}}.sh") for name in {scripts}), *((name, name) for name in {binaries})
]:
    files.put(src=f"{{FILES}}/{{file}}", dest=f"{{HERE}}/files/{{file}}", mode="755")
    links[name] = f"files/{{file}}"
for name in {archives}:
    files.directory(path=f"{{HERE}}/{{name}}")
    put = files.put(src=f"{{FILES}}/{{name}}.tar.gz", dest=f"{{HERE}}/files/{{name}}.tar.gz")
    unpack = f"tar xzf {{HERE}}/files/{{name}}.tar.gz -C {{HERE}}/{{name}}"
    server.shell(commands=[unpack], _if=put.did_change)
    links[name] = f"{{name}}/bin/{{name}}"
for name in {pythons}:
    wheel = f"{{name}}-1-py3-none-any.whl"
    files.put(src=f"{{FILES}}/{{name}}/{{wheel}}", dest=f"{{HERE}}/wheels/{{wheel}}")
    pip.venv(path=f"{{HERE}}/venv-{{name}}", python="/usr/bin/python3")
    pip.packages(
        packages=[f"{{name}}==1"],
        virtualenv=f"{{HERE}}/venv-{{name}}",
        extra_install_args=f"--no-index --no-deps --find-links {{HERE}}/wheels",
    )
    links[name] = f"venv-{{name}}/bin/{{name}}"
for name, target in links.items():
    files.link(path=f"{{HERE}}/bin/{{name}}", target=f"{{HERE}}/{{target}}")
"""


def _says(text: str) -> bytes:
    return f"#!/bin/sh\necho {text}\nexit\n".encode()


def _archive(path: Path, name: str) -> None:
    """Write an archive of a program and a few hundred files."""
    with tarfile.open(path, "w:gz") as content:
        for member, data, mode in [
            (f"bin/{name}", _says(name), 0o755),
            *((f"share/{number}", b"x" * 2000, 0o644) for number in range(300)),
        ]:
            about = tarfile.TarInfo(member)
            about.size, about.mode = len(data), mode
            content.addfile(about, io.BytesIO(data))


def _links() -> dict[str, str]:
    """Return where each command leads to, below a contender's folder."""
    return {
        **{name: f"files/{name}.sh" for name in SCRIPTS},
        **{name: f"files/{name}" for name in BINARIES},
        **{name: f"{name}/bin/{name}" for name in ARCHIVES},
        **{name: f"venv-{name}/bin/{name}" for name in PYTHONS},
    }


def measure(bench: DeliveryBench) -> Results:
    """All phases."""
    results: Results = {}
    size, everybody = bench.size, bench.size.contenders
    print(f"delivery, {size.machines} hosts, from nothing", flush=True)
    for _round in range(size.first):
        bench.clear()
        add(results, "first", compare(bench, size.machines, ["first"], everybody, SAYS_CHANGED))
    print(f"delivery, {size.machines} hosts, no changes", flush=True)
    results["no changes"] = compare(
        bench, size.machines, ["first"] * size.quiet, everybody, SAYS_SAME
    )
    add(
        results,
        "no changes",
        compare(bench, size.machines, ["first"] * size.alone, (OURS, PING, FLOOR), SAYS_SAME),
    )
    print(f"delivery, {size.machines} hosts, one changed", flush=True)
    values = [f"value{number}" for number in range(size.changed)]
    results["one changed"] = compare(bench, size.machines, values, everybody, SAYS_CHANGED)
    print(f"delivery, {size.machines} hosts, rolling back", flush=True)
    results[BACK] = compare(bench, size.machines, ["", ""], (BACK,), SAYS_CHANGED)
    compare(bench, size.machines, ["last"], (OURS,), SAYS_CHANGED)
    results[BACK_ON_MACHINE] = {OURS: bench.roll_back_on_machine()}
    return results
