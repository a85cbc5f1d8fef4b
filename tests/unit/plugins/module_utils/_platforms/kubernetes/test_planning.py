# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was found on a cluster to a plan."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlanError
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import Record
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import (
    CREATE,
    KEEP,
    RECREATE,
    REMOVE,
    UPDATE,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Wishes
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    adoption,
    eligible_nodes,
    planning,
    render,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.observe import (
    Snapshot,
)

from .resolved_apps import (
    APP,
    DECLARED,
    NAMESPACE,
    cluster_fills,
    found_for,
    one,
    resolved,
)

EMPTY = {"namespace": {"metadata": {"name": NAMESPACE}}}


def app_of(**services):
    return resolved(
        {
            "services": {name: {"image": "nginx:1", **keys} for name, keys in services.items()},
            **copy.deepcopy(DECLARED),
        }
    )


def node(name="node-a", labels=None, taints=(), closed=False):
    spec = {
        **({"taints": list(taints)} if taints else {}),
        **({"unschedulable": True} if closed else {}),
    }
    return {
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                **(labels or {}),
            },
        },
        "spec": spec,
    }


def planned(app, found, wishes=None, records=(), rehearse=None):
    """The plan; ``rehearse`` stands for the server, which is asked of what differs."""
    wishes = wishes or Wishes()
    finished = planning.finished_jobs(APP, app, records, wishes)
    entries = planning.entries(APP, app, found, finished)
    wanted, found = adoption.taken_over(entries, found, wishes)
    comparison = planning.Comparison(APP, app, list(records), found, wishes)
    noted = list(planning.problems(comparison, wanted))
    if rehearse:
        wanted = [
            replace(entry, predicted=rehearse(entry)) if entry.differs else entry
            for entry in wanted
        ]
    return planning.plan(comparison, wanted, noted)


def actions(*args, **keys):
    return {service.name: service.action for service in planned(*args, **keys).services}


def told(*args, **keys):
    """What stands in a plan's way, as it is shown."""
    with pytest.raises(PlanError) as caught:
        planned(*args, **keys)
    return {problem["path"]: problem["text"] for problem in caught.value.facts["problems"]}


ONE = app_of(web={}, db={})


def test_actions():
    new = planned(ONE, Snapshot(**EMPTY))
    assert {service.name: (service.action, service.interruption) for service in new.services} == {
        "web": (CREATE, "new"),
        "db": (CREATE, "new"),
    }
    assert new.create["networks"] == ("shop-default",) and not any(new.remove.values())
    again = planned(ONE, found_for(ONE))
    assert not again.changed and {service.action for service in again.services} == {KEEP}
    assert again.before == again.after
    assert actions(app_of(web={"environment": {"A": "1"}}, job={}), found_for(ONE)) == {
        "web": UPDATE,
        "job": CREATE,
        "db": REMOVE,
    }


def test_what_is_made_with_the_services():
    app = app_of(
        web={
            "networks": ["front"],
            "volumes": ["data:/a"],
            "secrets": ["token"],
            "configs": ["settings"],
        }
    )
    found = Snapshot(**EMPTY)
    assert planned(app, found).create == {
        "networks": ("shop-front",),
        "volumes": ("shop-data",),
        "secrets": ("shop-token-0123456789ab",),
        "configs": ("shop-settings-0123456789ab",),
    }
    there = found_for(app)
    for kind, name in (
        ("Secret", "shop-token-0123456789ab"),
        ("ConfigMap", "shop-settings-0123456789ab"),
    ):
        there.objects[kind, name] = {"kind": kind, "metadata": {"name": name, "labels": {}}}
    assert not planned(app, there).changed
    assert planned(ONE, found_for(app)).remove["networks"] == ("shop-front",)


def released(app, number=1):
    """What a cluster has of a release, and its record."""
    found = found_for(app)
    for body in found.workloads.values():
        body["metadata"]["annotations"]["shipping.code/release"] = str(number)
    return found, [Record(number, "1", "live", resolved=app)]


def changes(plan, name="web"):
    service = next(service for service in plan.services if service.name == name)
    return {(change.path, change.before, change.after) for change in service.changes}


def test_a_changed_spec_is_told_in_its_own_words():
    found, records = released(app_of(web={"environment": {"A": "1"}, "mem_limit": "1g"}))
    plan = planned(
        app_of(web={"environment": {"A": "2"}, "mem_limit": "1g", "hostname": "h"}),
        found,
        records=records,
    )
    assert changes(plan) == {("environment.A", "1", "2"), ("hostname", None, "h")}
    (service,) = plan.services
    assert (
        service.restarts
        and service.interruption
        == "interrupted, because the only task of web stops before the new one starts (order:"
        " stop-first)"
    )


def test_what_restarts_nothing_interrupts_nothing():
    found, records = released(app_of(web={}))
    (service,) = planned(
        app_of(web={"deploy": {"labels": {"team": "a"}}}), found, records=records
    ).services
    assert (service.action, service.restarts, service.interruption) == (
        UPDATE,
        False,
        "without interruption",
    )


def test_drift_is_told_in_the_words_of_the_object():
    app = app_of(web={"environment": {"A": "1"}, "deploy": {"replicas": 2}}, db={})
    found, records = released(app)
    live = found.objects["Deployment", "web"]
    live["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "by hand"
    live["spec"]["replicas"] = 5
    found.objects["Service", "web"]["spec"]["selector"]["more"] = "others'"
    live["metadata"]["labels"]["owner"] = "alice"
    plan = planned(app, found, records=records)
    assert {service.name: service.action for service in plan.services} == {
        "web": UPDATE,
        "db": KEEP,
    }
    assert changes(plan) == {
        ("Deployment.spec.template.spec.containers[web].env[A].value", "by hand", "1"),
        ("Deployment.spec.replicas", 5, 2),
    }
    del found.objects["Service", "web"]
    assert ("Service/web", None, "made") in changes(planned(app, found, records=records))


def test_what_the_server_would_not_change_is_no_change():
    """A webhook, say, that puts its own words in place of ours."""
    app = app_of(web={"environment": {"A": "1"}})
    found, records = released(app)
    live = found.objects["Deployment", "web"]
    live["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    assert actions(app, found, records=records) == {"web": UPDATE}
    assert actions(app, found, records=records, rehearse=lambda entry: entry.live) == {"web": KEEP}


def test_what_the_server_would_do_is_what_is_told():
    former = app_of(web={"deploy": {"replicas": 2}})
    found, records = released(former)
    app = app_of(web={"deploy": {"replicas": 3}})

    def rehearse(entry):
        predicted = copy.deepcopy(entry.live)
        predicted["spec"]["replicas"] = 3
        return predicted

    plan = planned(app, found, records=records, rehearse=rehearse)
    assert changes(plan) == {("deploy.replicas", 2, 3)} and not plan.services[0].restarts
    assert changes(planned(app, found, rehearse=rehearse)) == {("Deployment.spec.replicas", 2, 3)}


def test_what_a_service_needs_no_more_goes_and_volumes_stay():
    found, records = released(
        app_of(
            web={
                "ports": ["80:80"],
                "volumes": ["data:/a"],
                "networks": {"front": {"aliases": ["api"]}},
            }
        )
    )
    app = app_of(web={"networks": ["front"]})
    wanted = planning.entries(APP, app, found, {})
    assert set(planning.superfluous("web", {entry.key for entry in wanted}, found)) == {
        ("Service", "api"),
        ("Service", "web-published"),
        ("NetworkPolicy", "shop.web.published"),
    }
    assert actions(app, found, records=records) == {"web": UPDATE}
    nothing_but_an_alias = found_for(app)
    alias = cluster_fills(render.of_service(APP, "web", app)[0])
    alias["metadata"]["name"] = "api"
    nothing_but_an_alias.objects["Service", "api"] = alias
    assert changes(planned(app, nothing_but_an_alias)) == {("Service/api", "exists", None)}


def test_a_mode_changes_only_if_asked():
    everywhere = app_of(web={"deploy": {"mode": "global"}}, db={})
    (path,) = told(everywhere, found_for(ONE))
    assert path == "services.web.deploy.mode"
    assert "recreate: [web]" in told(everywhere, found_for(ONE))[path]
    plan = planned(everywhere, found_for(ONE), Wishes(recreate=frozenset({"web"})))
    assert {service.name: service.action for service in plan.services} == {
        "web": RECREATE,
        "db": KEEP,
    }
    assert plan.services[0].interruption.startswith("interrupted") and changes(plan) == {
        ("deploy.mode", "replicated", "global")
    }
    assert changes(planned(ONE, found_for(everywhere), Wishes(recreate=frozenset({"web"})))) == {
        ("deploy.mode", "global", "replicated")
    }


HOST_PORT = {"ports": [{"target": 80, "published": 8080, "mode": "host"}]}


def test_what_takes_a_port_waits_for_it():
    plan = planned(app_of(new=HOST_PORT), found_for(app_of(old=HOST_PORT)))
    leaving = next(service for service in plan.services if service.name == "old")
    assert leaving.early and "new takes its port" in leaving.interruption
    late = next(
        service
        for service in planned(app_of(new={}), found_for(app_of(old=HOST_PORT))).services
        if service.name == "old"
    )
    assert not late.early and late.action == REMOVE


def test_start_first_on_a_host_port_that_cannot_fit():
    first = {**HOST_PORT, "deploy": {"update_config": {"order": "start-first"}}}
    found = found_for(app_of(web=first), nodes=[node()])
    changed = app_of(web={**first, "command": ["x"]})
    assert "start-first cannot work, since port 8080" in told(changed, found)[""]
    assert actions(changed, found_for(app_of(web=first), nodes=[node("a"), node("b")])) == {
        "web": UPDATE
    }
    assert actions(changed, found_for(app_of(web=first))) == {"web": UPDATE}, (
        "nodes that may not be read are many"
    )


def test_what_is_missing():
    app = app_of(web={"secrets": ["theirs"], "networks": ["theirs", "front"]})
    problems = told(app, Snapshot(**EMPTY))
    assert set(problems) == {"secrets: theirs", "networks: theirs"}
    assert "kubectl create secret" in problems["secrets: theirs"]
    unmanaged = {
        (kind, "theirs"): {"metadata": {"name": "theirs"}} for kind in ("Secret", "NetworkPolicy")
    }
    assert actions(app, Snapshot(unmanaged=unmanaged, **EMPTY)) == {"web": CREATE}


def test_a_claim_that_is_missing():
    content = {
        "services": {"web": {"image": "nginx", "volumes": ["data:/a"]}},
        "volumes": {"data": {"external": True, "name": "theirs"}},
    }
    assert set(told(resolved(content), Snapshot(**EMPTY))) == {"volumes: theirs"}
    assert planning.external(app_of(web={"volumes": ["data:/a", "/b"]})) == []


def unmanaged(app=ONE, labels=None, kinds=("Deployment", "Service", "NetworkPolicy")):
    """A cluster where others have made what is called as ours."""
    found = found_for(app)
    for key in [key for key in found.objects if key[0] in kinds and key[1] != "db"]:
        found.unmanaged[key] = found.objects.pop(key)
        found.unmanaged[key]["metadata"]["labels"] = labels or {}
    return found


def test_foreign_objects_are_in_the_way():
    problems = told(ONE, unmanaged())
    assert (
        set(problems) == {"services.web", "networks: shop-default"}
        and "adopt: true" in problems["services.web"]
    )
    other = told(ONE, unmanaged(labels={"shipping.code/app": "wiki"}), Wishes(adopt=True))
    assert (
        set(other) == {"services.web", "networks: shop-default"}
        and "belongs to the app wiki" in other["services.web"]
    )


def test_foreign_objects_are_taken_over_where_that_is_asked_for():
    assert actions(ONE, unmanaged(), Wishes(adopt=True)) == {"web": UPDATE, "db": KEEP}


def test_a_namespace_with_a_standard():
    found = Snapshot(
        namespace={
            "metadata": {
                "name": NAMESPACE,
                "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
            }
        }
    )
    problems = told(app_of(web={"privileged": True, "user": "0"}), found)
    assert (
        set(problems) == {"services.web.privileged", "services.web.user"}
        and "Pod Security Standard restricted" in problems["services.web.user"]
    )


def test_all_problems_are_told_at_once():
    app = app_of(web={"secrets": ["theirs"], "deploy": {"mode": "global"}}, db={})
    assert set(told(app, found_for(ONE))) == {"secrets: theirs", "services.web.deploy.mode"}


TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
CONSTRAINTS = [
    ([], 2),
    (["node.hostname == a"], 1),
    (["node.id == node-a"], 1),
    (["node.id != node-a"], 1),
    (["node.labels.gpu == yes"], 1),
    (["node.labels.gpu != yes"], 1),
    (["node.labels.gpu == yes", "node.id == node-b"], 0),
    (["node.role == manager"], 1),
    (["node.role != manager"], 1),
    (["node.platform.arch == arm64"], 0),
]


@pytest.mark.parametrize(("constraints", "count"), CONSTRAINTS)
def test_eligible_machines(constraints, count):
    nodes = [
        node("node-a", {"kubernetes.io/hostname": "a", "gpu": "yes"}),
        node(
            "node-b",
            {"node-role.kubernetes.io/control-plane": ""},
            [{"key": "x", "effect": "PreferNoSchedule"}],
        ),
        node("node-c", {"gpu": "yes"}, [TAINT]),
        node("node-d", {"gpu": "yes"}, closed=True),
    ]
    workload = render.workload(APP, "web", one(deploy={"placement": {"constraints": constraints}}))
    assert eligible_nodes.eligible(workload, nodes) == count


def test_eligible_machines_by_architecture():
    workload = render.workload(APP, "web", one(platform="arm64"))
    assert (
        eligible_nodes.eligible(workload, [node(), node("b", {"kubernetes.io/arch": "arm64"})]) == 1
    )
    assert eligible_nodes.eligible(workload, []) == 0
    assert eligible_nodes.eligible(workload, None) == eligible_nodes.UNKNOWN
