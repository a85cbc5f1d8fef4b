# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing an app from what runs to what a record says."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ..._core.errors import LeaseLost, ShippingError, Unreachable
from ..._core.parallel import side_by_side
from ..health import remember
from ..health_watch import LOOK_EVERY, Tell, Watch
from ..history import Record
from ..plan import KEEP, RECREATE, REMOVE, Plan
from ..ports import Fence, Observation, Platform
from ..request import Job
from ..state import Failure

Result = TypeVar("Result")


@dataclass
class Rollout:
    """One way from what runs to ``record``. ``begun`` says whether anything has been changed."""

    platform: Platform
    job: Job
    record: Record
    fence: Fence
    tell: Tell
    timeout: float
    former: str = ""
    begun: bool = False
    warnings: list[str] = field(default_factory=list)

    def run(self) -> list[Failure]:
        """Do it; what failed, or nothing where all services are live."""
        app, resolved = self.job.app, self.record.resolved
        deadline = time.monotonic() + self.timeout
        seen = patiently(lambda: self.platform.observe(app), deadline)
        plan = self.platform.plan(app, resolved, seen, self.job.wishes)
        watch = Watch(
            self.platform,
            app,
            resolved,
            self.job.limits.max_crashes,
            deadline,
            f"{self.former} → {self.record.version}" if self.former else f"→ {self.record.version}",
            self.tell,
            memories={name: remember(state) for name, state in seen.states.items()},
            quiet=frozenset(named(plan, KEEP)),
        )
        self.begun = plan.changed
        self._make_room(plan, deadline)
        failures = self._bring(watch, plan, seen)
        self.warnings = watch.warnings()
        if not failures:
            self._clear(plan, deadline)
        return failures

    def _make_room(self, plan: Plan, deadline: float) -> None:
        """What must go before the rest can come; then the networks."""
        going = [*named(plan, REMOVE, early=True), *named(plan, RECREATE)]
        if going:
            self.platform.remove_services(self.job.app, going, self.fence, deadline)
        renewed = set(plan.create["networks"]) & set(plan.remove["networks"])
        if renewed:
            self.platform.remove_networks(self.job.app, sorted(renewed), self.fence, deadline)
        if plan.create["networks"]:
            self.platform.make_networks(self.job.app, self.record.resolved, self.fence)

    def _clear(self, plan: Plan, deadline: float) -> None:
        """What is not needed any more goes last, when everything else lives."""
        leaving = named(plan, REMOVE, early=False)
        if leaving:
            self.platform.remove_services(self.job.app, leaving, self.fence, deadline)
            self.tell(f"{', '.join(leaving)} removed")
        networks = set(plan.remove["networks"]) - set(plan.create["networks"])
        if networks:
            self.platform.remove_networks(self.job.app, sorted(networks), self.fence, deadline)

    def _bring(self, watch: Watch, plan: Plan, seen: Observation) -> list[Failure]:
        """Write each service when what it depends on is there, and watch all that are written."""
        services = self.record.resolved.services
        applied: set[str] = set()
        while not watch.over:
            ready = [
                name
                for name in services
                if name not in applied and _met(services[name].get("depends_on", {}), watch)
            ]
            try:
                self._apply([name for name in ready if name not in watch.quiet], seen)
                applied.update(ready)
                watch.look(applied)
            except Unreachable as error:
                self.tell(f"the platform does not answer ({error.why}), trying again")
                time.sleep(LOOK_EVERY)
                continue
            except Refused as error:
                return [error.failure]
            failures = watch.doomed()
            if failures or all(watch.live(name) for name in services):
                return failures
            self.platform.pause(LOOK_EVERY)
        return watch.late(applied) + [
            _not_begun(name, services, watch) for name in services if name not in applied
        ]

    def _apply(self, names: list[str], seen: Observation) -> None:
        def apply(name: str) -> None:
            try:
                self.platform.apply(self.job.app, name, self.record, seen, self.fence)
            except (Unreachable, LeaseLost):
                raise
            except ShippingError as error:
                raise Refused(
                    Failure(name, "refused", error.why or error.what, error.remedy)
                ) from error

        side_by_side(apply, names)


class Refused(ShippingError):
    """The platform does not take a service as it is described."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(str(failure))


def named(plan: Plan, action: str, early: bool | None = None) -> list[str]:
    """The services that a plan does something with."""
    return [
        service.name
        for service in plan.services
        if service.action == action and early in (None, service.early)
    ]


def patiently(work: Callable[[], Result], deadline: float) -> Result:
    """Do something that needs the platform, also where it is away for a while."""
    while True:
        try:
            return work()
        except Unreachable:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_EVERY)


def _met(conditions: Mapping[str, str], watch: Watch) -> bool:
    return all(
        watch.live(name) or (condition == "service_started" and watch.started(name))
        for name, condition in conditions.items()
    )


def _not_begun(
    name: str, services: Mapping[str, Mapping[str, Mapping[str, str]]], watch: Watch
) -> Failure:
    waits = ", ".join(
        needed for needed in services[name].get("depends_on", {}) if not watch.live(needed)
    )
    return Failure(name, "timeout", f"was not begun, since {waits} did not become live in time")
