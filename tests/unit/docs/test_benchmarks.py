# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the benchmarks.

A part that is measured again takes the place of its former figures, and of no others.
"""

from __future__ import annotations

from tests.benchmarks import measure_kubernetes, measure_ship, measure_swarm, report
from tests.benchmarks.measure import Runs

ORDER = ("delivery", "delivery-many", "events")


def page(*names: str) -> str:
    made = ""
    for name in names:
        made = report.with_section(made, ORDER, name, ["today"], f"## {name}\n\nfirst {name}\n")
    return made


def test_parts_stand_in_their_order():
    assert page(*ORDER) == page(*reversed(ORDER))
    assert [line for line in page(*ORDER).splitlines() if line.startswith("## ")] == [
        f"## {name}" for name in ORDER
    ]


def test_a_part_takes_the_place_of_its_former_figures():
    again = report.with_section(
        page(*ORDER), ORDER, "delivery", ["tomorrow"], "## delivery\n\nsecond\n"
    )
    assert again == page(*ORDER).replace("first delivery\n\n*today*", "second\n\n*tomorrow*")


def taken(seconds=1.0, memory=60_000):
    return Runs([seconds], [seconds], [memory], "what it printed")


def phases(names, **more):
    return {name: taken(**more) for name in names}


def test_a_release_on_a_swarm_is_compared_with_what_waits_for_the_same():
    swarm = measure_swarm
    results = {
        **{phase: phases(swarm.SIDE_BY_SIDE) for phase in ("first", "no changes", "one changed")},
        **{name: {"told": taken()} for name in swarm.FAILURES},
        swarm.WAITED_FIRST: {swarm.WAITING: taken(15.0), swarm.FLOOR: taken(14.0)},
        swarm.WAITED_CHANGE: {swarm.WAITING: taken(9.0), swarm.UPDATE: taken(10.0)},
        "memory 20": {swarm.MANY: taken(memory=60_000)},
        "memory 200": {swarm.MANY: taken(memory=66_000)},
    }
    section = report.on_swarm(results, 20)
    assert "- first: 1.07 × plain API calls side by side\n" in section
    assert "- one changed: 0.90 × docker service update\n" in section
    assert "- peak memory with 200 services: 1.10 × that with 20\n" in section


def test_a_release_on_a_cluster_is_compared_with_kubectl_and_an_app_of_one_service():
    kubernetes = measure_kubernetes
    alone = (*kubernetes.ALONE, kubernetes.EMPTY)
    results = {kubernetes.PEER: {kubernetes.WAITING: taken()}}
    for phase in ("first", "no changes", "one changed"):
        results[f"20 {phase}"] = phases(kubernetes.SIDE_BY_SIDE)
        results[f"100 {phase}"] = phases(alone)
    results["100 first"][kubernetes.FLOOR] = taken(0.8)
    results["100 one changed"][kubernetes.SINGLE] = taken(0.5)
    results.update({name: {"told": taken()} for name in kubernetes.failures("")})
    section = report.on_kubernetes(results, [20, 100])
    assert "- first, 100 services: 1.25 × kubectl apply, then rollout status of all\n" in section
    assert "- one changed of 100 services: 2.00 × shipping.code.release, one service\n" in section


def test_a_commit_is_compared_with_the_client_of_docker():
    ship = measure_ship
    results = {phase: phases(ship.SIDE_BY_SIDE) for phase in ("first", "no changes", "one changed")}
    results["no changes"][ship.OURS] = taken(2.25)
    results["one changed"][ship.FLOOR] = taken(0.8)
    section = report.on_ship(results)
    assert "- no changes: 1.25 s more than an empty play\n" in section
    assert "- one line changed: 1.25 × Docker's client\n" in section
