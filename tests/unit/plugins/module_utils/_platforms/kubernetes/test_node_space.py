# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pods of a cluster's nodes have not requested."""

from __future__ import annotations

from ansible_collections.shipping.code.plugins.module_utils._core.spare_capacity import (
    NodeSpace,
    SpareCapacity,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    node_space,
)

ALLOCATABLE = {"cpu": "1930m", "memory": "2048Ki", "pods": "3"}


def node(name, **spec):
    return {"metadata": {"name": name}, "spec": spec, "status": {"allocatable": ALLOCATABLE}}


def pod(where, phase="Running", **requests):
    containers = [{"resources": {"requests": requests}}, {"resources": {}}]
    return {"spec": {"nodeName": where, "containers": containers}, "status": {"phase": phase}}


def test_requests_of_running_pods_are_subtracted():
    pods = [
        pod("a", cpu="250m", memory="1Mi"),
        pod("a", cpu="1"),
        pod("a", phase="Succeeded", cpu="1"),
        pod("b", cpu="0.5"),
    ]
    found = node_space.of_nodes([node("a"), node("c")], pods)
    assert found == SpareCapacity(
        (
            NodeSpace(680_000_000, 1024 * 1024, 1),
            NodeSpace(1_930_000_000, 2048 * 1024, 3),
        ),
        limits_reserve=True,
    )


def test_nodes_that_take_no_pods_have_no_space():
    taint = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    soft = [{"key": "slow", "effect": "PreferNoSchedule"}]
    nodes = [node("a", unschedulable=True), node("b", taints=taint), node("c", taints=soft)]
    assert len(node_space.of_nodes(nodes, []).nodes) == 1
