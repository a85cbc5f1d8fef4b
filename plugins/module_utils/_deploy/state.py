# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app's services and tasks, in terms that all platforms share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .._core.cause import Cause

WAITING, PREPARING, STARTING, RUNNING, ENDED = (
    "waiting",
    "preparing",
    "starting",
    "running",
    "ended",
)

# The platform's own state of the update.
UPDATING, PAUSED, ROLLING_BACK, ROLLED_BACK, DONE = (
    "updating",
    "paused",
    "rolling back",
    "rolled back",
    "done",
)


@dataclass(frozen=True)
class Task:
    """One attempt to run one replica. ``current``: it runs the current spec of its service.

    ``sent``: it was created for the spec of this run, also if the platform has rolled back
    since. ``age`` is for how many seconds it has been in its state, by the platform's clock.
    ``blocking`` is the version of a broken task that the platform never replaces by itself, though
    a new one is to take its place: it must be removed.
    """

    id: str
    name: str
    slot: str
    node: str
    state: str
    current: bool
    sent: bool
    wanted: bool
    age: float = 0.0
    failed: bool = False
    exit_code: int | None = None
    cause: Cause | None = None
    created: str = ""
    blocking: str = ""


@dataclass(frozen=True)
class ServiceState:
    """One service as it is. ``wanted`` is the number of tasks that shall run.

    ``passive``: it runs nothing, so only its failures are reported.
    ``job``: its tasks run to their end; one that has completed counts as healthy, and one that
    fails is tried again ``max_attempts`` times, if that is set.
    ``may_be_empty``: without a matching node, it is as declared.
    ``update`` is the platform's state of the update ``update_id``, which may be long
    over.
    """

    name: str
    wanted: int
    tasks: tuple[Task, ...] = ()
    update: str = ""
    update_text: str = ""
    update_id: str = ""
    checked: bool = False
    monitor: float = 5.0
    max_attempts: int = 0
    everywhere: bool = False
    passive: bool = False
    may_be_empty: bool = False
    job: bool = False

    @property
    def healthy(self) -> tuple[Task, ...]:
        """Return the tasks that run what is wanted now and have passed any health check."""
        return tuple(
            task for task in self.tasks if task.current and task.wanted and task.state == RUNNING
        )


@dataclass(frozen=True)
class Evidence:
    """The evidence of a failed task. Empty means unknown, and ``note`` has the reason."""

    exit_code: int | None = None
    killed_for_memory: bool = False
    unhealthy: bool = False
    health: str = ""
    logs: tuple[str, ...] = ()
    note: str = ""
    image: Cause | None = None


States = Mapping[str, ServiceState]
