# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the metrics of a delivery to the whole fleet.

Pure, except ``read_last_success`` and ``write``.
"""

from __future__ import annotations

import calendar
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .._membership import membership_state
from .fleet import BLOCKED, FAILED, INCOMPLETE, READY, WAITING
from .prometheus_text import Gauge, read_samples
from .prometheus_text import render as render_text

_STATES = (READY, WAITING, FAILED, BLOCKED, INCOMPLETE)
_LAST_RUN = "shipping_delivery_last_run_timestamp_seconds"
_LAST_SUCCESS = "shipping_delivery_last_success_timestamp_seconds"
_HOSTS = "shipping_delivery_hosts"
_LAG = "shipping_delivery_lag_seconds"
_REMOVALS_BLOCKED = "shipping_delivery_removals_blocked"
METRICS = {
    _LAST_RUN: "Time of the last delivery to the whole fleet, with any outcome.",
    _LAST_SUCCESS: (
        "Time of the last such delivery without failed hosts and without blocked removals."
        " Absent before the first one."
    ),
    _HOSTS: "Number of hosts by outcome.",
    _LAG: "Longest time for which a host has been unreachable.",
    _REMOVALS_BLOCKED: "1 if removals are blocked.",
}
"""What each metric means."""


def render(
    rows: Sequence[Mapping[str, Any]],
    now: float,
    last_success: float | None,
    *,
    removals_blocked: bool,
) -> str:
    """Return the text about the result of a delivery; each row has a host's state."""
    states = Counter(row["state"] for row in rows)
    success = last_success if removals_blocked or states[FAILED] else now
    gauges = [
        Gauge(_LAST_RUN, METRICS[_LAST_RUN], {"": now}, decimals=3),
        Gauge(
            _LAST_SUCCESS,
            METRICS[_LAST_SUCCESS],
            {} if success is None else {"": success},
            decimals=3,
        ),
        Gauge(
            _HOSTS,
            METRICS[_HOSTS],
            # All states, since an alert does not see a missing sample.
            {f'{{state="{state}"}}': states[state] for state in _STATES},
        ),
        Gauge(_LAG, METRICS[_LAG], {"": max(0, now - _longest_waiting_since(rows, now))}),
        Gauge(_REMOVALS_BLOCKED, METRICS[_REMOVALS_BLOCKED], {"": removals_blocked}),
    ]
    return render_text(gauges)


def _longest_waiting_since(rows: Iterable[Mapping[str, Any]], now: float) -> float:
    since = [row["since"] for row in rows if row["state"] == WAITING]
    return min((_seconds(moment) for moment in since if moment), default=now)


def read_last_success(path: str) -> float | None:
    """Return when a delivery last succeeded, as the last one has written it."""
    return read_samples(path).get(_LAST_SUCCESS)


def write(path: str, rows: Sequence[Mapping[str, Any]], *, removals_blocked: bool) -> None:
    """Replace the file by one rename; all users may read it."""
    # Only the file that is replaced has the last success.
    text = render(rows, time.time(), read_last_success(path), removals_blocked=removals_blocked)
    membership_state.replace(Path(path), text, 0o644, "metrics_path")


def _seconds(moment: str) -> float:
    return calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))
