# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures all there is to measure, and writes docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

from tests.testbed.machine import run

from .failures import FAILURES, told
from .measure import Runs
from .report import report
from .services import CURVE, EMPTY, LOOP, OURS, STACK, Bench, Comparison

ROOT = Path(__file__).parents[2]


def main() -> None:
    """The whole comparison."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folder = Path(scratch)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": scratch,
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / '.collections'}:{_site_packages()}",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "LANG": "C.UTF-8",
        }
        bench = Bench(folder)
        try:
            bench.up()
            results = _measure(bench, Comparison(bench, environment), environment)
        finally:
            bench.machine.down()
    facts = [
        f"Python {platform.python_version()}, {run('ansible', '--version').splitlines()[0]}, {_version('community.docker')}",
        f"{os.cpu_count()} cores, Linux {platform.release()}",
    ]
    report(results, facts, ROOT / "docs")


def _measure(bench: Bench, comparison: Comparison, environment: dict[str, str]) -> dict[str, dict[str, Runs]]:
    results: dict[str, dict[str, Runs]] = {}
    print("20 services, from nothing", flush=True)
    first: dict[str, Runs] = {}
    for _round in range(3):
        bench.clear()
        for name, runs in comparison.run(20, ["first"]).items():
            first.setdefault(name, Runs()).seconds += runs.seconds
            first[name].memory += runs.memory
    results["first"] = first
    print("20 services, nothing to do", flush=True)
    results["nothing to do"] = comparison.run(20, ["first"] * 7, says="changed=0")
    print("20 services, one changed", flush=True)
    results["one changed"] = comparison.run(20, [f"value {number}" for number in range(5)], says="changed=1")
    comparison.run(20, ["first"], (OURS,))
    for name, failure in FAILURES.items():
        print(name, flush=True)
        results[name] = {"told": told(bench, environment, failure)}
    for services in CURVE:
        print(f"nothing to do with {services} services", flush=True)
        bench.clear()
        comparison.run(services, ["first"], (OURS, LOOP, STACK))
        results[f"curve {services}"] = comparison.run(services, ["first"] * 3, (OURS, LOOP, STACK, EMPTY), says="changed=0")
    return results


def _site_packages() -> str:
    return next(path for path in sys.path if path.endswith("site-packages"))


def _version(collection: str) -> str:
    listed = run("ansible-galaxy", "collection", "list", collection, env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": _site_packages()})
    return next(" ".join(line.split()[:2]) for line in listed.splitlines() if line.startswith(collection))


if __name__ == "__main__":
    main()
