# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test commands and variables in all kinds of sessions."""

from __future__ import annotations

import shutil
import time

import pytest

from tests.unit.plugins.module_utils._toolbox.archives import archive

from .fleet import Fleet, sha256

pytestmark = pytest.mark.long

PC, USER = "pc1.example.com", "bob"
ENROLLED = ". /etc/profile.d/shipping.sh"
"""The line that sets the variables, and the PATH if it was replaced."""
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
"""The users with their commands.

The environment is emptied where it could come from somewhere else than from the shell.
"""


@pytest.fixture
def delivered(fleet: Fleet) -> Fleet:
    tools = {
        "t": {"type": "script", "version": "1", "file": "p/t.sh"},
        "v": {"type": "env", "variables": {"T": "it's"}},
    }
    fleet.catalog_of("p", tools, **{"t.sh": b"#!/bin/sh\necho found\n"})
    release = archive(
        ("bin/wtool", b"#!/bin/sh\n"),
        ("doc/wtool.1", b".TH wtool 1\n.SH NAME\nwtool - prints the world\n"),
        ("complete/wtool.bash", b"complete -W --world wtool\n"),
        ("complete/_wtool", b"#compdef wtool\n_arguments --world\n"),
        ("complete/wtool.fish", b"complete -c wtool -l world\n"),
    )
    wtool = {
        "type": "archive",
        "version": "1",
        "file": "w/w.tar.gz",
        "sha256": sha256(release),
        "commands": {"wtool": "bin/wtool"},
    }
    fleet.catalog_of("w", {"wtool": wtool}, **{"w.tar.gz": release})
    fleet.projects = {"p": {USER}, "w": {USER}}
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


DOCUMENTED = {
    "man": ("man", "man wtool | grep -o 'prints .*'", "prints the world"),
    "man by MANPATH": (
        "man",
        f"export MANPATH=/usr/share/man; {ENROLLED}; man wtool | grep -o 'prints .*'",
        "prints the world",
    ),
    "bash": (
        "bash",
        "bash -lc '. /usr/share/bash-completion/bash_completion; _completion_loader wtool;"
        " complete -p wtool'",
        "complete -W '--world' wtool",
    ),
    "zsh": (
        "zsh",
        "zsh -c 'autoload -Uz compinit; compinit -D; print $_comps[wtool]'",
        "_wtool",
    ),
    "fish": ("fish", "fish -c 'complete -C \"wtool --wo\"'", "--world"),
}
"""The program, the command and the answer of what looks for man pages and completions."""


def test_man_pages_and_completions(delivered: Fleet):
    there = {name: about for name, about in DOCUMENTED.items() if shutil.which(about[0])}
    answers = {name: delivered.says(PC, USER, about[1]) for name, about in there.items()}
    assert answers == {name: (0, answer) for name, (_program, _words, answer) in there.items()}


def test_a_path_that_hides_the_commands(delivered: Fleet):
    machine = delivered.machines[PC]
    machine.run("cp", "--parents", "/etc/environment", "/etc/pam.d/sshd", "/tmp")
    try:
        # Debian's second line of pam_env, by which pam_env.conf is read again.
        machine.run("sed", "-i", "/pam_env.*envfile/d", "/etc/pam.d/sshd")
        machine.run("sh", "-c", "echo PATH=/usr/bin:/bin >> /etc/environment")
        hidden = delivered.deliver("--limit", PC)
        assert hidden.ok and "PATH in /etc/environment hides" in hidden.output, hidden.output
        assert delivered.says(PC, USER, "t")[0] == 127
    finally:
        machine.run("cp", "/tmp/etc/environment", "/etc/environment")
        machine.run("cp", "/tmp/etc/pam.d/sshd", "/etc/pam.d/sshd")
    assert "hides" not in delivered.deliver("--limit", PC).output
    assert delivered.says(PC, USER, "t") == (0, "found")


def test_another_login_shell(delivered: Fleet):
    """With zsh or fish, they have the variables in any case."""
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
    """It sets a PATH of its own, so a job reads the shell integration.

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
