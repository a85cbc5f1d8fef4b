# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    app_info,
    argument_specs,
    operations,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.run_answer import RunAnswer
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS
from ansible_collections.shipping.code.plugins.plugin_utils._controller import in_process

CALL = in_process.ModuleSpec(
    PLATFORMS.argument_spec(argument_specs.RELEASE, releases=True),
    operations.release_or_absent,
    PLATFORMS,
    argument_specs.RELEASE_RULES,
)
NOWHERE = {
    "app": "shop",
    "state": "absent",
    "platform": "kubernetes",
    "host": "https://127.0.0.1:1",
    "api_key": "a-long-token",
    "timeout": 1,
}


def action(transport="local", become=None, environment=(), delegate_to=None):
    connection = SimpleNamespace(transport=transport, become=become)
    task = SimpleNamespace(environment=list(environment), delegate_to=delegate_to)
    return SimpleNamespace(
        _connection=connection, _task=task, _templar=SimpleNamespace(template=lambda text: text)
    )


HERE = {"ansible_python_interpreter": sys.executable}
PLACES = [
    (action(), HERE, True),
    (action("ansible.builtin.local"), HERE, True),
    (action(environment=[{}]), HERE, True),
    (action(delegate_to="localhost"), {"ansible_delegated_vars": {"localhost": HERE}}, True),
    (action(delegate_to="localhost"), {**HERE, "ansible_delegated_vars": {"localhost": {}}}, False),
    (action("ssh"), HERE, False),
    (action(become="sudo"), HERE, False),
    (action(environment=[{"HTTPS_PROXY": "http://proxy"}]), HERE, False),
    (action(), {"ansible_python_interpreter": "/usr/bin/another-python"}, False),
    (action(), {}, False),
]


@pytest.mark.parametrize(("where", "variables", "expected"), PLACES)
def test_where_a_module_would_run_in_this_python(where, variables, expected):
    assert in_process.is_this_process(where, variables) is expected


def test_an_error_of_the_platform_is_told_as_the_module_tells_it():
    found = in_process.preview_module(CALL, NOWHERE, check=False, diff=False)
    assert found["failed"] and "no connection to the cluster at https://127.0.0.1:1" in found["msg"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"verison": "1"},
        {"timeout": "soon"},
        {"platform": "mesos"},
        {"compose": ["a.yml"], "spec": {"services": {}}},
    ],
)
def test_wrong_options_are_left_to_the_module(wrong):
    assert in_process.preview_module(CALL, {**NOWHERE, **wrong}, check=False, diff=False) is None


def test_a_defect_is_left_to_the_module(monkeypatch):
    def broken(*_arguments, **_keywords):
        raise RuntimeError("a defect")

    monkeypatch.setattr(in_process, "preview_run", broken)
    assert in_process.preview_module(CALL, NOWHERE, check=False, diff=False) is None


def test_no_secret_comes_back(monkeypatch):
    result = {"changed": False, "said": "the token is a-long-token", "diff": {"before": 1}}
    monkeypatch.setattr(in_process, "preview_run", lambda *_arguments, **_check: RunAnswer(result))
    shown = in_process.preview_module(CALL, NOWHERE, check=False, diff=False)
    assert "a-long-token" not in str(shown) and "diff" not in shown
    assert "diff" in in_process.preview_module(CALL, NOWHERE, check=False, diff=True)


def read_here(options, read, where=None):
    spec = PLATFORMS.argument_spec(argument_specs.INFO)
    return in_process.read_here(where or action(), HERE, spec, options, read)


def test_a_module_that_only_reads():
    options = {name: value for name, value in NOWHERE.items() if name != "state"}
    found = read_here(options, lambda given: {"said": f"{given['app']} a-long-token"})
    assert found["changed"] is False
    assert found["said"].startswith("shop ") and "a-long-token" not in found["said"]
    failed = read_here(options, lambda given: app_info.read_app(given, PLATFORMS))
    assert failed["failed"] and "no connection to the cluster" in failed["msg"]
    assert read_here({**options, "timeout": "soon"}, lambda _given: {}) is None
    assert read_here(options, lambda _given: {}, action("ssh")) is None
