# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report calls of other systems that take long.

Callers put such a call below :func:`waiting_for`. A program that can show lines while it works puts
its work below :func:`reporting`; without that, nothing is reported, and nothing is started.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

AFTER = 5.0
"""Seconds after which a call is reported first; then after twice, four times, … as long."""
_LOOK_EVERY = 0.5


@dataclass(frozen=True)
class Call:
    """A call under way: what it waits for, and since when by the monotonic clock."""

    target: str
    since: float


def due(
    calls: Iterable[Call], reported: Mapping[str, float], now: float
) -> tuple[list[str], dict[str, float]]:
    """Return the lines to report now, and for each target the seconds that are reported.

    Calls of one target that wait side by side are reported once, by the oldest of them.
    """
    oldest: dict[str, float] = {}
    for call in calls:
        oldest[call.target] = min(call.since, oldest.get(call.target, call.since))
    lines = []
    still: dict[str, float] = {}
    for target, since in oldest.items():
        seconds = now - since
        last = reported.get(target, 0.0)
        # A younger call than the one that was reported begins to count from its own start.
        last = last if last <= seconds else 0.0
        if seconds >= max(AFTER, 2 * last):
            lines.append(f"waits for {target}, {seconds:.0f} s so far")
            last = seconds
        still[target] = last
    return lines, still


# Of the process, as the handlers of logging are: each call would have to hand a port on otherwise.
# Threads add and remove their own entries only.
_running: dict[object, Call] = {}


@contextlib.contextmanager
def waiting_for(target: str) -> Iterator[None]:
    """Do a call below this; ``target`` is what it waits for, such as ``the registry x``."""
    key = object()
    _running[key] = Call(target, time.monotonic())
    try:
        yield
    finally:
        del _running[key]


@contextlib.contextmanager
def reporting(report: Callable[[str], None]) -> Iterator[None]:
    """Report slow calls of this process, from a thread of its own, until the work is done."""
    done = threading.Event()

    def watch() -> None:
        reported: dict[str, float] = {}
        while not done.wait(_LOOK_EVERY):
            lines, reported = due(list(_running.values()), reported, time.monotonic())
            for line in lines:
                report(line)

    thread = threading.Thread(target=watch, name="slow calls", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
