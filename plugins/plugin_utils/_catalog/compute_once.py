# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute once what all hosts of a play need.

Ansible runs a process for each host. The first one computes the result, and the others wait.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from typing import IO, Any

from ...module_utils._core.atomic_write import write_atomically


@contextlib.contextmanager
def single_flight(path: str, meanwhile: Callable[[], object] | None = None) -> Iterator[None]:
    """Run the first process alone, and then all waiting ones together.

    So none of those waits for failures of the others. The second process calls ``meanwhile`` before
    it waits; ``path.second`` is its lock, and ``path`` is the lock of the first. Both files stay,
    empty.
    """
    # flock(2) locks belong to the open file: they end with it, also if a process is killed.
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
    """Try to lock the file; return whether this process has the lock."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def once(
    path: str, make: Callable[[], dict[str, Any]], meanwhile: Callable[[], object] | None = None
) -> dict[str, Any]:
    """Return the JSON at ``path``, or the result of ``make``, which is then stored there.

    Errors are not stored: each process raises its own. One of the processes that wait for the first
    calls ``meanwhile``.
    """
    with single_flight(f"{path}.lock", meanwhile):
        if not os.path.exists(path):
            content = json.dumps(make())
            # By a rename: after a failure, several processes may write at the same time.
            write_atomically(path, content.encode())
    with open(path, encoding="utf-8") as file:
        kept: dict[str, Any] = json.load(file)
    return kept
