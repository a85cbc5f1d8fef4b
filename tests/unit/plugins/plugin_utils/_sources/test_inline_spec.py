# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inline specs as PyYAML, by which Ansible reads playbooks, hands them on."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._sources import inline_spec
from ansible_collections.shipping.code.plugins.plugin_utils._sources.compose_files import (
    SpecSources,
    load,
)
from hypothesis import given
from hypothesis import strategies as st

yaml = pytest.importorskip("yaml")


def problems(text: str) -> list[str]:
    return [str(problem) for problem in inline_spec.problems(yaml.safe_load(text))]


def of_service(text: str) -> list[str]:
    return problems(f"services: {{web: {{image: nginx, {text}}}}}")


# What stands in a playbook -> where, and a part of what is said of it.
MISREAD = [
    ("ports: [22:22]", "services.web.ports[0]", "1342 may have been 22:22, which YAML 1.1 reads"),
    ("ports: [2222:22]", "services.web.ports[0]", 'quote it: "2222:22" or "133342"'),
    ("ports: [80:80, 53:53]", "services.web.ports[1]", "3233 may have been 53:53"),
    ("environment: {A: on}", "services.web.environment.A", "is true, which YAML 1.1 also makes of"),
    ("environment: [no]", "services.web.environment[0]", "is false, which YAML 1.1 also makes of"),
    ("environment: {A: 2026-01-01}", "services.web.environment.A", "is a date or time to YAML 1.1"),
    ("environment: {A: .inf}", "services.web.environment.A", "inf is no number here; quote it"),
    ("labels: {a: 2026-01-01 10:00:00}", "services.web.labels.a", "(2026-01-01 10:00:00); quote"),
    ("environment: {on: 1}", "services.web.environment.True", "the key is true, which YAML 1.1"),
    ("command: [echo, yes]", "services.web.command[1]", "is true, which YAML 1.1 also makes of"),
    ("restart: no", "services.web.restart", "is false, which YAML 1.1 also makes of off and no"),
    ("user: !!binary YQ==", "services.web.user", "is binary data; quote it"),
    ("cap_add: !!set {A, B}", "services.web.cap_add", "is a set; quote it"),
    ("deploy: {labels: {a: yes}}", "services.web.deploy.labels.a", "is true"),
    ("healthcheck: {test: [CMD, on]}", "services.web.healthcheck.test[1]", "is true"),
]


@pytest.mark.parametrize(("text", "path", "part"), MISREAD)
def test_what_yaml_1_1_makes_something_else_of(text, path, part):
    assert len(of_service(text)) == 1
    assert of_service(text)[0].startswith(f"{path}: ") and part in of_service(text)[0]


MEANT = [
    'ports: ["22:22", "133342", 8080, 3000, 22, 8443, {target: 80, published: 8080}]',
    "environment: {A: 1, B: 1.5, C: text, D: null}",
    "read_only: true, init: on, healthcheck: {disable: yes}",
    "deploy: {replicas: 2}, expose: [80]",
    "x-own: {a: 2}",
]


@pytest.mark.parametrize("text", MEANT)
def test_what_can_only_be_meant_so(text):
    assert of_service(text) == []


def test_a_text_has_its_own_words():
    assert problems("'services: {}'") == [
        "must be a mapping, not a text; give the path of the file by compose, or add | from_yaml to"
        " the lookup"
    ]


@pytest.mark.parametrize("inline", ["services: {}", None, [], 3])
def test_what_is_no_mapping_is_one_problem(inline):
    with pytest.raises(SpecError) as caught:
        load(SpecSources(read=lambda _path: b"", inline=inline))
    (problem,) = caught.value.problems
    assert problem.text.startswith("must be a mapping")


ODD: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.dates(),
    st.datetimes(),
    st.binary(max_size=3),
    st.just({1}),
)
KEYS = st.sampled_from(["services", "web", "ports", "environment", "labels", True, 1, None])
TREES = st.recursive(
    ODD | st.just(datetime.date(2026, 1, 1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(TREES)
def test_whatever_a_playbook_has_is_loaded_or_refused(inline):
    try:
        load(SpecSources(read=lambda _path: b"", inline=inline))
    except SpecError as error:
        assert all(problem.text for problem in error.problems)
