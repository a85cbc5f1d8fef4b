# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service is what was sent and healthy, still on its way, or without hope.

Pure: what must be remembered from one look to the next is handed in and out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

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
    Cause,
    ServiceState,
    Task,
)

LIVE, FAILED, ROLLED_BACK_VERDICT, PENDING = "live", "failed", "rolled_back", "pending"

_GIVEN_UP_PATIENCE = 1.5


@dataclass(frozen=True)
class Memory:
    """What one look must know of the former ones.

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
class Outcome:
    """``live``, doomed by ``cause`` (with the task that shows it), or neither yet."""

    memory: Memory
    live: bool = False
    cause: Cause | None = None
    task: Task | None = None
    crashes: int = 0
    healthy: int = 0
    wanted: int = 0
    held: bool = field(default=False)


def remember(state: ServiceState) -> Memory:
    """The memory to begin with, before the service is changed."""
    return Memory(
        frozenset(task.id for task in state.tasks if task.state == ENDED), state.update_id
    )


def judge(state: ServiceState, memory: Memory, now: float, max_crashes: int) -> Outcome:
    """One look at a service at the monotonic time ``now``."""
    failed = [
        task for task in state.tasks if task.failed and task.sent and task.id not in memory.old
    ]
    base = Outcome(memory, crashes=len(failed), healthy=len(state.healthy), wanted=state.wanted)
    memory, cause, task = _hopeless(state, memory, failed, now, max_crashes)
    if cause:
        return replace(base, memory=memory, cause=cause, task=task)
    if state.update in (UPDATING, ROLLING_BACK) or not _all_there(state):
        return replace(base, memory=replace(memory, healthy=frozenset()))
    ids = frozenset(task.id for task in state.healthy)
    since = memory.healthy_since if ids == memory.healthy else now
    memory = replace(memory, healthy=ids, healthy_since=since)
    settled = (
        state.checked
        or state.update == DONE
        or now - since >= state.monitor
        or all(task.age >= state.monitor for task in state.healthy)
    )
    return replace(base, memory=memory, live=settled, held=not settled)


def _all_there(state: ServiceState) -> bool:
    """All wanted tasks run what is wanted, and nothing else runs any more."""
    others = any(
        task.state in (STARTING, RUNNING) and not (task.current and task.wanted)
        for task in state.tasks
    )
    enough = len(state.healthy) >= state.wanted and (state.wanted > 0 or not state.everywhere)
    return enough and not others


def _hopeless(
    state: ServiceState, memory: Memory, failed: list[Task], now: float, max_crashes: int
) -> tuple[Memory, Cause | None, Task | None]:
    last = max(failed, key=lambda task: task.created, default=None)
    new = state.update_id != memory.old_update
    if state.update == PAUSED and new:
        return memory, _engine("engine_paused", "the engine paused the update", state, last), last
    if state.update == ROLLED_BACK and new:
        return (
            memory,
            _engine("engine_rolled_back", "the engine took the update back by itself", state, last),
            last,
        )
    final = next((task for task in failed if task.cause and task.cause.final), None)
    if final and state.update != ROLLING_BACK:
        return memory, final.cause, final
    slot, count = max(
        Counter(task.slot for task in failed).items(), key=lambda item: item[1], default=("", 0)
    )
    if last and count >= max_crashes and state.update != ROLLING_BACK:
        crashed = max((task for task in failed if task.slot == slot), key=lambda task: task.created)
        return memory, _repeated(crashed, count), crashed
    return _stuck(state, memory, failed, now)


def _engine(kind: str, text: str, state: ServiceState, last: Task | None) -> Cause:
    """The engine's own end of an update, told by what made it end where that is known."""
    if last and last.cause:
        return replace(last.cause, text=f"{last.cause.text}; {text}")
    return Cause(kind, f"{text}: {state.update_text}" if state.update_text else text)


def _repeated(task: Task, count: int) -> Cause:
    cause = task.cause or Cause("crash", "ended")
    return replace(cause, text=f"{cause.text}, {count} times" if count > 1 else cause.text)


def _stuck(
    state: ServiceState, memory: Memory, failed: list[Task], now: float
) -> tuple[Memory, Cause | None, Task | None]:
    """Things that count when they last: no room, no machine, nothing that is tried again."""
    cause, task = _standstill(state, failed)
    making_room = any(task.state == RUNNING and not task.wanted for task in state.tasks)
    if not cause or (cause.room and making_room):
        return replace(memory, stuck=""), None, None
    since = memory.stuck_since if memory.stuck == cause.kind else now
    memory = replace(memory, stuck=cause.kind, stuck_since=since)
    return (memory, cause, task) if now - since >= (cause.patience or 0) else (memory, None, None)


def _standstill(state: ServiceState, failed: list[Task]) -> tuple[Cause | None, Task | None]:
    for task in state.tasks:
        if (
            task.wanted
            and task.state in (WAITING, PREPARING)
            and task.cause
            and task.cause.patience is not None
        ):
            return task.cause, task
    if state.everywhere and state.wanted == 0 and state.update != UPDATING:
        return (
            Cause("no_machine", "no machine matches its placement", patience=_GIVEN_UP_PATIENCE),
            None,
        )
    for task in failed:
        if not any(
            other.slot == task.slot and other.wanted and other.state != ENDED
            for other in state.tasks
        ):
            text = (
                f"{task.cause.text if task.cause else 'ended'}, and its restart policy does not"
                " start it again"
            )
            return (
                Cause(
                    task.cause.kind if task.cause else "crash",
                    text,
                    patience=_GIVEN_UP_PATIENCE,
                    room=True,
                ),
                task,
            )
    return None, None
