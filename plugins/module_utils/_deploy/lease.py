# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The right to change an app: a lease with holder, time to live and fencing token.

Clocks of two hosts are never compared. A waiter treats a holder as dead when the lease has
not changed for its time to live on the waiter's own monotonic clock. Every acquisition raises the
token; services carry the token of their last writer, and a writer rejects a higher one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .._core.errors import PlatformError
from .naming import LABEL

HOLDER, TOKEN, TTL, WHAT, BEAT = (
    f"{LABEL}{name}" for name in ("holder", "token", "ttl", "what", "beat")
)


@dataclass(frozen=True)
class Lease:
    """The lease as it is on the platform. ``version`` changes with every write of it."""

    id: str
    version: int
    token: int = 0
    holder: str = ""
    ttl: float = 30.0
    what: str = ""
    beat: int = 0

    @classmethod
    def from_labels(cls, identity: str, version: int, labels: Mapping[str, str]) -> Lease:
        """Read a lease from its labels; raise PlatformError where others have changed them."""
        try:
            return cls(
                identity,
                version,
                int(labels.get(TOKEN, "0")),
                labels.get(HOLDER, ""),
                float(labels.get(TTL, "30")),
                labels.get(WHAT, ""),
                int(labels.get(BEAT, "0")),
            )
        except ValueError as error:
            raise PlatformError(
                f"the lease {identity} cannot be read",
                f"a label is not what this collection writes: {error}",
                "Remove it while nothing is released; the next run makes another one",
            ) from error

    def labels(self) -> dict[str, str]:
        """Return the labels to write."""
        return {
            TOKEN: str(self.token),
            HOLDER: self.holder,
            TTL: f"{self.ttl:g}",
            WHAT: self.what,
            BEAT: str(self.beat),
        }


@dataclass(frozen=True)
class LeaseAge:
    """A lease version that a waiter read, and for how long it has not changed since."""

    version: int = -1
    seconds: float = 0.0


def may_acquire(lease: Lease | None, age: LeaseAge, run: str) -> bool:
    """Return whether ``run`` may take the lease now.

    It has no holder, it is its own, or its holder is dead.
    """
    if lease is None or not lease.holder or lease.holder == run:
        return True
    # Each renewal changes the version, so that an unchanged one means no sign of life.
    return age.version == lease.version and age.seconds >= lease.ttl


def is_held_by(lease: Lease | None, run: str, token: int) -> bool:
    """Return whether ``run`` still holds the lease with its token."""
    return lease is not None and lease.holder == run and lease.token == token


def holder_text(lease: Lease) -> str:
    """Return a holder as text: ``alice@ci-7 (deploying 1.5.0)``."""
    name = lease.holder.rpartition(" ")[0] or lease.holder
    return f"{name} ({lease.what})" if lease.what else name
