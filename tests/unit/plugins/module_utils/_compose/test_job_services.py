# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that run to their end."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._compose import job_services

from .reading import KUBERNETES, SWARM, problems, read_spec

DONE = {"condition": "service_completed_successfully"}
PLATFORMS = pytest.mark.parametrize("support", [SWARM, KUBERNETES], ids=["swarm", "kubernetes"])


def spec(migrate=None, web=None):
    """A migration, and a service that waits for it."""
    return {
        "services": {
            "migrate": {"image": "nginx", **(migrate or {})},
            "web": {"image": "nginx", "depends_on": {"migrate": DONE}, **(web or {})},
        }
    }


@PLATFORMS
@pytest.mark.parametrize(
    ("written", "condition"),
    [({}, "none"), ({"restart": "no"}, "none"), ({"restart": "on-failure:2"}, "on-failure")],
)
def test_what_others_wait_for_becomes_a_job(support, written, condition):
    app = read_spec(spec(written), support=support)
    deploy = app.services["migrate"]["deploy"]
    assert (deploy["mode"], deploy["restart_policy"]["condition"]) == ("replicated-job", condition)
    assert app.services["web"]["depends_on"] == {"migrate": "service_completed_successfully"}
    assert app.notes == ["services.migrate: runs as a job, since web waits for it to complete"]


@PLATFORMS
def test_a_job_that_is_declared_as_one_needs_no_note(support):
    app = read_spec(spec({"deploy": {"mode": "replicated-job", "replicas": 2}}), support=support)
    assert app.services["migrate"]["deploy"] == {"mode": "replicated-job", "replicas": 2}
    assert app.notes == []


@PLATFORMS
def test_a_job_that_a_rollback_runs(support):
    written = {"x-shipping": {"rollback": "run", "probe": {"tcp": {"port": 80}}}}
    service = read_spec(spec(written), support=support).services["migrate"]
    assert job_services.runs_in_rollback(service)
    assert ("probe" in service["x-shipping"]) is (support is KUBERNETES)


def test_a_job_on_each_node():
    app = read_spec(spec({"deploy": {"mode": "global"}}))
    assert app.services["migrate"]["deploy"]["mode"] == "global-job"
    told = problems(read_spec, spec({"deploy": {"mode": "global"}}), support=KUBERNETES)
    assert told == [
        "services.migrate.deploy.mode: Kubernetes has no job that runs on each node. Write"
        " replicated-job, or mode global with a program that stays"
    ]


REJECTED = [
    (
        {"restart": "always"},
        {},
        "services.migrate: never completes, though web waits for it, since it is started again"
        ' whenever it ends. Write restart: "no" or restart: on-failure',
    ),
    (
        {"deploy": {"mode": "replicated-job", "update_config": {"parallelism": 1}}},
        {},
        "services.migrate.deploy.update_config: is not for jobs, which run again as a whole. Leave"
        " it out",
    ),
    (
        {"deploy": {"mode": "replicated-job", "replicas": 0}},
        {},
        "services.migrate.deploy.replicas: is 0, with which a job runs nothing. Leave the service"
        " out",
    ),
    (
        {"deploy": {"mode": "replicated-job"}},
        {"depends_on": {"migrate": {"condition": "service_healthy"}}},
        "services.web.depends_on.migrate: migrate is a job, which ends instead of becoming healthy."
        " Write condition: service_completed_successfully",
    ),
    (
        {},
        {"x-shipping": {"rollback": "run"}},
        "services.web.x-shipping.rollback: is for jobs: a rollback restores each other service."
        " Leave it out",
    ),
    (
        {"x-shipping": {"rollback": "always"}},
        {},
        "services.migrate.x-shipping.rollback: 'always' is not one of run, leave",
    ),
]


@PLATFORMS
@pytest.mark.parametrize(("migrate", "web", "problem"), REJECTED)
def test_what_a_job_cannot_have(support, migrate, web, problem):
    assert problems(read_spec, spec(migrate, web), support=support) == [problem]
