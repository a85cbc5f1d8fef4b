# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app of many services costs no more for each of them, in requests and in work."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlatformError
from ansible_collections.shipping.code.plugins.module_utils._deploy.health import LIVE
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import Record
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import (
    Observation,
    Wishes,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    lookup,
    observe,
    planning,
    render,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.api_kinds import (
    DEPLOYMENT,
    SECRET,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.driver import (
    Driver,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.observe import (
    Snapshot,
    own,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.options import (
    KubernetesOptions,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.preview import (
    Preview,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.rehearsal import (
    Rehearsal,
)
from ansible_collections.shipping.code.plugins.module_utils._registry.credentials import (
    Credentials,
)

from .resolved_apps import APP, NAMESPACE, bodies, cluster_fills, found_for, resolved

SECOND = "2026-01-01T00:00:01Z"


class Cluster:
    """A namespace with these objects; ``calls`` are the requests that it got."""

    namespace = NAMESPACE

    def __init__(self, *objects, error=None):
        self.objects, self.error = objects, error
        self.calls = []

    def metadata(self, kind, selector):
        self.calls.append(("list", kind.name))
        return [body for body in self.objects if body["kind"] == kind.name]

    def find(self, kind, name):
        self.calls.append(("get", kind.name, name))
        return next((body for body in self.metadata_of(kind) if body["name"] == name), None)

    def metadata_of(self, kind):
        found = [body for body in self.objects if body["kind"] == kind.name]
        return [{**body, "name": body["metadata"]["name"]} for body in found]

    def items(self, kind):
        self.calls.append(("list", kind.name))
        return []

    def apply(self, kind, body, *, force=True, dry=False, manager=""):
        self.calls.append(("dry" if dry else "apply", kind.name, body["metadata"]["name"]))
        if self.error:
            raise self.error
        return body

    def delete(self, kind, name, uid):
        self.calls.append(("delete", kind.name, name, uid))


class Fence:
    token = 1

    def check(self):
        pass


def app_of(number, **keys):
    services = {f"s{index}": {"image": "nginx:1", **keys} for index in range(number)}
    return resolved({"services": services})


def running(app):
    """An app whose services have a pod each."""
    live = [cluster_fills(body) for body in bodies(app)]
    sets, pods = [], []
    for body in live:
        if body["kind"] == "Deployment":
            name = body["metadata"]["name"]
            body["metadata"]["uid"] = f"deployment-{name}"
            sets.append(_owned("ReplicaSet", name, body, body["metadata"]["annotations"]))
            pods.append(_owned("Pod", name, sets[-1], {}))
            pods[-1]["metadata"]["labels"] = body["spec"]["template"]["metadata"]["labels"]
    return Snapshot(own(APP, NAMESPACE, live), sets, pods, clock=1.8e9)


def _owned(kind, name, owner, annotations):
    containers = {"name": name, "ready": True, "restartCount": 0}
    return {
        "kind": kind,
        "metadata": {
            "name": name,
            "uid": f"{kind}-{name}",
            "creationTimestamp": SECOND,
            "annotations": annotations,
            "ownerReferences": [{"uid": owner["metadata"]["uid"], "controller": True}],
        },
        "spec": {"nodeName": "node-a", "containers": [{"name": name}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": SECOND}],
            "containerStatuses": [{**containers, "state": {"running": {"startedAt": SECOND}}}],
        },
    }


def calls_of(work):
    """How many functions are called, which is the same on each run."""
    number = 0

    def count(_frame, event, _argument):
        nonlocal number
        number += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return number


@pytest.mark.parametrize(
    "work",
    [
        lambda app, found: observe.states(APP, found, app, 0.1),
        lambda app, found: planning.plan(
            planning.Comparison(APP, app, [], found, Wishes()),
            planning.entries(APP, app, found),
            [],
        ),
    ],
    ids=["a look", "a plan"],
)
def test_the_work_for_one_service_does_not_grow_with_their_number(work):
    few, many = (app_of(number) for number in (10, 40))
    there = {len(app.services): running(app) for app in (few, many)}
    assert calls_of(lambda: work(many, there[40])) < 4.5 * calls_of(lambda: work(few, there[10]))


def test_a_look_renders_no_service_whose_pods_have_its_newest_template(monkeypatch):
    app = app_of(3)
    found = running(app)
    rendered = []
    original = observe.service_hash
    monkeypatch.setattr(
        observe, "service_hash", lambda *given: rendered.append(given[1]) or original(*given)
    )
    assert all(state.healthy for state in observe.states(APP, found, app, 0.1).values())
    assert rendered == []
    found.replica_sets[1]["metadata"]["annotations"] = {}
    (task,) = observe.states(APP, replace(found), app, 0.1)["s1"].tasks
    assert rendered == ["s1"] and task.sent and not task.current


def test_a_plan_of_the_live_spec_renders_each_service_once(monkeypatch):
    app = app_of(3)
    records = [Record(1, "1", state=LIVE, resolved=Resolved.from_data(app.as_data()))]
    comparison = planning.Comparison(APP, app, records, running(app), Wishes())
    rendered = []
    original = render.of_service
    monkeypatch.setattr(
        render, "of_service", lambda *given: rendered.append(given[1]) or original(*given)
    )
    plan = planning.plan(comparison, planning.entries(APP, app, comparison.snapshot), [])
    assert not plan.changed and plan.before
    assert rendered == ["s0", "s1", "s2"]


def test_many_missing_objects_are_looked_up_by_one_list():
    kinds = {("Deployment", f"s{number}"): DEPLOYMENT for number in range(30)}
    theirs = {"kind": "Deployment", "metadata": {"name": "s7"}}
    cluster = Cluster(theirs)
    found = lookup.with_unmanaged(cluster, Snapshot(), kinds)
    assert cluster.calls == [("list", "Deployment"), ("get", "Deployment", "s7")]
    assert list(found.unmanaged) == [("Deployment", "s7")]


@pytest.mark.parametrize(("kind", "number"), [(DEPLOYMENT, 3), (SECRET, 30)])
def test_few_objects_and_those_that_no_run_lists_are_looked_up_by_name(kind, number):
    kinds = {(kind.name, f"s{index}"): kind for index in range(number)}
    cluster = Cluster()
    lookup.with_unmanaged(cluster, Snapshot(), kinds)
    assert sorted(cluster.calls) == sorted(("get", kind.name, name) for _kind, name in kinds)


def test_what_the_server_accepted_is_tried_again_only_when_it_has_changed():
    app = app_of(2)
    cluster = Cluster()
    rehearsal = Rehearsal(cluster, "overwrite")
    entries = planning.entries(APP, app, Snapshot())
    first = rehearsal.all(entries)
    number = len(cluster.calls)
    assert number and rehearsal.all(planning.entries(APP, app, Snapshot())) == first
    assert len(cluster.calls) == number
    changed = app_of(2, command="x")
    found = found_for(changed)
    rehearsal.all(planning.entries(APP, app, found))
    tried = len(cluster.calls)
    assert tried > number
    newer = found_for(changed)
    newer.objects["Deployment", "s0"]["metadata"]["resourceVersion"] = "8"
    rehearsal.all(planning.entries(APP, app, newer))
    assert {call[2] for call in cluster.calls[tried:]} == {"s0"}


def test_what_the_server_rejected_is_tried_again():
    cluster = Cluster(error=PlatformError("refused", "no room", status=403))
    rehearsal = Rehearsal(cluster, "overwrite")
    entries = planning.entries(APP, app_of(1), Snapshot())
    first = rehearsal.all(entries)
    number = len(cluster.calls)
    assert first[1] and rehearsal.all(entries) == first
    assert len(cluster.calls) == 2 * number


@pytest.mark.parametrize(("brief", "tries"), [(True, False), (False, True)])
def test_a_brief_plan_tries_nothing_if_an_object_is_missing(brief, tries):
    cluster = Cluster()
    preview = Preview(cluster, Credentials({}, None), None, KubernetesOptions())
    namespace = {"metadata": {"name": NAMESPACE}}
    seen = Observation((), None, {}, Snapshot(namespace=namespace, nodes=[]))
    plan = preview.plan(APP, app_of(2), seen, Wishes(brief=brief), None)
    assert plan.changed
    assert any(call[0] == "dry" for call in cluster.calls) is tries


def test_a_superfluous_object_is_removed_without_a_list():
    app = app_of(2)
    found = found_for(app)
    alias = cluster_fills(found.objects["Service", "s0"])
    alias["metadata"].update(name="api", uid="uid-api")
    found = replace(found, objects={**found.objects, ("Service", "api"): alias})
    cluster = Cluster(*found.objects.values())
    record = Record(1, "1", resolved=app)
    for name in app.services:
        Driver(cluster, None).apply(APP, name, record, Observation((), None, {}, found), Fence())
    writes = [call for call in cluster.calls if call[0] != "get"]
    assert writes == [("delete", "Service", "api", "uid-api")]
