# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a lease, and wait for another run that has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import fencing
from .lease import Lease, LeaseAge, holder_text, may_acquire
from .lease_wait import wait_for_lease
from .ports import LeaseStore
from .run_answer import RunAnswer


@dataclass(frozen=True)
class Claim:
    """The claim of a run to a lease: its name, its purpose and its limits in seconds."""

    run: str
    purpose: str
    ttl: float
    timeout: float


@dataclass(frozen=True)
class Taken:
    """A lease that was taken; ``from_dead`` if its former holder did not give it back."""

    lease: Lease
    from_dead: bool


def take(
    leases: LeaseStore, name: str, claim: Claim, what: str, report: Callable[[str], None]
) -> Taken:
    """Take a lease; raise LeaseHeld if another run has it for too long."""
    taken: list[Taken] = []

    def attempt(age: LeaseAge) -> RunAnswer:
        lease = leases.read_lease(name)
        if may_acquire(lease, age, claim.run):
            fresh = Lease("", -1, holder=claim.run, ttl=claim.ttl, what=claim.purpose)
            now = fencing.acquire(leases, name, lease, fresh)
            if now:
                is_other = bool(lease and lease.holder and lease.holder != claim.run)
                taken.append(Taken(now, is_other))
                return RunAnswer({})
            lease = leases.read_lease(name)
        version = lease.version if lease else -1
        seconds = age.seconds if age.version == version else 0.0
        by = holder_text(lease) if lease and lease.holder else "another run"
        return RunAnswer({}, waiting_for=by, lease_age=LeaseAge(version, seconds))

    wait_for_lease(attempt, what, claim.timeout, report)
    return taken[0]
