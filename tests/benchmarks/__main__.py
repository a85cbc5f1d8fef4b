# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures all there is to measure, and writes docs/benchmarks.md.

``--only`` a part measures that, ``--quick`` just tries it.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from tests.testbed.downloaded_parts import KUBERNETES
from tests.testbed.machine import run

from . import (
    events,
    measure_delivery,
    measure_directory,
    measure_experiments,
    measure_kubernetes,
    measure_many_hosts,
    measure_router,
    measure_ship,
    measure_swarm,
    report,
    seen,
)

ROOT = Path(__file__).parents[2]
PAGE, PICTURES = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "pictures"
CURVE = (1, 5, 10, 20, 40)


class PartMeasurement(Protocol):
    """Measures a part in a folder of its own, and returns its section of the page."""

    def __call__(self, folder: Path, environment: dict[str, str], *, quick: bool) -> str:
        """``quick`` just tries it."""


def main() -> None:
    """Run the whole comparison, or a part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts: dict[str, PartMeasurement] = {
        "swarm": _swarm,
        "ship": _ship,
        "kubernetes": _kubernetes,
        "directory": _directory,
        "delivery": _delivery(measure_delivery.FEW),
        "delivery-many": _delivery(measure_delivery.MANY),
        "delivery-scale": _many_hosts,
        "events": _events,
        "seen": _seen,
        "router": _router,
        "experiments": _experiments,
    }
    parser.add_argument(
        "--only", choices=list(parts), help="measure this part, and leave the others as they are"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few services, each once, to see whether all works; prints, and writes nothing",
    )
    given = parser.parse_args()
    for name, part in parts.items():
        if given.only in (None, name):
            section = measure_part(part, quick=given.quick)
            if given.quick:
                print(section)
            else:
                facts = [
                    report.today(),
                    *(tool() for tool in TOOLS[name]),
                    f"{os.cpu_count()} cores, Linux {platform.release()}",
                ]
                PAGE.write_text(
                    report.with_section(
                        PAGE.read_text() if PAGE.exists() else "", list(parts), name, facts, section
                    )
                )


def measure_part(part: PartMeasurement, *, quick: bool) -> str:
    """Return a section, measured with a home of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": scratch,
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / '.collections'}:{_site_packages()}",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "LANG": "C.UTF-8",
        }
        return part(Path(scratch), environment, quick=quick)


def _swarm(folder: Path, environment: dict[str, str], *, quick: bool) -> str:
    bench = measure_swarm.SwarmBench(folder, environment)
    curve = (1, 2) if quick else CURVE
    try:
        bench.up()
        results = measure_swarm.measure(bench, curve, quick=quick)
    finally:
        bench.down()
    if not quick:
        report.plot(results, curve, PICTURES / "nothing-to-do.svg")
    return report.on_swarm(results, bench.services)


def _ship(folder: Path, environment: dict[str, str], *, quick: bool) -> str:
    bench = measure_ship.ShipBench(folder, environment)
    try:
        bench.up()
        return report.on_ship(measure_ship.measure(bench, quick=quick))
    finally:
        bench.down()


def _kubernetes(folder: Path, environment: dict[str, str], *, quick: bool) -> str:
    bench = measure_kubernetes.KubernetesBench(folder, environment)
    sizes = measure_kubernetes.QUICK if quick else measure_kubernetes.SIZES
    try:
        bench.up()
        results = measure_kubernetes.measure(bench, sizes)
    finally:
        bench.down()
    return report.on_kubernetes(results, list(sizes))


def _directory(folder: Path, environment: dict[str, str], *, quick: bool) -> str:
    benches = (
        measure_directory.DirectoryBench(folder, environment, size)
        for size in (measure_directory.QUICK if quick else measure_directory.SIZES)
    )
    return "\n".join(
        report.on_directory(results, bench.size)
        for bench, results in _in_turn(benches, measure_directory.measure)
    )


def _delivery(size: measure_delivery.DeliverySize) -> PartMeasurement:
    def part(folder: Path, environment: dict[str, str], *, quick: bool) -> str:
        benches = [
            measure_delivery.DeliveryBench(
                folder / "delivery", environment, measure_delivery.QUICK if quick else size
            )
        ]
        return "\n".join(
            report.on_delivery(results, bench.size, bench.peer_version())
            for bench, results in _in_turn(benches, measure_delivery.measure)
        )

    return part


def _many_hosts(folder: Path, environment: dict[str, str], *, quick: bool) -> str:
    sizes = measure_many_hosts.QUICK if quick else measure_many_hosts.SIZES
    rounds = measure_many_hosts.QUICK_ROUNDS if quick else measure_many_hosts.ROUNDS
    benches = [measure_many_hosts.ManyHostsBench(folder / "many", environment)]
    return "\n".join(
        report.on_many_hosts(results, rounds)
        for _bench, results in _in_turn(
            benches, lambda bench: measure_many_hosts.measure(bench, sizes, rounds)
        )
    )


def _in_turn(benches: Iterable[Any], measure: Callable[[Any], Any]) -> Iterator[tuple[Any, Any]]:
    """Each with its results, one after the other."""
    for bench in benches:
        try:
            bench.up()
            results = measure(bench)
        finally:
            bench.down()
        yield bench, results


def _events(folder: Path, environment: dict[str, str], *, quick: bool) -> str:
    places, changes = (
        (events.QUICK, events.QUICK_CHANGES) if quick else (events.PLACES, events.CHANGES)
    )
    benches = (events.EventsBench(folder, place) for place in places)
    results = [
        found for _bench, found in _in_turn(benches, lambda bench: events.measure(bench, changes))
    ]
    if not quick:
        report.timeline(results[0], PICTURES / "timeline.svg")
    return report.on_events(results)


def _router(folder: Path, environment: dict[str, str], *, quick: bool) -> str:
    size = measure_router.QUICK if quick else measure_router.SIZE
    benches = [measure_router.RouterBench(folder / "router", size)]
    return "\n".join(
        report.on_router(results, bench.size)
        for bench, results in _in_turn(benches, measure_router.measure)
    )


def _experiments(folder: Path, environment: dict[str, str], *, quick: bool) -> str:
    size = measure_experiments.QUICK if quick else measure_experiments.SIZE
    runs = measure_experiments.measure(folder / "experiments", size)
    return report.on_experiments(runs, size)


def _seen(folder: Path, environment: dict[str, str], *, quick: bool) -> str:
    places, changes = (seen.QUICK, seen.QUICK_CHANGES) if quick else (seen.PLACES, seen.CHANGES)
    return report.on_seen([seen.measure(place, folder, changes) for place in places], changes)


def _site_packages() -> str:
    return next(path for path in sys.path if path.endswith("site-packages"))


def _version(collection: str) -> str:
    listed = run(
        "ansible-galaxy",
        "collection",
        "list",
        collection,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": _site_packages()},
    )
    return next(
        " ".join(line.split()[:2]) for line in listed.splitlines() if line.startswith(collection)
    )


def _ansible() -> str:
    return f"Python {platform.python_version()}, {run('ansible', '--version').splitlines()[0]}"


def _collection(name: str) -> Callable[[], str]:
    return lambda: _version(name)


def _debian_version(package: str) -> str:
    return run("dpkg-query", "--show", "--showformat=${Version}", package)


TOOLS: dict[str, tuple[Callable[[], str], ...]] = {
    "swarm": (_ansible, _collection("community.docker")),
    "ship": (_ansible, lambda: run("docker", "--version").strip().replace("version ", "client ")),
    "kubernetes": (
        _ansible,
        _collection("kubernetes.core"),
        lambda: f"Kubernetes {KUBERNETES.removeprefix('v')}",
    ),
    "directory": (
        _ansible,
        _collection("microsoft.ad"),
        lambda: f"ldap3 {metadata.version('ldap3')}",
        lambda: f"slapd {measure_directory.server_version()}",
    ),
    "delivery": (_ansible,),
    "delivery-many": (_ansible,),
    "delivery-scale": (_ansible,),
    "events": (
        _ansible,
        lambda: f"ansible-rulebook {metadata.version('ansible-rulebook')}",
        lambda: f"slapd {measure_directory.server_version()}",
    ),
    "seen": (lambda: f"python-ldap {metadata.version('python-ldap')}",),
    "experiments": (lambda: run("uname", "--machine").strip(),),
    "router": (
        lambda: f"HAProxy {_debian_version('haproxy')}",
        lambda: f"nginx {_debian_version('nginx-light')}",
        lambda: f"Caddy {_debian_version('caddy')}",
    ),
}
"""Return the versions that a part was measured with."""


if __name__ == "__main__":
    main()
