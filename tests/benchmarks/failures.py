# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes until a failure is told, from the first sign of it that the engine shows."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any

from tests.testbed.swarm import REGISTRY

from .measure import Runs
from .services import Bench


@dataclass(frozen=True)
class Failure:
    """Something that cannot be, and what the play must say of it; ``at_once``: it is told by the plan."""

    change: dict[str, Any]
    says: str
    resolve_image: str = "auto"
    at_once: bool = False


FAILURES = {
    "an image that no registry has, seen by the plan": Failure({"image": f"{REGISTRY}/no-such-image:1"}, "has no", at_once=True),
    "an image that no registry has, seen by the machine": Failure({"image": f"{REGISTRY}/no-such-image:1"}, "has no", "never"),
    "a program that ends at once": Failure({"command": ["sh", "-c", "exit 3"]}, "exit code 3"),
    "no machine that matches": Failure({"deploy": {"placement": {"constraints": ["node.labels.gpu == yes"]}}}, "no machine matches"),
}


class Sign:
    """Looks for the first sign of a failure: a task that failed or waits with a reason."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.seen = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def _look_on(self) -> None:
        from docker import APIClient

        client = APIClient(base_url=self.bench.swarm.host, version="1.41")
        known = {task["ID"] for task in client.tasks()}
        while not self._stop.wait(0.02):
            for task in client.tasks():
                status = task["Status"]
                if task["ID"] not in known and (status["State"] in ("failed", "rejected") or status.get("Err")):
                    self.seen = time.time()
                    return

    def __enter__(self) -> Sign:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        self._thread.join()


def told(bench: Bench, environment: dict[str, str], failure: Failure) -> Runs:
    """Seconds from the first sign (or, where the plan tells it, from the start of the play) until it is printed."""
    runs = Runs()
    for _round in range(3):
        words = [str(word) for word in bench.bad(failure.change, resolve_image=failure.resolve_image)]
        with Sign(bench) as sign:
            begun = time.time()
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, cwd=bench.folder, text=True)
            when = _told_at(process, failure.says)
            process.wait()
        if process.returncode != 2 or not when or (not failure.at_once and not sign.seen):
            raise RuntimeError(f"{json.dumps(failure.change)} was not refused with {failure.says!r}")
        runs.seconds.append(when - (begun if failure.at_once else sign.seen))
        runs.memory.append(0)
    return runs


def _told_at(process: subprocess.Popen[str], says: str) -> float:
    when = 0.0
    for line in process.stdout or ():
        if says in line and not when:
            when = time.time()
    return when
