# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source in an event loop.

It has a thread of its own, so that nothing that it waits for stops the loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError
from typing import Any

from . import source_options
from .payloads import Event
from .source import EventSource

_PATIENCE = 0.5


class _Stopped(Exception):
    """The loop does not take events any more."""


async def run(queue: Any, args: Mapping[str, Any]) -> None:
    """Put events into the queue until canceled.

    Raises ShippingError where a user has to do something.
    """
    loop, stop = asyncio.get_running_loop(), threading.Event()

    def put(event: Event) -> None:
        # ansible-rulebook's queue holds one event, so that this waits while rules are evaluated.
        pending = asyncio.run_coroutine_threadsafe(queue.put(event), loop)
        # In turns: a wait without an end would not notice that the source is to stop.
        while True:
            try:
                pending.result(_PATIENCE)
                return
            except TimeoutError:
                if stop.is_set():
                    pending.cancel()
                    raise _Stopped from None
            except CancelledError:
                raise _Stopped from None

    source = EventSource(await asyncio.to_thread(source_options.read, args), put, stop)
    run_task = asyncio.create_task(asyncio.to_thread(_run, source))
    try:
        # A thread cannot be canceled. It is stopped by its event, and waited for.
        await asyncio.shield(run_task)
    finally:
        stop.set()
        source.wake()
        await asyncio.wait([run_task])


def _run(source: EventSource) -> None:
    try:
        source.run()
    except _Stopped:
        return
