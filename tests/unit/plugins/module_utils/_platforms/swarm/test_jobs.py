# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on a Swarm: their spec, their state and their plan."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy import job_runs
from ansible_collections.shipping.code.plugins.module_utils._deploy import state as words
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import Record
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import (
    CREATE,
    KEEP,
    LEFT,
    RECREATE,
    REMOVE,
    RUN,
    UPDATE,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Wishes
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import (
    compare,
    job_mode,
    observe,
    planning,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.observe import Snapshot

from .resolved_apps import names, resolved
from .test_planning import NODE, found_for

CONTENT = "TaskTemplate.ContainerSpec"


def app(version="1", extension=None, **deploy):
    """An app of one job."""
    deploy = {"mode": "replicated-job", **deploy}
    service = {"image": "m:1", "command": ["migrate", version], "deploy": deploy}
    service.update({"x-shipping": extension} if extension else {})
    return resolved({"services": {"migrate": service}})


@pytest.mark.parametrize(
    ("deploy", "mode"),
    [
        ({}, {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}),
        ({"replicas": 3}, {"ReplicatedJob": {"MaxConcurrent": 3, "TotalCompletions": 3}}),
        ({"mode": "global-job"}, {"GlobalJob": {}}),
    ],
)
def test_what_is_written_is_found_again(deploy, mode):
    one = app(**deploy)
    service, known = one.services["migrate"], names(one)
    spec = compare.render("shop_migrate", service, known, {}, "hash")
    assert spec["Mode"] == mode and "UpdateConfig" not in spec
    assert job_mode.mode(spec) == service["deploy"]["mode"]
    assert compare.targets(service, {}, spec, known) == []


def engine_task(state, desired, iteration=None, slot=None, **status):
    """A task as Docker Engine 20.10.24 lists it."""
    return {
        "ID": f"{state}{iteration}{slot}",
        "ServiceID": "migrate",
        "NodeID": NODE["ID"],
        "DesiredState": desired,
        "JobIteration": {"Index": iteration} if iteration else {},
        "Status": {"State": state, **status},
        **({"Slot": slot} if slot else {}),
    }


COMPLETE = engine_task("complete", "complete")
FAILED = engine_task("failed", "shutdown", Err="task: non-zero exit (3)")
RUNS = engine_task("running", "complete")


def found(one, *tasks, iteration=0):
    """What a Swarm has of an app of one job."""
    snapshot = found_for(one)
    snapshot.services["migrate"]["JobStatus"] = {
        "JobIteration": {"Index": iteration} if iteration else {}
    }
    return replace(snapshot, tasks=list(tasks))


def state_of(one, *tasks, iteration=0):
    return observe.states("shop", found(one, *tasks, iteration=iteration), one, 5.0)["migrate"]


def test_a_completed_task_is_as_good_as_a_healthy_one():
    state = state_of(app(), COMPLETE)
    assert (state.job, state.wanted, len(state.healthy)) == (True, 1, 1)
    assert state.healthy[0].name == "migrate.1"


def test_a_running_task_is_on_its_way_and_a_failed_one_has_its_cause():
    assert [task.state for task in state_of(app(), RUNS).tasks] == [words.STARTING]
    (task,) = state_of(app(), FAILED).tasks
    assert task.failed and not task.wanted and task.exit_code == 3


def test_former_iterations_count_for_nothing():
    state = state_of(app(), COMPLETE, engine_task("running", "complete", 1), iteration=1)
    assert not state.healthy and job_runs.progress(state) == job_runs.RUNS
    # It is over, and does not hold up those that follow.
    assert [task.state for task in state.tasks] == [words.ENDED, words.STARTING]


def test_all_completions_are_waited_for():
    three = app(replicas=3)
    tasks = [engine_task("complete", "complete", slot=slot) for slot in (None, 1, 2)]
    assert job_runs.progress(state_of(three, *tasks[:2])) == job_runs.RUNS
    state = state_of(three, *tasks)
    assert job_runs.progress(state) == job_runs.COMPLETED
    assert [task.name for task in state.tasks] == ["migrate.1", "migrate.2", "migrate.3"]


def record(one, state="live"):
    ran = {name: job_runs.job_hash(service) for name, service in one.services.items()}
    return Record(1, "1", state, resolved=one, jobs=ran)


def planned(one, snapshot, records=(), **wishes):
    (service,) = planning.plan("shop", one, records, snapshot, Wishes(**wishes)).services
    return service.action, service.done


ONE, TWO = app("1"), app("2")
SERVICE = resolved({"services": {"migrate": {"image": "m:1"}}})
AGAIN = {"recreate": frozenset({"migrate"})}
EMPTY = Snapshot(nodes=[NODE])
BACK = {"rolls_back": True}
RUNS_AGAIN = app("1", {"rollback": "run"})
# What is wanted, what is there, the history, wishes, and what happens.
PLANS = {
    "at first": (ONE, EMPTY, [], {}, (CREATE, "")),
    "unchanged": (ONE, found(ONE, COMPLETE), [record(ONE)], {}, (KEEP, LEFT)),
    "unchanged, and removed by hand": (ONE, EMPTY, [record(ONE)], {}, (KEEP, LEFT)),
    "unchanged, and to run again": (ONE, found(ONE, COMPLETE), [record(ONE)], AGAIN, (UPDATE, "")),
    "changed": (TWO, found(ONE, COMPLETE), [record(ONE)], {}, (UPDATE, "")),
    "completed in a run that was killed": (ONE, found(ONE, COMPLETE), [], {}, (KEEP, RUN)),
    "still runs since a run that was killed": (ONE, found(ONE, RUNS), [], {}, (KEEP, "")),
    "failed in a run that was killed": (ONE, found(ONE, FAILED), [], {}, (UPDATE, "")),
    "rollback": (ONE, found(TWO, COMPLETE), [record(TWO)], BACK, (KEEP, LEFT)),
    "rollback that runs it": (RUNS_AGAIN, found(TWO, COMPLETE), [record(TWO)], BACK, (UPDATE, "")),
    "rollback to the one that ran last": (
        RUNS_AGAIN,
        found(ONE, COMPLETE),
        [record(ONE)],
        BACK,
        (KEEP, LEFT),
    ),
    "rollback after a failure": (
        RUNS_AGAIN,
        found(TWO, COMPLETE),
        [record(ONE)],
        {**BACK, "going_back": True},
        (UPDATE, ""),
    ),
    "rollback after a failure, unchanged": (
        RUNS_AGAIN,
        found(ONE, COMPLETE),
        [record(ONE)],
        {**BACK, "going_back": True},
        (KEEP, RUN),
    ),
    "drift": (RUNS_AGAIN, found(TWO, COMPLETE), [], {"leaves_jobs": True}, (KEEP, LEFT)),
    "rollback from a failed one": (
        ONE,
        found(TWO, FAILED),
        [record(ONE)],
        BACK,
        (REMOVE, LEFT),
    ),
    "rollback from one that runs": (
        ONE,
        found(TWO, RUNS),
        [record(ONE)],
        BACK,
        (REMOVE, LEFT),
    ),
    "a service becomes a job": (ONE, found_for(SERVICE), [record(SERVICE)], AGAIN, (RECREATE, "")),
}


@pytest.mark.parametrize("name", PLANS)
def test_plan(name):
    one, snapshot, records, wishes, expected = PLANS[name]
    assert planned(one, snapshot, records, **wishes) == expected


def of_stack(snapshot):
    """The same as a stack left it: without our labels."""
    body = copy.deepcopy(snapshot.services["migrate"])
    body["Spec"]["Labels"] = {"com.docker.stack.namespace": "shop"}
    platforms = [{"Architecture": "amd64", "OS": "linux"}]
    body["Spec"]["TaskTemplate"].setdefault("Placement", {})["Platforms"] = platforms
    return replace(snapshot, services={}, unmanaged={"shop_migrate": body})


# What a stack has left, and what happens at its adoption.
ADOPTIONS = {
    "it has run": (ONE, COMPLETE, {}, (REMOVE, RUN)),
    "it has run, and is to run again": (ONE, COMPLETE, AGAIN, (UPDATE, "")),
    "another one has run": (TWO, COMPLETE, {}, (UPDATE, "")),
    "it has failed": (ONE, FAILED, {}, (UPDATE, "")),
    "it runs": (ONE, RUNS, {}, (UPDATE, "")),
}


@pytest.mark.parametrize("name", ADOPTIONS)
def test_adoption(name):
    wanted, task, wishes, expected = ADOPTIONS[name]
    assert planned(wanted, of_stack(found(ONE, task)), adopt=True, **wishes) == expected


def test_a_removed_job_leaves_tasks_that_hold_nothing():
    assert job_mode.has_ended(COMPLETE) and job_mode.has_ended(FAILED)
    assert not job_mode.has_ended(RUNS)
    assert not job_mode.has_ended({"Status": {"State": "complete"}})
