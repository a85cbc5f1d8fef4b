# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures all there is to measure, and writes docs/benchmarks.md; ``--only`` a section prints that, ``--quick`` just tries it."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.testbed.machine import run
from tests.testbed.parts import KUBERNETES

from . import delivery, directory, events, kubernetes, report, swarm
from .measure import Results

ROOT = Path(__file__).parents[2]
CURVE = (1, 5, 10, 20, 40)


def main() -> None:
    """The whole comparison, or a part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {"swarm": _swarm, "kubernetes": _kubernetes, "directory": _directory, "delivery": _delivery, "events": _events}
    parser.add_argument("--only", choices=list(parts), help="print this section, and write nothing")
    parser.add_argument("--quick", action="store_true", help="few services, each once, to see whether all works; writes nothing")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": scratch,
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / '.collections'}:{_site_packages()}",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "LANG": "C.UTF-8",
        }
        partial = bool(given.only) or given.quick
        sections = [part(Path(scratch), environment, given.quick, partial) for name, part in parts.items() if given.only in (None, name)]
    if partial:
        print("\n".join(sections))
    else:
        (ROOT / "docs" / "benchmarks.md").write_text(report.page(_facts(), sections))


def _swarm(folder: Path, environment: dict[str, str], quick: bool, partial: bool) -> str:
    bench = swarm.SwarmBench(folder, environment)
    curve = (1, 2) if quick else CURVE
    try:
        bench.up()
        results = swarm.measure(bench, curve, quick)
    finally:
        bench.down()
    if not partial:
        report.plot(results, curve, ROOT / "docs" / "pictures" / "nothing-to-do.svg")
    return report.on_swarm(results, bench.services)


def _kubernetes(folder: Path, environment: dict[str, str], quick: bool, partial: bool) -> str:
    bench = kubernetes.KubernetesBench(folder, environment)
    sizes = kubernetes.QUICK if quick else kubernetes.SIZES
    try:
        bench.up()
        results = kubernetes.measure(bench, sizes)
    finally:
        bench.down()
    return report.on_kubernetes(results, list(sizes))


def _directory(folder: Path, environment: dict[str, str], quick: bool, partial: bool) -> str:
    benches = (directory.DirectoryBench(folder, environment, size) for size in (directory.QUICK if quick else directory.SIZES))
    return _in_sizes(benches, directory.measure, lambda results, bench: report.on_directory(results, bench.size))


def _delivery(folder: Path, environment: dict[str, str], quick: bool, partial: bool) -> str:
    benches = (delivery.DeliveryBench(folder / f"{size.machines}", environment, size) for size in (delivery.QUICK if quick else delivery.SIZES))
    return _in_sizes(benches, delivery.measure, lambda results, bench: report.on_delivery(results, bench.size, bench.peer_version()))


def _in_sizes(benches: Iterable[Any], measure: Callable[[Any], Results], section: Callable[[Results, Any], str]) -> str:
    """A section for each size, one after the other."""
    sections = []
    for bench in benches:
        try:
            bench.up()
            results = measure(bench)
        finally:
            bench.down()
        sections.append(section(results, bench))
    return "\n".join(sections)


def _events(folder: Path, environment: dict[str, str], quick: bool, partial: bool) -> str:
    bench = events.EventsBench(folder, events.QUICK_SIZE if quick else events.SIZE)
    try:
        bench.up()
        results = events.measure(bench, events.QUICK_CHANGES if quick else events.CHANGES)
    finally:
        bench.down()
    return report.on_events(results)


def _facts() -> list[str]:
    return [
        f"Python {platform.python_version()}, {run('ansible', '--version').splitlines()[0]}",
        f"{_version('community.docker')}, {_version('kubernetes.core')}, Kubernetes {KUBERNETES.removeprefix('v')}",
        f"{_version('microsoft.ad')}, ldap3 {metadata.version('ldap3')}, slapd {directory.server_version()}",
        f"{os.cpu_count()} cores, Linux {platform.release()}",
    ]


def _site_packages() -> str:
    return next(path for path in sys.path if path.endswith("site-packages"))


def _version(collection: str) -> str:
    listed = run("ansible-galaxy", "collection", "list", collection, env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": _site_packages()})
    return next(" ".join(line.split()[:2]) for line in listed.splitlines() if line.startswith(collection))


if __name__ == "__main__":
    main()
