# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play asks many machines at once, each by a process of its own.

What they all need is made for the first of them.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any


@contextlib.contextmanager
def single_flight(path: str, meanwhile: Callable[[], object] | None = None) -> Iterator[None]:
    """Let the first process in alone; then all that have come meanwhile, together.

    So none of those waits for the failures of another. The second does what is to be done
    ``meanwhile`` before it waits, and meets no third at ``path.second``. ``path`` is where they
    meet. Both stay, empty.
    """
    # flock(2) locks belong to the open file: they end with it, also where a process is killed.
    with open(path, "a", encoding="utf-8") as file:
        if not _is_first(file):
            with contextlib.ExitStack() as until_the_first_is_done:
                if meanwhile and _is_first(
                    until_the_first_is_done.enter_context(
                        open(f"{path}.second", "a", encoding="utf-8")
                    )
                ):
                    meanwhile()
                fcntl.flock(file, fcntl.LOCK_SH)
        yield


def _is_first(file: IO[str]) -> bool:
    """Take its lock where nobody holds it; return whether this process has it now."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def once(
    path: str, make: Callable[[], dict[str, Any]], meanwhile: Callable[[], object] | None = None
) -> dict[str, Any]:
    """Return what is kept at ``path`` as JSON, or what ``make`` gives, which is then kept.

    An error is not kept, and meets each process. One of those that wait for the first does what is
    to be done ``meanwhile``.
    """
    with single_flight(f"{path}.lock", meanwhile):
        if not os.path.exists(path):
            content = json.dumps(make())
            # Renamed when whole: processes that come after a failure may write at the same time.
            descriptor, partial = tempfile.mkstemp(dir=os.path.dirname(path))
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
            os.rename(partial, path)
    with open(path, encoding="utf-8") as file:
        kept: dict[str, Any] = json.load(file)
    return kept
