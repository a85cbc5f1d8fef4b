# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared is found again, and what differs has its place; what is others' is ignored."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import compare
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.api_kinds import (
    RELEASE,
    TOKEN,
)
from hypothesis import given
from hypothesis import strategies as st

from .resolved_apps import bodies, cluster_fills, one

RICH = bodies(
    one(
        command=["a", "b"],
        environment={"A": "1", "B": "{{.Node.ID}}"},
        ports=["8080:80", "53:53/udp", {"target": 9, "published": 9, "mode": "host"}],
        volumes=["data:/x", "/srv:/srv:ro"],
        secrets=["token"],
        configs=[{"source": "settings", "gid": "5"}],
        networks={"front": {"aliases": ["api"]}, "inside": {}},
        extra_hosts=["a=10.0.0.1", "b=10.0.0.2"],
        user="1000",
        mem_limit="1g",
        healthcheck={"test": "ok", "start_period": "9s"},
        deploy={
            "replicas": 2,
            "labels": {"team": "a"},
            "placement": {"constraints": ["node.labels.a == b"], "max_replicas_per_node": 1},
        },
    )
)
WORKLOAD = next(index for index, body in enumerate(RICH) if body["kind"] == "Deployment")
IDENTITIES = (
    "name",
    "port",
    "containerPort",
    "ip",
    "protocol",
    "mountPath",
    "target",
    "topologyKey",
)


def leaves(value, path=()):
    """The places of everything that has no parts."""
    parts = []
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    found = []
    for key, part in parts:
        found += leaves(part, (*path, key))
    return found or [path]


def spot(body, path):
    for key in path[:-1]:
        body = body[key]
    return body


PLACES = []
for number, rich_body in enumerate(RICH):
    PLACES += [(number, place) for place in leaves(rich_body)]


@pytest.mark.parametrize(
    "body", RICH, ids=lambda body: f"{body['kind']}-{body['metadata']['name']}"
)
def test_what_others_add_does_not_count(body):
    live = cluster_fills(body)
    assert (
        compare.covers(body, body) and compare.covers(live, body) and compare.is_applied(body, live)
    )
    assert not compare.covers(body, live)


@given(st.sampled_from(PLACES))
def test_whatever_is_altered_is_seen(place):
    index, path = place
    live = cluster_fills(RICH[index])
    spot(live, path)[path[-1]] = "altered"
    assert not compare.is_applied(RICH[index], live)


# What the server itself puts something else in place of, so that it cannot be missing.
FILLED_IN = ("maxSurge", "enableServiceLinks")


@given(st.sampled_from([place for place in PLACES if place[1][-1] not in FILLED_IN]))
def test_whatever_is_removed_is_seen(place):
    index, path = place
    live = cluster_fills(RICH[index])
    del spot(live, path)[path[-1]]
    assert not compare.is_applied(RICH[index], live)


@given(
    st.lists(
        st.sampled_from(
            [place for place in PLACES if place[1][-1] not in IDENTITIES and place[0] == WORKLOAD]
        ),
        max_size=3,
        unique=True,
    )
)
def test_exactly_what_is_altered_is_told(places):
    """Each leaf, or the list where its entries have no names."""
    body = RICH[WORKLOAD]
    live = json.loads(json.dumps(body))
    for _index, path in places:
        spot(live, path)[path[-1]] = "altered"
    told = list(compare.differences("", live, body))
    assert bool(told) == bool(places) and len(told) <= len(places)
    words = [[str(key) for key in path if isinstance(key, str)] for _index, path in places]
    assert all(
        any(change.path.replace("[", ".").startswith(named[0]) for named in words)
        for change in told
    )
    assert all(change.before != change.after for change in told)


TCP, UDP = {"port": 1, "protocol": "TCP"}, {"port": 1, "protocol": "UDP"}
NAMED = [{"name": "a", "v": 1}, {"name": "b", "v": 2}]
# Before, after, what is told.
DIFFERENCES = [
    (1, 1, []),
    ({"a": 1}, {"a": 1}, []),
    ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
    ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, [("a.c", 2, None)]),
    ({}, {"a": {"b": 1}}, [("a", None, {"b": 1})]),
    ({"x": NAMED}, {"x": [{"name": "b", "v": 2}, {"name": "a", "v": 3}]}, [("x[a].v", 1, 3)]),
    ({"x": NAMED}, {"x": NAMED[:1]}, [("x[b]", NAMED[1], None)]),
    ({"x": NAMED[:1]}, {"x": NAMED}, [("x[b]", None, NAMED[1])]),
    ({"x": NAMED}, {"x": []}, [("x", NAMED, [])]),
    ({"x": ["a", "b"]}, {"x": ["b", "a"]}, [("x", ["a", "b"], ["b", "a"])]),
    ({"x": [TCP]}, {"x": [UDP]}, [("x[1/UDP]", None, UDP), ("x[1/TCP]", TCP, None)]),
]


@pytest.mark.parametrize(("before", "after", "told"), DIFFERENCES)
def test_differences(before, after, told):
    assert [
        (change.path, change.before, change.after)
        for change in compare.differences("", before, after)
    ] == told


# What is there, what is wanted, whether it suffices.
COVERS = [
    ({"a": 1, "b": 2}, {"a": 1}, True),
    ({"a": 1}, {"a": 1, "b": None}, False),
    # The server leaves out what says as much as nothing, but some things say more.
    *(
        ({}, {key: value}, True)
        for key, value in (("value", ""), ("minReadySeconds", 0), ("tty", False))
    ),
    *(
        ({}, {key: value}, False)
        for key, value in (
            ("automountServiceAccountToken", False),
            ("allowPrivilegeEscalation", False),
            ("runAsUser", 0),
        )
    ),
    ({"tty": True}, {"tty": False}, False),
    ({"a": None}, {"a": {}}, False),
    ([1, 2], [1], False),
    ([1, 2], [2, 1], False),
    ([], [], True),
    ([1], [], False),
    ([{"name": "b"}, {"name": "a", "x": 1}], [{"name": "a"}], True),
    ([{"name": "a"}], [{"name": "a", "x": 1}], False),
    (None, [{"name": "a"}], False),
    (
        [{"port": 1, "protocol": "TCP"}, {"port": 1, "protocol": "UDP"}],
        [{"port": 1, "protocol": "UDP"}],
        True,
    ),
    ([{"port": 1, "protocol": "TCP"}], [{"port": 1, "protocol": "UDP"}], False),
    ("1", 1, False),
]


@pytest.mark.parametrize(("live", "wanted", "suffices"), COVERS)
def test_covers(live, wanted, suffices):
    assert compare.covers(live, wanted) is suffices


def test_another_spec_is_not_applied_even_where_its_fields_are_there():
    """What left the spec is still there, so the note of what was applied must be looked at."""
    fuller, plain = (
        next(body for body in bodies(one(**keys)) if body["kind"] == "Deployment")
        for keys in ({"environment": {"A": "1"}}, {})
    )
    live = cluster_fills(fuller)
    live["metadata"]["labels"] = fuller["metadata"]["labels"]
    assert not compare.is_applied(plain, live)


def test_notes_are_no_changes():
    body = cluster_fills(RICH[WORKLOAD])
    other = copy.deepcopy(body)
    other["metadata"].update(resourceVersion="8", generation=9, managedFields=[])
    other["metadata"]["annotations"].update(
        {TOKEN: "5", RELEASE: "3", "deployment.kubernetes.io/revision": "9"}
    )
    other["status"] = {}
    assert compare.same(body, other) and compare.without_notes(body) == compare.without_notes(other)
    assert not {"status", "kind", "apiVersion"} & set(compare.without_notes(body))
    other["metadata"]["annotations"]["owner"] = "alice"
    assert not compare.same(body, other)


@pytest.mark.parametrize(
    "body", RICH, ids=lambda body: f"{body['kind']}-{body['metadata']['name']}"
)
def test_only_what_is_declared_is_shown(body):
    live = cluster_fills(body)
    live["metadata"]["labels"]["by-hand"] = "yes"
    assert compare.projected(live, body) == body


# Managed fields -> whether we hold the number of replicas.
HELD = [
    ([], False),
    (
        [
            {
                "manager": "shipping.code",
                "operation": "Apply",
                "fieldsV1": {"f:spec": {"f:replicas": {}}},
            }
        ],
        True,
    ),
    (
        [
            {
                "manager": "shipping.code",
                "operation": "Apply",
                "fieldsV1": {"f:spec": {"f:template": {}}},
            }
        ],
        False,
    ),
    (
        [
            {
                "manager": "shipping.code",
                "operation": "Update",
                "fieldsV1": {"f:spec": {"f:replicas": {}}},
            }
        ],
        False,
    ),
    (
        [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}],
        False,
    ),
    ([{"manager": "shipping.code", "operation": "Apply"}], False),
    (None, False),
]


@pytest.mark.parametrize(("managed", "held"), HELD)
def test_who_holds_the_replicas(managed, held):
    assert compare.owned_replicas({"metadata": {"managedFields": managed}}, "shipping.code") is held
