# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs in the engine's JSON: their modes and their iterations. Pure.

Tried on Docker Engine 20.10.24: every update of a job service runs it again, also one that changes
a label or nothing. Its tasks carry the iteration; the first one is left out of the JSON, as is the
first slot. A task that has ended well has the state and the desired state ``complete``. The tasks
of a job service that was removed stay in the lists of the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._compose.job_services import GLOBAL_JOB, REPLICATED_JOB
from ..._deploy.service_diff import GLOBAL, REPLICATED

_ENDED = ("complete", "failed", "shutdown", "rejected", "remove", "orphaned")
_MODES = {
    "Replicated": REPLICATED,
    "Global": GLOBAL,
    "ReplicatedJob": REPLICATED_JOB,
    "GlobalJob": GLOBAL_JOB,
}


def mode(spec: Mapping[str, Any]) -> str:
    """Return the mode of a service's spec, as a Compose file calls it."""
    return next((word for key, word in _MODES.items() if key in spec.get("Mode", {})), REPLICATED)


def is_job(spec: Mapping[str, Any]) -> bool:
    """Return whether a spec is that of a job."""
    return mode(spec) in (REPLICATED_JOB, GLOBAL_JOB)


def as_service(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec with the mode of a service in place of a job's, which has the same fields."""
    if not is_job(spec):
        return dict(spec)
    if mode(spec) == GLOBAL_JOB:
        return {**spec, "Mode": {"Global": {}}}
    return {**spec, "Mode": {"Replicated": {"Replicas": completions(spec)}}}


def with_mode(spec: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    """Return the spec of a service with the mode that is wanted, which may be a job's."""
    if wanted == GLOBAL_JOB:
        return {**spec, "Mode": {"GlobalJob": {}}}
    if wanted == REPLICATED_JOB:
        number = (spec["Mode"].get("Replicated") or {}).get("Replicas") or 1
        # All at once, as docker stack deploy does.
        return {
            **spec,
            "Mode": {"ReplicatedJob": {"MaxConcurrent": number, "TotalCompletions": number}},
        }
    return dict(spec)


def completions(spec: Mapping[str, Any]) -> int:
    """Return how many tasks of a replicated job have to complete."""
    number: int = (spec["Mode"].get("ReplicatedJob") or {}).get("TotalCompletions") or 1
    return number


def iteration(body: Mapping[str, Any]) -> int:
    """Return how often a job was started again, by its service's body."""
    return _index((body.get("JobStatus") or {}).get("JobIteration"))


def task_iteration(task: Mapping[str, Any]) -> int:
    """Return the iteration of the job that a task belongs to."""
    return _index(task.get("JobIteration"))


def has_ended(task: Mapping[str, Any]) -> bool:
    """Return whether a task is of a job and has ended, after which it holds nothing."""
    return "JobIteration" in task and (task.get("Status") or {}).get("State") in _ENDED


def _index(version: Mapping[str, Any] | None) -> int:
    number: int = (version or {}).get("Index") or 0
    return number
