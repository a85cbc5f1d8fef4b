# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request and the answer of a run come back from plain data as they were."""

from __future__ import annotations

import json

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.masking import HIDDEN
from ansible_collections.shipping.code.plugins.module_utils._deploy.health import (
    FAILED,
    LIVE,
    ROLLED_BACK_RELEASE,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.intent import (
    ABSENT,
    RELEASE,
    SCALE,
    Limits,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.job import Job
from ansible_collections.shipping.code.plugins.module_utils._deploy.journal import Pages
from ansible_collections.shipping.code.plugins.module_utils._deploy.lease import LeaseAge
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Contents
from ansible_collections.shipping.code.plugins.module_utils._deploy.run_answer import (
    RunAnswer,
    RunOutcome,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.run_request import (
    FOLLOW,
    PREPARE,
    SECRET_OPTION,
    WHOLE,
    RunRequest,
)

SECRETS = Contents(secrets={"key": b"\xff\x00"}, configs={"site": b"a: 1\n"})
REQUESTS = [
    RunRequest(),
    RunRequest(PREPARE, "alice@ci 4f", LeaseAge(7, 1.5), contents=SECRETS, hidden=("sesame",)),
    RunRequest(PREPARE, "alice@ci 4f", relative_binds={"services.a.volumes[0]": "./a (/srv/a)"}),
    RunRequest(PREPARE, "alice@ci 4f", manifests=({"kind": "Secret", "data": {"a": "Yg=="}},)),
    RunRequest(FOLLOW, journal="/state/shop-4f.jsonl", offset=120, seconds=5),
]
JOB = Job(RELEASE, "shop", "alice@ci 4f", 3, Limits(monitor=1), 2, 1, {"web": 2}, ("web",), True)
ANSWERS = [
    RunAnswer({"changed": False, "app": "shop"}, ("a warning",)),
    RunAnswer({"changed": False}, waiting_for="bob@ci", lease_age=LeaseAge(7, 2.5)),
    RunAnswer({"changed": True, "version": "1.0"}, job=JOB, journal="/state/shop-4f.jsonl"),
    RunAnswer({"changed": False}, pages=Pages([{"kind": "line", "text": "web"}], 42, True)),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.phase)
def test_a_request_comes_back_from_the_options_of_a_module(request_):
    options = json.loads(json.dumps({"app": "shop", **request_.as_options()}))
    assert RunRequest.from_options(options) == request_


def test_a_caller_without_the_action_plugin_wants_the_whole_run():
    assert RunRequest.from_options({"app": "shop"}).phase == WHOLE


def test_nothing_that_ansible_would_mask_is_beside_a_secret():
    sent = REQUESTS[1].as_options()[SECRET_OPTION]
    assert sent == {
        "secrets": {"key": "/wA="},
        "configs": {"site": "YTogMQo="},
        "hidden": ["sesame"],
    }
    assert SECRET_OPTION not in REQUESTS[4].as_options()


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_comes_back_from_the_result_of_a_module(answer):
    assert RunAnswer.from_data(json.loads(json.dumps(answer.as_data()))) == answer


def test_a_module_that_failed_answers_with_its_message():
    answer = RunAnswer.from_data({"failed": True, "msg": "no connection"})
    assert answer.failed and answer.result["msg"] == "no connection" and not answer.waiting_for


def test_an_outcome_comes_back_from_the_journal():
    outcome = RunOutcome(
        FAILED,
        event="failed",
        text="web: exited",
        reason="web: crash",
        failures=({"kind": "crash"},),
        rollback={"number": 1},
        warnings=("slow",),
        release={"number": 2},
        seconds=1.5,
    )
    assert RunOutcome.from_data(json.loads(json.dumps(outcome.as_data()))) == outcome
    assert RunOutcome.from_data(RunOutcome(FAILED, "killed").as_data()).seconds is None


ENDS = {
    RELEASE: "shop 1.0 failed.\nweb: exited",
    SCALE: "shop could not be scaled.\nweb: exited",
    ABSENT: "shop could not be removed.\nweb: exited",
}


@pytest.mark.parametrize("kind", ENDS)
def test_a_run_that_failed_says_what_failed(kind):
    job = Job(kind, "shop", "alice@ci 4f", 3, Limits())
    version = {"version": "1.0"} if kind == RELEASE else {}
    planned = RunAnswer({"changed": True, **version, "release": {"number": 1}}, job=job)
    result = planned.finished(RunOutcome(FAILED, text="web: exited")).result
    assert (result["failed"], result["msg"]) == (True, ENDS[kind])
    assert result["release"] == {"number": 1} and result["failures"] == []


def test_the_outcome_of_a_release_is_the_headline_of_the_message():
    planned = RunAnswer({"changed": True, "version": "1.2.0"}, job=JOB)
    rollback = {"number": 2, "version": "1.1.0", "healthy": True, "failures": []}
    outcome = RunOutcome(
        ROLLED_BACK_RELEASE,
        event="failed and was rolled back to 1.1.0 (release 2), which is healthy",
        text="web: exited\nFix it.",
        reason="web: crash",
        rollback=rollback,
    )
    result = planned.finished(outcome).result
    assert result["msg"] == (
        "shop 1.2.0 failed and was rolled back to 1.1.0 (release 2), which is healthy.\n"
        "web: exited\nFix it."
    )
    assert (result["reason"], result["rollback"]) == ("web: crash", rollback)


def test_a_run_that_is_live_has_its_release_and_all_warnings():
    planned = RunAnswer({"changed": True, "release": {"number": 1}}, ("planned",), job=JOB)
    ended = planned.finished(RunOutcome(LIVE, warnings=("slow",), release={"number": 2}, seconds=3))
    assert ended.as_result() == {
        "changed": True,
        "release": {"number": 2},
        "outcome": LIVE,
        "failures": [],
        "seconds": 3,
        "shown_warnings": ["planned", "slow"],
    }


def test_no_hidden_word_is_in_an_answer():
    answer = RunAnswer({"notes": ["open sesame"]}, ("sesame",), "sesame@ci").masked(["sesame"])
    assert answer == RunAnswer({"notes": [f"open {HIDDEN}"]}, (HIDDEN,), f"{HIDDEN}@ci")
