# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show lines of progress between those of the callback that prints the play."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from ansible import constants as C
from ansible.utils.display import Display

from ...module_utils._core.slow_calls import reporting

display = Display()

# A line between those of such a callback would make its output unreadable for programs.
_MACHINE_READABLE = ("json", "jsonl", "junit")


def is_quiet(progress: str) -> bool:
    """Return whether lines are unwelcome: no, yes, or as the callback needs it."""
    if progress == "auto":
        # constants.config is private; only there is the callback that the user has set.
        callback = str(C.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
        return callback.rpartition(".")[2] in _MACHINE_READABLE
    return progress == "never"


def print_line(line: str) -> None:
    """Show a line of a result.

    ansible-runner up to 2.4.0, which AWX 24.6.1 has, wraps Display.display so that it writes event
    data to the output of the process that calls it. In the fork of an action, ansible-core 2.19 and
    newer warns of that. So a fork sends the line itself to the process that prints, where it gets
    its event data.
    """
    queue = display._final_q
    if queue is None:
        display.display(line)
    else:
        queue.send_display("display", line)


def show_line(line: str) -> None:
    """Show a line at once, also where the output is a pipe, as in CI.

    Actions run in a fork. Display sends what it is called with to the process that prints, by a
    multiprocessing queue, and never flushes there: in a pipe, lines would be held back until there
    are 8 kB of them. So a second message follows each line that prints nothing and flushes where
    it arrives.
    """
    print_line(line)
    display.display(_FlushOnArrival(), screen_only=True, log_only=True)


@contextlib.contextmanager
def slow_calls_shown(host: str) -> Iterator[None]:
    """Show what an action waits for, as soon as that takes long."""
    if is_quiet("auto"):
        yield
        return
    with reporting(lambda text: show_line(f"{host} | {text}")):
        yield


class _FlushOnArrival(str):
    """An empty text; the process that reads it from the queue flushes its output."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        """Return what the reading process calls in place of building the text."""
        return _flush, ()


def _flush() -> str:
    # The reader of the output may have ended, as after ``| head -n1``.
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    return ""
