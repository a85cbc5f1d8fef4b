# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failure is as exact as the evidence allows."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.cause import Cause
from ansible_collections.shipping.code.plugins.module_utils._deploy.diagnosis import (
    explain,
    service_failure,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.failure_kinds import (
    FAILURE_KINDS,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import (
    ENDED,
    Evidence,
    Task,
)

CRASH = Cause("crash", "exited with code 137")
TASK = Task("t", "web.1", "1", "node-b", ENDED, True, True, False, exit_code=137)
LIMITED = {"deploy": {"resources": {"limits": {"memory": "20M"}}}}
ELSEWHERE = "for more, run docker inspect 0123456789ab on node-b"

CASES = {
    "seen": (
        CRASH,
        Evidence(killed_for_memory=True),
        LIMITED,
        "killed_for_memory",
        "was killed, because it exceeded its memory limit of 20M",
    ),
    "likely": (
        CRASH,
        Evidence(note=ELSEWHERE),
        LIMITED,
        "killed_for_memory",
        f"{CRASH.text}, probably because it exceeded its memory limit of 20M; {ELSEWHERE}",
    ),
    "not limited": (CRASH, Evidence(note=ELSEWHERE), {}, "crash", f"{CRASH.text}; {ELSEWHERE}"),
    "not killed for memory": (CRASH, Evidence(exit_code=137), LIMITED, "crash", CRASH.text),
    "stopped for its health": (
        CRASH,
        Evidence(unhealthy=True),
        {},
        "unhealthy",
        f"failed its health check and {CRASH.text}",
    ),
    "the registry knows better": (
        Cause("image_unavailable", "x"),
        Evidence(image=Cause("image_denied", "the registry denies access to it")),
        {},
        "image_denied",
        "cannot start, because the registry denies access to it",
    ),
    "no node": (
        Cause("no_node", "no node matches its placement"),
        Evidence(),
        {
            "deploy": {
                "placement": {"constraints": ["node.labels.gpu == yes", "node.role == worker"]}
            }
        },
        "no_node",
        "no node matches its placement (node.labels.gpu == yes, node.role == worker)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_explain(name):
    cause, evidence, declared, kind, text = CASES[name]
    failure = explain("web", cause, TASK, evidence, declared)
    facts = failure.facts
    assert (facts["kind"], facts["cause"], facts["hint"]) == (kind, text, FAILURE_KINDS[kind].hint)
    assert (facts["replica"], facts["node"]) == ("web.1", "node-b")


NOWHERE = Task("t", "web.1", "1", "", ENDED, True, True, False)
SHOWN = [
    (
        service_failure("web", "crash", "exited", task=TASK, evidence=Evidence(logs=tuple("abcd"))),
        ["web: replica web.1 on node node-b exited", "  | b", "  | c", "  | d"],
    ),
    (service_failure("web", "rejected", "is too large"), ["web: is too large"]),
    (service_failure("", "rejected", "no connection"), ["no connection"]),
    (
        service_failure(
            "web",
            "unhealthy",
            "failed its health check",
            task=NOWHERE,
            evidence=Evidence(health="no"),
        ),
        ["web: replica web.1 failed its health check", "  health check: no"],
    ),
]


@pytest.mark.parametrize(("failure", "lines"), SHOWN)
def test_a_failure_in_words(failure, lines):
    assert list(failure.lines()) == lines


def test_the_facts_of_a_failure_are_those_that_the_result_has():
    failure = service_failure(
        "web", "crash", "exited", "Fix it", task=TASK, evidence=Evidence(health="no", logs=("a",))
    )
    assert failure.facts == {
        "service": "web",
        "kind": "crash",
        "cause": "exited",
        "hint": "Fix it",
        "replica": "web.1",
        "node": "node-b",
        "exit_code": 137,
        "health_check": "no",
        "logs": ["a"],
    }
