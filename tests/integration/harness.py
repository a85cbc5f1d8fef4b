# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the collection as a user does, and asking an app as its users do."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import plays
from tests.testbed.processes import kill_with_descendants

from .kubernetes_platform import KubernetesPlatform
from .swarm_platform import SwarmPlatform

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS: dict[str, Any] = {kind.name: kind for kind in (SwarmPlatform, KubernetesPlatform)}


@dataclass(frozen=True)
class PlayOutcome:
    """A play's end: its status, all that was printed, the modules' results, the seconds it took."""

    rc: int
    output: str
    results: list[dict[str, Any]]
    seconds: float

    @property
    def result(self) -> dict[str, Any]:
        """The last result of a module of the collection."""
        if not self.results:
            raise AssertionError(f"no module of the collection gave a result:\n{self.output}")
        return self.results[-1]

    @property
    def ok(self) -> bool:
        """Whether the play succeeded."""
        return self.rc == 0

    def lines(self, host: str = "platform") -> list[str]:
        """The progress lines, without those that only a slow machine has."""
        lines = [
            line.split(" | ", 1)[1]
            for line in self.output.splitlines()
            if line.startswith(f"{host} | ")
        ]
        return [line for line in lines if "waits for the module" not in line]


@dataclass
class Player:
    """Runs plays with one module call each, in a home of its own."""

    home: Path
    connection: dict[str, Any] = field(default_factory=lambda: {"ansible_connection": "local"})
    started: list[Running] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """What a play runs with: nothing of the user's own Ansible, Docker or Python settings."""
        kept = {
            name: os.environ[name]
            for name in ("PATH", "LANG", "SSL_CERT_FILE")
            if name in os.environ
        }
        return {
            **kept,
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "callback"),
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_REMOTE_TMP": str(self.home / ".ansible" / "tmp"),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_HOST_KEY_CHECKING": "0",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        }

    def folder(self) -> Path:
        """An empty folder for one play."""
        folder = self.home / "plays" / f"{time.time_ns()}"
        folder.mkdir(parents=True)
        return folder

    def start(self, module: str, options: dict[str, Any], *flags: str, **keywords: Any) -> Running:
        """Start a play with one module call, without waiting for it.

        A ``spec`` goes into a Compose file beside the playbook, since only files are no templates.
        """
        folder = self.folder()
        if module != "release_info":
            options = {"monitor": 1, **options}
        if "platform" in options:
            options = {
                **PLATFORMS[options["platform"]].placement_options(options["app"], module),
                **options,
            }
        if "spec" in options and not keywords.pop("inline", False):
            (folder / "compose.yml").write_text(json.dumps(options["spec"]))
            options = {
                **{key: value for key, value in options.items() if key != "spec"},
                "compose": "compose.yml",
            }
        return self.start_tasks(
            folder, [{"name": module, f"shipping.code.{module}": options, **keywords}], *flags
        )

    def start_tasks(
        self, folder: Path, tasks: list[dict[str, Any]], *flags: str, **play: Any
    ) -> Running:
        """Start a play with these tasks."""
        (folder / "play.yml").write_text(
            json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks, **play}])
        )
        (folder / "hosts.yml").write_text(
            json.dumps({"all": {"hosts": {"platform": self.connection}}})
        )
        return self.start_playbook(folder, "play.yml", "-i", "hosts.yml", *flags)

    def start_playbook(
        self, folder: Path, playbook: str, *flags: str, **environment: str
    ) -> Running:
        """Start any playbook in a folder."""
        words = [str(Path(sys.executable).parent / "ansible-playbook"), *flags, playbook]
        settings = {
            **self.environment(),
            "SHIPPING_TEST_RESULTS": str(folder / "results.jsonl"),
            **environment,
        }
        with (folder / "output.txt").open("wb") as log:
            process = plays.start(words, stdout=log, env=settings, cwd=folder)
        self.started.append(Running(process, folder, time.monotonic()))
        return self.started[-1]

    def close(self) -> None:
        """End what a failed test has left."""
        for running in self.started:
            if running.process.poll() is None:
                running.kill()

    def run(
        self, module: str, options: dict[str, Any], *flags: str, **keywords: Any
    ) -> PlayOutcome:
        """Run a play to its end."""
        return self.start(module, options, *flags, **keywords).wait()

    @property
    def journals(self) -> list[Path]:
        """The journals of workers that have not been read to their end."""
        return sorted((self.home / "state" / "shipping.code").glob("*.jsonl"))


@dataclass
class Running:
    """A play that is under way."""

    process: plays.Play | subprocess.Popen[bytes]
    folder: Path
    begun: float

    @property
    def output(self) -> str:
        """What has been printed so far."""
        return (self.folder / "output.txt").read_text(errors="replace")

    def wait(self, timeout: float = 240) -> PlayOutcome:
        """Wait for the end."""
        try:
            rc = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"the play did not end within {timeout} s:\n{self.output}"
            ) from None
        results = self.folder / "results.jsonl"
        lines = map(json.loads, results.read_text().splitlines()) if results.exists() else ()
        found = [{"host": line["host"], **line["result"]} for line in lines]
        return PlayOutcome(rc, self.output, found, time.monotonic() - self.begun)

    def until(self, text: str, timeout: float = 60) -> None:
        """Wait until something is printed."""
        deadline = time.monotonic() + timeout
        while text not in self.output:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"{text!r} was not printed:\n{self.output}")
            time.sleep(0.05)

    def kill_all(self) -> None:
        """End the play with the processes that have sessions of their own, as a CI ends a job.

        Ansible's own workers do. Of a release, its worker goes on.
        """
        kill_with_descendants(self.process.pid)
        self.kill()

    def kill(self) -> None:
        """End the whole play at once, as a power cut of the control node does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def worker(journal: Path, timeout: float = 30) -> int:
    """The pid of the worker that writes a journal."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(json.loads(journal.read_text().splitlines()[0])["pid"])
        time.sleep(0.02)
    raise AssertionError(f"no worker began to write {journal}")


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until something is so, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"in {seconds} s it did not happen"
        time.sleep(0.1)
    return found


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail where the block takes longer."""
    begun = time.monotonic()
    yield
    taken = time.monotonic() - begun
    assert taken <= seconds, f"took {taken:.1f} s, and {seconds} s were given"
