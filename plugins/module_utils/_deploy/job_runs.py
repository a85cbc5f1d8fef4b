# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which jobs of an app have run: a job runs once for each content. Pure.

A platform runs a job again at any change, also of a label, so an unchanged one is never written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._compose.job_services import is_job, runs_in_rollback
from .._core.content_ids import digest
from .health import LIVE
from .history import Record, newest
from .plan import KEEP, RUN, UPDATE, Change, ServicePlan
from .ports import Wishes
from .service_diff import Existing
from .state import ENDED, ServiceState

COMPLETED, RUNS, FAILED = "completed", "runs", "failed"
_RUNS_AGAIN = "runs again, as a job does at any change"
# They change nothing of what a job runs.
_WITHOUT = ("depends_on", "reference")


def job_hash(service: Mapping[str, Any]) -> str:
    """Return a hash of what a job runs, and how often."""
    content = {key: value for key, value in service.items() if key not in _WITHOUT}
    extension = dict(content.pop("x-shipping", {}))
    # Whether a rollback runs it changes nothing of it either.
    extension.pop("rollback", None)
    if extension:
        content["x-shipping"] = extension
    content["deploy"] = {
        key: value for key, value in service.get("deploy", {}).items() if key != "labels"
    }
    return digest(content)


def is_done(name: str, service: Mapping[str, Any], records: Sequence[Record]) -> bool:
    """Return whether a job has run with this content last, or the live release has it so.

    After a rollback the live release has a job that was left alone on purpose.
    """
    hashed = job_hash(service)
    live = newest(records, LIVE)
    of_live = live.resolved.services.get(name, {}) if live else {}
    if is_job(of_live) and job_hash(of_live) == hashed:
        return True
    return jobs_run(records).get(name) == hashed


def stays_alone(service: Mapping[str, Any], wishes: Wishes) -> bool:
    """Return whether a run leaves a job alone, whatever has become of it."""
    return wishes.leaves_jobs or (wishes.rolls_back and not runs_in_rollback(service))


def is_left(
    name: str, service: Mapping[str, Any], records: Sequence[Record], wishes: Wishes
) -> bool:
    """Return whether a job does not run, since it is left alone or has run."""
    if stays_alone(service, wishes):
        return True
    if wishes.going_back:
        # The records do not have yet which jobs the failed release has run.
        return False
    if wishes.rolls_back:
        return jobs_run(records).get(name) == job_hash(service)
    return is_done(name, service, records)


def progress(state: ServiceState) -> str:
    """Return how far a job has come: completed, it runs, or it failed and is not tried again."""
    if state.wanted and len(state.healthy) >= state.wanted:
        return COMPLETED
    # Until its first task is there, a job that was just written has those of former runs only.
    own = [task for task in state.tasks if task.current]
    tried = any(task.wanted and task.state != ENDED for task in own)
    return RUNS if tried or not own else FAILED


def plan(name: str, existing: Existing, reached: str) -> ServicePlan:
    """Return what happens to a job that is there and that no record has as done."""
    if existing.changes or existing.is_written:
        return ServicePlan(name, UPDATE, existing.changes, True, _RUNS_AGAIN)
    if reached == FAILED:
        return ServicePlan(name, UPDATE, (Change("job", FAILED, RUNS),), True, _RUNS_AGAIN)
    # A run that was killed has left it.
    return ServicePlan(name, KEEP, done=RUN if reached == COMPLETED else "")


def jobs_run(records: Iterable[Record]) -> dict[str, str]:
    """Return the hash by which each job ran last, by its name."""
    result: dict[str, str] = {}
    for record in sorted(records, key=lambda record: record.number):
        result.update(record.jobs)
    return result


def with_completed(
    records: Iterable[Record], services: Mapping[str, Mapping[str, Any]], completed: Iterable[str]
) -> dict[str, str]:
    """Return the same, with the jobs among ``services`` that have completed since."""
    new = {name: job_hash(services[name]) for name in completed if is_job(services[name])}
    return {**jobs_run(records), **new}
