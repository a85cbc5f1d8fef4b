# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at an app's services until all are live, one is without hope, or the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .._core.errors import Unreachable
from .diagnosis import explain
from .health import Memory, Outcome, judge
from .ports import Platform
from .resolution import Resolved
from .state import (
    RUNNING,
    STARTING,
    Cause,
    Evidence,
    Failure,
    States,
    Task,
)

LOOK_EVERY = 0.4
Tell = Callable[[str], None]


@dataclass
class Watch:
    """What is known of the services of an app while they change.

    ``way`` says in a progress line what the services are on their way to; the services in ``quiet``
    get a line only if something is wrong with them.
    """

    platform: Platform
    app: str
    resolved: Resolved
    max_crashes: int
    deadline: float
    way: str
    tell: Tell
    memories: dict[str, Memory] = field(default_factory=dict)
    quiet: frozenset[str] = frozenset()
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    states: States = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

    def look(self, names: Iterable[str]) -> None:
        """Look once and judge these services; raises Unreachable."""
        self.states = self.platform.look(self.app, self.resolved)
        for name in names:
            if name in self.states:
                outcome = judge(
                    self.states[name],
                    self.memories.get(name, Memory()),
                    time.monotonic(),
                    self.max_crashes,
                )
                self.memories[name], self.outcomes[name] = outcome.memory, outcome
                self._tell_progress(name, outcome)

    def until_live(self, names: Iterable[str]) -> list[Failure]:
        """Look until all are live; what failed where they do not become so."""
        watched = list(names)
        while not self.over:
            try:
                self.look(watched)
            except Unreachable:
                time.sleep(LOOK_EVERY)
                continue
            if self.doomed() or all(self.live(name) for name in watched):
                return self.doomed()
            self.platform.pause(LOOK_EVERY)
        return self.late(watched)

    @property
    def over(self) -> bool:
        """Whether the time has run out."""
        return time.monotonic() > self.deadline

    def live(self, name: str) -> bool:
        """Whether a service runs what was sent and is healthy."""
        return name in self.outcomes and self.outcomes[name].live

    def started(self, name: str) -> bool:
        """Whether a task of a service has been started, healthy or not."""
        return name in self.states and any(
            task.current and task.state in (STARTING, RUNNING) for task in self.states[name].tasks
        )

    def doomed(self) -> list[Failure]:
        """The services without hope, with everything that can be learnt of them."""
        return [
            self._explain(name, outcome.cause, outcome.task)
            for name, outcome in self.outcomes.items()
            if outcome.cause
        ]

    def late(self, names: Iterable[str]) -> list[Failure]:
        """The time is over: what each service that is not live still waits for."""
        return [self._late(name) for name in names if not self.live(name)]

    def warnings(self) -> list[str]:
        """What went well in the end, and not at once."""
        recovered = {
            name: outcome.crashes
            for name, outcome in self.outcomes.items()
            if outcome.live and outcome.crashes
        }
        return [
            f"{name}: {count} of its tasks failed before it became healthy"
            for name, count in recovered.items()
        ]

    def _tell_progress(self, name: str, outcome: Outcome) -> None:
        if (
            (name in self.quiet or self.states[name].passive)
            and name not in self.told
            and outcome.live
        ):
            return
        failed = f", {outcome.crashes} failed" if outcome.crashes else ""
        text = (
            f"{self.way}  {min(outcome.healthy, outcome.wanted)}/{outcome.wanted}"
            f" healthy{failed}{', holding' if outcome.held else ''}"
        )
        if self.told.get(name) != text:
            self.told[name] = text
            self.tell(f"{name}  {text}")

    def _explain(self, name: str, cause: Cause, task: Task | None) -> Failure:
        declared = self.resolved.services.get(name, {})
        try:
            evidence = (
                self.platform.evidence(task, cause, declared.get("reference", ""))
                if task
                else Evidence()
            )
        except Unreachable as error:
            evidence = Evidence(note=f"nothing more could be learnt ({error.why})")
        return explain(name, cause, task, evidence, declared)

    def _late(self, name: str) -> Failure:
        state = self.states.get(name)
        tasks = [task for task in state.tasks if task.wanted] if state else []
        task = next(
            (task for task in tasks if task.state == STARTING),
            next((task for task in tasks if task.state != RUNNING), None),
        )
        unhealthy = (
            task is not None and task.state == STARTING and state is not None and state.checked
        )
        text = (
            "never became healthy in the time it had"
            if unhealthy
            else "was not up in the time it had"
        )
        known = f" ({task.cause.text})" if task and task.cause else ""
        return self._explain(
            name, Cause("never_healthy" if unhealthy else "timeout", text + known), task
        )
