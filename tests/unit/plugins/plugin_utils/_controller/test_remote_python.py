# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.plugins.shell.sh import ShellModule
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._controller import remote_python

ROOT = Path(__file__).parents[5]
REVISION = remote_python.packed(
    "_toolbox.revision_order", "is_revision", "_toolbox/revision_order.py"
)
OPTIONS = {"state": "present", "record": None, "catalog": None, "generation": None}
TOOLBOX = remote_python.packed(
    "_toolbox.toolbox_calls",
    "directly",
    "_core/errors.py",
    "_core/failure.py",
    "_core/text_table.py",
    "_toolbox",
)


def action(delegate_to=None, pipelining=True, environment="", folder=None):
    """An action whose connection is a shell on this machine."""

    def execute(command, in_data):
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            input=in_data,
            stdout=subprocess.PIPE,
            cwd=folder,
            check=False,
        )
        return {"stdout_lines": done.stdout.decode().splitlines()}

    return SimpleNamespace(
        _task=SimpleNamespace(delegate_to=delegate_to),
        _templar=SimpleNamespace(template=lambda text: text),
        _is_pipelining_enabled=lambda style: pipelining,
        _connection=SimpleNamespace(_shell=ShellModule()),
        _compute_environment_string=lambda: environment,
        _low_level_execute_command=execute,
    )


SET = {"ansible_python_interpreter": "/opt/python"}
FOUND = {"ansible_facts": {"discovered_interpreter_python": "/usr/bin/python3.12"}}
PYTHONS = [
    (action(), SET, "/opt/python"),
    (action(), {**SET, **FOUND}, "/opt/python"),
    (action(), FOUND, "/usr/bin/python3.12"),
    (action(), {}, "/usr/bin/python3"),
    (action(), {"ansible_python_interpreter": "auto_silent"}, "/usr/bin/python3"),
    (action("pc1"), {**SET, "ansible_delegated_vars": {"pc1": FOUND}}, "/usr/bin/python3.12"),
    (action(), {"ansible_python_interpreter": "python3"}, ""),
    (action(pipelining=False), SET, ""),
    (action(), {**SET, remote_python.SWITCH: False}, ""),
    (action(), {**SET, remote_python.SWITCH: "no"}, ""),
    (action(), {**SET, remote_python.SWITCH: "true"}, "/opt/python"),
    (
        action("pc1"),
        {**SET, "ansible_delegated_vars": {"pc1": {**SET, remote_python.SWITCH: False}}},
        "",
    ),
]


def test_a_switch_that_is_no_boolean_is_named():
    with pytest.raises(ShippingError, match="shipping_remote_python cannot be 'maybe'"):
        remote_python.is_enabled(action(), {remote_python.SWITCH: "maybe"})


@pytest.mark.parametrize(("where", "variables", "expected"), PYTHONS)
def test_which_python_runs_a_program(where, variables, expected):
    assert remote_python.remote_python(where, variables) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time:control:1", True),
        ("time:control:soon", False),
        ("change:ldap://hÄ'\"\\{}\n$HOME:7", True),
    ],
)
def test_a_function_answers_on_the_machine_as_it_does_here(text, expected):
    assert (
        remote_python.call_function(action(), sys.executable, REVISION, {"text": text}) is expected
    )


def test_what_is_wrong_is_told_with_its_facts():
    answer = remote_python.call_function(
        action(), sys.executable, TOOLBOX, {"options": OPTIONS, "dry": True, "diff": False}
    )
    assert (
        answer["failed"]
        and "record: is required" in answer["msg"]
        and answer["problems"][1] == {"path": "catalog", "text": "is required"}
    )


def test_neither_a_folder_nor_the_environment_has_a_say(tmp_path):
    for name in ("json", "zlib", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a file of somebody else ran')")
    where = action(environment=f"PYTHONPATH={tmp_path}", folder=tmp_path)
    assert (
        remote_python.call_function(where, sys.executable, REVISION, {"text": "time:control:1"})
        is True
    )


def test_what_a_shell_says_at_login_is_not_taken_for_an_answer():
    said = remote_python.call_function(
        action(environment="echo shipping.code answers in time; echo '{\"failed\": true}';"),
        sys.executable,
        REVISION,
        {"text": "time:control:1"},
    )
    assert said is True


@pytest.mark.parametrize(
    ("python", "arguments"),
    [
        ("/usr/bin/no-python", {"text": "time:control:1"}),
        ("/bin/false", {"text": "time:control:1"}),
        (sys.executable, {"text": None}),
        (sys.executable, {}),
    ],
)
def test_no_answer_is_left_to_the_module(python, arguments):
    assert remote_python.call_function(action(), python, REVISION, arguments) is None


# What a host compiles on each call takes it 0.3 ms for 1,000 characters. A call that installs
# nothing needs none of these modules.
MOST_CHARACTERS = 185_000
SLOW_MODULES = {"dataclasses", "difflib", "inspect", "pathlib", "platform", "subprocess", "tarfile"}
LOADED = """
loaded = [name for name in sys.modules if name in SENT]
print(json.dumps([sum(len(SENT[name]["text"]) for name in loaded), sorted(sys.modules)]))
"""


def test_a_host_loads_only_what_its_tools_need():
    sent = []

    def keep(command, in_data):
        sent.append(in_data.decode())
        return {"stdout_lines": []}

    where = action()
    where._low_level_execute_command = keep
    remote_python.call_function(where, sys.executable, TOOLBOX, {})
    program = sent[0].rpartition("\nprint(")[0] + LOADED
    done = subprocess.run(
        [sys.executable, "-IS", "-"], input=program, stdout=subprocess.PIPE, text=True, check=True
    )
    characters, modules = json.loads(done.stdout)
    assert 100_000 < characters <= MOST_CHARACTERS
    assert SLOW_MODULES.isdisjoint(modules)


def test_the_oldest_python_of_a_machine_runs_it():
    found = subprocess.run(
        [ROOT / "tests" / "testbed" / "setup.sh", "find", "3.9"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    ).stdout.strip()
    if not found:
        pytest.skip("there is no Python 3.9 here")
    answer = remote_python.call_function(
        action(), found, TOOLBOX, {"options": OPTIONS, "dry": True, "diff": False}
    )
    assert answer["msg"].startswith("2 problems in the options; nothing was changed")
