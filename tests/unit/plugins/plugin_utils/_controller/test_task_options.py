# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action reads of its task: values of their types, or a message."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.action import toolbox
from ansible_collections.shipping.code.plugins.action.release import ActionModule
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._deploy import argument_specs
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS
from ansible_collections.shipping.code.plugins.plugin_utils._controller.task_options import (
    read_options,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SPEC = PLATFORMS.argument_spec(argument_specs.RELEASE, releases=True)
APP = {"app": "shop", "version": "1"}


def test_texts_of_templates_are_read():
    given_ = {
        **APP,
        "values": '{"A": 1}',
        "lease_timeout": "0",
        "adopt": "yes",
        "recreate": "web",
        "docker_url": "tcp://a",
        "ca_path": "~/ca.pem",
        "compose": "~/a.yml",
        "spec": None,
    }
    assert read_options(SPEC, given_) == {
        **given_,
        "values": {"A": 1},
        "lease_timeout": 0,
        "adopt": True,
        "recreate": ["web"],
    }


WRONG = [
    (
        {"spec": "services:\n  web: {image: a}\n"},
        "spec cannot be used: it is a text, and must be a mapping. Give the path of a Compose file"
        " by compose, or add | from_yaml to the lookup.",
    ),
    ({"spec": ["a"]}, "spec"),
    ({"values": 3}, "values"),
    ({"secret_values": ["sesame"]}, "secret_values"),
    ({"lease_timeout": "soon"}, "lease_timeout"),
    ({"registry_auths": ["a"]}, "registry_auths"),
    ({"helm_values": "a"}, "helm_values"),
    ({"app": None}, "app is not set"),
    (
        {"compose_fil": "a.yml", "verison": "2"},
        "the options cannot be used: there is no option compose_fil; did you mean compose?; there"
        " is no option verison; did you mean version? Correct the names; ansible-doc lists all"
        " options of a module.",
    ),
    ({"app": None, "nonsense_": 1}, "there is no option nonsense_. Correct"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_a_value_of_another_type(options, message):
    with pytest.raises(ShippingError) as caught:
        read_options(SPEC, {**APP, **options})
    assert message in str(caught.value) and "sesame" not in str(caught.value)


class Action(ActionModule):
    """The action without Ansible around it: only what it makes of its options."""

    def __init__(self, options: dict[str, Any], folder: str) -> None:
        self._task = SimpleNamespace(args=options)
        self._loader = SimpleNamespace(get_basedir=lambda: folder, get_real_file=lambda path: path)

    def _find_needle(self, _dirname: str, needle: str) -> str:
        return needle


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.dates(),
        st.sampled_from(["", "a", "web", "22:22", "{", "{{ a }}", "a=b", "/no/such/file", "${A}"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["web", "services", "image", "environment", "ports", "secrets"])
            | st.none()
            | st.booleans(),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
OPTIONS = st.dictionaries(st.sampled_from(sorted(SPEC)), VALUES, max_size=4)


@settings(max_examples=50)
@given(OPTIONS, st.sampled_from(["spec", "compose", "manifests"]), VALUES)
def test_whatever_a_task_has_is_read_or_has_a_message(tmp_path_factory, options, source, value):
    folder = str(tmp_path_factory.getbasetemp())
    try:
        Action({**APP, **options, source: value}, folder).module_options()
    except ShippingError as error:
        assert str(error)


class Toolbox(toolbox.ActionModule):
    """The action without Ansible around it, and without a catalog and a host."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._task = SimpleNamespace(args=options, check_mode=False)

    def _refuse_windows(self) -> None:
        """Take any host for one of Linux."""

    def _contents(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"manifests": [], "checksums": {}, "without": []}

    def _call(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        return {}


USERS = st.lists(
    st.dictionaries(st.sampled_from(["id", "name", "projects"]), VALUES, max_size=3) | VALUES,
    max_size=2,
)
RECORDS = VALUES | st.dictionaries(
    st.sampled_from(["host", "revision", "users"]), USERS | VALUES, max_size=3
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(sorted(toolbox.TOOLBOX)), VALUES, max_size=3), RECORDS)
def test_whatever_a_task_delivers_is_read_or_has_a_message(options, record):
    given_ = {"catalog": "projects", **options, "record": record}
    with contextlib.suppress(ShippingError):
        Toolbox(given_)._deliver(read_options(toolbox.TOOLBOX, given_), {})
