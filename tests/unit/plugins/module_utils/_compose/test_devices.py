# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that a service reserves, as kinds and numbers."""

from __future__ import annotations

import pytest

from .reading import KUBERNETES, SWARM, problems, read_spec, spec

PLACE = "deploy.resources.reservations"


def reserving(**keys):
    return {"deploy": {"resources": {"reservations": keys}}}


def generic(**kinds):
    specs = [{"kind": kind, "value": number} for kind, number in kinds.items()]
    return [{"discrete_resource_spec": entry} for entry in specs]


ONE = {"count": 1, "capabilities": ["gpu"]}
RESERVED = [
    (SWARM, reserving(generic_resources=generic(ssd=2)), {"ssd": 2}),
    (SWARM, reserving(devices=[ONE]), {"gpu": 1}),
    (SWARM, reserving(devices=[{**ONE, "driver": "nvidia"}]), {"gpu": 1}),
    (SWARM, reserving(devices=[{**ONE, "capabilities": ["gpu", "utility"]}]), {"gpu": 1}),
    (SWARM, {"gpus": [{"count": 2}, {"driver": "nvidia", "count": "1"}]}, {"gpu": 3}),
    (SWARM, reserving(devices=[ONE], generic_resources=generic(gpu=1)), {"gpu": 1}),
    (KUBERNETES, reserving(devices=[ONE]), {"nvidia.com/gpu": 1}),
    (KUBERNETES, {"gpus": [{"driver": "amd", "count": 1}]}, {"amd.com/gpu": 1}),
    (
        KUBERNETES,
        reserving(generic_resources=generic(**{"example.com/fpga": 1})),
        {"example.com/fpga": 1},
    ),
]


@pytest.mark.parametrize(("support", "keys", "kinds"), RESERVED)
def test_what_is_reserved(support, keys, kinds):
    service = read_spec(spec(**keys), support=support).services["web"]
    assert service["deploy"]["resources"] == {"reservations": {"generic_resources": kinds}}
    assert "gpus" not in service


def test_nothing_reserved_is_nothing_written():
    assert read_spec(spec(gpus=[])) == read_spec(spec(**reserving(devices=[]))) == read_spec(spec())


SWARM_ALL = "Swarm reserves a number of devices, not all of a node; write count: 1"
UNKNOWN = (
    "Swarm reserves devices by the kind that its nodes offer, which is not known of {}; write"
    " generic_resources"
)
REJECTED = [
    (SWARM, {"gpus": "all"}, "gpus", SWARM_ALL),
    (SWARM, {"gpus": [{"driver": "nvidia"}]}, "gpus[0]", SWARM_ALL),
    (SWARM, reserving(devices=[{**ONE, "count": "all"}]), f"{PLACE}.devices[0]", SWARM_ALL),
    (
        SWARM,
        {"gpus": [{"device_ids": ["0"]}]},
        "gpus[0].device_ids",
        "Swarm chooses the devices itself; write count instead",
    ),
    (
        SWARM,
        reserving(devices=[{**ONE, "driver": "amd"}]),
        f"{PLACE}.devices[0]",
        UNKNOWN.format("amd/gpu"),
    ),
    (
        SWARM,
        reserving(devices=[{**ONE, "capabilities": ["gpu", "video"]}]),
        f"{PLACE}.devices[0]",
        UNKNOWN.format("video"),
    ),
    (
        SWARM,
        reserving(devices=[{"count": 1}]),
        f"{PLACE}.devices[0]",
        UNKNOWN.format("no capability"),
    ),
    (
        SWARM,
        reserving(devices=[ONE], generic_resources=generic(gpu=2)),
        f"{PLACE}.generic_resources",
        "reserves 2 of gpu, but devices reserve 1; write one of them",
    ),
    (
        SWARM,
        reserving(generic_resources=[{"discrete_resource_spec": {"kind": "gpu"}}]),
        f"{PLACE}.generic_resources[0]",
        "needs discrete_resource_spec with kind and value",
    ),
    (
        SWARM,
        {"gpus": [{"count": 0}]},
        "gpus[0].count",
        "must be a whole number of at least 1, not 0",
    ),
    (
        SWARM,
        reserving(generic_resources=generic(gpu=0)),
        f"{PLACE}.generic_resources[0].discrete_resource_spec.value",
        "must be a whole number of at least 1, not 0",
    ),
    (
        SWARM,
        reserving(generic_resources=[{"named_resource_spec": {"kind": "gpu", "value": "a"}}]),
        f"{PLACE}.generic_resources[0].named_resource_spec",
        "nodes offer such resources, services reserve a number of them",
    ),
    (
        KUBERNETES,
        reserving(generic_resources=generic(gpu=1)),
        f"{PLACE}.generic_resources",
        "Kubernetes has no resource gpu; write the name that the nodes' device plugin gives it,"
        " such as nvidia.com/gpu",
    ),
    (
        KUBERNETES,
        {"gpus": "all"},
        "gpus",
        "Kubernetes gives a number of devices, not all of a node; write count: 1",
    ),
]


@pytest.mark.parametrize(("support", "keys", "place", "problem"), REJECTED)
def test_what_cannot_be_reserved(support, keys, place, problem):
    assert problems(read_spec, spec(**keys), support=support) == [
        f"services.web.{place}: {problem}"
    ]
