# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays that are forks of a server are as good as programs that are started."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import plays

PROGRAM = str(Path(sys.executable).parent / "ansible-playbook")


def debug(text: str) -> dict[str, Any]:
    return {"ansible.builtin.debug": {"msg": text}}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }


def written(folder: Path, *tasks: dict[str, Any]) -> list[str]:
    """Write a play and return the words that run it."""
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([play]))
    return [PROGRAM, "-i", "localhost,", "play.yml"]


def test_a_fork_comes_to_what_a_program_comes_to(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = written(
        tmp_path,
        debug(
            "{{ lookup('env', 'MARK') }} in {{ lookup('pipe', 'pwd') }} of {{ lookup('env',"
            " 'HOME') }}"
        ),
        {"ansible.builtin.command": "echo from a module", "register": "said"},
        debug("{{ said.stdout }}"),
        debug("{{ lookup('config', 'DEFAULT_LOCAL_TMP') is exists }}"),
        {"ansible.builtin.fail": {"msg": "on purpose"}},
    )
    found = []
    for how in ("fork", "exec", "fork"):
        monkeypatch.setenv("SHIPPING_TEST_PLAYS", how)
        settings = {**environment, "MARK": "mine"}
        found.append(plays.run(words, env=settings, cwd=tmp_path, timeout=60))
    assert [done.returncode for done in found] == [2, 2, 2]
    assert found[0].stdout == found[1].stdout == found[2].stdout
    assert found[0].stderr == found[1].stderr
    assert f"mine in {tmp_path} of {tmp_path}" in found[0].stdout
    assert list((tmp_path / ".ansible" / "tmp").iterdir()) == []


def test_settings_are_those_of_the_play(tmp_path: Path, environment: dict[str, str]) -> None:
    words = written(tmp_path, debug("hello"))
    plain = plays.run(words, env=environment, cwd=tmp_path, timeout=60)
    colored = {**environment, "ANSIBLE_FORCE_COLOR": "1"}
    assert "\33[" not in plain.stdout
    assert "\33[" in plays.run(words, env=colored, cwd=tmp_path, timeout=60).stdout
    (tmp_path / "yaml.py").write_text("raise RuntimeError('not this one')\n")
    strange = {**environment, "PYTHONPATH": str(tmp_path)}
    assert "not this one" in plays.run(words, env=strange, cwd=tmp_path, timeout=60).stderr
    (tmp_path / "ansible.cfg").write_text("[defaults]\ncallback_result_format = yaml\n")
    assert "msg: hello" in plays.run(words, env=environment, cwd=tmp_path, timeout=60).stdout


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGINT, 99)]
)
def test_a_play_can_be_ended(
    tmp_path: Path, environment: dict[str, str], number: int, status: int
) -> None:
    begun = tmp_path / "begun"
    words = written(tmp_path, {"ansible.builtin.shell": f"touch {begun}; sleep 60"})
    with (tmp_path / "output").open("wb") as output:
        play = plays.start(words, env=environment, cwd=tmp_path, stdout=output)
    deadline = time.monotonic() + 30
    while not begun.exists():
        assert time.monotonic() < deadline and play.poll() is None
        time.sleep(0.05)
    assert os.getpgid(play.pid) == play.pid
    os.killpg(play.pid, number)
    assert play.wait(30) == status


def test_programs_print_into_two_files(tmp_path: Path, environment: dict[str, str]) -> None:
    inventory = str(Path(PROGRAM).with_name("ansible-inventory"))
    words = [inventory, "-i", "nowhere.yml", "--list"]
    done = plays.run(words, env=environment, cwd=tmp_path, timeout=60)
    assert json.loads(done.stdout)["_meta"]
    assert "Unable to parse" in done.stderr
