# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout on a platform that shows states one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._core.cause import Cause
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import Record
from ansible_collections.shipping.code.plugins.module_utils._deploy.intent import Limits
from ansible_collections.shipping.code.plugins.module_utils._deploy.job import Job
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import Plan
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import (
    Observation,
    Platform,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import (
    PREPARING,
    RUNNING,
    STARTING,
    ServiceState,
    Task,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.strategy.rolling import Rollout


def task(name: str, state: str = RUNNING, **keys: Any) -> Task:
    known = {"current": True, "sent": True, "wanted": True, **keys}
    return Task(name, name, name, "node", state, **known)


@dataclass
class Part:
    """Every port of a platform; ``looks`` are the states that it shows, the last one for ever."""

    looks: list[ServiceState]
    removed: list[str] = field(default_factory=list)

    def observe(self, _app: str) -> Observation:
        """Show that nothing is there."""
        return Observation((), None, {})

    def plan(self, *_given: Any) -> Plan:
        """Return that nothing is done beforehand."""
        return Plan(create={"networks": ()}, remove={"networks": ()})

    def watch(self, _app: str, _resolved: Resolved) -> Part:
        """Be the watch, too."""
        return self

    def states(self, _revisions: Any) -> dict[str, ServiceState]:
        """Show the next states."""
        return {"web": self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]}

    def wait(self, _seconds: float) -> None:
        """Wait for nothing."""

    def apply(self, *_given: Any) -> int:
        """Write nothing."""
        return 0

    def remove_blocking(self, _app: str, blocking: Task, _fence: Any) -> bool:
        """Keep what was removed."""
        self.removed.append(blocking.blocking)
        return len(self.removed) == 1


def rollout(part: Part, lines: list[str], timeout: float = 9.0, **ports: Any) -> Rollout:
    platform = Platform("x", part, part, part, part, part, **ports)  # type: ignore[arg-type]
    record = Record(1, "1", resolved=Resolved(services={"web": {}}))
    job = Job("release", "shop", "run", 1, Limits())
    return Rollout(platform, job, record, None, lines.append, timeout)  # type: ignore[arg-type]


BROKEN = task("web-1", PREPARING, current=False, sent=False, blocking="71")
BLOCKED = ServiceState("web", 2, (task("web-0"), BROKEN), checked=True)
WELL = ServiceState("web", 2, (task("web-0"), task("web-1")), checked=True)


def test_a_task_that_blocks_its_replacement_is_removed():
    part, lines = Part([BLOCKED, BLOCKED, WELL]), []
    assert rollout(part, lines, unblocker=part).run() == []
    # What had changed or was gone already is not reported.
    assert part.removed == ["71", "71"] and sum("removed web-1" in line for line in lines) == 1


def test_a_platform_that_replaces_all_tasks_itself():
    part = Part([BLOCKED, WELL])
    assert rollout(part, []).run() == [] and part.removed == []


def timed_out(*tasks: Task, **keys: Any) -> tuple[str, str]:
    (failure,) = rollout(Part([ServiceState("web", 1, tasks, **keys)]), [], timeout=0.05).run()
    return failure.facts["kind"], failure.facts["cause"]


def test_what_was_waited_for_in_vain():
    cause = Cause("timeout", "has not completed")
    waiting = task("a", STARTING, cause=cause)
    assert timed_out(waiting, checked=True)[0] == "never_healthy"
    kind, text = timed_out(waiting, checked=True, passive=True)
    assert kind == "timeout" and "has not completed" in text
    old = replace(BROKEN, cause=Cause("image_missing", "the registry has no image"))
    assert "has not completed" in timed_out(old, replace(waiting, state=PREPARING))[1]


def test_a_service_that_runs_nowhere_is_warned_of():
    nowhere = ServiceState("web", 0, everywhere=True, may_be_empty=True)
    found = rollout(Part([nowhere]), [])
    assert found.run() == [] and "no node matches" in found.warnings[0]
