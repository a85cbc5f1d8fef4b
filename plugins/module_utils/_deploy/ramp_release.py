# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out the steps of a canary or a blue-green release.

The lease of the app is held while something changes and at each look, and not in between: so a
release that aborts a canary need not wait for it. Each state is written before its work begins.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from .._compose import variants
from .._core.errors import LeaseLost, PlanError, ShippingError
from .._core.failure import Failure, failures_text
from .._inference.verdicts import NO_DATA, ROLL_BACK, UNDECIDED
from .._routing.buckets import BUCKETS, STABLE
from .._routing.route_table import route_id
from . import fencing, ramp_stage, traffic
from .diagnosis import service_failure
from .execute import (
    Execution,
    execute,
    facts_of,
    failures_of,
    jobs_of,
    new_rollout,
    prune,
    reason_of,
)
from .health import FAILED, LIVE, PENDING, ROLLED_BACK_RELEASE
from .health_watch import HealthWatch
from .history import Record, ended
from .job import Job
from .lease_wait import lease_timeout
from .leased import Claim, take
from .measurements import Compared, new_measurements
from .platform_definition import Options
from .ports import Fence, Platform
from .prepare import now
from .progress import STANDING, ramp_of, stand, title
from .ramp_checks import RampLook, look, progress_line
from .ramp_options import checks_of
from .ramp_stage import BASELINE, CANARY, RampStage
from .resolution import Resolved
from .route_checks import app_routes, tables_of
from .router_control import place_of
from .run_answer import RunOutcome
from .strategy import ramp as ramps
from .strategy.ramp import Ramp, advance

_LOOK_EVERY = 10.0
_SHORTEST_PAUSE = 1.0
_READY_TIMEOUT = 60.0
Hide = Callable[[str], str]
Report = Callable[[str], None]


def execute_job(
    platform: Platform, job: Job, report: Report, hide: Hide, options: Options
) -> RunOutcome:
    """Execute a job of any strategy under its lease."""
    if job.is_ramp:
        return RampRun(platform, job, report, hide, options).run()

    def abort(fence: Fence) -> None:
        if job.aborts:
            ending = replace(job, number=job.aborts, ramp_event=ramps.ABORT)
            RampRun(platform, ending, report, hide, options).turn(fence)

    return execute(platform, job, report, hide, abort)


@dataclass
class RampRun:
    """One run that works on a ramp. ``failures`` are why it rolls back, as far as it has seen."""

    platform: Platform
    job: Job
    report: Report
    hide: Hide
    options: Options
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    watch: HealthWatch | None = None
    last_line: str = ""
    last_look: RampLook | None = None
    last_measured: Mapping[str, Any] = field(default_factory=dict)
    has_spoken: bool = False

    def run(self) -> RunOutcome:
        """Work on the ramp until it ends, or until it waits for more than this run does."""
        started = time.monotonic()
        is_first = True
        while True:
            with self._lease(is_first=is_first) as fence:
                record = self.turn(fence)
            outcome = self._outcome(record)
            if outcome:
                return replace(outcome, seconds=time.monotonic() - started)
            is_first = False
            time.sleep(self._pause(ramp_of(record)))

    def turn(self, fence: Fence) -> Record:
        """Do what is due now; return the record as it is afterwards."""
        record = self._record()
        while record.state == PENDING:
            state = ramp_of(record)
            event, reason = self._next(record, state, fence)
            after = advance(state, event, time.time(), reason)
            record = self._written(record, after, fence)
            if state.is_waiting and after.phase == state.phase:
                break
        return record

    @contextlib.contextmanager
    def _lease(self, *, is_first: bool) -> Iterator[Fence]:
        leases, job = self.platform.leases, self.job
        token, ttl = job.token, job.limits.lease_ttl
        is_from_dead = False
        if not is_first:
            claim = Claim(job.run, "looking at a canary", ttl, lease_timeout(self.options))
            taken = take(leases, job.app, claim, job.app, self.report)
            token, is_from_dead = taken.lease.token, taken.from_dead
        with contextlib.ExitStack() as stack:
            fence = stack.enter_context(fencing.keep_lease(leases, job.app, job.run, token, ttl))
            if is_from_dead:
                self.platform.driver.stamp(job.app, fence)
            yield fence

    def _record(self) -> Record:
        records = {record.number: record for record in self._records()}
        if self.job.number not in records:
            raise PlanError(
                f"release {self.job.number} of {self.job.app} cannot continue",
                "its record was removed by another run",
                "Deploy the version again",
            )
        return records[self.job.number]

    def _records(self) -> tuple[Record, ...]:
        return self.platform.records.read_records(self.job.app)

    def _former(self, record: Record) -> Record:
        """Return the release that the ramp began from."""
        number = record.ramp["before"]
        found = [old for old in self._records() if old.number == number]
        if not found:
            raise PlanError(
                f"the {stand(record)} cannot be rolled back",
                f"the record of release {number} was removed",
                "Deploy a version again",
            )
        return found[0]

    def _next(self, record: Record, state: Ramp, fence: Fence) -> tuple[str, str]:
        """Return the next event: an operator's word, the end of the phase's work, or a look."""
        word = self.job.ramp_event
        if word in (ramps.ABORT, ramps.CONFIRM) and not self.has_spoken:
            self.has_spoken = True
            by = self.job.run.rpartition(" ")[0]
            return word, f"{by} ended it" if word == ramps.ABORT else ""
        if state.is_waiting:
            return self._look(record, state)
        work = {
            ramps.DEPLOYING: self._deploy,
            ramps.SHIFTING: self._shift,
            ramps.PROMOTING: self._promote,
            ramps.ROLLING_BACK: self._roll_back,
        }[state.phase]
        try:
            failures = work(record, state, fence)
        except LeaseLost:
            raise
        except ShippingError as error:
            # Before the traffic is back, the variant must stay, so that the next run tries again.
            if state.phase == ramps.ROLLING_BACK:
                raise
            failures = [service_failure("", "rejected", error.failure.statement(), error.hint)]
        if not failures:
            return ramps.DONE, ""
        self.failures.extend(failures)
        return ramps.FAILED, reason_of(failures)

    def _written(self, record: Record, state: Ramp, fence: Fence) -> Record:
        fence.check()
        ramp = {**record.ramp, "state": state.as_data()}
        if self.last_look:
            ramp["look"] = self.last_look.as_data()
        record = replace(record, ramp=ramp)
        if state.is_over:
            outcomes = {ramps.PROMOTED: LIVE, ramps.ROLLED_BACK: ROLLED_BACK_RELEASE}
            outcome = outcomes.get(state.phase, FAILED)
            reason = "" if outcome == LIVE else self.hide(state.reason)
            record = replace(ended(record, outcome, reason, now(), record.jobs), measured={})
        elif self.last_measured:
            record = replace(record, measured=self.last_measured)
        record = self.platform.records.write_record(self.job.app, record)
        if record.state == LIVE:
            execution = Execution(self.platform, self.job, fence, self.report)
            prune(execution.platform, execution.job, fence)
        return record

    def _deploy(self, record: Record, _state: Ramp, fence: Fence) -> list[Failure]:
        """Deploy the new version beside the former one."""
        before = self._former(record)
        return self._roll_out(record, self._beside(record, before, before.resolved), fence)

    def _shift(self, record: Record, state: Ramp, _fence: Fence) -> list[Failure]:
        """Give the new version its share, once the router has its replicas."""
        stage = _stage(record)
        routes = app_routes(self.job.app, self._former(record).resolved)
        names = [route_id(route) for route in routes if route.service == stage.service]
        backends = [f"{name}.{slot}" for name, slot in product(names, stage.slots.values())]
        traffic.wait_for_servers(self.platform, self.options, backends, _READY_TIMEOUT)
        self._share(record, self._former(record), state.step.weight)
        self.report(f"{self._heading(record, state)}  shared")
        return []

    def _promote(self, record: Record, _state: Ramp, fence: Fence) -> list[Failure]:
        """Replace the former version while the variant serves on; then remove the variant."""
        before = self._former(record)
        failures = self._roll_out(record, self._beside(record, before, record.resolved), fence)
        if failures:
            return failures
        self._share(record, before, 0)
        return self._roll_out(record, record.resolved, fence)

    def _roll_back(self, record: Record, state: Ramp, fence: Fence) -> list[Failure]:
        """Give all traffic to the former version, then remove the new one."""
        before = self._former(record)
        self.report(
            f"{self._heading(record, state)}  rolling back to {before.version}"
            f" (release {before.number}): {state.reason}"
        )
        self._share(record, before, 0)
        return self._roll_out(before, before.resolved, fence, going_back=True)

    def _beside(self, record: Record, before: Record, base: Resolved) -> Resolved:
        naming = self.platform.reader.naming(self.job.app)
        stage = _stage(record)
        return ramp_stage.beside(base, stage, record.resolved, before.resolved, naming)

    def _roll_out(
        self, record: Record, resolved: Resolved, fence: Fence, *, going_back: bool = False
    ) -> list[Failure]:
        execution = Execution(self.platform, self.job, fence, self.report)
        limits = self.job.limits
        timeout = limits.rollback_timeout if going_back else limits.rollout_timeout
        rollout = replace(
            new_rollout(execution, replace(record, resolved=resolved), None, timeout),
            going_back=going_back,
        )
        failures = failures_of(rollout)
        self.warnings.extend(rollout.warnings)
        # No job runs twice: the record has those that have run.
        if rollout.completed and not going_back:
            jobs = jobs_of(rollout, self._records())
            kept = replace(self._record(), jobs=jobs)
            self.platform.records.write_record(self.job.app, kept)
        return failures

    def _share(self, record: Record, before: Record, percent: float) -> None:
        stage = _stage(record)
        place = place_of(self.platform)
        slots = {
            **variants.slots_of(before.resolved.services[stage.service]),
            **variants.slots_of(record.resolved.services[stage.service]),
        }
        headers = variants.headers_of(before.resolved.services[stage.service])
        service = traffic.ServiceVariants(
            self.job.app, stage.service, {**slots, **stage.slots}, {}, headers
        )
        table = tables_of(place.read_traffic()).get(service.key) or service.first_table()
        others = {name: table.weights().get(name, 0) for name in slots}
        weights = _weights(others, stage, round(percent * traffic.PERCENT))
        traffic.share_service(self.platform, self.options, service, weights)

    def _look(self, record: Record, state: Ramp) -> tuple[str, str]:
        """Look at the health of the new version, then at its checks."""
        before = self._former(record)
        failures = self._unhealthy(record, before, state)
        if failures:
            self.failures.extend(failures)
            return ramps.FAILED, reason_of(failures)
        if state.phase == ramps.WARM:
            return UNDECIDED, ""
        found = self._measured(record, before, state)
        service = record.ramp["stage"]["service"]
        line = progress_line(service, CANARY, state.step.weight, found)
        if line != self.last_line:
            self.last_line = line
            self.report(line)
        if found.answer == ROLL_BACK:
            self.failures.append(service_failure(service, "canary", found.reason))
        return found.answer, found.reason

    def _unhealthy(self, record: Record, before: Record, state: Ramp) -> list[Failure]:
        stage = _stage(record)
        if self.watch is None:
            resolved = self._beside(record, before, before.resolved)
            self.watch = HealthWatch(
                self.platform,
                self.job.app,
                resolved,
                self.job.limits.max_crashes,
                float("inf"),
                self._heading(record, state),
                self.report,
                quiet=frozenset(stage.names),
            )
        self.watch.look(stage.names)
        lost = [name for name in stage.names if name not in self.watch.states]
        text = "was removed by another program"
        removed = [service_failure(name, "rejected", text) for name in lost]
        return [*self.watch.failures(), *removed]

    def _measured(self, record: Record, before: Record, state: Ramp) -> RampLook:
        stage = _stage(record)
        service = stage.service
        routes = app_routes(self.job.app, before.resolved)
        unit = next(route.unit.type for route in routes if route.service == service)
        control = {"control": BASELINE} if BASELINE in stage.slots else {}
        compared = Compared(self.job.app, service, CANARY, unit, state.began, **control)
        checks = checks_of(record.ramp["checks"])
        source = new_measurements(compared, checks, record.measured)
        source.refresh(place_of(self.platform))
        self.last_measured = source.state()
        if source.problem:
            self.last_look = RampLook(NO_DATA, source.problem, f"no data: {source.problem}")
        else:
            self.last_look = look(checks, source, elapsed=time.time() - state.began)
        return self.last_look

    def _heading(self, record: Record, state: Ramp) -> str:
        return f"{record.ramp['stage']['service']} {CANARY} {state.step.weight:g} %"

    def _pause(self, state: Ramp) -> float:
        hold = state.due() - time.time()
        every = min(_LOOK_EVERY, max(_SHORTEST_PAUSE, hold / 4))
        return max(_SHORTEST_PAUSE, min(every, hold) if hold > 0 else every)

    def _outcome(self, record: Record) -> RunOutcome | None:
        """Return the outcome; None while this run continues."""
        state = ramp_of(record)
        warnings = tuple(dict.fromkeys(self.warnings))
        if record.state == LIVE:
            text = state.reason
            return RunOutcome(LIVE, reason=text, warnings=warnings, release=record.summary())
        if record.state != PENDING:
            return self._rolled_back(record, state, warnings)
        if self.job.ramp_event or state.waits_for_operator or state.phase == ramps.WARM:
            note = f"the {stand(record)} continues only when shipping.code.progress runs"
            return RunOutcome(
                STANDING, reason=stand(record), warnings=(*warnings, note), release=record.summary()
            )
        return None

    def _rolled_back(self, record: Record, state: Ramp, warnings: tuple[str, ...]) -> RunOutcome:
        number = record.ramp["before"]
        before = next((old for old in self._records() if old.number == number), None)
        version = before.version if before else ""
        is_back = record.state == ROLLED_BACK_RELEASE
        target = f"{version} (release {number})"
        if is_back and self.job.ramp_event == ramps.ABORT and before:
            return RunOutcome(LIVE, warnings=warnings, release=before.summary())
        event = (
            f"failed as a {title(state)} and was rolled back to {target}, which is healthy"
            if is_back
            else f"failed as a {title(state)}, and so did the rollback to {target}"
        )
        failures = self.failures or [
            service_failure(record.ramp["stage"]["service"], "canary", state.reason)
        ]
        healthy = {"number": number, "version": version, "healthy": is_back, "failures": []}
        return RunOutcome(
            record.state,
            event=event,
            text=self.hide(failures_text(failures)),
            reason=self.hide(state.reason),
            failures=facts_of(failures),
            rollback=healthy,
            warnings=warnings,
            release=record.summary(),
        )


def _stage(record: Record) -> RampStage:
    return RampStage.from_data(record.ramp["stage"])


def _weights(others: Mapping[str, int], stage: RampStage, wanted: int) -> dict[str, int]:
    """Return the weights in buckets; variants that the app declares keep theirs."""
    rest = BUCKETS - sum(others.values())
    share = min(wanted, rest)
    of_stage = dict.fromkeys(stage.slots, 0)
    of_stage[CANARY] = share
    if BASELINE in of_stage:
        of_stage[BASELINE] = min(share, rest - share)
    stable = rest - sum(of_stage.values())
    return {**others, **of_stage, STABLE: stable}
