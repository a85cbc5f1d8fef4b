# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes ignores of an app is noted and left out."""

from __future__ import annotations

import copy
import re
from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from hypothesis import assume, given, settings

from ..._compose import generated_files
from ..._compose.reading import KUBERNETES, read_spec
from .reading import app, read, whole

# Keys of a service, what is ignored.
NOTED = [
    (
        {"stop_signal": "SIGQUIT", "init": True},
        ["init: ignored, since the program must be PID 1 to get its stop_signal"],
    ),
    (
        {"ulimits": {"nofile": 9}},
        ["ulimits: ignored, since the nodes' container runtime sets them"],
    ),
    (
        {"deploy": {"restart_policy": {"delay": "1s", "max_attempts": 3}}},
        [
            "deploy.restart_policy: delay, max_attempts ignored, since kubelets have their own"
            " backoff"
        ],
    ),
    (
        {"deploy": {"rollback_config": {"parallelism": 2}}},
        ["deploy.rollback_config: ignored, since a rollback is an update like any other"],
    ),
    (
        {"deploy": {"update_config": {"max_failure_ratio": 0.5, "failure_action": "continue"}}},
        [
            (
                "deploy.update_config.max_failure_ratio: ignored, since max_crashes of the"
                " release limits failures"
            ),
            (
                "deploy.update_config.failure_action: ignored, since a failed release is"
                " always rolled back"
            ),
        ],
    ),
    (
        {"pids_limit": 9},
        ["pids_limit: ignored, since kubelets limit processes (podPidsLimit)"],
    ),
    (
        {"pids_limit": 9, "deploy": {"resources": {"limits": {"pids": 9}}}},
        ["deploy.resources.limits.pids: ignored, since kubelets limit processes (podPidsLimit)"],
    ),
    (
        {"tmpfs": "/run:mode=1777"},
        ["tmpfs: the mode of /run is ignored, since every user may write there"],
    ),
    (
        {"volumes": ["/a", "/a", "/b"], "tmpfs": ["/c", "/run:mode=1777"]},
        ["tmpfs[1]: the mode of /run is ignored, since every user may write there"],
    ),
    (
        {
            "volumes": [
                "/a",
                "/a",
                {"type": "tmpfs", "target": "/run", "tmpfs": {"mode": 0o1777}},
            ]
        },
        ["volumes[2]: the mode of /run is ignored, since every user may write there"],
    ),
    (
        {"restart": "on-failure:3"},
        ["restart: max_attempts ignored, since kubelets have their own backoff"],
    ),
    (
        {"logging": {"driver": "json-file", "options": {"max-size": "1m"}}},
        ["logging: ignored, since the nodes keep the logs of pods"],
    ),
    (
        {"logging": {"options": {"max-size": "1m"}}},
        ["logging: ignored, since the nodes keep the logs of pods"],
    ),
]
LOST = (
    "ignored, since a key on Kubernetes has letters, digits, '-', '_' and '.', at most 63, after"
    " an optional domain and '/'"
)
LONG = "traefik.http.routers." + "x" * 60
NOTED += [
    ({"labels": {"a b": "c", LONG: "d"}}, [f"labels: a b, {LONG} {LOST}"]),
    ({"deploy": {"labels": {LONG: "d"}}}, [f"deploy.labels: {LONG} {LOST}"]),
]
# What is ignored -> the same without it.
WITHOUT = [
    ({"labels": {LONG: "d", "a": "b"}}, {"labels": {"a": "b"}}),
    ({"deploy": {"labels": {LONG: "d"}}}, {}),
    ({"user": "root"}, {"user": "0"}),
    ({"user": "root:root"}, {"user": "0:0"}),
    ({"user": "1000:root"}, {"user": "1000:0"}),
    ({"volumes": ["/a:/b:z"]}, {"volumes": ["/a:/b"]}),
    *((noted, {}) for noted, _notes in NOTED if set(noted) & {"ulimits", "pids_limit", "logging"}),
    ({"deploy": {"restart_policy": {"delay": "1s"}}}, {}),
    ({"restart": "always"}, {}),
    ({"deploy": {"rollback_config": {}}}, {}),
    ({"tmpfs": "/run:mode=1777"}, {"tmpfs": "/run"}),
    ({"tmpfs": "/run:size=1m,mode=1777"}, {"tmpfs": "/run:size=1m"}),
    ({"init": True, "stop_signal": "SIGINT"}, {"stop_signal": "SIGINT"}),
    (
        {"volumes": [{"type": "volume", "target": "/x", "volume": {"nocopy": True}}]},
        {"volumes": ["/x"]},
    ),
    (
        {"deploy": {"update_config": {"failure_action": "continue"}}},
        {"deploy": {"update_config": {"failure_action": "pause"}}},
    ),
]


@pytest.mark.parametrize(("given_keys", "notes"), NOTED, ids=str)
def test_noted(given_keys, notes):
    assert read(**given_keys).notes == [f"services.web.{note}" for note in notes]
    # A note names a key that the file has.
    assert {re.split("[.:[]", note)[0] for note in notes} <= given_keys.keys()


@pytest.mark.parametrize(("given_keys", "same"), WITHOUT, ids=str)
def test_what_is_passed_over_leaves_nothing_behind(given_keys, same):
    """Or a second run with other words would be another release."""
    assert read(**given_keys).services == read(**same).services


@settings(max_examples=40)
@given(generated_files.SERVICES)
def test_nothing_empty_is_left(keys_of_service):
    for service in read_generated(keys_of_service).services.values():
        assert not {"ulimits", "logging", "restart"} & set(service)
        for key, value in service.items():
            assert value not in ({}, []), key
        assert not list(empties(service.get("deploy", {})))


def read_generated(keys_of_service, support=KUBERNETES):
    try:
        content = generated_files.spec({**keys_of_service, "user": "1"})
        return read_spec(content, support=support)
    except SpecError:
        assume(False)


def empties(value, path=""):
    if isinstance(value, dict):
        if not value and path:
            yield path
        for key, part in value.items():
            yield from empties(part, f"{path}.{key}")


@settings(max_examples=40)
@given(generated_files.SERVICES)
def test_neither_checks_nor_leaving_out_change_the_app(keys_of_service):
    seen = []

    def remember(app, _reader):
        seen.append((app, copy.deepcopy(app)))

    support = replace(KUBERNETES, checks=(remember, *KUBERNETES.checks))
    read_generated(keys_of_service, support)
    app, before = seen[-1]
    assert replace(app, notes=[]) == before


@pytest.mark.parametrize(("given_keys", "_notes"), NOTED, ids=str)
def test_what_is_noted_is_still_there_for_checks(given_keys, _notes):
    """A check that left out what it noted would hide it from the next one."""
    twice = replace(KUBERNETES, checks=2 * KUBERNETES.checks)
    assert read_spec(whole(**given_keys), support=twice).notes == 2 * read(**given_keys).notes


def test_settings_of_networks_are_passed_over():
    options = {
        "driver": "overlay",
        "driver_opts": {"encrypted": ""},
        "attachable": True,
        "ipam": {"config": [{"subnet": "10.1.0.0/24"}]},
        "internal": True,
        "labels": {"a": "b"},
    }
    taken = app({"web": {"networks": ["n"]}}, networks={"n": options})
    assert taken.networks["n"] == {"internal": True, "labels": {"a": "b"}}
    assert taken.notes == [
        f"networks.n.{key}: ignored, since the cluster has one network"
        for key in ("driver_opts", "attachable")
    ] + ["networks.n.ipam: ignored, since the cluster assigns addresses"]
    assert (
        app(
            {"web": {"networks": ["n"]}}, networks={"n": {"driver": "bridge", "attachable": False}}
        ).notes
        == []
    )
