# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which health checks are evidence about a replica that failed."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.cause import Cause
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import ENDED, Task
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.diagnoser import (
    Diagnoser,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.image_digests import (
    EngineCredentials,
)

# As Docker 20.10 records a check that runs while the first process of its container ends.
KILLED = {"ExitCode": 137, "Output": ""}
SILENT = {"ExitCode": 1, "Output": ""}
SICK = {"ExitCode": 1, "Output": "no\n  database"}
FINE = {"ExitCode": 0, "Output": "ok"}
SLOW = {"ExitCode": -1, "Output": "Health check exceeded timeout (1s)"}


class Engine:
    """An engine that ran one container, which had these health checks."""

    def __init__(self, checks, retries, streak, *, running=False):
        self._inspected = {
            "Config": {"Healthcheck": {"Retries": retries}},
            "State": {
                "Running": running,
                "ExitCode": 3,
                "Health": {"FailingStreak": streak, "Log": checks},
            },
        }

    def get(self, path):
        """Return the task, the node or the container."""
        return {
            "/tasks/t1": {"NodeID": "n1", "Status": {"ContainerStatus": {"ContainerID": "c1"}}},
            "/info": {"Swarm": {"NodeID": "n1"}},
            "/containers/c1/json": self._inspected,
        }[path]

    def raw(self, _path, **_query):
        """Return an empty log."""
        return b""


def evidence(*words, **named):
    task = Task("t1", "web.1", "1", "node", ENDED, current=True, sent=True, wanted=True)
    diagnoser = Diagnoser(Engine(*words, **named), EngineCredentials({}, {}))
    return diagnoser.evidence(task, Cause("crash", "exited with code 3"), "r.example/web:1")


@pytest.mark.parametrize(
    ("checks", "shown"),
    [
        ([], ""),
        ([FINE], ""),
        ([SICK, SILENT], "no database"),
        ([SILENT], "nothing, exit code 1"),
        ([SLOW], "Health check exceeded timeout (1s)"),
        ([KILLED], ""),
        ([FINE, KILLED], ""),
        ([SICK, KILLED], "no database"),
        ([SILENT, KILLED], "nothing, exit code 1"),
        ([FINE, {"ExitCode": 137, "Output": "checks the database"}], ""),
        # A check that is killed again and again does so by itself, as by timeout -s KILL.
        ([KILLED, KILLED], "nothing, exit code 137"),
    ],
)
def test_a_check_that_is_killed_with_its_container_is_not_shown(checks, shown):
    assert evidence(checks, 3, len(checks)).health == shown


def test_a_check_that_is_killed_in_a_container_that_runs_is_shown():
    assert evidence([KILLED], 3, 1, running=True).health == "nothing, exit code 137"


@pytest.mark.parametrize(
    ("checks", "retries", "streak", "unhealthy"),
    [
        ([FINE], 3, 0, False),
        ([SICK, SICK], 3, 2, False),
        ([SICK, SICK, SICK], 3, 3, True),
        # The engine's default.
        ([SICK, SICK, SICK], 0, 3, True),
        # The log has five entries at most.
        ([SICK] * 5, 7, 7, True),
        ([KILLED], 1, 1, False),
        ([SICK, SICK, KILLED], 3, 3, False),
        ([SICK, SICK, SICK, KILLED], 3, 4, True),
        ([KILLED, KILLED, KILLED], 3, 3, True),
        # Within start_period nothing is counted.
        ([KILLED], 3, 0, False),
    ],
)
def test_a_check_that_is_killed_with_its_container_has_not_failed(
    checks, retries, streak, unhealthy
):
    assert evidence(checks, retries, streak).unhealthy is unhealthy
