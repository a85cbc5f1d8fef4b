# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delivery to the whole fleet came to, for whoever watches: a text file of Prometheus.

Pure but for ``read_last_success`` and ``write``.
"""

from __future__ import annotations

import calendar
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .._membership import membership_state as files
from .fleet import FAILED, HELD, INCOMPLETE, READY, WAITING

_STATES = (READY, WAITING, FAILED, HELD, INCOMPLETE)
_LAST_SUCCESS = "shipping_delivery_last_success_timestamp_seconds"
METRICS = {
    "shipping_delivery_last_run_timestamp_seconds": (
        "When the whole fleet was last delivered to, whatever came of it."
    ),
    _LAST_SUCCESS: (
        "When that last ended without a machine that failed and without removals that were held."
        " Absent before the first time."
    ),
    "shipping_delivery_machines": "Machines by what came of them.",
    "shipping_delivery_lag_seconds": (
        "For how long the machine that has waited longest could not be reached."
    ),
    "shipping_delivery_removals_held": "1 where the brake has held removals.",
}
"""What each metric means."""


def render(
    rows: Iterable[Mapping[str, Any]], stopped: bool, now: float, last_success: float | None
) -> str:
    """The text, of what came of each machine."""
    rows = list(rows)
    states = Counter(row["state"] for row in rows)
    succeeded = not stopped and not states[FAILED]
    success = now if succeeded else last_success
    waiting = [_seconds(row["since"]) for row in rows if row["state"] == WAITING and row["since"]]
    values = {
        "shipping_delivery_last_run_timestamp_seconds": [f" {now:.3f}"],
        _LAST_SUCCESS: [] if success is None else [f" {success:.3f}"],
        "shipping_delivery_machines": [f'{{state="{state}"}} {states[state]}' for state in _STATES],
        "shipping_delivery_lag_seconds": [f" {max(0, now - min(waiting, default=now)):.0f}"],
        "shipping_delivery_removals_held": [f" {stopped:d}"],
    }
    return "".join(
        f"# HELP {name} {METRICS[name]}\n# TYPE {name}"
        f" gauge\n{''.join(f'{name}{value}\n' for value in found)}"
        for name, found in values.items()
    )


def read_last_success(path: str) -> float | None:
    """When a delivery last succeeded, by what the former one has written."""
    try:
        found = re.search(
            rf"^{_LAST_SUCCESS} ([0-9.]+)$", Path(path).read_text(encoding="utf-8"), re.MULTILINE
        )
    except (OSError, UnicodeDecodeError):
        return None
    return float(found[1]) if found else None


def write(path: str, rows: Iterable[Mapping[str, Any]], stopped: bool) -> None:
    """Replace the file by one rename; whoever watches may read it."""
    files.replace(
        Path(path),
        render(rows, stopped, time.time(), read_last_success(path)),
        0o644,
        "metrics_path",
    )


def _seconds(since: str) -> float:
    return calendar.timegm(time.strptime(since, "%Y-%m-%dT%H:%M:%SZ"))
