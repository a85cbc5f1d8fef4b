# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for the lease of an app that another run holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from .._core.errors import LeaseHeld
from .argument_specs import ROLLOUT
from .lease import LeaseAge
from .run_answer import RunAnswer

_RETRY_EVERY = 1.0


def lease_timeout(options: Mapping[str, Any]) -> float:
    """Return for how many seconds to wait for a lease; 0 is a value of its own."""
    seconds = options.get("lease_timeout")
    return float(ROLLOUT["lease_timeout"]["default"] if seconds is None else seconds)


def wait_for_lease(
    attempt: Callable[[LeaseAge], RunAnswer],
    app: str,
    timeout: float,
    report: Callable[[str], None],
) -> RunAnswer:
    """Return the first answer that need not wait; raise LeaseHeld when the time has run out.

    ``attempt`` gets the lease's version and for how long it has not changed by the clock of this
    process: a holder that has not renewed its lease for the lease's time to live is dead.
    """
    started = changed_at = time.monotonic()
    age, reported = LeaseAge(), ""
    while True:
        answer = attempt(age)
        holder = answer.waiting_for
        if not holder:
            return answer
        if time.monotonic() - started > timeout:
            raise LeaseHeld(
                f"{app} is locked by {holder}",
                f"that run did not finish within {timeout:g} s",
                "Wait for that run, or raise lease_timeout",
            )
        if holder != reported:
            reported = holder
            report(f"{app} waits for {holder}")
        # Only changes that this process has seen count: clocks of two hosts may differ.
        if answer.lease_age.version != age.version:
            changed_at = time.monotonic()
        time.sleep(_RETRY_EVERY)
        age = LeaseAge(answer.lease_age.version, time.monotonic() - changed_at)
