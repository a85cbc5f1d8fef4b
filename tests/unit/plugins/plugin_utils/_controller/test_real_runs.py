# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real plays of every supported ansible-core: progress appears at once, the remote way answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .ansible_cores import INSTALLED, VERSIONS, core

COLLECTIONS = Path(__file__).parents[5] / ".collections"
PLAYBOOK = (sys.executable, "-m", "ansible", "playbook", "play.yml")
OURS = "ansible_collections.shipping.code.plugins.plugin_utils._controller"
# Each step waits until the test has read the line of the step before.
ACTION = f"""
import os, time
from ansible.release import __version__
from ansible.plugins.action import ActionBase
from {OURS} import remote_python
from {OURS}.progress_lines import show_line

PROGRAM = remote_python.packed(
    "_toolbox.revision_order", "is_revision", "_toolbox/revision_order.py"
)

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        for step in ("one", "two"):
            show_line(f"step {{step}}")
            deadline = time.monotonic() + 30
            while not os.path.exists(self._task.args["folder"] + "/read-" + step):
                if time.monotonic() > deadline:
                    return {{"failed": True, "msg": f"the line {{step}} did not appear"}}
                time.sleep(0.02)
        runner = remote_python.RemotePythonRunner(
            self, task_vars, lambda: PROGRAM, lambda options: {{"text": "time:control:1"}}
        )
        show_line(f"ansible-core {{__version__}}")
        show_line(f"the host says {{runner.run({{}})}}")
        return {{"changed": False}}
"""


def lines_of(play: subprocess.Popen[str], folder: Path) -> list[str]:
    """Read what a play prints through a pipe, and tell it which steps have appeared."""
    lines = []
    for line in play.stdout or ():
        lines.append(line.strip())
        if line.startswith("step "):
            (folder / f"read-{lines[-1].rpartition(' ')[2]}").touch()
    return lines


@pytest.mark.parametrize(("switch", "answer"), [("true", "True"), ("false", "None")])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_play_shows_its_progress_and_the_host_answers(tmp_path, version, switch, answer):
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins" / "steps.py").write_text(ACTION)
    tasks = [{"steps": {"folder": str(tmp_path)}}]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "steps.py").write_text("")
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(core(version).parent),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_PIPELINING": "true",
    }
    started = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "play.yml",
            "-e",
            f"shipping_remote_python={switch}",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    lines = lines_of(started, tmp_path)
    assert started.wait(60) == 0, "\n".join(lines[-20:])
    number = "" if version == INSTALLED else version
    assert [line for line in lines if line.startswith(f"ansible-core {number}")]
    assert [line for line in lines if line.startswith(("step ", "the host says"))] == [
        "step one",
        "step two",
        f"the host says {answer}",
    ]


# Wraps Display.display as the callback plugin of ansible-runner 2.4.0 does, which AWX 24.6.1 has:
# https://github.com/ansible/ansible-runner/blob/2.4.0/src/ansible_runner/display_callback
RUNNER = """
DOCUMENTATION = "{name: runner_like, extends_documentation_fragment: [default_callback]}"

import functools, sys
from ansible.plugins.callback.default import CallbackModule as Default
from ansible.utils.display import Display

def with_event_data(display):
    @functools.wraps(display)
    def wrapper(*words, **options):
        if options.get("log_only"):
            return display(*words, **options)
        sys.stdout.write("[event begins]")
        display(*words, **options)
        sys.stdout.write("[event ends]")
    return wrapper

Display.display = with_event_data(Display.display)

class CallbackModule(Default):
    CALLBACK_NAME = "runner_like"
"""
PRINTS = f"""
from ansible.plugins.action import ActionBase
from {OURS}.progress_lines import print_line, show_line

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        show_line("a line of progress")
        print_line("a line of the table")
        return {{}}
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_job_of_awx_prints_lines_without_a_warning(tmp_path, version):
    for folder, content in (("action_plugins", PRINTS), ("library", ""), ("callbacks", RUNNER)):
        (tmp_path / folder).mkdir()
        name = "runner_like.py" if folder == "callbacks" else "prints.py"
        (tmp_path / folder / name).write_text(content)
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    (tmp_path / "play.yml").write_text(json.dumps([{**play, "tasks": [{"prints": {}}]}]))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(core(version).parent),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CALLBACK_PLUGINS": str(tmp_path / "callbacks"),
        "ANSIBLE_STDOUT_CALLBACK": "runner_like",
    }
    done = subprocess.run(
        PLAYBOOK, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    for line in ("a line of progress", "a line of the table"):
        assert f"[event begins]{line}\n[event ends]" in done.stdout
    assert "errantly" not in done.stdout + done.stderr
