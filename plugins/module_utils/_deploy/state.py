# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a platform shows of an app's services and tasks, in words that all platforms share."""

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

# What the platform itself says of the update that is under way.
UPDATING, PAUSED, ROLLING_BACK, ROLLED_BACK, DONE = (
    "updating",
    "paused",
    "rolling back",
    "rolled back",
    "done",
)


@dataclass(frozen=True)
class Task:
    """One attempt to run one replica. ``current``: it runs what its service says now.

    ``sent``: it was made for the spec that this run sent, also where the platform has gone back
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

    ``passive``: it runs nothing, so there is nothing to tell of it but trouble.
    ``may_be_empty``: where no node matches, it is as it was asked for.
    ``update`` is what the platform says of the update numbered ``update_id``, which may be long
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
    restarts: bool = True
    max_attempts: int = 0
    everywhere: bool = False
    passive: bool = False
    may_be_empty: bool = False

    @property
    def healthy(self) -> tuple[Task, ...]:
        """Return the tasks that run what is wanted now and have passed any health check."""
        return tuple(
            task for task in self.tasks if task.current and task.wanted and task.state == RUNNING
        )


@dataclass(frozen=True)
class Evidence:
    """What can be learnt of a task that failed. Empty means unknown, and ``note`` says why."""

    exit_code: int | None = None
    killed_for_memory: bool = False
    unhealthy: bool = False
    health: str = ""
    logs: tuple[str, ...] = ()
    note: str = ""
    image: Cause | None = None


States = Mapping[str, ServiceState]
