# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare a run, its short part: plan, and for changes take the lease and write the record.

Everything that needs secrets happens here, so that the long part needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from . import fencing
from .health import FAILED, LIVE, PENDING
from .history import Record, ended, newest
from .intent import RELEASE, Intent
from .job import Job
from .lease import Lease, LeaseAge, holder_text, may_acquire
from .ports import Contents, Fence, Observation, Platform
from .run_answer import RunAnswer


@dataclass(frozen=True)
class PlannedRun:
    """The plan of a run.

    ``needed``: the run has work, if only to watch. ``changed``: the run changes something.
    ``purpose`` is shown to runs that wait for the lease. ``record`` is the release to deploy; it
    has an id if it exists already. ``ramp_event`` is an operator's word about its ramp, and
    ``aborts`` is the release whose ramp ends before it.
    """

    kind: str = RELEASE
    needed: bool = False
    changed: bool = False
    purpose: str = ""
    record: Record | None = None
    contents: Contents = field(default_factory=Contents)
    replicas: dict[str, int] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    ramp_event: str = ""
    aborts: int = 0

    def answer(self, *, changed: bool, warnings: tuple[str, ...] = ()) -> RunAnswer:
        """Return the answer of a run that ends with its plan."""
        return RunAnswer({"changed": changed, **self.result}, (*self.warnings, *warnings))


Planner = Callable[[Platform, Intent, Observation], PlannedRun]


def preview(platform: Platform, intent: Intent, planner: Planner) -> RunAnswer | None:
    """Return the answer of a run that writes nothing; None for any other.

    It writes nothing in check mode, without work, and while it waits.
    """
    # Without check mode, a plan that changes something is made again by the run that executes it.
    wishes = replace(intent.wishes, brief=not intent.check)
    seen = platform.reader.observe(intent.app)
    return _preview(seen, platform, replace(intent, wishes=wishes), planner)[0]


def _preview(
    seen: Observation, platform: Platform, intent: Intent, planner: Planner
) -> tuple[RunAnswer | None, str]:
    """Return the same; and for a run that writes, the purpose of its lease."""
    free = may_acquire(seen.lease, intent.lease_age, intent.run)
    # Check mode writes nothing, so it need not wait for another run.
    if not intent.check and not free:
        return _waiting_for(seen.lease, intent), ""
    planned = planner(platform, intent, seen)
    if intent.check:
        warnings = () if free else _at_work(seen.lease, intent)
        return planned.answer(changed=planned.changed, warnings=(*seen.warnings, *warnings)), ""
    # The record of a killed run has to be closed, even if its release is what runs.
    if not planned.needed and newest(seen.records, PENDING) is None:
        return planned.answer(changed=False, warnings=seen.warnings), ""
    return None, planned.purpose


def _at_work(lease: Lease | None, intent: Intent) -> tuple[str, ...]:
    """Return the warning of check mode that another run works on the app."""
    holder = holder_text(lease) if lease else "another run"
    return (f"{holder} works on {intent.app} now, so the plan may change",)


def prepare(platform: Platform, intent: Intent, planner: Planner) -> RunAnswer:
    """Plan; if there is work, take the lease, write the record and answer with the job left."""
    seen = platform.reader.observe(intent.app)
    previewed, purpose = _preview(seen, platform, intent, planner)
    if previewed:
        return previewed
    fresh = Lease("", -1, holder=intent.run, ttl=intent.limits.lease_ttl, what=purpose)
    lease = fencing.acquire(platform.leases, intent.app, seen.lease, fresh)
    if lease is None:
        return _waiting_for(platform.leases.read_lease(intent.app), intent)
    # It is short enough to need no renewal; every write checks that the lease is still ours.
    fence = fencing.LeaseKeeper(platform.leases, intent.app, intent.run, lease.token, float("inf"))
    try:
        # The former holder may wake up in the middle of a write. The new token changes the version
        # of each service, so that its write is rejected as outdated.
        if seen.lease and seen.lease.holder:
            platform.driver.stamp(intent.app, fence)
        answer = _prepare_leased(platform, intent, planner, fence)
    except BaseException:
        fencing.release(platform.leases, intent.app, intent.run)
        raise
    if answer.job is None:
        fencing.release(platform.leases, intent.app, intent.run)
    return answer


def _prepare_leased(
    platform: Platform, intent: Intent, planner: Planner, fence: Fence
) -> RunAnswer:
    """Plan again, now that no other run writes; close killed runs; write the record."""
    seen = platform.reader.observe(intent.app)
    planned = planner(platform, intent, seen)
    recovered = _close_killed(platform, intent, seen, planned, fence)
    warnings = (*seen.warnings, *recovered)
    if not planned.needed:
        return planned.answer(changed=bool(recovered), warnings=warnings)
    record = planned.record
    if record:
        fence.check()
        # Before the first change: a record that is left pending is what the next run recovers from.
        record = record if record.id else platform.records.write_record(intent.app, record)
        # Here and not in the worker, which never has the contents: a killed worker leaves no
        # file with them.
        platform.driver.make_objects(intent.app, record.resolved, planned.contents, fence)
    job = Job(
        kind=planned.kind,
        app=intent.app,
        run=intent.run,
        token=fence.token,
        limits=intent.limits,
        number=record.number if record else 0,
        before=_number_before(seen, record),
        replicas=planned.replicas,
        recreate=tuple(sorted(intent.wishes.recreate)),
        adopt=intent.wishes.adopt,
        ramp_event=planned.ramp_event,
        aborts=planned.aborts,
        is_ramp=bool(record and record.ramp and record.state == PENDING),
    )
    answer = planned.answer(changed=planned.changed, warnings=warnings)
    return RunAnswer(answer.result, answer.warnings, job=job)


def _number_before(seen: Observation, record: Record | None) -> int:
    """Return the number of the live release to roll back to; 0 without one."""
    live = newest((old for old in seen.records if not _is(old, record)), LIVE)
    return live.number if live else 0


def _is(old: Record, record: Record | None) -> bool:
    return record is not None and old.number == record.number


def _close_killed(
    platform: Platform, intent: Intent, seen: Observation, planned: PlannedRun, fence: Fence
) -> tuple[str, ...]:
    """Close the records that killed runs left pending, except the one that this run resumes."""
    continued = planned.record.id if planned.record else None
    warnings = []
    for record in seen.records:
        is_ended = record.number == planned.aborts
        if record.state == PENDING and record.id != continued and not is_ended:
            fence.check()
            platform.records.write_record(
                intent.app,
                ended(record, FAILED, "the run was killed", now()),
            )
            warnings.append(
                f"release {record.number} ({record.version}) is marked as failed, because its run"
                " was killed"
            )
    return tuple(warnings)


def _waiting_for(lease: Lease | None, intent: Intent) -> RunAnswer:
    """Answer with the holder to wait for, and for how long its lease has not changed."""
    nothing = {"changed": False}
    if lease is None:
        return RunAnswer(nothing, waiting_for="another run")
    age = intent.lease_age
    seconds = age.seconds if age.version == lease.version else 0.0
    return RunAnswer(
        nothing, waiting_for=holder_text(lease), lease_age=LeaseAge(lease.version, seconds)
    )


def now() -> str:
    """Return the time, as records have it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
