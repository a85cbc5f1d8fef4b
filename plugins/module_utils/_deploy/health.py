# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assess whether a service runs its spec and is healthy, still changes, or cannot recover.

Pure: what must be remembered from one look to the next is handed in and out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Optional

from .._core.cause import Cause
from .state import (
    DONE,
    ENDED,
    PAUSED,
    PREPARING,
    ROLLED_BACK,
    ROLLING_BACK,
    RUNNING,
    STARTING,
    UPDATING,
    WAITING,
    ServiceState,
    Task,
)

LIVE, FAILED, ROLLED_BACK_RELEASE, PENDING = "live", "failed", "rolled_back", "pending"

# Seconds: a platform needs a moment to start the next task, or to see a new node.
_GIVEN_UP_PATIENCE = 1.5

_ENGINE_ENDS = {
    PAUSED: ("engine_paused", "the engine paused the update"),
    ROLLED_BACK: ("engine_rolled_back", "the engine rolled the update back"),
}


@dataclass(frozen=True)
class HealthMemory:
    """Data that one look needs from the former ones.

    ``old`` are the tasks that had ended before this run changed anything, ``old_update`` is the
    update that was under way or over then.
    """

    old: frozenset[str] = frozenset()
    old_update: str = ""
    healthy: frozenset[str] = frozenset()
    healthy_since: float = 0.0
    stuck: str = ""
    stuck_since: float = 0.0


@dataclass(frozen=True)
class ServiceHealth:
    """The health of a service by one look.

    ``live``; or it cannot recover because of ``cause``, with the ``task`` that shows it; or
    neither yet. ``monitored``: it is healthy, and only has to stay so for a while.
    """

    memory: HealthMemory
    live: bool = False
    cause: Cause | None = None
    task: Task | None = None
    crashes: int = 0
    healthy: int = 0
    wanted: int = 0
    monitored: bool = False


# A task in these states has what it reserves, and its ports.
_HOLDING = (PREPARING, STARTING, RUNNING)

# What a look finds to be beyond recovery: the cause, and the task that shows it.
Finding = tuple[Cause, Optional[Task]]


def remember(state: ServiceState) -> HealthMemory:
    """Return the memory to begin with, before the service is changed."""
    return HealthMemory(
        frozenset(task.id for task in state.tasks if task.state == ENDED), state.update_id
    )


def makes_room(state: ServiceState) -> bool:
    """Return whether tasks of a service are still to go, with their ports and memory."""
    return any(_is_going(task, state) for task in state.tasks)


def _is_going(task: Task, state: ServiceState) -> bool:
    if task.state not in _HOLDING:
        return False
    # A task of the former spec ends when the new one runs; it stays while that one waits.
    return not task.wanted or not (task.current or any(map(_waiting_cause, state.tasks)))


def assess(
    state: ServiceState,
    memory: HealthMemory,
    now: float,
    max_crashes: int,
    *,
    others_make_room: bool = False,
) -> ServiceHealth:
    """Assess a service by one look at the monotonic time ``now``.

    ``others_make_room``: tasks of other services of the app are still to go.
    """
    failed = _failed(state, memory)
    base = ServiceHealth(
        memory, crashes=len(failed), healthy=len(state.healthy), wanted=state.wanted
    )
    finding = _unrecoverable(state, memory, failed, max_crashes)
    if not finding:
        memory, finding = _stuck(state, memory, failed, now, others_make_room=others_make_room)
    if finding:
        return replace(base, memory=memory, cause=finding[0], task=finding[1])
    if state.update in (UPDATING, ROLLING_BACK) or not _all_there(state):
        return replace(base, memory=replace(memory, healthy=frozenset()))
    ids = frozenset(task.id for task in state.healthy)
    since = memory.healthy_since if ids == memory.healthy else now
    live = _is_settled(state, now - since)
    memory = replace(memory, healthy=ids, healthy_since=since)
    return replace(base, memory=memory, live=live, monitored=not live)


def _failed(state: ServiceState, memory: HealthMemory) -> list[Task]:
    """Return the tasks of what this run sent that failed since it began."""
    # Tasks of the former spec may crash, too, while they are replaced.
    return [task for task in state.tasks if task.failed and task.sent and task.id not in memory.old]


def _is_settled(state: ServiceState, healthy_for: float) -> bool:
    """Return whether a service that is healthy has been so for long enough.

    Without a health check, a task that runs may still crash during its start.
    """
    # An engine that reports an update as completed has waited for its monitor time itself.
    if state.checked or state.update == DONE or healthy_for >= state.monitor:
        return True
    # Tasks that run since before this run need not be waited for once more.
    return all(task.age >= state.monitor for task in state.healthy)


def _all_there(state: ServiceState) -> bool:
    """Return whether all wanted tasks run what is wanted, and nothing else runs any more."""
    # Old tasks that still run beside the new ones would serve the former version.
    others = any(
        task.state in (STARTING, RUNNING) and not (task.current and task.wanted)
        for task in state.tasks
    )
    return len(state.healthy) >= state.wanted and not others and not _is_nowhere(state)


def _is_nowhere(state: ServiceState) -> bool:
    """Return whether a service on each node wants no task, since no node matches."""
    return state.everywhere and state.wanted == 0 and not state.may_be_empty


def _unrecoverable(
    state: ServiceState, memory: HealthMemory, failed: list[Task], max_crashes: int
) -> Finding | None:
    """Return what ends a rollout at once, however long it lasts."""
    last = max(failed, key=lambda task: task.created, default=None)
    # A Swarm keeps the status of the last update, which is not about this run.
    if state.update_id != memory.old_update:
        ended = _ended_by_engine(state, last)
        if ended:
            return ended, last
    # Wait while the engine rolls the update back; its end is the outcome.
    if state.update == ROLLING_BACK:
        return None
    for task in failed:
        if task.cause and task.cause.final:
            return task.cause, task
    # The attempts that its restart policy allows a job are its own limit; the last one is final.
    if state.job and state.max_attempts:
        return None
    return _crash_loop(failed, max_crashes)


def _ended_by_engine(state: ServiceState, last: Task | None) -> Cause | None:
    """Return the engine's own end of an update, by what made it end where that is known."""
    if state.update not in _ENGINE_ENDS:
        return None
    kind, text = _ENGINE_ENDS[state.update]
    if last and last.cause:
        return replace(last.cause, text=f"{last.cause.text} ({text})")
    shown = f"{text}: {state.update_text}" if state.update_text else text
    return Cause(kind, f"was not updated ({shown})")


def _crash_loop(failed: list[Task], max_crashes: int) -> Finding | None:
    """Return the last crash in the slot that has most of them, if these are too many."""
    if not failed:
        return None
    # By slot: one crash in each of three replicas is not a loop.
    slot, count = Counter(task.slot for task in failed).most_common(1)[0]
    if count < max_crashes:
        return None
    task = max((task for task in failed if task.slot == slot), key=lambda task: task.created)
    cause = task.cause or Cause("crash", "exited")
    text = f"{cause.text} ({count} times)" if count > 1 else cause.text
    return replace(cause, text=text), task


def _stuck(
    state: ServiceState,
    memory: HealthMemory,
    failed: list[Task],
    now: float,
    *,
    others_make_room: bool,
) -> tuple[HealthMemory, Finding | None]:
    """Return what counts when it lasts: no room, no node, nothing that is tried again."""
    finding = _standstill(state, failed)
    # The task that is replaced may hold the port or the memory that the new one waits for, also
    # while it has not become healthy and is being stopped.
    own = any(task.state in _HOLDING and not task.wanted for task in state.tasks)
    making_room = own or others_make_room
    if not finding or (finding[0].room and making_room):
        return replace(memory, stuck=""), None
    cause = finding[0]
    since = memory.stuck_since if memory.stuck == cause.kind else now
    memory = replace(memory, stuck=cause.kind, stuck_since=since)
    return memory, finding if now - since >= (cause.patience or 0) else None


def _standstill(state: ServiceState, failed: list[Task]) -> Finding | None:
    for task in state.tasks:
        cause = _waiting_cause(task)
        if cause:
            return cause, task
    if _is_nowhere(state) and state.update != UPDATING:
        text = "cannot be scheduled, because no node matches its placement"
        return Cause("no_node", text, patience=_GIVEN_UP_PATIENCE), None
    for task in failed:
        if not _is_replaced(task, state):
            return _given_up(task), task
    return None


def _waiting_cause(task: Task) -> Cause | None:
    """Return why a task waits, where that counts once it has lasted for a while."""
    # A task of a former spec is not about this one.
    is_of_this = task.wanted and (task.current or task.sent)
    if not is_of_this or task.state not in (WAITING, PREPARING):
        return None
    return task.cause if task.cause and task.cause.patience is not None else None


def _is_replaced(failed: Task, state: ServiceState) -> bool:
    """Return whether another task takes the place of one that failed."""
    return any(
        task.slot == failed.slot and task.wanted and task.state != ENDED for task in state.tasks
    )


def _given_up(task: Task) -> Cause:
    cause = task.cause or Cause("crash", "exited")
    text = f"{cause.text}, and its restart policy does not restart it"
    return Cause(cause.kind, text, patience=_GIVEN_UP_PATIENCE, room=True)
