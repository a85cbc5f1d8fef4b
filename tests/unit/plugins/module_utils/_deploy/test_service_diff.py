# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a service, from what a platform found of it."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlanError, Problem
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import (
    CREATE,
    KEEP,
    RECREATE,
    REMOVE,
    UNINTERRUPTED,
    UPDATE,
    Change,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.service_diff import (
    GLOBAL,
    Declared,
    Existing,
    objects_to_create,
    raise_problems,
    removed_services,
    service_plan,
    unknown_recreate,
)

WEB = {"image": "nginx:2"}
CHANGES = (Change("image", "nginx:1", "nginx:2"),)
START_FIRST_ON_A_PORT = {
    **WEB,
    "ports": [{"target": 80, "published": 80, "mode": "host", "protocol": "tcp"}],
    "deploy": {"update_config": {"order": "start-first"}},
}


def planned(existing, recreate=(), **declared):
    problems = []
    values = {"service": WEB, "eligible": 2, **declared}
    plan = service_plan(Declared("web", **values), existing, recreate, problems)
    return plan, [str(problem) for problem in problems]


def test_a_new_one_is_created_with_its_image():
    plan, problems = planned(None)
    assert (plan.action, plan.changes, plan.restarts, plan.interruption, problems) == (
        CREATE,
        (Change("image", None, "nginx:2"),),
        True,
        "new",
        [],
    )


# What exists, and what happens: action, whether tasks are replaced, what is said of interruption.
CASES = [
    (Existing(), KEEP, False, UNINTERRUPTED),
    (Existing(is_written=True), UPDATE, False, UNINTERRUPTED),
    (Existing(changes=CHANGES), UPDATE, False, UNINTERRUPTED),
    (Existing(changes=CHANGES, restarts=True, replicas=1), UPDATE, True, "the only task of web"),
    (Existing(changes=CHANGES, restarts=True, replicas=2), UPDATE, True, UNINTERRUPTED),
]


@pytest.mark.parametrize(("existing", "action", "restarts", "says"), CASES)
def test_an_existing_one(existing, action, restarts, says):
    plan, problems = planned(existing)
    assert (plan.action, plan.restarts, plan.changes) == (action, restarts, existing.changes)
    assert says in plan.interruption and problems == []


def test_a_platform_may_know_better_what_interrupts():
    existing = Existing(changes=CHANGES, restarts=True)
    assert planned(existing, interruption="by its own rules")[0].interruption == "by its own rules"


@pytest.mark.parametrize(("recreate", "count"), [((), 1), (("web",), 0)])
def test_another_mode_recreates_it_where_that_is_allowed(recreate, count):
    plan, problems = planned(Existing(mode=GLOBAL), recreate)
    assert plan.action == RECREATE and plan.changes[0].before == GLOBAL
    assert len(problems) == count


def test_start_first_that_cannot_fit_is_a_problem_only_where_tasks_are_replaced():
    declared = {"service": START_FIRST_ON_A_PORT, "eligible": 1}
    restarting = Existing(changes=CHANGES, restarts=True)
    assert len(planned(restarting, **declared)[1]) == 1
    assert len(planned(None, **declared)[1]) == 1
    assert planned(Existing(changes=CHANGES), **declared)[1] == []
    # Nothing is known of where it may run, so nothing is in the way.
    assert planned(None, **{**declared, "eligible": 0})[1] == []


def test_services_that_leave_go_first_where_their_port_is_needed():
    new = {"ports": [{"target": 80, "published": 8080, "mode": "host"}]}
    early, late = removed_services({"old": {8080}, "other": {1}, "new": set()}, {"new": new})
    assert (early.name, early.action, early.early) == ("old", REMOVE, True)
    assert (late.name, late.action, late.early) == ("other", REMOVE, False)


def test_only_own_objects_that_are_missing_are_created():
    objects = {"mine": {}, "theirs": {"external": True}, "there": {}}
    assert objects_to_create(objects, ["there"]) == ("mine",)


def test_all_problems_are_raised_together():
    raise_problems("shop", [])
    with pytest.raises(PlanError) as caught:
        raise_problems("shop", [Problem("a", "is wrong"), Problem("b", "too")])
    assert [problem["path"] for problem in caught.value.facts["problems"]] == ["a", "b"]


def test_recreate_names_what_the_app_does_not_have():
    (warning,) = unknown_recreate(["web", "wbe", "StatefulSet/db"], {"web", "front"})
    assert warning == (
        "recreate has wbe, which is no service or network of the app; did you mean web?"
    )
