# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The long part of a run: the rollout, its verdict, and the way back where it failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .._core.errors import LeaseLost, PlatformError, ShippingError
from . import fencing
from .health import FAILED, LIVE, ROLLED_BACK_VERDICT, remember
from .health_watch import Tell, Watch
from .history import Record, ended, expendable, newest
from .ports import Fence, Platform
from .prepare import now
from .request import ABSENT, SCALE, Job
from .resolution import Resolved
from .state import Failure
from .strategy.rolling import Rollout, patiently

Hide = Callable[[str], str]


@dataclass(frozen=True)
class Ended:
    """What a run came to."""

    verdict: str
    reason: str = ""
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()
    release: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def as_data(self) -> dict[str, Any]:
        """Plain data, for the journal and the module's result."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "failures": [vars(failure) | {"logs": list(failure.logs)} for failure in self.failures],
            "warnings": list(self.warnings),
            "release": self.release,
            "seconds": round(self.seconds, 1),
        }


def work(platform: Platform, job: Job, tell: Tell, hide: Hide) -> Ended:
    """Carry out a job under its lease; ``hide`` takes secrets out of what goes into the record."""
    begun = time.monotonic()
    with fencing.held(platform, job.app, job.run, job.token, job.limits.lease_ttl) as fence:
        if job.kind == SCALE:
            result = _scale(platform, job, fence, tell)
        elif job.kind == ABSENT:
            result = _absent(platform, job, fence, tell)
        else:
            result = _release(platform, job, fence, tell, hide)
    return replace(result, seconds=time.monotonic() - begun)


def _release(platform: Platform, job: Job, fence: Fence, tell: Tell, hide: Hide) -> Ended:
    begun = time.monotonic()
    seen = patiently(lambda: platform.observe(job.app), begun + job.limits.rollout_timeout)
    record = next(record for record in seen.records if record.number == job.number)
    before = next((old for old in seen.records if old.number == job.before), None)
    rollout = Rollout(
        platform,
        job,
        record,
        fence,
        tell,
        job.limits.rollout_timeout,
        former=before.version if before else "",
    )
    try:
        failures = rollout.run()
    except LeaseLost:
        raise
    except ShippingError as error:
        failures = [Failure("", "refused", str(error))]
    if not failures:
        return _live(platform, job, record, rollout, fence)
    for failure in failures:
        tell(str(failure))
    verdict, end = _back(platform, job, record, before, rollout, fence, tell)
    reason = hide(f"{end}. {'; '.join(map(str, failures))}")
    done = ended(record, verdict, reason, now())
    if record.state != LIVE:
        platform.write_record(job.app, done)
    return Ended(verdict, reason, tuple(failures), tuple(rollout.warnings), done.summary())


def _live(platform: Platform, job: Job, record: Record, rollout: Rollout, fence: Fence) -> Ended:
    fence.check()
    done = ended(record, LIVE, "", now()) if record.state != LIVE else record
    if done is not record:
        platform.write_record(job.app, done)
    _prune(platform, job, fence)
    return Ended(LIVE, warnings=tuple(rollout.warnings), release=done.summary())


def _prune(platform: Platform, job: Job, fence: Fence) -> None:
    """Let go of what the history no longer needs."""
    records = platform.observe(job.app).records
    going = expendable(records, job.limits.keep)
    for record in going:
        fence.check()
        platform.remove_record(record)
    numbers = {record.number for record in going}
    platform.sweep(
        job.app, [record.resolved for record in records if record.number not in numbers], fence
    )


def _back(
    platform: Platform,
    job: Job,
    record: Record,
    before: Record | None,
    rollout: Rollout,
    fence: Fence,
    tell: Tell,
) -> tuple[str, str]:
    """All services together to the last good release; where there is none, what was made goes.

    The verdict, and what runs now.
    """
    if not rollout.begun:
        return FAILED, "nothing was changed"
    if before is None:
        return FAILED, _removed(platform, job, record, fence, tell)
    return _restored(platform, job, record, before, fence, tell)


def _restored(
    platform: Platform, job: Job, record: Record, before: Record, fence: Fence, tell: Tell
) -> tuple[str, str]:
    tell(f"going back to {before.version} (release {before.number})")
    back = Rollout(
        platform, job, before, fence, tell, job.limits.rollback_timeout, former=record.version
    )
    try:
        left = back.run()
    except LeaseLost:
        raise
    except ShippingError as error:
        left = [Failure("", "refused", str(error))]
    if not left:
        return (
            ROLLED_BACK_VERDICT,
            f"{before.version} (release {before.number}) serves: rolled back and healthy",
        )
    return (
        FAILED,
        (
            f"rolled back to {before.version} (release {before.number}), but"
            f" {'; '.join(map(str, left))}"
        ),
    )


def _removed(platform: Platform, job: Job, record: Record, fence: Fence, tell: Tell) -> str:
    """The first release failed.

    There is nothing to go back to, so nothing of it stays, and what was taken over is as it was.
    """
    deadline = time.monotonic() + job.limits.rollback_timeout
    names = list(record.resolved.services)
    networks = [
        name for name, entry in record.resolved.networks.items() if not entry.get("external")
    ]
    try:
        kept = platform.remove_services(job.app, names, fence, deadline)
        platform.remove_networks(job.app, networks, fence, deadline)
    except PlatformError as error:
        return f"no release was live before, so it was to be removed, but {error}"
    if kept:
        tell(f"{', '.join(kept)} put back as it was")
        return (
            f"no release was live before, so {', '.join(kept)} was put back as it was before it was"
            " taken over, and nothing else stays"
        )
    tell("removed, since no release was live before")
    return "no release was live before, so its services were removed"


def _scale(platform: Platform, job: Job, fence: Fence, tell: Tell) -> Ended:
    """Set the numbers, and set them back where the tasks do not become healthy."""
    seen = platform.observe(job.app)
    live = newest(seen.records, LIVE)
    before = {name: seen.states[name].wanted for name in job.replicas}
    watch = Watch(
        platform,
        job.app,
        live.resolved if live else Resolved(),
        job.limits.max_crashes,
        time.monotonic() + job.limits.rollout_timeout,
        "scaled ",
        tell,
        memories={name: remember(seen.states[name]) for name in job.replicas},
    )
    for name, number in job.replicas.items():
        platform.set_replicas(job.app, name, number, fence)
    failures = watch.until_live(job.replicas)
    if not failures:
        return Ended(LIVE, warnings=tuple(watch.warnings()))
    for name, number in before.items():
        platform.set_replicas(job.app, name, number, fence)
    numbers = ", ".join(f"{name} to {number}" for name, number in before.items())
    return Ended(
        FAILED, f"scaled back, {numbers}. {'; '.join(map(str, failures))}", tuple(failures)
    )


def _absent(platform: Platform, job: Job, fence: Fence, tell: Tell) -> Ended:
    """Services first, then what they used, then the history."""
    deadline = time.monotonic() + job.limits.rollout_timeout
    seen = platform.observe(job.app)
    platform.remove_services(job.app, list(seen.states), fence, deadline)
    tell("services removed")
    platform.remove_networks(
        job.app, platform.belongings(job.app, seen)["networks"], fence, deadline
    )
    for record in seen.records:
        fence.check()
        platform.remove_record(record)
    platform.sweep(job.app, [], fence)
    tell("networks, secrets, configs and history removed")
    return Ended(LIVE)
