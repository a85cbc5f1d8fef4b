# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that the role membership_sync installs, with a playbook of a few lines of shell."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._delivery import delivery_answer
from ansible_collections.shipping.code.plugins.plugin_utils._delivery.prometheus_text import (
    read_samples,
)

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles" / "membership_sync"
INSTALLED = (
    ROLE / "files" / "membership_sync.py",
    ROOT / "plugins" / "plugin_utils" / "_delivery" / "prometheus_text.py",
)
DELIVERS = (
    """printf '{"format": 1, "removals_blocked": {blocked}, "hosts": {}}'"""
    ' >"$SHIPPING_DELIVERY_ANSWER"; exit {code}'
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


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """As the role installs it: a folder with what it needs, and nothing of the collection."""
    folder = tmp_path / "program"
    folder.mkdir()
    for path in INSTALLED:
        shutil.copy(path, folder)
    return folder / "membership_sync.py"


@pytest.fixture(autouse=True)
def installed(settings, program) -> None:
    settings["program"] = str(program)


def start(settings: dict, **environment: str) -> subprocess.Popen[str]:
    path = Path(settings["home"]) / "settings.json"
    path.write_text(json.dumps(settings))
    words = [sys.executable, settings["program"], str(path)]
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
        (DELIVERS.replace("{blocked}", "false").replace("{code}", "2"), 1),
        (DELIVERS.replace("{blocked}", "true").replace("{code}", "2"), 2),
        (DELIVERS.replace("{blocked}", "false").replace("{code}", "0"), 0),
        ('printf "{" >"$SHIPPING_DELIVERY_ANSWER"; exit 2', 2),
        ("""printf '{"format": 2}' >"$SHIPPING_DELIVERY_ANSWER"; exit 2""", 2),
    ],
)
def test_what_a_run_came_to(settings, command, status):
    settings["command"][-1] = command
    code, output = run(settings)
    assert code == status and exit_status(settings) == f"shipping_sync_exit_status {status}", output


def test_the_role_installs_what_these_tests_run():
    tasks = (ROLE / "tasks" / "present.yml").read_text()
    for path in INSTALLED:
        written = path.name if path.is_relative_to(ROLE) else path.relative_to(ROOT)
        assert f"{written}" in tasks


def test_the_answer_of_a_former_run_does_not_count(settings):
    """Not even of one that has ended a moment before."""
    settings["command"][-1] = DELIVERS.replace("{blocked}", "false").replace("{code}", "2")
    assert run(settings)[0] == 1
    settings["command"][-1] = "exit 2"
    assert run(settings)[0] == 2


def test_the_delivery_of_another_program_does_not_count(settings):
    """It ends while the playbook of the sync runs, and has no file to answer to."""
    settings["command"][-1] = "exit 2"
    Path(settings["delivery_metrics"]).write_text(
        f"shipping_delivery_last_run_timestamp_seconds {time.time() + 60:.3f}\n"
    )
    assert run(settings)[0] == 2


def test_the_answer_of_a_delivery_is_understood(settings, monkeypatch):
    """The two files that know its name and form agree."""
    path = Path(settings["home"]) / "written"
    monkeypatch.setenv(delivery_answer.PATH_VARIABLE, str(path))
    for blocked, status in ((True, 2), (False, 1)):
        rows = [{"host": "pc1", "state": "failed"}]
        delivery_answer.write_answer(rows, removals_blocked=blocked)
        settings["command"][-1] = f'cp {path} "${delivery_answer.PATH_VARIABLE}"; exit 2'
        assert run(settings)[0] == status


def test_a_delivery_that_no_program_waits_for_writes_no_answer(tmp_path, monkeypatch):
    monkeypatch.delenv(delivery_answer.PATH_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    delivery_answer.write_answer([], removals_blocked=False)
    assert set(tmp_path.iterdir()) == before


def test_the_last_success_is_kept(settings):
    assert run(settings)[0] == 0
    former = read_samples(settings["sync_metrics"])["shipping_sync_last_success_timestamp_seconds"]
    settings["command"][-1] = "exit 2"
    assert run(settings)[0] == 2
    samples = read_samples(settings["sync_metrics"])
    assert samples["shipping_sync_last_success_timestamp_seconds"] == former > 0


def test_a_first_run_that_fails_has_no_last_success(settings):
    settings["command"][-1] = "exit 2"
    assert run(settings)[0] == 2
    text = Path(settings["sync_metrics"]).read_text()
    assert "shipping_sync_exit_status 2\n" in text and "last_success" not in text


def test_a_log_that_has_grown_is_rotated(settings):
    log = Path(settings["home"]) / "sync.log"
    settings["log"] = {"path": str(log), "size": 100, "keep": 2}
    for text in ("first", "second", "third"):
        log.write_text(text * 100)
        assert run(settings)[0] == 0
    assert "delivered after" in log.read_text()
    assert sorted(path.name for path in log.parent.glob("sync.log*")) == [
        "sync.log",
        "sync.log.1",
        "sync.log.2",
    ]
    assert [Path(f"{log}.{number}").read_text()[:6] for number in (1, 2)] == ["thirdt", "second"]


def test_a_log_that_is_small_is_continued(settings):
    log = Path(settings["home"]) / "sync.log"
    log.write_text("former\n")
    settings["log"] = {"path": str(log), "size": 100, "keep": 2}
    assert run(settings)[0] == 0
    assert log.read_text().startswith("former\n") and "delivered after" in log.read_text()
    assert not Path(f"{log}.1").exists()


def test_a_run_that_takes_too_long_is_ended_with_all_that_it_started(settings, tmp_path):
    settings["timeout"] = 1
    settings["command"][-1] = f"sleep 300 & echo $! >{tmp_path}/pid; wait"
    code, output = run(settings)
    assert code == 2 and "exceeded 1 s and was ended" in output
    assert not runs(tmp_path / "pid")


@pytest.fixture
def git(settings, tmp_path: Path) -> Path:
    """A program in the place of git."""
    path = tmp_path / "bin" / "git"
    # Programs beside Ansible are found first.
    settings["command"] = [str(path.parent / "ansible-playbook")]
    path.parent.mkdir()
    path.touch(mode=0o755)
    return path


def test_a_git_server_that_hangs_ends_no_run_with_a_traceback(settings, git):
    settings |= {"repository": "https://git.example.com/a.git", "timeout": 1}
    git.write_text("#!/bin/sh\ncase $3 in fetch) exec sleep 60;; init) exit 0;; *) exit 1;; esac\n")
    code, output = run(settings, PATH=f"{git.parent}:{os.environ['PATH']}")
    assert code == 2 and "Traceback" not in output
    assert "git fetch did not end within 1 s" in output and "no former checkout exists" in output


def test_a_controller_without_git(settings, git):
    settings["repository"] = "https://git.example.com/a.git"
    git.write_text("#!/no/such/shell\n")
    code, output = run(settings, PATH=str(git.parent))
    assert code == 2 and "git does not start: No such file or directory" in output
    assert "Traceback" not in output


def test_the_repository_of_a_hook_is_left_alone(settings, git):
    settings["repository"] = "https://git.example.com/a.git"
    git.write_text('#!/bin/sh\necho "git-dir=$GIT_DIR" >&2\nexit 1\n')
    _code, output = run(
        settings, PATH=f"{git.parent}:{os.environ['PATH']}", GIT_DIR="/elsewhere/.git"
    )
    assert "git-dir=\n" in output and "elsewhere" not in output


def test_a_terminated_run_ends_the_playbook(settings, tmp_path):
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
        assert code == 75 and "another run is in progress" in output
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


def test_broken_settings_are_reported(tmp_path, program):
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "none")],
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
        [sys.executable, str(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "SETTINGS [sync|events]" in done.stderr
