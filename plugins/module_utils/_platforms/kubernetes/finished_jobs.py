# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that have run and were removed, by their ``ttlSecondsAfterFinished`` or by hand. Pure.

The history keeps that they ran: a release becomes live only when its Jobs have completed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..._deploy import state as words
from ..._deploy.resolution import Resolved
from ..._deploy.state import ServiceState, States, Task
from . import manifests


def with_finished(
    states: States, resolved: Resolved, finished: Mapping[str, Collection[str]]
) -> States:
    """Return the states of services, with those of Jobs that have run and were removed.

    ``finished`` has the contents of Jobs by title; see manifests.finished_jobs.
    """
    gone = {
        title: _state(title)
        for title, service in resolved.services.items()
        if title not in states and _has_run(title, service, finished)
    }
    return {**states, **gone} if gone else states


def _has_run(
    title: str, service: Mapping[str, object], finished: Mapping[str, Collection[str]]
) -> bool:
    body = service.get("manifest")
    return (
        isinstance(body, dict)
        and body["kind"] == manifests.JOB
        and manifests.job_content(body) in finished.get(title, ())
    )


def _state(title: str) -> ServiceState:
    """Return the state of a Job that has completed."""
    task = Task(
        id=f"{title}/completed",
        name="",
        slot=title,
        node="",
        state=words.RUNNING,
        current=True,
        sent=True,
        wanted=True,
    )
    return ServiceState(name=title, wanted=1, tasks=(task,), checked=True, passive=True, job=True)
