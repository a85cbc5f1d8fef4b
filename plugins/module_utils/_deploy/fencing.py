# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the lease of an app, keep it alive, and check it before every write."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from .._core.errors import LeaseLost, Outdated, PlatformError
from .lease import Lease, holder_text, is_held_by
from .ports import LeaseStore

# How often a lease is renewed within its time to live: three renewals in a row may fail.
_RENEWALS_PER_TTL = 4


def acquire(leases: LeaseStore, app: str, lease: Lease | None, fresh: Lease) -> Lease | None:
    """Take a lease that is free to take; return None where another run was faster.

    ``fresh`` has the run's name, time to live and purpose.
    """
    if lease is None:
        wanted = replace(fresh, token=1)
    else:
        wanted = replace(fresh, id=lease.id, version=lease.version, token=lease.token + 1)
    try:
        leases.write_lease(app, wanted)
    # Of two runs that write at once one is rejected: a name is created once, and an update has to
    # send the version that it read.
    except Outdated:
        return None
    now = leases.read_lease(app)
    return now if is_held_by(now, fresh.holder, wanted.token) else None


def release(leases: LeaseStore, app: str, run: str) -> None:
    """Give a lease back, so that no other run has to wait for its time to run out."""
    lease = leases.read_lease(app)
    if lease and lease.holder == run:
        # A lease that cannot be given back runs out by itself.
        with contextlib.suppress(PlatformError):
            leases.write_lease(app, replace(lease, holder="", what=""))


class LeaseKeeper:
    """Keep a lease alive in the background; the fence that every write has to pass."""

    def __init__(self, leases: LeaseStore, app: str, run: str, token: int, ttl: float) -> None:
        self.token = token
        self._leases = leases
        self._app = app
        self._run = run
        self._ttl = ttl
        self._renewed = time.monotonic()
        self._lost = ""
        self._stop = threading.Event()
        # A daemon: renewals must not keep a process alive whose work has ended.
        self._thread = threading.Thread(target=self._renew_until_stopped, daemon=True)

    def check(self) -> None:
        """Raise LeaseLost unless the lease is ours now and was renewed in time."""
        # The process may have slept, as under SIGSTOP. A waiter takes over after a whole time to
        # live; a holder stops at half of it, so that a write under way ends before.
        if not self._lost and time.monotonic() - self._renewed > self._ttl / 2:
            self._renew()
        # Read before every write: a version index alone does not protect, since a Swarm's DELETE
        # ignores it.
        lease = self._leases.read_lease(self._app)
        if not is_held_by(lease, self._run, self.token):
            self._lost = self._lost or _taken_over_by(lease)
        if self._lost:
            raise LeaseLost(
                f"this run lost the lease of {self._app}",
                self._lost,
                "Nothing more was written; see shipping.code.release_info for what runs",
            )

    def start(self) -> None:
        """Start to renew the lease."""
        self._renew()
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing, without giving the lease back."""
        self._stop.set()
        self._thread.join(timeout=self._ttl)

    def release(self) -> None:
        """Stop renewing and give the lease back."""
        self.stop()
        release(self._leases, self._app, self._run)

    def _renew_until_stopped(self) -> None:
        while not self._stop.wait(self._ttl / _RENEWALS_PER_TTL):
            # An engine that restarts costs one renewal; check() notices when too many are missing.
            with contextlib.suppress(PlatformError):
                self._renew()

    def _renew(self) -> None:
        lease = self._leases.read_lease(self._app)
        if lease is None or not is_held_by(lease, self._run, self.token):
            self._lost = _taken_over_by(lease)
            return
        # Another run wrote in between: the next renewal or check reads who holds the lease.
        with contextlib.suppress(Outdated):
            self._leases.write_lease(self._app, replace(lease, beat=lease.beat + 1))
            self._renewed = time.monotonic()


def _taken_over_by(lease: Lease | None) -> str:
    holder = holder_text(lease) if lease and lease.holder else "somebody"
    return f"{holder} took it over"


@contextlib.contextmanager
def keep_lease(
    leases: LeaseStore, app: str, run: str, token: int, ttl: float
) -> Iterator[LeaseKeeper]:
    """Keep a lease that was taken, and give it back at the end."""
    keeper = LeaseKeeper(leases, app, run, token, ttl)
    keeper.start()
    try:
        yield keeper
    # Nothing to give back: the lease is another run's.
    except LeaseLost:
        keeper.stop()
        raise
    # Also KeyboardInterrupt: the next run need not wait for the lease to run out.
    except BaseException:
        with contextlib.suppress(PlatformError):
            keeper.release()
        raise
    keeper.release()
