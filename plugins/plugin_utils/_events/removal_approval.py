# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the approval of blocked removals, which an operator gives by a file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from .blocked_removals import BlockedRemovals, RecentRemovals
from .membership_diff import Fleet


@dataclass(frozen=True)
class CheckedRemovals:
    """The answer within the removal limit, before it is written."""

    fleet: Fleet
    blocked: BlockedRemovals
    recent: RecentRemovals
    approved: str
    """The id of approved removals."""


class RemovalApproval:
    """The blocked removals; the file ``approve-ID`` in the folder of the state approves them."""

    def __init__(self, folder: Path, recent: RecentRemovals) -> None:
        self.blocked = BlockedRemovals()
        self._folder = folder
        self._recent = recent

    def approved(self) -> str:
        """Return the id of the blocked removals if they are approved."""
        blocked = self.blocked.id
        return blocked if blocked and self._file(blocked).exists() else ""

    def check(self, wanted: Fleet, seen: Fleet) -> CheckedRemovals:
        """Return the part of the change from wanted to seen that is within the removal limit."""
        approved = self.approved()
        # time.time() and not a monotonic clock, since removals are counted over a restart.
        fleet, blocked, recent = self._recent.apply(wanted, seen, time.time(), approved)
        return CheckedRemovals(fleet, blocked, recent, approved)

    def accept(self, check: CheckedRemovals) -> None:
        """Keep a check whose outcome was written to disk."""
        self.blocked, self._recent = check.blocked, check.recent
        if check.approved:
            self._file(check.approved).unlink(missing_ok=True)

    def _file(self, blocked: str) -> Path:
        return self._folder / f"approve-{blocked}"
