# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of a delivery to the whole fleet.

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
    _LAST_RUN: "When the whole fleet was last delivered to, whatever came of it.",
    _LAST_SUCCESS: (
        "When that last ended without a host that failed and without removals that were held."
        " Absent before the first time."
    ),
    _HOSTS: "Hosts by what came of them.",
    _LAG: "For how long the host that has waited longest could not be reached.",
    _REMOVALS_BLOCKED: "1 where the brake has held removals.",
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
            # Also the states of no host: an alert cannot see a sample that is missing.
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
    """Return when a delivery last succeeded, as the former one has written."""
    return read_samples(path).get(_LAST_SUCCESS)


def write(path: str, rows: Sequence[Mapping[str, Any]], *, removals_blocked: bool) -> None:
    """Replace the file by one rename; everybody may read it."""
    # The last success is in no other place: it is read from the file that is replaced.
    text = render(rows, time.time(), read_last_success(path), removals_blocked=removals_blocked)
    membership_state.replace(Path(path), text, 0o644, "metrics_path")


def _seconds(moment: str) -> float:
    return calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))
