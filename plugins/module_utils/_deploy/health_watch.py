# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch an app's services until all are live, one cannot recover, or the time has run out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .._core.cause import Cause
from .._core.errors import Unreachable
from .._core.failure import Failure
from .diagnosis import explain
from .health import HealthMemory, ServiceHealth, assess, makes_room
from .ports import Platform, StateWatch
from .resolution import Resolved
from .state import (
    RUNNING,
    STARTING,
    Evidence,
    ServiceState,
    States,
    Task,
)

# Seconds. An engine has no events of tasks, so that their states are polled.
LOOK_EVERY = 0.4
# A little later than the end of a wait, which would be a moment too early otherwise.
_LATE = 0.01
_TIMED_OUT = {
    "never_healthy": "did not become healthy before the timeout",
    "timeout": "was not up before the timeout",
}
Report = Callable[[str], None]


@dataclass
class HealthWatch:
    """The state of an app's services while they change.

    ``heading`` names the change in a progress line; the services in
    ``quiet`` get a line only if something is wrong with them; those in ``done`` are jobs that
    are not watched. ``revisions`` has what the driver
    returned for each write, which a state must have reached to count.
    """

    platform: Platform
    app: str
    resolved: Resolved
    max_crashes: int
    deadline: float
    heading: str
    report: Report
    memories: dict[str, HealthMemory] = field(default_factory=dict)
    quiet: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()
    health: dict[str, ServiceHealth] = field(default_factory=dict)
    states: States = field(default_factory=dict)
    last_lines: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    state_watch: StateWatch = field(init=False)

    def __post_init__(self) -> None:
        self.state_watch = self.platform.reader.watch(self.app, self.resolved)

    def look(self, names: Iterable[str]) -> None:
        """Look once and assess these services; raise Unreachable where that is not possible."""
        self.states = self.state_watch.states(self.revisions)
        making_room = {name for name, state in self.states.items() if makes_room(state)}
        for name in names:
            if name in self.states and name not in self.done:
                health = assess(
                    self.states[name],
                    self.memories.get(name, HealthMemory()),
                    time.monotonic(),
                    self.max_crashes,
                    others_make_room=bool(making_room - {name}),
                )
                self.memories[name], self.health[name] = health.memory, health
                self._report_progress(name, health)

    def until_live(self, names: Iterable[str]) -> list[Failure]:
        """Look until all are live; return what failed where they do not become so."""
        watched = list(names)
        while not self.expired:
            try:
                self.look(watched)
            # An engine may restart during a rollout; the deadline alone ends the wait.
            except Unreachable:
                time.sleep(LOOK_EVERY)
                continue
            failures = self.failures()
            if failures or all(self.live(name) for name in watched):
                return failures
            self.wait()
        return self.timed_out(watched)

    def wait(self) -> None:
        """Wait until it is worth another look."""
        self.state_watch.wait(min(LOOK_EVERY, self._rest_of_monitoring()))

    def _rest_of_monitoring(self) -> float:
        """Return the seconds until the last service is live, if all only have to stay healthy."""
        waiting = {name: health for name, health in self.health.items() if not health.live}
        if not waiting or not all(health.monitored for health in waiting.values()):
            return LOOK_EVERY
        now = time.monotonic()
        ends = (self.memories[name].healthy_since + self.states[name].monitor for name in waiting)
        return max(0.0, max(ends) - now) + _LATE

    @property
    def expired(self) -> bool:
        """Return whether the time has run out."""
        return time.monotonic() > self.deadline

    def live(self, name: str) -> bool:
        """Return whether a service runs the release's spec and is healthy."""
        return name in self.done or (name in self.health and self.health[name].live)

    def started(self, name: str) -> bool:
        """Return whether a task of a service has been started, healthy or not."""
        return name in self.states and any(
            task.current and task.state in (STARTING, RUNNING) for task in self.states[name].tasks
        )

    def completed(self) -> list[str]:
        """Return the jobs that have run to their end under this watch."""
        return [
            name for name, health in self.health.items() if health.live and self.states[name].job
        ]

    def failures(self) -> list[Failure]:
        """Return the services that cannot recover, with everything that can be learned of them."""
        return [
            self._explain(name, health.cause, health.task)
            for name, health in self.health.items()
            if health.cause
        ]

    def timed_out(self, names: Iterable[str]) -> list[Failure]:
        """Return what each service that is not live still waits for, when the time has run out."""
        return [self._explain_timeout(name) for name in names if not self.live(name)]

    def warnings(self) -> list[str]:
        """Return the services that recovered from failures, and those without a node."""
        return [
            *(
                f"{name}: {_replicas(health.crashes)} failed before it {self._became(name)}"
                for name, health in self.health.items()
                if health.live and health.crashes
            ),
            *(
                f"{name}: no node matches its placement, so it has no replica yet"
                for name, state in self.states.items()
                if state.may_be_empty and not state.wanted
            ),
        ]

    def _became(self, name: str) -> str:
        return "completed" if self.states[name].job else "became healthy"

    def _report_progress(self, name: str, health: ServiceHealth) -> None:
        quiet = name in self.quiet or self.states[name].passive
        if quiet and health.live and name not in self.last_lines:
            return
        failed = f", {health.crashes} failed" if health.crashes else ""
        monitored = ", monitored" if health.monitored else ""
        reached = "completed" if self.states[name].job else "healthy"
        healthy = f"{min(health.healthy, health.wanted)}/{health.wanted} {reached}"
        text = f"{self.heading}  {healthy}{failed}{monitored}"
        if self.last_lines.get(name) != text:
            self.last_lines[name] = text
            self.report(f"{name}  {text}")

    def _explain(self, name: str, cause: Cause, task: Task | None) -> Failure:
        declared = self.resolved.services.get(name, {})
        try:
            evidence = (
                self.platform.diagnoser.evidence(task, cause, declared.get("reference", ""))
                if task and self.platform.diagnoser
                else Evidence()
            )
        # Evidence may come from the engine of the task's node, which may be away.
        except Unreachable as error:
            evidence = Evidence(note=f"the platform did not answer to show more ({error.why})")
        return explain(name, cause, task, evidence, declared)

    def _explain_timeout(self, name: str) -> Failure:
        state = self.states.get(name)
        task = _unready_task(state) if state else None
        kind = "never_healthy" if state and task and _fails_its_check(state, task) else "timeout"
        known = f" ({task.cause.text})" if task and task.cause else ""
        return self._explain(name, Cause(kind, f"{_TIMED_OUT[kind]}{known}"), task)


def _replicas(count: int) -> str:
    return "1 replica" if count == 1 else f"{count} replicas"


def _fails_its_check(state: ServiceState, task: Task) -> bool:
    """Return whether a task runs and its health check has not passed."""
    # What runs nothing all along, such as a Job, has no check to correct.
    has_check = state.checked and not (state.passive or state.job)
    return task.state == STARTING and has_check


def _unready_task(state: ServiceState) -> Task | None:
    """Return the task that a service waits for: one that starts, else one that does not run."""
    tasks = [task for task in state.tasks if task.wanted and task.state != RUNNING]
    # A task of a former spec is not what the service waits for, as long as there is another one.
    tasks.sort(key=lambda task: (not (task.current or task.sent), task.state != STARTING))
    return tasks[0] if tasks else None
