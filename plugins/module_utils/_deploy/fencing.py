# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holding an app: taking its lease, keeping it alive, and asking before every write."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from .._core.errors import LeaseLost, Outdated, PlatformError
from .lease import Lease, still_ours, who
from .ports import Platform

_BEATS = 4


def take(platform: Platform, app: str, lease: Lease | None, fresh: Lease) -> Lease | None:
    """Take a lease that is free to take; None where somebody else was faster.

    ``fresh`` brings the run's name, time to live and purpose.
    """
    if lease is None:
        wanted = replace(fresh, token=1)
    else:
        wanted = replace(fresh, id=lease.id, version=lease.version, token=lease.token + 1)
    try:
        platform.write_lease(app, wanted)
    except Outdated:
        return None
    now = platform.read_lease(app)
    return now if still_ours(now, fresh.holder, wanted.token) else None


def give_back(platform: Platform, app: str, run: str) -> None:
    """Give a lease back, so that nobody has to wait for its time to run out."""
    lease = platform.read_lease(app)
    if lease and lease.holder == run:
        with contextlib.suppress(PlatformError):
            platform.write_lease(app, replace(lease, holder="", what=""))


class Hold:
    """A held lease: renewed in the background, and asked before every write."""

    def __init__(self, platform: Platform, app: str, run: str, token: int, ttl: float) -> None:
        self.token = token
        self._platform = platform
        self._app = app
        self._run = run
        self._ttl = ttl
        self._renewed = time.monotonic()
        self._lost = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def check(self) -> None:
        """Raise LeaseLost unless the lease is ours now and was renewed in time."""
        if not self._lost and time.monotonic() - self._renewed > self._ttl / 2:
            self._renew()
        lease = self._platform.read_lease(self._app)
        if not still_ours(lease, self._run, self.token):
            self._lost = (
                self._lost or f"{who(lease) if lease and lease.holder else 'somebody'} took it over"
            )
        if self._lost:
            raise LeaseLost(
                f"this run no longer holds {self._app}",
                self._lost,
                "Nothing more was written; see shipping.code.release_info for what runs",
            )

    def start(self) -> None:
        """Begin to renew."""
        self._renew()
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing, without giving the lease back."""
        self._stop.set()
        self._thread.join(timeout=self._ttl)

    def release(self) -> None:
        """Stop renewing and give the lease back."""
        self.stop()
        give_back(self._platform, self._app, self._run)

    def _keep(self) -> None:
        while not self._stop.wait(self._ttl / _BEATS):
            with contextlib.suppress(PlatformError):
                self._renew()

    def _renew(self) -> None:
        lease = self._platform.read_lease(self._app)
        if lease is None or not still_ours(lease, self._run, self.token):
            self._lost = f"{who(lease) if lease and lease.holder else 'somebody'} took it over"
            return
        with contextlib.suppress(Outdated):
            self._platform.write_lease(self._app, replace(lease, beat=lease.beat + 1))
            self._renewed = time.monotonic()


@contextlib.contextmanager
def held(platform: Platform, app: str, run: str, token: int, ttl: float) -> Iterator[Hold]:
    """Hold a lease that was taken, and give it back at the end."""
    hold = Hold(platform, app, run, token, ttl)
    hold.start()
    try:
        yield hold
    except LeaseLost:
        hold.stop()
        raise
    except BaseException:
        with contextlib.suppress(PlatformError):
            hold.release()
        raise
    hold.release()
