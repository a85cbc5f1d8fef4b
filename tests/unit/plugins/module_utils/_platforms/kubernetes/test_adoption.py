# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubectl or Helm made is taken over without replacing a pod.

What we declare is ours alone afterwards.
"""

from __future__ import annotations

import copy

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import Outdated
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Wishes
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    adoption,
    render,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.api_kinds import (
    DEPLOYMENT,
    SERVICE_KIND,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.observe import (
    Snapshot,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.planning import (
    PlannedObject,
)
from hypothesis import given
from hypothesis import strategies as st

from .resolved_apps import APP, DIGEST, one

SPEC = {"image": "nginx:1", "environment": {"A": "b"}}
LABELS = {"app": "theirs", "tier": "front"}


def stranger(image="nginx:1", containers=1, **metadata):
    """What somebody's manifest of the same made."""
    pods = [
        {
            "name": f"main-{number}",
            "image": image,
            "env": [{"name": "A", "value": "b"}],
            "imagePullPolicy": "Always",
        }
        for number in range(containers)
    ]
    spec = {
        "selector": {"matchLabels": dict(LABELS)},
        "template": {"metadata": {"labels": dict(LABELS)}, "spec": {"containers": pods}},
    }
    return {"kind": "Deployment", "metadata": {"name": "web", "uid": "u", **metadata}, "spec": spec}


def completed(found=None, former=None, pods=(), **keys):
    app = one(**{**SPEC, **keys})
    target = adoption.Target(APP, "web", app.services["web"], app)
    return adoption.completed(target, former or {}, found, pods)


@pytest.mark.parametrize("image", ["nginx:1", f"nginx:1@{DIGEST}", f"nginx@{DIGEST}"])
def test_an_unchanged_workload_is_taken_as_it_is(image):
    service = completed(stranger(image))
    assert (service["selector"], service["container"]) == (LABELS, "main-0")
    container = {"name": "main-0", "image": image, "env": [{"name": "A", "value": "b"}]}
    assert service["bare"] == {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}


def pod(labels, *images):
    """A pod of these images, as the machine has them."""
    return {
        "metadata": {"labels": labels},
        "status": {"containerStatuses": [{"name": "main-0", "imageID": image} for image in images]},
    }


@pytest.mark.parametrize(
    ("pods", "taken"),
    [
        ([pod(LABELS, f"nginx@{DIGEST}")], True),
        ([pod(LABELS, ""), pod(LABELS)], True),
        ([pod(LABELS, "nginx@sha256:other")], False),
        ([pod({"app": "elsewhere"}, "nginx@sha256:other")], True),
    ],
)
def test_pods_whose_tag_means_another_image_now_are_replaced(pods, taken):
    assert ("bare" in completed(stranger(), pods=pods)) == taken


def test_lists_stay_in_their_order():
    found = stranger()
    variables = [{"name": "Z", "value": "1"}, {"name": "A", "value": "b"}]
    found["spec"]["template"]["spec"]["containers"][0]["env"] = variables
    app = one(**SPEC, added=completed(found, environment={"A": "b", "Z": "1"}))
    assert (
        render.workload(APP, "web", app)["spec"]["template"]["spec"]["containers"][0]["env"]
        == variables
    )


CHANGED = [
    ({"environment": {"A": "c"}}, stranger()),
    ({"environment": {"A": "b", "C": "d"}}, stranger()),
    ({"command": ["x"]}, stranger()),
    ({}, stranger("nginx:2")),
    ({}, stranger(containers=2)),
]


@pytest.mark.parametrize(("keys", "found"), CHANGED, ids=str)
def test_a_changed_one_keeps_its_selector_only(keys, found):
    service = completed(found, **keys)
    assert service["selector"] == LABELS and "bare" not in service
    assert ("container" in service) == (len(found["spec"]["template"]["spec"]["containers"]) == 1)


def test_what_was_taken_over_stays_as_it_is_until_it_changes():
    former = completed(stranger())
    again = completed(former=former)
    assert again == former
    changed = completed(former=former, environment={"A": "c"})
    assert (
        changed["selector"] == LABELS and changed["container"] == "main-0" and "bare" not in changed
    )
    assert "bare" not in completed(former=changed, environment={"A": "c"})


def test_a_service_of_our_own_is_not_touched():
    assert completed() == one(**SPEC).services["web"]


def test_whose_a_workload_is():
    assert adoption.is_foreign(stranger())
    assert not adoption.is_foreign(render.workload(APP, "web", one()))


def entry(body, wishes=None):
    found = Snapshot(unmanaged={("Deployment", "web"): body})
    (taken,), now = adoption.taken_over(
        [PlannedObject("web", render.workload(APP, "web", one()), DEPLOYMENT)],
        found,
        wishes or Wishes(adopt=True),
    )
    assert found.workloads == {}
    return taken.live, now.workloads


def test_entries_take_over_what_is_nobodys():
    live, workloads = entry(stranger())
    assert live == stranger() and set(workloads) == {"web"}
    assert entry(stranger(labels={"shipping.code/app": "other"})) == (None, {})
    assert entry(stranger(), Wishes()) == (None, {})


@pytest.mark.parametrize(
    ("selector", "taken"), [({"app": "theirs"}, True), ({}, True), ({"app": "elsewhere"}, False)]
)
def test_a_service_that_would_find_no_pod_is_not_taken_over(selector, taken):
    service = render.of_service(APP, "web", one(**SPEC, added={"selector": LABELS}))[0]
    body = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": selector}}
    found = Snapshot(unmanaged={("Service", "web"): body, ("Deployment", "web"): stranger()})
    wanted = [PlannedObject("web", service, SERVICE_KIND)]
    (entry,), _found = adoption.taken_over(wanted, found, Wishes(adopt=True))
    assert (entry.live is not None) == taken


FIELDS = st.recursive(
    st.just({}),
    lambda inner: st.dictionaries(
        st.sampled_from([".", "f:a", "f:b", 'k:{"name":"x"}', "v:1"]), inner, max_size=3
    ),
    max_leaves=8,
)


def leaves(fields, path=()):
    found = set()
    for key, value in fields.items():
        found |= leaves(value, (*path, key))
    return found or ({path} if path else set())


@given(FIELDS)
def test_nothing_is_left_of_what_is_all_ours(fields):
    assert adoption._subtracted(fields, fields) == {}
    assert adoption._subtracted(fields, {}) == fields
    assert adoption._subtracted({}, fields) == {}


@given(FIELDS, FIELDS)
def test_only_what_is_ours_is_taken_off(theirs, ours):
    before = copy.deepcopy((theirs, ours))
    left = leaves(adoption._subtracted(theirs, ours))
    assert (theirs, ours) == before, "changed in place"
    assert left <= leaves(theirs)
    assert not left & leaves(ours)
    kept = {path for path in leaves(theirs) if path[-1] != "." and path[0] not in ours}
    assert kept <= left


class Cluster:
    """Keeps what is written."""

    def __init__(self):
        self.written = []

    def merge(self, kind, name, body):
        if body["metadata"]["resourceVersion"] == "old":
            raise Outdated("somebody was faster")
        self.written.append((kind, body))

    def get(self, kind, name):
        return {
            "metadata": {
                "name": name,
                "resourceVersion": "new",
                "managedFields": managed(KUBECTL, OURS),
            }
        }

    def find(self, kind, name):
        return {"metadata": {"name": name, "resourceVersion": "new"}} if name == "web" else None

    def replace(self, kind, body, manager):
        self.written.append((kind, body, manager))


def managed(*entries):
    return [
        {"manager": manager, "operation": operation, "fieldsV1": fields}
        for manager, operation, fields in entries
    ]


KUBECTL = ("kubectl-client-side-apply", "Update", {"f:spec": {"f:replicas": {}, "f:paused": {}}})
OURS = (
    "shipping.code",
    "Apply",
    {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:a": {}}}}},
)


def handed_over(*entries):
    cluster = Cluster()
    adoption.hand_over(
        cluster,
        DEPLOYMENT,
        {
            "metadata": {"name": "web", "resourceVersion": "7", "managedFields": managed(*entries)},
            "spec": {},
        },
    )
    return [body["metadata"]["managedFields"] for _kind, body in cluster.written]


def test_former_owners_let_go_of_what_we_declare():
    helm = ("helm", "Update", {"f:spec": {"f:template": {"f:spec": {"f:a": {}}}}})
    scaler = ("kube-controller-manager", "Update", {"f:spec": {"f:replicas": {}}})
    assert handed_over(KUBECTL, helm, scaler, OURS) == [
        managed(("kubectl-client-side-apply", "Update", {"f:spec": {"f:paused": {}}}), scaler, OURS)
    ]


def test_nothing_is_written_where_nobody_else_holds_it():
    assert handed_over(OURS) == []
    assert handed_over(("kubectl", "Update", {"f:spec": {"f:paused": {}}}), OURS) == []
    assert handed_over(("kubectl", "Update", {"f:spec": {"f:replicas": {}}})) == []


def test_a_controller_that_is_faster_is_no_reason_to_give_up(monkeypatch):
    monkeypatch.setattr(adoption, "_PAUSE", 0)
    cluster = Cluster()
    adoption.hand_over(
        cluster,
        DEPLOYMENT,
        {
            "metadata": {
                "name": "web",
                "resourceVersion": "old",
                "managedFields": managed(KUBECTL, OURS),
            }
        },
    )
    assert [body["metadata"]["resourceVersion"] for _kind, body in cluster.written] == ["new"]


def test_what_is_put_back_is_as_it_was():
    cluster, original = Cluster(), stranger(labels={"a": "b"}, resourceVersion="old")
    adoption.put_back(cluster, DEPLOYMENT, original)
    adoption.put_back(cluster, DEPLOYMENT, {"metadata": {"name": "gone"}})
    metadata = {**original["metadata"], "resourceVersion": "new"}
    assert cluster.written == [(DEPLOYMENT, {**original, "metadata": metadata}, adoption.BEFORE)]
