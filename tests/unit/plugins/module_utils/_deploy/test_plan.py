# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a change interrupts, and why."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import (
    UNINTERRUPTED,
    interruption,
    start_first_on_host_port,
)

START_FIRST = {"deploy": {"update_config": {"order": "start-first"}}}
HOST_PORT = {"ports": [{"target": 80, "published": 8080, "mode": "host", "protocol": "tcp"}]}
GLOBAL = {"deploy": {"mode": "global"}}

# Service, tasks that run, machines that may run it, what is said.
INTERRUPTIONS = [
    ({}, 2, 3, UNINTERRUPTED),
    (START_FIRST, 1, 1, UNINTERRUPTED),
    ({}, 1, 3, "the only task of web stops before the new one starts"),
    ({"deploy": {"update_config": {"parallelism": 0}}}, 3, 3, "all 3 tasks of web stop at once"),
    ({"deploy": {"update_config": {"parallelism": 3}}}, 3, 3, "all 3 tasks of web stop at once"),
    ({"deploy": {"update_config": {"parallelism": 2}}}, 3, 3, UNINTERRUPTED),
    (GLOBAL, 3, 3, UNINTERRUPTED),
    (GLOBAL, 1, 1, "web has one node"),
    ({**GLOBAL, **HOST_PORT}, 3, 3, "on each node in turn"),
]


@pytest.mark.parametrize(("service", "replicas", "machines", "says"), INTERRUPTIONS)
def test_interruption(service, replicas, machines, says):
    assert says in interruption("web", service, replicas, machines)


# Service, tasks, machines, whether it can never fit.
UNFIT = [
    (START_FIRST, 1, 1, False),
    (HOST_PORT, 1, 1, False),
    ({**START_FIRST, **HOST_PORT}, 1, 1, True),
    ({**START_FIRST, **HOST_PORT}, 1, 2, False),
    ({**START_FIRST, **HOST_PORT}, 3, 3, True),
    ({"deploy": {"mode": "global", **START_FIRST["deploy"]}, **HOST_PORT}, 3, 5, True),
    ({**START_FIRST, "ports": [{"target": 80, "mode": "host", "protocol": "tcp"}]}, 1, 1, False),
]


@pytest.mark.parametrize(("service", "replicas", "machines", "unfit"), UNFIT)
def test_start_first_on_a_host_port(service, replicas, machines, unfit):
    assert bool(start_first_on_host_port("web", service, replicas, machines)) is unfit
