# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and variables are found however somebody comes in."""

from __future__ import annotations

import shutil
import time

import pytest

from .fleet import Fleet

pytestmark = pytest.mark.long

PC, USER = "pc1.example.com", "bob"
ENROLLED = ". /etc/profile.d/shipping.sh"
"""What gives the variables, and the PATH where something else was set."""
BOTH = "'t; echo $T'"  # behind -c
SESSIONS = {
    "ssh": (USER, f"{ENROLLED}; t; echo $T"),
    "bash": (USER, f"env -i HOME=$HOME bash -lc {BOTH}"),
    "sh": (USER, f"env -i HOME=$HOME sh -lc {BOTH}"),
    "zsh": (USER, f"env -i HOME=$HOME zsh -c {BOTH}"),
    "fish": (USER, f"env -i HOME=$HOME fish -c {BOTH}"),
    "su": ("root", f"su - {USER} -c {BOTH}"),
    "sudo": ("root", f"sudo -i -u {USER} t && sudo -i -u {USER} printenv T"),
}
"""Who gives which command.

The environment is emptied where it could come from somewhere else than from the shell.
"""


@pytest.fixture
def delivered(fleet: Fleet) -> Fleet:
    tools = {
        "t": {"type": "script", "version": "1", "file": "p/t.sh"},
        "v": {"type": "env", "variables": {"T": "it's"}},
    }
    fleet.catalog_of("p", tools, **{"t.sh": b"#!/bin/sh\necho found\n"})
    fleet.projects = {"p": {USER}}
    done = fleet.deliver("--limit", PC)
    assert done.ok, done.output
    return fleet


def test_shells(delivered: Fleet):
    there = {name: session for name, session in SESSIONS.items() if shutil.which(name)}
    said = {name: delivered.says(PC, user, command) for name, (user, command) in there.items()}
    assert said == dict.fromkeys(there, (0, "found\nit's"))
    assert delivered.says(PC, USER, "t") == (0, "found")
    if missing := set(SESSIONS) - set(there):
        pytest.skip(f"{', '.join(missing)} is not on this machine; the others are as they must be")


def test_another_login_shell(delivered: Fleet):
    """Those of whoever has zsh or fish have the variables in any case."""
    shells = [path for path in map(shutil.which, ("zsh", "fish")) if path]
    machine = delivered.machines[PC]
    try:
        for shell in shells:
            machine.run("usermod", "--shell", shell, USER)
            assert delivered.says(PC, USER, "t; echo $T") == (0, "found\nit's"), shell
    finally:
        machine.run("usermod", "--shell", "/bin/bash", USER)
    if not shells:
        pytest.skip("neither zsh nor fish is on this machine")


def test_cron(delivered: Fleet):
    """It sets a PATH of its own, so a job says what it needs.

    This one is run when cron starts, which spares the minute.
    """
    if not shutil.which("cron"):
        pytest.skip("cron is not on this machine")
    machine = delivered.machines[PC]
    line = f"@reboot ({ENROLLED}; t; echo $T) > /tmp/cron.out 2>&1; touch /tmp/cron.done"
    machine.run("sh", "-c", f"printf '%s\\n' \"$0\" | crontab -u {USER} -", line)
    try:
        machine.run("/usr/sbin/cron")
        deadline = time.monotonic() + 30
        while machine.ssh("root", "ls /tmp/cron.done").returncode and time.monotonic() < deadline:
            time.sleep(0.5)
        assert machine.run("cat", "/tmp/cron.out") == "found\nit's\n"
    finally:
        machine.run("sh", "-c", f"crontab -u {USER} -r; kill $(cat /run/crond.pid)")
