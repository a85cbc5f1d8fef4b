# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of a Compose file on a cluster: the object, its state and its plan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy import job_runs
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import Record
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import (
    CREATE,
    KEEP,
    LEFT,
    RECREATE,
    REMOVE,
    RUN,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Wishes
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    lookup,
    planning,
    render,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.api_kinds import (
    JOB,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.observe import (
    Snapshot,
    states,
)

from .resolved_apps import APP, NAMESPACE, by_title, found_for, resolved

SEEN = {"observedGeneration": 1}
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1}
FAILED = {
    "conditions": [{"type": "Failed", "status": "True", "message": "reached the backoff limit"}]
}
RUNS = {"active": 1}


def app(version="1", extension=None, **deploy):
    """An app of one job."""
    deploy = {"mode": "replicated-job", **deploy}
    service = {"image": "m:1", "command": ["migrate", version], "deploy": deploy}
    service.update({"x-shipping": extension} if extension else {})
    return resolved({"services": {"migrate": service}})


@pytest.mark.parametrize(
    ("policy", "retries"),
    [
        ({}, 2),
        ({"restart_policy": {"condition": "none"}}, 0),
        ({"restart_policy": {"condition": "on-failure", "max_attempts": 5}}, 5),
    ],
)
def test_object(policy, retries):
    bodies = by_title(app(replicas=3, **policy))
    assert [title for title in bodies if "/migrate" in title] == ["Job/migrate"]
    spec = bodies["Job/migrate"]["spec"]
    assert (spec["completions"], spec["parallelism"], spec["backoffLimit"]) == (3, 3, retries)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert not {"selector", "strategy", "replicas"} & set(spec)


def test_only_an_app_with_jobs_reads_them():
    assert lookup.own_kinds(app()) == {JOB}
    assert lookup.own_kinds(resolved({"services": {"web": {"image": "w:1"}}})) == set()


def found(one, status):
    """What a cluster has of an app of one job."""
    snapshot = found_for(one)
    snapshot.objects[("Job", "migrate")]["status"] = {**SEEN, **status}
    return snapshot


@pytest.mark.parametrize(
    ("status", "reached"),
    [
        (COMPLETE, job_runs.COMPLETED),
        (FAILED, job_runs.FAILED),
        (RUNS, job_runs.RUNS),
    ],
)
def test_state(status, reached):
    state = states(APP, found(app(), status), app(), 5.0)["migrate"]
    assert state.job and job_runs.progress(state) == reached


def planned(one, snapshot, records=(), **wishes):
    asked = Wishes(**wishes)
    finished = planning.finished_jobs(APP, one, records, asked)
    entries = [
        # What the server says of a template that differs.
        replace(entry, immutable=("spec.template",)) if entry.live and entry.differs else entry
        for entry in planning.entries(APP, one, snapshot, finished)
    ]
    comparison = planning.Comparison(APP, one, list(records), snapshot, asked)
    (service,) = planning.plan(comparison, entries, []).services
    return service.action, service.done


def record(one):
    ran = {name: job_runs.job_hash(service) for name, service in one.services.items()}
    return Record(1, "1", "live", resolved=one, jobs=ran)


ONE, TWO = app("1"), app("2")
EMPTY = Snapshot(namespace={"metadata": {"name": NAMESPACE}})
BACK = {"rolls_back": True}
RUNS_AGAIN = app("1", {"rollback": "run"})
# What is wanted, what is there, the history, wishes, and what happens.
PLANS = {
    "at first": (ONE, EMPTY, [], {}, (CREATE, "")),
    "unchanged, and removed by its TTL": (ONE, EMPTY, [record(ONE)], {}, (KEEP, LEFT)),
    "unchanged": (ONE, found(ONE, COMPLETE), [record(ONE)], {}, (KEEP, RUN)),
    "changed": (TWO, found(ONE, COMPLETE), [record(ONE)], {}, (RECREATE, "")),
    "completed in a run that was killed": (ONE, found(ONE, COMPLETE), [], {}, (KEEP, RUN)),
    "still runs since a run that was killed": (ONE, found(ONE, RUNS), [], {}, (KEEP, "")),
    "failed in a run that was killed": (ONE, found(ONE, FAILED), [], {}, (RECREATE, "")),
    "rollback": (ONE, found(TWO, COMPLETE), [record(TWO)], BACK, (REMOVE, LEFT)),
    "rollback from a failed one": (ONE, found(TWO, FAILED), [record(ONE)], BACK, (REMOVE, LEFT)),
    "rollback that runs it": (
        RUNS_AGAIN,
        found(TWO, COMPLETE),
        [record(TWO)],
        BACK,
        (RECREATE, ""),
    ),
    "rollback to the one that ran last": (RUNS_AGAIN, EMPTY, [record(ONE)], BACK, (KEEP, LEFT)),
    "drift": (
        RUNS_AGAIN,
        found(TWO, COMPLETE),
        [record(TWO)],
        {"leaves_jobs": True},
        (REMOVE, LEFT),
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_plan(name):
    one, snapshot, records, wishes, expected = PLANS[name]
    assert planned(one, snapshot, records, **wishes) == expected


def test_another_release_of_the_same_job_has_the_same_content():
    body = render.workload(APP, "migrate", ONE)
    assert body["metadata"]["annotations"]["shipping.code/content"]
    assert body == render.workload(APP, "migrate", app("1"))
