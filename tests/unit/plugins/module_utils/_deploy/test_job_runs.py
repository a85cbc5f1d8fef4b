# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job runs once for each content, and never in a rollback."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy import job_runs
from ansible_collections.shipping.code.plugins.module_utils._deploy import state as words
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import (
    Record,
    read_record,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import KEEP, RUN, UPDATE
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._deploy.service_diff import Existing
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import ServiceState, Task


def job(image: str, **more):
    """A job of an image by its digest."""
    return {"image": image, "reference": "r", "deploy": {"mode": "replicated-job"}, **more}


A, B = job("a@1"), job("b@2")


def record(number, service, state="live", ran=None):
    """A release with one job; ``ran`` is the one that has run last by then."""
    jobs = {"migrate": job_runs.job_hash(ran)} if ran else {}
    resolved = Resolved(services={"migrate": service})
    return Record(number, str(number), state, resolved=resolved, jobs=jobs)


# The job that is wanted, the history, and whether it has run.
HISTORIES = {
    "nothing yet": (A, [], False),
    "it ran in the live release": (A, [record(1, A, ran=A)], True),
    "another one ran since": (A, [record(1, A, ran=A), record(2, B, ran=B)], False),
    "it ran in a release that failed afterwards": (
        B,
        [record(1, A, ran=A), record(2, B, "rolled_back", ran=B)],
        True,
    ),
    "it failed": (B, [record(1, A, ran=A), record(2, B, "rolled_back", ran=A)], False),
    "a rollback left it alone": (
        A,
        [record(1, A, ran=A), record(2, B, ran=B), record(3, A, ran=B)],
        True,
    ),
    "the one before a rollback": (B, [record(2, B, ran=B), record(3, A, ran=B)], True),
    "a service that was no job": (A, [record(1, {**A, "deploy": {}})], False),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_what_has_run(name):
    service, records, is_done = HISTORIES[name]
    assert job_runs.is_done("migrate", service, records) is is_done


def test_only_what_it_runs_makes_another_job():
    same = {**A, "reference": "other", "depends_on": {"db": "service_started"}}
    same["deploy"] = {**A["deploy"], "labels": {"a": "b"}}
    assert job_runs.job_hash(same) == job_runs.job_hash(A)
    assert job_runs.job_hash({**A, "deploy": {**A["deploy"], "replicas": 3}}) != job_runs.job_hash(
        A
    )
    again = {**A, "x-shipping": {"rollback": "run"}}
    assert job_runs.job_hash(again) == job_runs.job_hash(A)
    overlaid = {**A, "x-shipping": {"overlay": {"Job": {}}}}
    assert job_runs.job_hash(overlaid) != job_runs.job_hash(A)


def test_the_record_keeps_which_jobs_ran():
    written = record(3, B, ran=B)
    again = read_record("id", 1, written.labels(), written.data())
    assert again.jobs == written.jobs
    assert "shipping.code.jobs" not in record(1, A).labels()


def test_completed_jobs_join_those_that_ran_before():
    services = {"migrate": B, "web": {"image": "w"}}
    found = job_runs.with_completed([record(1, A, ran=A)], services, ["migrate", "web"])
    assert found == {"migrate": job_runs.job_hash(B)}
    assert job_runs.with_completed([record(1, A, ran=A)], services, []) == {
        "migrate": job_runs.job_hash(A)
    }


def task(state, *, wanted=True, current=True):
    return Task("1", "", "1", "", state, current=current, sent=current, wanted=wanted)


@pytest.mark.parametrize(
    ("tasks", "reached"),
    [
        ((), job_runs.RUNS),
        ((task(words.STARTING),), job_runs.RUNS),
        ((task(words.RUNNING),), job_runs.COMPLETED),
        ((task(words.ENDED, wanted=False),), job_runs.FAILED),
        ((task(words.ENDED, wanted=False), task(words.PREPARING)), job_runs.RUNS),
        ((task(words.ENDED, wanted=False, current=False),), job_runs.RUNS),
    ],
)
def test_how_far_a_job_has_come(tasks, reached):
    state = ServiceState("migrate", 1, tasks, job=True)
    assert job_runs.progress(state) == reached


@pytest.mark.parametrize(
    ("reached", "action", "done"),
    [
        (job_runs.COMPLETED, KEEP, RUN),
        (job_runs.RUNS, KEEP, ""),
        (job_runs.FAILED, UPDATE, ""),
    ],
)
def test_a_job_that_a_killed_run_left(reached, action, done):
    planned = job_runs.plan("migrate", Existing("replicated-job"), reached)
    assert (planned.action, planned.done) == (action, done)
