# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that the role membership_sync installs, with a playbook of a few lines of shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "roles" / "membership_sync" / "files" / "membership_sync.py"
MADE = (
    'printf "shipping_delivery_last_run_timestamp_seconds %s\\nshipping_delivery_removals_held'
    ' %s\\n" $(date +%s.%N) {held} >{folder}/delivery.prom; exit {code}'
)


@pytest.fixture
def settings(tmp_path: Path) -> dict:
    (tmp_path / "project").mkdir()
    return {
        "home": str(tmp_path),
        "credentials": "/etc/none",
        "repository": "",
        "branch": "main",
        "project": str(tmp_path / "project"),
        "environment": {"SECRET_FILE": "{credentials}/secret"},
        "timeout": 30,
        "jitter": 0,
        "log": {},
        "sync_metrics": str(tmp_path / "sync.prom"),
        "delivery_metrics": str(tmp_path / "delivery.prom"),
        "command": ["/bin/sh", "-c", "exit 0"],
        "events": ["/bin/true"],
    }


def start(settings: dict, **environment: str) -> subprocess.Popen[str]:
    path = Path(settings["home"]) / "settings.json"
    path.write_text(json.dumps(settings))
    words = [sys.executable, str(PROGRAM), str(path)]
    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": os.environ["PATH"], **environment},
    )


def run(settings: dict, **environment: str) -> tuple[int, str]:
    process = start(settings, **environment)
    output, _none = process.communicate(timeout=60)
    return process.returncode, output


def runs(pid: Path) -> bool:
    """Whether a process is there, and no zombie."""
    status = Path(f"/proc/{pid.read_text().strip()}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def exit_status(settings: dict) -> str:
    return next(
        line
        for line in Path(settings["sync_metrics"]).read_text().splitlines()
        if line.startswith("shipping_sync_exit_status")
    )


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("exit 0", 0),
        ("exit 2", 2),  # nothing was delivered
        (MADE.replace("{held}", "0").replace("{code}", "2"), 1),
        (MADE.replace("{held}", "1").replace("{code}", "2"), 2),
        (MADE.replace("{held}", "0").replace("{code}", "0"), 0),
    ],
)
def test_what_a_run_came_to(settings, command, status):
    settings["command"][-1] = command.replace("{folder}", settings["home"])
    code, output = run(settings)
    assert code == status and exit_status(settings) == f"shipping_sync_exit_status {status}", output


def test_metrics_of_a_former_run_do_not_count(settings):
    """Not even of one that has ended a moment before."""
    settings["command"][-1] = "exit 2"
    for ended in (1, time.time()):
        Path(settings["delivery_metrics"]).write_text(
            f"shipping_delivery_last_run_timestamp_seconds {ended:.3f}\n"
        )
        assert run(settings)[0] == 2


def test_a_run_that_takes_too_long_is_ended_with_all_that_it_started(settings, tmp_path):
    settings["timeout"] = 1
    settings["command"][-1] = f"sleep 300 & echo $! >{tmp_path}/pid; wait"
    code, output = run(settings)
    assert code == 2 and "has not ended after 1 s" in output
    assert not runs(tmp_path / "pid")


def test_a_run_that_is_told_to_end_ends_the_playbook(settings, tmp_path):
    settings["command"][-1] = f"echo $$ >{tmp_path}/pid; exec sleep 300"
    process = start(settings)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    assert not runs(tmp_path / "pid")


def test_the_lock_stays_with_a_playbook_whose_sync_was_killed(settings, tmp_path):
    settings["command"][-1] = f"echo $$ >{tmp_path}/pid; exec sleep 300"
    process = start(settings)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        time.sleep(0.05)
    process.kill()
    process.wait()
    try:
        code, output = run({**settings, "command": ["/bin/true"]})
        assert code == 75 and "another run is under way" in output
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert run({**settings, "command": ["/bin/true"]})[0] == 0


@pytest.mark.parametrize(
    ("given", "place"),
    [({}, "/etc/none"), ({"CREDENTIALS_DIRECTORY": "/run/credentials/x"}, "/run/credentials/x")],
)
def test_where_the_secrets_are(settings, given, place):
    settings["command"][-1] = "echo $SECRET_FILE"
    assert f"{place}/secret\n" in run(settings, **given)[1]


def test_settings_that_are_broken_are_told(tmp_path):
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        done.returncode == 2
        and "the sync cannot run: " in done.stderr
        and "Traceback" not in done.stderr
    )
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "SETTINGS [sync|events]" in done.stderr
