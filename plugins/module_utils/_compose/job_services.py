# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that run to their end: those in a job mode, and those that others wait to complete.

Pure. Specification: 05-services.md (depends_on) and deploy.md (mode) of the Compose Specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.parsing import SpecReader
from .defaults import RESTART_DEFAULTS
from .normal_form import Compose, Service

REPLICATED_JOB, GLOBAL_JOB = "replicated-job", "global-job"
JOB_MODES = (REPLICATED_JOB, GLOBAL_JOB)
COMPLETED = "service_completed_successfully"
# The value of x-shipping.rollback.
RUN_IN_ROLLBACK = "run"
_HEALTHY = "service_healthy"
# Docker's manager rejects the first one ("Jobs may not have an update config"), and uses neither.
_NOT_FOR_JOBS = ("update_config", "rollback_config")


def is_job(service: Mapping[str, Any]) -> bool:
    """Return whether a service in normal form runs to its end."""
    return service.get("deploy", {}).get("mode") in JOB_MODES


def runs_in_rollback(service: Mapping[str, Any]) -> bool:
    """Return whether a rollback to a release runs its job."""
    return bool(service.get("x-shipping", {}).get("rollback") == RUN_IN_ROLLBACK)


def make_jobs(app: Compose, reader: SpecReader) -> None:
    """Make jobs of the services that others wait to complete; report what jobs cannot have."""
    for name, service in app.services.items():
        for needed, condition in service.get("depends_on", {}).items():
            if condition == COMPLETED and needed in app.services:
                _make_job(app.services[needed], reader.at(needed), waiting=name)
    for name, service in app.services.items():
        place = reader.at(name)
        check = _check_job if is_job(service) else _check_other
        check(service, place)
        for needed, condition in service.get("depends_on", {}).items():
            if condition == _HEALTHY and is_job(app.services.get(needed, {})):
                place.at("depends_on").at(needed).problem(
                    f"{needed} is a job, which ends instead of becoming healthy. Write condition:"
                    f" {COMPLETED}"
                )


def _make_job(service: Service, place: SpecReader, *, waiting: str) -> None:
    """Make a job of a one-shot service, which Compose starts once unless it has `restart`."""
    if is_job(service):
        return
    deploy = service.setdefault("deploy", {})
    policy = deploy.setdefault("restart_policy", {**RESTART_DEFAULTS, "condition": "none"})
    if policy["condition"] == "any":
        place.problem(
            f"never completes, though {waiting} waits for it, since it is started again whenever it"
            ' ends. Write restart: "no" or restart: on-failure'
        )
    deploy["mode"] = GLOBAL_JOB if deploy.get("mode") == "global" else REPLICATED_JOB
    place.note(f"runs as a job, since {waiting} waits for it to complete")


def _check_other(service: Service, place: SpecReader) -> None:
    if runs_in_rollback(service):
        place.at("x-shipping").at("rollback").problem(
            "is for jobs: a rollback restores each other service. Leave it out"
        )


def _check_job(service: Service, place: SpecReader) -> None:
    for key in _NOT_FOR_JOBS:
        if key in service["deploy"]:
            place.at("deploy").at(key).problem(
                "is not for jobs, which run again as a whole. Leave it out"
            )
    if service["deploy"].get("replicas") == 0:
        place.at("deploy").at("replicas").problem(
            "is 0, with which a job runs nothing. Leave the service out"
        )
