# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first, short part of a run: look, plan, and, where there is something to do, hold the app and write the record.

Everything that needs secrets happens here, so that the long part needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .._core.errors import LeaseHeld
from . import fencing
from .health import FAILED, LIVE, PENDING
from .history import Record, ended, newest
from .lease import Lease, Seen, free_to_take, who
from .ports import Contents, Fence, Observation, Platform
from .request import RELEASE, Begun, Job, Request


@dataclass(frozen=True)
class Draft:
    """What a run would do.

    ``needed``: there is work, if only to watch. ``changed``: something would be different
    afterwards. ``record`` is the release to bring about; it has an id where it exists already.
    """

    kind: str = RELEASE
    needed: bool = False
    changed: bool = False
    what: str = ""
    record: Record | None = None
    contents: Contents = field(default_factory=Contents)
    replicas: dict[str, int] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


Planner = Callable[[Platform, Request, Observation], Draft]


def look(platform: Platform, request: Request, planner: Planner) -> Begun | None:
    """What a run comes to that writes nothing.

    It was only asked, has nothing to do, or has to wait; None for any other.
    """
    return _look(platform.observe(request.app), platform, request, planner)[0]


def _look(
    seen: Observation, platform: Platform, request: Request, planner: Planner
) -> tuple[Begun | None, str]:
    """As :func:`look`; for any other, what it would hold the app for."""
    free = free_to_take(seen.lease, request.seen, request.run)
    if not request.check and not free:
        return _wait_for(seen.lease, request), ""
    draft = planner(platform, request, seen)
    if request.check:
        note = (
            ""
            if free or seen.lease is None
            else f"{who(seen.lease)}, is at work on {request.app} now; the plan may change"
        )
        return (
            Begun(draft.changed, draft.result, warnings=(*draft.warnings, *filter(None, [note]))),
            "",
        )
    if not draft.needed and newest(seen.records, PENDING) is None:
        return Begun(False, draft.result, warnings=draft.warnings), ""
    return None, draft.what


def begin(platform: Platform, request: Request, planner: Planner) -> Begun:
    """Look and plan; take the app and write the record where something is to be done."""
    seen = platform.observe(request.app)
    looked, what = _look(seen, platform, request, planner)
    if looked:
        return looked
    fresh = Lease("", -1, holder=request.run, ttl=request.limits.lease_ttl, what=what)
    lease = fencing.take(platform, request.app, seen.lease, fresh)
    if lease is None:
        return _wait_for(platform.read_lease(request.app), request)
    fence = fencing.Hold(platform, request.app, request.run, lease.token, float("inf"))
    try:
        begun = _held(
            platform,
            request,
            planner,
            lease,
            fence,
            taken_over=bool(seen.lease and seen.lease.holder),
        )
    except BaseException:
        fencing.give_back(platform, request.app, request.run)
        raise
    if begun.job is None:
        fencing.give_back(platform, request.app, request.run)
    return begun


def _held(
    platform: Platform,
    request: Request,
    planner: Planner,
    lease: Lease,
    fence: Fence,
    taken_over: bool,
) -> Begun:
    """Plan again, now that nobody else writes; recover what a killed run left; write the record."""
    if taken_over:
        platform.stamp(request.app, fence)
    seen = platform.observe(request.app)
    draft = planner(platform, request, seen)
    recovered = _recover(platform, request, seen, draft, fence)
    warnings = (*draft.warnings, *recovered)
    if not draft.needed:
        return Begun(bool(recovered), draft.result, warnings=warnings)
    record = draft.record
    if record:
        fence.check()
        record = record if record.id else platform.write_record(request.app, record)
        platform.make_objects(request.app, record.resolved, draft.contents, fence)
    before = newest(
        old
        for old in seen.records
        if old.state == LIVE and (record is None or old.number != record.number)
    )
    job = Job(
        kind=draft.kind,
        app=request.app,
        run=request.run,
        token=lease.token,
        limits=request.limits,
        number=record.number if record else 0,
        before=before.number if before else 0,
        replicas=draft.replicas,
        recreate=tuple(sorted(request.wishes.recreate)),
        adopt=request.wishes.adopt,
    )
    return Begun(draft.changed, draft.result, job, warnings=warnings)


def _recover(
    platform: Platform, request: Request, seen: Observation, draft: Draft, fence: Fence
) -> tuple[str, ...]:
    """Close the records that killed runs left pending.

    But for the one that this run goes on with.
    """
    notes = []
    for record in seen.records:
        if record.state == PENDING and not (draft.record and draft.record.id == record.id):
            fence.check()
            platform.write_record(
                request.app,
                ended(record, FAILED, "its run was killed before it came to an end", now()),
            )
            notes.append(
                f"release {record.number} ({record.version}) was left unfinished by a killed run;"
                " it is marked as failed"
            )
    return tuple(notes)


def _wait_for(lease: Lease | None, request: Request) -> Begun:
    """Tell whom to wait for, and for how long that lease has not changed."""
    if lease is None:
        return Begun(waiting_for="another run")
    seconds = request.seen.seconds if request.seen.version == lease.version else 0.0
    return Begun(waiting_for=who(lease), seen=Seen(lease.version, seconds))


def held_too_long(app: str, whom: str, seconds: float) -> LeaseHeld:
    """The error of a run that waited for nothing."""
    return LeaseHeld(
        f"{app} is held by {whom}",
        f"it was not given back within {seconds:g} s",
        "Wait for that run, or raise lease_timeout",
    )


def now() -> str:
    """The time, as records have it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
