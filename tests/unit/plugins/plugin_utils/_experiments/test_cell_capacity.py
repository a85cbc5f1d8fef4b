# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capacity for the cells of an experiment: slots of the router and space on the nodes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlanError
from ansible_collections.shipping.code.plugins.module_utils._core.spare_capacity import (
    NodeSpace,
    SpareCapacity,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.cell_capacity import (
    Capacity,
    check_capacity,
    replicas_needed,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.cells import layout_of
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment import (
    Experiment,
    Factor,
    Level,
    Measure,
    Response,
)

GIB = 1024**3
SIZE = Factor("size", (Level("10", "10"), Level("50", "50")), "X-Size")
CACHE = Factor("cache", (Level("off"), Level("on", overlay={"environment": {"CACHE": "on"}})))
LAYOUT = layout_of(
    Experiment(
        "checkout", "shop", "web", (SIZE, CACHE), (Response("r", "rate", Measure("order")),), 3600.0
    )
)
RESERVED = {"reservations": {"cpus": "0.5", "memory": "1G"}}


def live(**values: Any) -> dict[str, Any]:
    return {"replicas": 2, "resources": RESERVED, "with_replicas": [], **values}


def node(cpus: float, gibibytes: float, replicas: int | None = None) -> NodeSpace:
    return NodeSpace(round(cpus * 1e9), round(gibibytes * GIB), replicas)


def test_enough_slots_and_space() -> None:
    check_capacity(LAYOUT, Capacity(2, (node(2, 2), node(2, 2))), live())
    # Unknown space is no error: an account may lack the right to read it.
    check_capacity(LAYOUT, Capacity.of_data(2, None), live())


def test_too_few_slots_names_the_option_of_the_router() -> None:
    with pytest.raises(PlanError, match=r"2 of its cells .* 1 slots.*router_variant_slots to 2"):
        check_capacity(LAYOUT, Capacity(1), live())
    with pytest.raises(PlanError, match=r"beside green.*router_variant_slots to 3"):
        check_capacity(LAYOUT, Capacity(2), live(with_replicas=["green"]))


@pytest.mark.parametrize(
    ("nodes", "placed"),
    [
        # Two gibibytes here and one there, but no node for the fourth replica.
        ((node(8, 2.5), node(8, 1.9)), 3),
        ((node(1, 8), node(0.4, 8)), 2),
        ((node(8, 8, 1),), 1),
        ((), 0),
    ],
)
def test_too_little_space_is_counted_by_node(nodes: tuple[NodeSpace, ...], placed: int) -> None:
    with pytest.raises(PlanError, match=f"need 4 more replicas of web.*space for {placed}"):
        check_capacity(LAYOUT, Capacity(4, nodes), live())


def test_cells_that_are_live_need_nothing_more() -> None:
    present = [cell.name for cell in LAYOUT.cells if cell.overlay]
    check_capacity(LAYOUT, Capacity(2, ()), live(with_replicas=present))
    one = live(with_replicas=present[:1])
    assert len(replicas_needed(LAYOUT, Capacity(2), one)) == 2


def test_a_limit_reserves_where_the_platform_says_so() -> None:
    limited = live(resources={"limits": {"memory": "1G"}})
    assert replicas_needed(LAYOUT, Capacity(4), limited)[0] == NodeSpace(0, 0)
    found = Capacity.of_data(4, asdict(SpareCapacity((node(1, 1),), limits_reserve=True)))
    assert replicas_needed(LAYOUT, found, limited)[0] == NodeSpace(0, GIB)
    assert found.nodes == (node(1, 1),)


def test_a_node_without_space_takes_what_reserves_nothing() -> None:
    check_capacity(LAYOUT, Capacity(2, (node(-1, -1),)), live(resources={}))
