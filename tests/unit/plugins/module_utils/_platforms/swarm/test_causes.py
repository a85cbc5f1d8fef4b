# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swarm's own words, as engines wrote them, and what they mean."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.diagnosis import REMEDIES
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import causes

WAITING = [
    ("no suitable node (scheduling constraints not satisfied on 1 node)", "no_machine", False),
    ("no suitable node (insufficient resources on 3 nodes)", "no_resources", True),
    ("no suitable node (host-mode port already in use on 1 node)", "port_taken", True),
    ("no suitable node (unsupported platform on 2 nodes)", "wrong_architecture", False),
    ("no suitable node (missing plugin on 1 node)", "missing_plugin", False),
    ("no suitable node (max replicas per node limit exceed)", "no_machine", True),
]


@pytest.mark.parametrize(("error", "kind", "room"), WAITING)
def test_why_a_task_waits(error, kind, room):
    cause = causes.waiting(error)
    assert cause is not None and (cause.kind, cause.room) == (kind, room)
    assert kind in REMEDIES


def test_a_task_that_only_waits_has_no_cause():
    assert causes.waiting("") is None


FAILED = [
    (
        {"State": "rejected", "Err": "No such image: registry.example.com/shop:9"},
        "image_unavailable",
        True,
        "registry.example.com/shop:9",
    ),
    (
        {
            "State": "rejected",
            "Err": 'invalid mount config for type "bind": bind source path does not exist: /data',
        },
        "mount_failed",
        True,
        "/data",
    ),
    (
        {
            "State": "failed",
            "Err": (
                'starting container failed: exec: "x": executable file not found in $PATH: unknown'
            ),
        },
        "start_failed",
        True,
        '"x"',
    ),
    (
        {
            "State": "failed",
            "Err": (
                "starting container failed: unable to find user bob: no matching entries in passwd"
                " file"
            ),
        },
        "start_failed",
        True,
        "bob",
    ),
    (
        {
            "State": "failed",
            "Err": (
                "starting container failed: driver failed: listen tcp4 0.0.0.0:80: bind: address"
                " already in use"
            ),
        },
        "port_taken",
        False,
        ":80",
    ),
    (
        {
            "State": "failed",
            "Err": "task: non-zero exit (1)",
            "ContainerStatus": {"ExitCode": 1, "ContainerID": "a"},
        },
        "crash",
        False,
        "exit code 1",
    ),
    (
        {"State": "failed", "Err": "task: non-zero exit (137): dockerexec: unhealthy container"},
        "unhealthy",
        False,
        "health check fails",
    ),
    (
        {"State": "complete", "ContainerStatus": {"ExitCode": 0, "ContainerID": "a"}},
        "ended",
        False,
        "exit code 0",
    ),
    (
        {"State": "failed", "Err": "starting container failed: something new"},
        "start_failed",
        False,
        "something new",
    ),
]


@pytest.mark.parametrize(("status", "kind", "final", "says"), FAILED)
def test_why_a_task_ended(status, kind, final, says):
    cause = causes.failed(status)
    assert (cause.kind, cause.final) == (kind, final)
    assert says in cause.text
    assert kind in REMEDIES
