# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Execute a job, the long part of a run: the changes, their outcome, and the rollback."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .._core.errors import LeaseLost, PlatformError, ShippingError
from .._core.failure import Failure, clauses, reason
from . import fencing
from .diagnosis import service_failure
from .health import FAILED, LIVE, ROLLED_BACK_VERDICT, remember
from .health_watch import HealthWatch, Report
from .history import Record, ended, expendable, newest
from .intent import ABSENT, SCALE
from .job import Job
from .ports import Fence, Platform
from .prepare import now
from .resolution import Resolved
from .run_answer import RunOutcome
from .strategy.rolling import Rollout, retry_unreachable

Hide = Callable[[str], str]


@dataclass(frozen=True)
class _Execution:
    """A job at work: the platform, the fence that its writes pass, and where progress is shown."""

    platform: Platform
    job: Job
    fence: Fence
    report: Report


def execute(platform: Platform, job: Job, report: Report, hide: Hide) -> RunOutcome:
    """Carry out a job under its lease; ``hide`` takes secrets out of what the record gets."""
    started = time.monotonic()
    limits = job.limits
    with fencing.keep_lease(
        platform.leases, job.app, job.run, job.token, limits.lease_ttl
    ) as fence:
        execution = _Execution(platform, job, fence, report)
        if job.kind == SCALE:
            outcome = _scale(execution)
        elif job.kind == ABSENT:
            outcome = _remove_app(execution)
        else:
            outcome = _release(execution, hide)
    return replace(outcome, seconds=time.monotonic() - started)


def _release(execution: _Execution, hide: Hide) -> RunOutcome:
    """Bring the app to the job's release; where that fails, bring it back."""
    platform, job = execution.platform, execution.job
    deadline = time.monotonic() + job.limits.rollout_timeout
    # An engine may restart between the short part of the run and this one.
    seen = retry_unreachable(lambda: platform.reader.observe(job.app), deadline)
    records = {record.number: record for record in seen.records}
    record, before = records[job.number], records.get(job.before)
    rollout = _rollout(execution, record, before, job.limits.rollout_timeout)
    # Evidence is fetched here, before a rollback removes the tasks that failed.
    failures = _failures_of(rollout)
    if not failures:
        return _live(execution, record, rollout)
    for failure in failures:
        execution.report(failure.clause())
    verdict, state = _bring_back(execution, rollout, before)
    why = hide(reason(state, failures))
    done = ended(record, verdict, why, now())
    # A run that only watched the live release changes nothing in the history.
    if record.state != LIVE:
        platform.records.write_record(job.app, done)
    return _outcome(verdict, why, failures, tuple(rollout.warnings), done.summary())


def _rollout(
    execution: _Execution, record: Record, former: Record | None, timeout: float
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


def _failures_of(rollout: Rollout) -> list[Failure]:
    """Run a rollout; an error of the platform is a failure like those of the services."""
    try:
        return rollout.run()
    # Another run writes the app now, so that this one must not roll back.
    except LeaseLost:
        raise
    except ShippingError as error:
        return [service_failure("", "refused", str(error))]


def _outcome(
    verdict: str,
    why: str,
    failures: list[Failure],
    warnings: tuple[str, ...] = (),
    release: Mapping[str, object] | None = None,
) -> RunOutcome:
    facts = tuple(failure.facts for failure in failures)
    return RunOutcome(verdict, why, facts, warnings, release or {})


def _live(execution: _Execution, record: Record, rollout: Rollout) -> RunOutcome:
    execution.fence.check()
    done = ended(record, LIVE, "", now()) if record.state != LIVE else record
    if done is not record:
        execution.platform.records.write_record(execution.job.app, done)
    _prune(execution.platform, execution.job, execution.fence)
    return RunOutcome(LIVE, warnings=tuple(rollout.warnings), release=done.summary())


def _prune(platform: Platform, job: Job, fence: Fence) -> None:
    """Remove what the history no longer needs."""
    records = platform.reader.observe(job.app).records
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


def _bring_back(execution: _Execution, failed: Rollout, before: Record | None) -> tuple[str, str]:
    """Bring all services together to the last good release; without one, remove what was made.

    Return the verdict, and what runs now.
    """
    if not failed.changed_anything:
        return FAILED, "nothing was changed"
    if before is None:
        return FAILED, _remove_first_release(execution, failed)
    return _restore(execution, failed, before)


def _restore(execution: _Execution, failed: Rollout, before: Record) -> tuple[str, str]:
    execution.report(f"going back to {before.version} (release {before.number})")
    # A time of its own: a rollout that timed out has none left.
    timeout = execution.job.limits.rollback_timeout
    # By the recorded spec: an engine's own rollback knows one former spec for each service, and
    # not which of them belong together.
    back = replace(
        _rollout(execution, before, failed.record, timeout),
        originals=failed.originals,
        going_back=True,
    )
    failures = _failures_of(back)
    # The run has one list of warnings.
    failed.warnings.extend(back.warnings)
    if not failures:
        return (
            ROLLED_BACK_VERDICT,
            f"{before.version} (release {before.number}) serves: rolled back and healthy",
        )
    return (
        FAILED,
        f"rolled back to {before.version} (release {before.number}), but {clauses(failures)}",
    )


def _remove_first_release(execution: _Execution, failed: Rollout) -> str:
    """Remove a first release that failed, and return what runs now.

    There is no release to return to. What was taken over is put back as it was.
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
            job.app, names, fence, deadline, originals=failed.originals
        )
        platform.driver.remove_networks(job.app, networks, fence, deadline)
    except PlatformError as error:
        return f"no release was live before, so it was to be removed, but {error}"
    if kept:
        execution.report(f"{', '.join(kept)} put back as it was")
        return (
            f"no release was live before, so {', '.join(kept)} was put back as it was before it was"
            " taken over, and nothing else stays"
        )
    execution.report("removed, since no release was live before")
    return "no release was live before, so its services were removed"


def _scale(execution: _Execution) -> RunOutcome:
    """Set the numbers, and set them back where the tasks do not become healthy."""
    platform, job, fence = execution.platform, execution.job, execution.fence
    seen = platform.reader.observe(job.app)
    live = newest(seen.records, LIVE)
    # What serves now, not what the record declares: autoscalers and users may have changed it.
    before = {name: seen.states[name].wanted for name in job.replicas}
    watch = HealthWatch(
        platform,
        job.app,
        live.resolved if live else Resolved(),
        job.limits.max_crashes,
        time.monotonic() + job.limits.rollout_timeout,
        "scaled ",
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
    return _outcome(FAILED, reason(f"scaled back, {numbers}", failures), failures)


def _remove_app(execution: _Execution) -> RunOutcome:
    """Remove the services first, then what they used, then the history."""
    platform, job, fence = execution.platform, execution.job, execution.fence
    deadline = time.monotonic() + job.limits.rollout_timeout
    seen = platform.reader.observe(job.app)
    # A network or a secret in use cannot be removed.
    platform.driver.remove_services(job.app, list(seen.states), fence, deadline)
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
