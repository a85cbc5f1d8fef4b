# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension and the refused keys on Kubernetes."""

from __future__ import annotations

import pytest

from ..._compose.reading import KUBERNETES, problems
from .reading import app, read

PROBE = "needs either http with path and port, or tcp with port"
# What x-shipping says, what is wrong with it on Kubernetes.
EXTENSIONS = [
    ({"probe": {"http": {"port": 80, "path": "/ok", "scheme": "https", "host": "a"}}}, []),
    ({"probe": {"tcp": {"port": "80"}}}, []),
    ({"probe": {}}, [f".probe: {PROBE}"]),
    ({"probe": {"http": {"path": "/"}}}, [f".probe: {PROBE}"]),
    ({"probe": {"tcp": {"port": 1}, "http": {"port": 1}}}, [f".probe: {PROBE}"]),
    (
        {"probe": {"http": {"port": 80, "scheme": "ftp"}}},
        [".probe.http.scheme: 'ftp' is not one of http, https"],
    ),
    ({"probe": {"grpc": {"port": 1}}}, [".probe.grpc: unknown key", f".probe: {PROBE}"]),
    ({"probes": {}}, [".probes: unknown key; did you mean probe?"]),
    ({"overlay": {"kubernetes": {"Deployment": {"spec": {}}, "Service": {}}}}, []),
    (
        {"overlay": {"kubernetes": {"Deploymnt": {}}}},
        [
            ".overlay.kubernetes.Deploymnt: a service has no object of this kind; did you"
            " mean Deployment?"
        ],
    ),
    (
        {"overlay": {"kubernetes": ["x"]}},
        [
            ".overlay.kubernetes: needs a mapping of kinds of objects, such as Deployment, with the"
            " fields to add"
        ],
    ),
    (
        {"overlay": {"kubernetes": {"Deployment": 1}}},
        [
            ".overlay.kubernetes: needs a mapping of kinds of objects, such as Deployment, with the"
            " fields to add"
        ],
    ),
    ({"overlay": {"swarm": "anything"}}, []),
    ({"overlay": {"nomad": {}}}, [".overlay.nomad: unknown key"]),
]


@pytest.mark.parametrize(("extension", "told"), EXTENSIONS, ids=str)
def test_extensions(extension, told):
    if told:
        assert problems(read, **{"x-shipping": extension}) == [
            f"services.web.x-shipping{text}" for text in told
        ]
    else:
        assert read(**{"x-shipping": extension}).notes == []


def test_what_is_read_of_extensions():
    fields = {"Deployment": {"spec": {"paused": True}}}
    extension = {
        "probe": {"http": {"port": "80"}},
        "overlay": {"kubernetes": fields, "swarm": {"x": 1}},
    }
    assert read(**{"x-shipping": extension}).services["web"]["x-shipping"] == {
        "probe": {"http": {"port": 80}},
        "overlay": fields,
    }


@pytest.mark.parametrize(("key", "remedy"), KUBERNETES.refused_keys.items())
def test_refused_keys_say_what_to_write_instead(key, remedy):
    assert problems(read, **{key: "x"}) == [f"services.web.{key}: {remedy}"]
    for nothing in (None, [], {}, False):
        assert read(**{key: nothing}).services == read().services


@pytest.mark.parametrize(("path", "remedy"), KUBERNETES.refused_object_keys.items())
def test_refused_keys_of_objects(path, remedy):
    section, key = path.split(".")
    value = False if key == "enable_ipv4" else "x"
    entry = {"environment": "X", key: value} if section in ("secrets", "configs") else {key: value}
    expected = KUBERNETES.refused_values["ipv4"] if key == "enable_ipv4" else remedy
    assert problems(app, **{section: {"n": entry}}, services={"web": {}}) == [
        f"{section}.n.{key}: {expected}"
    ]
