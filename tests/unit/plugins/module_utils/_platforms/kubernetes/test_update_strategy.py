# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods a change of manifests replaces, and what the plan says of the others."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import KEEP, UPDATE
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Wishes
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    adoption,
    manifests,
    planning,
    update_strategy,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.observe import (
    Snapshot,
    own,
)
from hypothesis import given
from hypothesis import strategies as st

APP, NAMESPACE = "shop", "shop"


def workload(kind, command="a", replicas=3, **spec):
    container = {"name": "web", "image": "r.example/web:1", "command": [command]}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}, **spec},
    }


def resolved(*documents, discovered=None):
    read = manifests.read(documents, NAMESPACE, "refuse")
    return Resolved(
        services=manifests.services(
            read, discovered or {}, {}, images={}, labels={}, namespace=NAMESPACE
        )
    )


def planned(before, after, discovered=None):
    """The plan from one set of manifests to another one."""
    former, wanted = (resolved(document, discovered=discovered) for document in (before, after))
    bodies = [
        copy.deepcopy(manifests.rendered(APP, name, service))
        for name, service in former.services.items()
    ]
    for body in bodies:
        body["metadata"]["namespace"] = NAMESPACE
    found = Snapshot(own(APP, NAMESPACE, bodies))
    comparison = planning.Comparison(APP, wanted, [], found, Wishes())
    return planning.plan(comparison, planning.entries(APP, wanted, found), [])


ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}


def partition(number):
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": number}}}


# Kind, update strategy, whether pods are replaced, which pods the plan names.
STRATEGIES = [
    ("StatefulSet", {}, True, ""),
    ("StatefulSet", partition(0), True, ""),
    ("StatefulSet", partition(1), True, "its first pod ("),
    ("StatefulSet", partition(2), True, "its first 2 pods ("),
    ("StatefulSet", partition(5), False, "its first 3 pods (updateStrategy.rollingUpdate.partit"),
    ("StatefulSet", ON_DELETE, False, "any pod until it is deleted (updateStrategy: OnDelete)"),
    ("DaemonSet", {}, True, ""),
    ("DaemonSet", ON_DELETE, False, "any pod until it is deleted (updateStrategy: OnDelete)"),
    ("Deployment", {}, True, ""),
    ("Deployment", {"paused": True}, False, "any pod until the Deployment is resumed"),
]


@pytest.mark.parametrize(("kind", "spec", "restarts", "kept"), STRATEGIES)
def test_the_plan_says_which_pods_keep_their_template(kind, spec, restarts, kept):
    before = workload(kind, **spec)
    plan = planned(before, workload(kind, "b", **spec))
    (service,) = plan.services
    assert (service.action, service.restarts) == (UPDATE, restarts)
    if not restarts:
        assert service.interruption == "without interruption"
    if kept:
        assert plan.notes[0].startswith(f"{kind}/web: this update does not replace {kept}")
    else:
        assert plan.notes == ()
    same = planned(before, before)
    assert same.notes == () and same.services[0].action == KEEP


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["replicas", "strategy", "template", "spec", "selector", "matchLabels", "type"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(before=JSON, after=JSON)
def test_a_custom_resource_may_have_any_spec(before, after):
    kind = manifests.Kind("Gizmo", "/apis/example.org/v1", "gizmos")
    made = {"apiVersion": "example.org/v1", "kind": "Gizmo", "metadata": {"name": "one"}}
    plan = planned(
        {**made, "spec": before},
        {**made, "spec": after},
        discovered={("example.org/v1", "Gizmo"): kind},
    )
    assert plan.services[0].name == "Gizmo/one" and not plan.services[0].restarts
    assert adoption.is_foreign({**made, "spec": before}) in (True, False)


@given(strategy=JSON, kind=st.sampled_from(["Deployment", "StatefulSet", "DaemonSet"]))
def test_an_update_strategy_that_the_server_is_yet_to_check(strategy, kind):
    spec = {"updateStrategy": strategy, "strategy": strategy}
    assert planned(workload(kind), workload(kind, "b", **spec)).services


@pytest.mark.parametrize(
    ("name", "start", "index"),
    [("web-0", 0, 0), ("web-12", 0, 12), ("web-5", 5, 0), ("web-4", 5, -1), ("web-x", 0, -1)],
)
def test_the_place_of_a_pod(name, start, index):
    body = workload("StatefulSet", ordinals={"start": start})
    assert update_strategy.index_of({"metadata": {"name": name}}, body) == index
