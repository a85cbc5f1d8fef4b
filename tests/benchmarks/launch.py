# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command and print what it took: ``launch.py LOG COMMAND...``.

That is: seconds, those of a processor, kilobytes at most, and how it ended.

To the kernel a process has had all the memory of the one that started it, so this one is small, and
knows nothing of what is measured.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(log: str, *words: str) -> None:
    """One run."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]
    begun = time.perf_counter()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=files)
    _pid, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - begun
    print(
        json.dumps(
            [
                seconds,
                usage.ru_utime + usage.ru_stime,
                usage.ru_maxrss,
                os.waitstatus_to_exitcode(status),
            ]
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
