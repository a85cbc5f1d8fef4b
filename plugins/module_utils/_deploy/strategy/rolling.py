# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roll an app out to the spec of a record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ..._core.errors import LeaseLost, ShippingError, Unreachable
from ..._core.failure import Failure
from ..._core.parallel import side_by_side
from ..diagnosis import service_failure
from ..health import remember
from ..health_watch import LOOK_EVERY, HealthWatch, Report
from ..history import Record
from ..job import Job
from ..plan import KEEP, RECREATE, REMOVE, RUN, Plan
from ..ports import Contents, Fence, Observation, Platform

Result = TypeVar("Result")


@dataclass
class Rollout:
    """One rollout to ``record``; ``former`` is the version that runs before it.

    ``originals`` are the adopted services as they were before. ``going_back``: this is the rollback
    after another release failed. ``seen`` is a look from just before, if there is one.
    ``completed`` are the jobs that have run to their end.
    """

    platform: Platform
    job: Job
    record: Record
    fence: Fence
    report: Report
    timeout: float
    former: str = ""
    originals: tuple[Any, ...] = ()
    going_back: bool = False
    seen: Observation | None = None
    changed_anything: bool = False
    completed: frozenset[str] = frozenset()
    warnings: list[str] = field(default_factory=list)
    reported: set[str] = field(default_factory=set)

    def run(self) -> list[Failure]:
        """Return the failures; empty if all services are live."""
        app, resolved = self.job.app, self.record.resolved
        deadline = time.monotonic() + self.timeout
        seen = self._first_look(deadline)
        # Planned again, without contents: the run was prepared in another process, which made them.
        wishes = replace(
            self.job.wishes,
            going_back=self.going_back,
            rolls_back=self.going_back or bool(self.record.rollback_of),
        )
        plan = self.platform.preview.plan(app, resolved, seen, wishes, Contents())
        watch = HealthWatch(
            self.platform,
            app,
            resolved,
            self.job.limits.max_crashes,
            deadline,
            f"{self.former} → {self.record.version}" if self.former else f"→ {self.record.version}",
            self.report,
            memories={
                name: remember(state) for name, state in {**plan.unmanaged, **seen.states}.items()
            },
            # A Job that has run is kept; the Job of another release in its place is removed.
            quiet=frozenset([*named(plan, KEEP), *named(plan, REMOVE)]),
            done=frozenset(service.name for service in plan.services if service.done),
        )
        self.changed_anything = plan.changed
        self.originals = (*self.originals, *plan.originals)
        self._remove_early(plan, deadline)
        failures = self._converge(watch, plan, seen)
        have_run = (service.name for service in plan.services if service.done == RUN)
        self.completed = frozenset([*have_run, *watch.completed()])
        # The notes of a first plan were shown when the run was prepared.
        self.warnings = [*watch.warnings(), *(plan.notes if self.going_back else ())]
        if not failures:
            self._remove_leftovers(plan, deadline)
        return failures

    def _first_look(self, deadline: float) -> Observation:
        if self.seen:
            return self.seen
        return retry_unreachable(lambda: self.platform.reader.observe(self.job.app), deadline)

    def _remove_early(self, plan: Plan, deadline: float) -> None:
        """Remove what blocks the other services; then create the networks."""
        going = named(plan, REMOVE, early=True)
        if going:
            self._remove(going, deadline, self.originals)
        recreated = named(plan, RECREATE)
        # Not restored: what was adopted cannot change in place either.
        if recreated:
            self._remove(recreated, deadline, ())
        # Networks do not change in place.
        renewed = set(plan.create["networks"]) & set(plan.remove["networks"])
        if renewed:
            self.platform.driver.remove_networks(
                self.job.app, sorted(renewed), self.fence, deadline
            )
        if plan.create["networks"]:
            self.platform.driver.make_networks(self.job.app, self.record.resolved, self.fence)

    def _remove(self, names: list[str], deadline: float, originals: tuple[Any, ...]) -> None:
        self.platform.driver.remove_services(
            self.job.app, names, self.fence, deadline, originals=originals
        )

    def _remove_leftovers(self, plan: Plan, deadline: float) -> None:
        """Remove what the release does not have, after everything else is live."""
        # Last: if the rollout fails, the former release still has them.
        leaving = named(plan, REMOVE, early=False)
        if leaving:
            self._remove(leaving, deadline, self.originals)
            self.report(f"{', '.join(leaving)} removed")
        networks = set(plan.remove["networks"]) - set(plan.create["networks"])
        if networks:
            self.platform.driver.remove_networks(
                self.job.app, sorted(networks), self.fence, deadline
            )

    def _converge(self, watch: HealthWatch, plan: Plan, seen: Observation) -> list[Failure]:
        """Write each service once its dependencies are ready, and watch all that are written."""
        services = self.record.resolved.services
        applied: set[str] = set()
        unanswered: dict[str, str] = {}
        while not watch.expired:
            try:
                unanswered = self._apply_ready(watch, plan, seen, applied)
                failures = watch.failures()
                if failures or all(watch.live(name) for name in services):
                    return failures
                self._unblock(watch, applied)
            # An engine may restart during a rollout; the deadline alone ends the attempts.
            except Unreachable as error:
                self.report(f"the platform does not answer ({error.why}), retrying")
                time.sleep(LOOK_EVERY)
                continue
            except ServiceRejected as error:
                return [error.failure]
            watch.wait()
        return watch.timed_out(applied) + [
            _not_begun(name, services, watch, unanswered)
            for name in services
            if name not in applied
        ]

    def _apply_ready(
        self, watch: HealthWatch, plan: Plan, seen: Observation, applied: set[str]
    ) -> dict[str, str]:
        """Write the services whose dependencies are ready; observe all that are written.

        Return why the platform did not accept some of them yet; the next attempt retries them.
        """
        ready = self._ready(watch, plan, applied)
        unanswered = self._apply([name for name in ready if name not in watch.quiet], watch, seen)
        applied.update(name for name in ready if name not in unanswered)
        # If the whole platform does not answer, this fails, too.
        watch.look(applied)
        for name, why in unanswered.items():
            self.report_once(f"{name} is not accepted yet ({why}), retrying")
        return unanswered

    def _ready(self, watch: HealthWatch, plan: Plan, applied: set[str]) -> list[str]:
        """Return the services that are not written yet and whose dependencies are ready."""
        services = self.record.resolved.services
        after = {service.name: service.after for service in plan.services}
        return [
            name
            for name in services
            if name not in applied
            and applied.issuperset(after.get(name, ()))
            and _met(services[name].get("depends_on", {}), watch)
        ]

    def _unblock(self, watch: HealthWatch, applied: set[str]) -> None:
        """Remove failed replicas of earlier releases that block what was written."""
        unblocker = self.platform.unblocker
        if unblocker is None:
            return
        for name in sorted(applied & set(watch.states)):
            for task in watch.states[name].tasks:
                if task.blocking and unblocker.remove_blocking(self.job.app, task, self.fence):
                    self.report(
                        f"{name}  removed {task.name} of an earlier release, which failed and"
                        " blocks its replacement"
                    )

    def _apply(self, names: list[str], watch: HealthWatch, seen: Observation) -> dict[str, str]:
        unanswered: dict[str, str] = {}

        def apply(name: str) -> None:
            try:
                watch.revisions[name] = self.platform.driver.apply(
                    self.job.app, name, self.record, seen, self.fence
                )
            except Unreachable as error:
                unanswered[name] = error.why
            # It is not about this service.
            except LeaseLost:
                raise
            except ShippingError as error:
                text = error.why or error.what
                failure = service_failure(name, "rejected", f"was rejected ({text})", error.hint)
                raise ServiceRejected(failure) from error

        side_by_side(apply, names)
        return unanswered

    def report_once(self, text: str) -> None:
        """Report a line, unless it was reported already."""
        if text not in self.reported:
            self.reported.add(text)
            self.report(text)


class ServiceRejected(ShippingError):
    """The platform rejects a service as it is described."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.statement())
        self.failure = failure


def named(plan: Plan, action: str, early: bool | None = None) -> list[str]:
    """Return the services with an action in the plan: all, or only early or only late ones."""
    return [
        service.name
        for service in plan.services
        if service.action == action and early in (None, service.early)
    ]


def retry_unreachable(request: Callable[[], Result], deadline: float) -> Result:
    """Return the platform's answer; retry while it does not answer."""
    while True:
        try:
            return request()
        except Unreachable:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_EVERY)


def _met(conditions: Mapping[str, str], watch: HealthWatch) -> bool:
    return all(
        watch.live(name) or (condition == "service_started" and watch.started(name))
        for name, condition in conditions.items()
    )


def _not_begun(
    name: str,
    services: Mapping[str, Mapping[str, Mapping[str, str]]],
    watch: HealthWatch,
    unanswered: Mapping[str, str],
) -> Failure:
    if name in unanswered:
        text = f"was not accepted before the timeout ({unanswered[name]})"
        return service_failure(name, "timeout", text)
    waits = ", ".join(
        needed for needed in services[name].get("depends_on", {}) if not watch.live(needed)
    )
    text = f"was not started, because {waits} did not become live before the timeout"
    return service_failure(name, "timeout", text)
