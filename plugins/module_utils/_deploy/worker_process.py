# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker: the process that does the long part of a run after the module has ended.

It keeps nothing of its parent's but memory, so no secret is written down for it, and the end of a
connection or of a play does not reach it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable


def detach(work: Callable[[], None]) -> None:
    """Do the work in a process of its own, which no process of this session waits for."""
    # The child has a copy of what is buffered, and would write it a second time.
    sys.stdout.flush()
    sys.stderr.flush()
    # The steps of SysV daemons (daemon(7)): the first child is waited for, so that no zombie stays;
    # the second one cannot get a terminal, and init adopts it.
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            _cut_off()
            work()
    finally:
        # Not the parent's clean-up: its files are still needed there.
        os._exit(0)


def _cut_off() -> None:
    """Close the terminal and the connection of the parent, and leave its folder."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Ansible removes the module's folder while the worker still runs.
    os.chdir("/")
    # SSH keeps a connection open as long as a process has its output.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
