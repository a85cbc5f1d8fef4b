# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failure told as exactly as the evidence allows."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.cause import Cause
from ansible_collections.shipping.code.plugins.module_utils._deploy.diagnosis import (
    REMEDIES,
    explain,
    service_failure,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import (
    ENDED,
    Evidence,
    Task,
)

CRASH = Cause("crash", "ended with exit code 137")
TASK = Task("t", "web.1", "1", "node-b", ENDED, True, True, False, exit_code=137)
LIMITED = {"deploy": {"resources": {"limits": {"memory": "20M"}}}}
ELSEWHERE = (
    "its engine is not the one connected to, so look there: docker inspect 0123456789ab on node-b"
)

CASES = {
    "seen": (
        CRASH,
        Evidence(killed_for_memory=True),
        LIMITED,
        "killed_for_memory",
        "was killed for using more than its memory limit of 20M",
    ),
    "likely": (
        CRASH,
        Evidence(note=ELSEWHERE),
        LIMITED,
        "killed_for_memory",
        f"{CRASH.text}, likely killed for its memory limit of 20M; {ELSEWHERE}",
    ),
    "not limited": (CRASH, Evidence(note=ELSEWHERE), {}, "crash", f"{CRASH.text}; {ELSEWHERE}"),
    "not killed for memory": (CRASH, Evidence(exit_code=137), LIMITED, "crash", CRASH.text),
    "stopped for its health": (
        CRASH,
        Evidence(unhealthy=True),
        {},
        "unhealthy",
        f"its health check fails; it {CRASH.text}",
    ),
    "the registry knows better": (
        Cause("image_unavailable", "x"),
        Evidence(image=Cause("image_denied", "refuses it")),
        {},
        "image_denied",
        "refuses it",
    ),
    "no machine": (
        Cause("no_machine", "no machine matches its placement"),
        Evidence(),
        {
            "deploy": {
                "placement": {"constraints": ["node.labels.gpu == yes", "node.role == worker"]}
            }
        },
        "no_machine",
        "no machine matches its placement (node.labels.gpu == yes, node.role == worker)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_explain(name):
    cause, evidence, declared, kind, text = CASES[name]
    failure = explain("web", cause, TASK, evidence, declared)
    facts = failure.facts
    assert (facts["kind"], facts["text"], facts["remedy"]) == (kind, text, REMEDIES[kind])
    assert (facts["task"], facts["machine"]) == ("web.1", "node-b")


NOWHERE = Task("t", "web.1", "1", "", ENDED, True, True, False)
SHOWN = [
    (
        service_failure(
            "web", "crash", "ended", "Mend it", task=TASK, evidence=Evidence(logs=tuple("abcd"))
        ),
        "task web.1 on node-b: ended. Its last lines: b | c | d. Mend it",
    ),
    (service_failure("web", "refused", "is too large"), "web: is too large"),
    (service_failure("", "refused", "no connection"), "no connection"),
    (
        service_failure(
            "web",
            "unhealthy",
            "its health check fails",
            task=NOWHERE,
            evidence=Evidence(health="no"),
        ),
        "task web.1: its health check fails. Its health check said: no",
    ),
]


@pytest.mark.parametrize(("failure", "shown"), SHOWN)
def test_a_failure_in_words(failure, shown):
    assert failure.clause() == shown


def test_the_facts_of_a_failure_are_those_that_the_result_has():
    failure = service_failure(
        "web", "crash", "ended", "Mend it", task=TASK, evidence=Evidence(health="no", logs=("a",))
    )
    assert failure.facts == {
        "service": "web",
        "kind": "crash",
        "text": "ended",
        "remedy": "Mend it",
        "task": "web.1",
        "machine": "node-b",
        "exit_code": 137,
        "health": "no",
        "logs": ["a"],
    }
