# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Execute a job, the long part of a run: the changes, their outcome, and the rollback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._core.errors import LeaseLost, PlatformError, ShippingError
from .._core.failure import Failure, failures_text
from . import fencing
from .diagnosis import service_failure
from .failed_variants import failed_variants, without
from .health import FAILED, LIVE, ROLLED_BACK_RELEASE, remember
from .health_watch import HealthWatch, Report
from .history import Record, ended, expendable, newest
from .intent import ABSENT, SCALE
from .job import Job
from .job_runs import with_completed
from .ports import Fence, Platform
from .prepare import now
from .resolution import Resolved
from .run_answer import RunOutcome
from .strategy.rolling import Rollout, retry_unreachable

Hide = Callable[[str], str]


@dataclass(frozen=True)
class Execution:
    """A job with its platform, the fence that its writes pass, and the receiver of progress."""

    platform: Platform
    job: Job
    fence: Fence
    report: Report


def execute(
    platform: Platform, job: Job, report: Report, hide: Hide, first: Callable[[Fence], None]
) -> RunOutcome:
    """Execute a job under its lease; ``hide`` removes secrets from what the record gets.

    ``first`` is called under the lease before anything else.
    """
    started = time.monotonic()
    limits = job.limits
    with fencing.keep_lease(
        platform.leases, job.app, job.run, job.token, limits.lease_ttl
    ) as fence:
        first(fence)
        execution = Execution(platform, job, fence, report)
        if job.kind == SCALE:
            outcome = _scale(execution)
        elif job.kind == ABSENT:
            outcome = _remove_app(execution)
        else:
            outcome = _release(execution, hide)
    return replace(outcome, seconds=time.monotonic() - started)


def _release(execution: Execution, hide: Hide) -> RunOutcome:
    """Deploy the job's release; if that fails, roll it back."""
    platform, job = execution.platform, execution.job
    deadline = time.monotonic() + job.limits.rollout_timeout
    # An engine may restart between the short part of the run and this one.
    seen = retry_unreachable(lambda: platform.reader.observe(job.app), deadline)
    records = {record.number: record for record in seen.records}
    record, before = records[job.number], records.get(job.before)
    rollout = replace(new_rollout(execution, record, before, job.limits.rollout_timeout), seen=seen)
    # Evidence is fetched here, before a rollback removes the tasks that failed.
    failures = failures_of(rollout)
    if not failures:
        return _live(execution, record, rollout, seen.records)
    end = _without_variants(execution, rollout, before, failures) or _after_failure(
        execution, rollout, before, failures
    )
    text = hide(failures_text(failures, end.failures))
    jobs = {**jobs_of(rollout, seen.records), **end.jobs}
    done = ended(record, end.outcome, text, now(), jobs)
    # A run that only watched the live release changes nothing in the history.
    if record.state != LIVE:
        platform.records.write_record(job.app, done)
    reason = reason_of(failures)
    return RunOutcome(
        end.outcome,
        event=hide(end.event),
        text=text,
        reason=reason,
        failures=facts_of(failures),
        rollback=end.as_data(),
        warnings=tuple(rollout.warnings),
        # The message of the run has the text already.
        release={**done.summary(), "reason": reason},
    )


def new_rollout(
    execution: Execution, record: Record, former: Record | None, timeout: float
) -> Rollout:
    return Rollout(
        execution.platform,
        execution.job,
        record,
        execution.fence,
        execution.report,
        timeout,
        former=former.version if former else "",
    )


def failures_of(rollout: Rollout) -> list[Failure]:
    """Run a rollout; an error of the platform is a failure like those of the services."""
    try:
        return rollout.run()
    # Another run writes the app now, so that this one must not roll back.
    except LeaseLost:
        raise
    except ShippingError as error:
        return [service_failure("", "rejected", error.failure.statement(), error.hint)]


def reason_of(failures: Iterable[Failure]) -> str:
    """Return the failures as short data: each service with the kind of its failure."""
    pairs = [(facts["service"], facts["kind"]) for facts in facts_of(failures)]
    return ", ".join(": ".join(filter(None, pair)) for pair in pairs)


def facts_of(failures: Iterable[Failure]) -> tuple[Mapping[str, Any], ...]:
    return tuple(failure.facts for failure in failures)


def jobs_of(rollout: Rollout, records: Sequence[Record]) -> dict[str, str]:
    """Return which jobs have run by now, also in a release that failed afterwards."""
    return with_completed(records, rollout.record.resolved.services, rollout.completed)


def _live(
    execution: Execution, record: Record, rollout: Rollout, records: Sequence[Record]
) -> RunOutcome:
    execution.fence.check()
    jobs = jobs_of(rollout, records)
    done = ended(record, LIVE, "", now(), jobs) if record.state != LIVE else record
    if done is not record:
        execution.platform.records.write_record(execution.job.app, done)
    prune(execution.platform, execution.job, execution.fence)
    return RunOutcome(LIVE, warnings=tuple(rollout.warnings), release=done.summary())


def prune(platform: Platform, job: Job, fence: Fence) -> None:
    """Remove what the history does not need."""
    records = platform.records.read_records(job.app)
    going = expendable(records, job.limits.keep)
    # Records before contents: a secret cannot be read back, so it stays as long as any record
    # refers to it.
    for record in going:
        # A Swarm's DELETE ignores the version of an object: only the lease protects it.
        fence.check()
        platform.records.remove_record(record)
    numbers = {record.number for record in going}
    platform.driver.sweep(
        job.app, [record.resolved for record in records if record.number not in numbers], fence
    )


@dataclass(frozen=True)
class _End:
    """The end of a failed release.

    ``event`` continues a sentence about the release. ``to`` is the release that was restored,
    ``failures`` is what failed after that, and ``jobs`` are those that the rollback has run.
    """

    outcome: str
    event: str
    to: Record | None = None
    failures: tuple[Failure, ...] = ()
    jobs: Mapping[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Return the rollback as the result of a module has it; empty if there was none."""
        if self.to is None:
            return {}
        return {
            "number": self.to.number,
            "version": self.to.version,
            "healthy": not self.failures,
            "failures": [dict(facts) for facts in facts_of(self.failures)],
        }


def _after_failure(
    execution: Execution, failed: Rollout, before: Record | None, failures: Iterable[Failure]
) -> _End:
    """Roll all services back together; if there is no earlier release, remove what was created."""
    if not failed.changed_anything:
        return _End(FAILED, "failed, and nothing was changed")
    names = ", ".join(dict.fromkeys(filter(None, (failure.object for failure in failures))))
    what = f"{names} failed" if names else "the release failed"
    if before is None:
        execution.report(f"{what}, removing the release")
        return _remove_first_release(execution, failed)
    execution.report(f"{what}, rolling back to {before.version} (release {before.number})")
    return _restore(execution, failed, before)


def _without_variants(
    execution: Execution, failed: Rollout, before: Record | None, failures: Sequence[Failure]
) -> _End | None:
    """Deploy the release without the variants that failed; None where that is no way out.

    The rest of the app serves on, as a release of its own.
    """
    record, platform = failed.record, execution.platform
    names = failed_variants(failures, record.resolved)
    if not names or not failed.changed_anything:
        return None
    resolved = without(record.resolved, before.resolved if before else None, names)
    # Nothing else is in the release, so that it is rolled back as any other.
    if before and resolved.hash == before.content:
        return None
    execution.report(f"{', '.join(names)} failed, continuing without it")
    rest = replace(
        record,
        number=record.number + 1,
        content=resolved.hash,
        resolved=resolved,
        started=now(),
        id="",
        index=0,
    )
    execution.fence.check()
    rest = platform.records.write_record(execution.job.app, rest)
    rollout = replace(
        new_rollout(execution, rest, record, execution.job.limits.rollback_timeout),
        originals=failed.originals,
    )
    later = failures_of(rollout)
    failed.warnings.extend(rollout.warnings)
    outcome, reason = (FAILED, reason_of(later)) if later else (LIVE, "")
    platform.records.write_record(
        execution.job.app, ended(rest, outcome, reason, now(), jobs_of(rollout, ()))
    )
    if later:
        return None
    event = f"failed in {', '.join(names)}, without which release {rest.number} is live"
    return _End(FAILED, event, jobs=jobs_of(rollout, ()))


def _restore(execution: Execution, failed: Rollout, before: Record) -> _End:
    # A time of its own: a rollout that timed out has none left.
    timeout = execution.job.limits.rollback_timeout
    # By the recorded spec: an engine's own rollback knows one former spec for each service, and
    # not which of them belong together.
    rollback = replace(
        new_rollout(execution, before, failed.record, timeout),
        originals=failed.originals,
        going_back=True,
    )
    failures = tuple(failures_of(rollback))
    jobs = jobs_of(rollback, ())
    # The run has one list of warnings.
    failed.warnings.extend(rollback.warnings)
    target = f"{before.version} (release {before.number})"
    if failures:
        return _End(FAILED, f"failed, and so did the rollback to {target}", before, failures, jobs)
    event = f"failed and was rolled back to {target}, which is healthy"
    return _End(ROLLED_BACK_RELEASE, event, before, jobs=jobs)


def _remove_first_release(execution: Execution, failed: Rollout) -> _End:
    """Remove a first release that failed: there is no release to roll back to.

    Adopted services are restored as they were.
    """
    platform, job, fence = execution.platform, execution.job, execution.fence
    deadline = time.monotonic() + job.limits.rollback_timeout
    record = failed.record
    names = list(record.resolved.services)
    networks = [
        name for name, entry in record.resolved.networks.items() if not entry.get("external")
    ]
    try:
        kept = platform.driver.remove_services(
            job.app, names, fence, deadline, originals=failed.originals, keeping=True
        )
        platform.driver.remove_networks(job.app, networks, fence, deadline)
    except PlatformError as error:
        return _End(FAILED, f"failed and could not be removed: {error.failure.statement()}")
    if kept:
        event = f"failed and was removed; {', '.join(kept)} was restored as before the adoption"
        return _End(FAILED, event)
    return _End(FAILED, "failed and was removed, because no earlier release was live")


def _scale(execution: Execution) -> RunOutcome:
    """Set the replica counts, and set them back if the replicas do not become healthy."""
    platform, job, fence = execution.platform, execution.job, execution.fence
    seen = platform.reader.observe(job.app)
    live = newest(seen.records, LIVE)
    # The counts as they are, not as the record declares: autoscalers and users may change them.
    before = {name: seen.states[name].wanted for name in job.replicas}
    watch = HealthWatch(
        platform,
        job.app,
        live.resolved if live else Resolved(),
        job.limits.max_crashes,
        time.monotonic() + job.limits.rollout_timeout,
        "scaled",
        execution.report,
        memories={name: remember(seen.states[name]) for name in job.replicas},
    )
    for name, number in job.replicas.items():
        watch.revisions[name] = platform.driver.set_replicas(job.app, name, number, fence)
    failures = watch.until_live(job.replicas)
    if not failures:
        return RunOutcome(LIVE, warnings=tuple(watch.warnings()))
    for name, number in before.items():
        platform.driver.set_replicas(job.app, name, number, fence)
    numbers = ", ".join(f"{name} to {number}" for name, number in before.items())
    return RunOutcome(
        FAILED,
        event=f"could not be scaled, and its replicas were set back ({numbers})",
        text=failures_text(failures),
        reason=reason_of(failures),
        failures=facts_of(failures),
    )


def _remove_app(execution: Execution) -> RunOutcome:
    """Remove the services first, then what they used, then the history."""
    platform, job, fence = execution.platform, execution.job, execution.fence
    deadline = time.monotonic() + job.limits.rollout_timeout
    seen = platform.reader.observe(job.app)
    # A network or a secret in use cannot be removed.
    platform.driver.remove_services(job.app, list(seen.states), fence, deadline, keeping=True)
    execution.report("services removed")
    platform.driver.remove_networks(
        job.app, platform.reader.belongings(job.app, seen)["networks"], fence, deadline
    )
    for record in seen.records:
        fence.check()
        platform.records.remove_record(record)
    platform.driver.sweep(job.app, [], fence)
    execution.report("networks, secrets, configs and history removed")
    return RunOutcome(LIVE)
