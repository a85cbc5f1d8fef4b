# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of workload on Kubernetes: why it fails, and when it is what was asked for."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.failure import failures_text
from ansible_collections.shipping.code.plugins.module_utils._deploy.health_watch import HealthWatch
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import manifests
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.connect import (
    connect,
)

from .harness import Player, PlayOutcome, until

pytestmark = [pytest.mark.only("kubernetes"), pytest.mark.long]

Body = dict[str, Any]
DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET, JOB, POD = KINDS = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "Pod",
)
KEPT_RUNNING = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET, POD)
# What controllers create pods for, so that a rejection stands in a condition or an event.
CONTROLLED = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET, JOB)
SLEEP, CRASH = ["sleep", "100000"], ["sh", "-c", "echo no database; exit 3"]


def pod(
    platform: Any, kind: str, *, image: str = "", init: Body | None = None, **more: Any
) -> Body:
    """The spec of a pod with one container that runs on, and maybe one before it."""
    main = {"name": "main", "image": image or platform.image("tool:1"), "command": SLEEP}
    main.update(more.pop("main", {}))
    early = {"name": "prep", "image": platform.image("tool:1"), "command": ["true"], **(init or {})}
    return {
        "terminationGracePeriodSeconds": 0,
        "containers": [main],
        **({"initContainers": [early]} if init is not None else {}),
        **({"restartPolicy": "Never"} if kind == JOB else {}),
        **more,
    }


def workload(kind: str, name: str, spec: Body, **fields: Any) -> Body:
    """A manifest of a kind that runs such pods."""
    labels = {"part": name, **fields.pop("labels", {})}
    metadata: Body = {"name": name}
    if kind == POD:
        metadata["labels"] = labels
        return {"apiVersion": "v1", "kind": POD, "metadata": metadata, "spec": spec}
    body: Body = {"template": {"metadata": {"labels": labels}, "spec": spec}, **fields}
    if kind == JOB:
        body.setdefault("backoffLimit", 0)
    else:
        body["selector"] = {"matchLabels": {"part": name}}
    if kind == STATEFUL_SET:
        body["serviceName"] = "none"
    api = "batch/v1" if kind == JOB else "apps/v1"
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": body}


MISSING = "nothere:9"
# Cause -> the kinds, the pod's fields, the kind of failure and its words.
Make = Callable[[Any, str], Body]
CAUSES: dict[str, tuple[tuple[str, ...], Make, str, tuple[str, ...]]] = {
    "image": (
        KINDS,
        lambda platform, kind: pod(platform, kind, image=platform.image(MISSING)),
        "image_missing",
        (MISSING,),
    ),
    "init-image": (
        KINDS,
        lambda platform, kind: pod(platform, kind, init={"image": platform.image(MISSING)}),
        "image_missing",
        (MISSING, "init container prep"),
    ),
    "init-crash": (
        KEPT_RUNNING,
        lambda platform, kind: pod(platform, kind, init={"command": CRASH}),
        "crash",
        ("exited with code 3", "init container prep", "no database"),
    ),
    "init-ends": (
        (JOB,),
        lambda platform, kind: pod(platform, kind, init={"command": CRASH}),
        "object_failed",
        ("exited with code 3", "init container prep", "no database"),
    ),
    "sidecar": (
        KEPT_RUNNING,
        lambda platform, kind: pod(
            platform, kind, init={"command": CRASH, "restartPolicy": "Always"}
        ),
        "crash",
        ("exited with code 3", "sidecar prep", "no database"),
    ),
    "crash": (
        KEPT_RUNNING,
        lambda platform, kind: pod(platform, kind, main={"command": CRASH}),
        "crash",
        ("exited with code 3", "no database"),
    ),
    "ends": (
        (JOB,),
        lambda platform, kind: pod(platform, kind, main={"command": CRASH}),
        "object_failed",
        ("exited with code 3", "no database"),
    ),
    "command": (
        (*KEPT_RUNNING, JOB),
        lambda platform, kind: pod(platform, kind, main={"command": ["no-such-program"]}),
        "",
        ("no-such-program",),
    ),
    "secret": (
        KINDS,
        lambda platform, kind: pod(
            platform, kind, main={"envFrom": [{"secretRef": {"name": "gone"}}]}
        ),
        "missing_object",
        ("Secret", "gone"),
    ),
    "init-secret": (
        (STATEFUL_SET, JOB, POD),
        lambda platform, kind: pod(
            platform, kind, init={"envFrom": [{"secretRef": {"name": "gone"}}]}
        ),
        "missing_object",
        ("Secret", "gone", "init container prep"),
    ),
    "mount": (
        (STATEFUL_SET, JOB, POD),
        lambda platform, kind: pod(
            platform,
            kind,
            main={"volumeMounts": [{"name": "more", "mountPath": "/more"}]},
            volumes=[{"name": "more", "configMap": {"name": "gone"}}],
        ),
        "missing_object",
        ("ConfigMap", "gone"),
    ),
    "node": (
        (DEPLOYMENT, STATEFUL_SET, REPLICA_SET, JOB, POD),
        lambda platform, kind: pod(platform, kind, nodeSelector={"gpu": "yes"}),
        "no_node",
        ("no node matches",),
    ),
    "quota": (
        CONTROLLED,
        lambda platform, kind: pod(platform, kind, priorityClassName="narrow"),
        "quota",
        ("exceeded quota: narrow",),
    ),
    "policy": (
        CONTROLLED,
        pod,
        "pods_rejected",
        ("Fridays",),
    ),
    "webhook": (
        CONTROLLED,
        pod,
        "pods_rejected",
        ("guard.example.com", "connection refused"),
    ),
}


def rows(platform: Any) -> dict[str, tuple[Body, str, tuple[str, ...]]]:
    """Every row of the table as an object, by the name of its service."""
    found = {}
    for cause, (kinds, make, failure, says) in CAUSES.items():
        for kind in kinds:
            body = workload(
                kind, f"{cause}-{kind.lower()}", make(platform, kind), labels={"cause": cause}
            )
            found[f"{kind}/{body['metadata']['name']}"] = (body, failure, says)
    return found


def apply(platform: Any, app: str, *bodies: Body) -> None:
    """Make objects by hand, side by side."""
    listed = {"apiVersion": "v1", "kind": "List", "items": list(bodies)}
    platform.kubectl(app, "apply", "--server-side", "--filename=-", input=json.dumps(listed))


@pytest.fixture
def guards(platform: Any, app: str) -> Iterator[None]:
    """A quota, a policy and a webhook for the pods of an app that bear the name of the cause."""
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": app}}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"]}
    rules = [{**rule, "resources": ["pods"]}]
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": ["narrow"]}
    admission = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": app}}
    hook = {
        "name": "guard.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": rules,
        **here,
        "objectSelector": {"matchLabels": {"cause": "webhook"}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    policy = {
        "matchConstraints": {
            "resourceRules": rules,
            "objectSelector": {"matchLabels": {"cause": "policy"}},
        },
        "validations": [{"expression": "false", "message": "no pods on Fridays"}],
    }
    binding = {"policyName": app, "validationActions": ["Deny"], "matchResources": here}
    bodies = (
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "narrow"},
            "value": 1,
        },
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "narrow", "namespace": app},
            "spec": {"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": [scope]}},
        },
        {**admission, "kind": "ValidatingAdmissionPolicy", "spec": policy},
        {**admission, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
        {**admission, "kind": "ValidatingWebhookConfiguration", "webhooks": [hook]},
    )
    platform.cluster.kubectl("create", "namespace", app)
    apply(platform, app, *bodies)
    try:
        for cause in ("policy", "webhook"):
            until(lambda cause=cause: _is_guarded(platform, app, cause))
        until(lambda: _is_guarded(platform, app, "quota", priorityClassName="narrow"))
        yield
    finally:
        for kind in (
            "validatingwebhookconfiguration",
            "validatingadmissionpolicybinding",
            "validatingadmissionpolicy",
        ):
            platform.cluster.kubectl("delete", kind, app)
        platform.cluster.kubectl("delete", "priorityclass", "narrow")


def _is_guarded(platform: Any, app: str, cause: str, **fields: Any) -> bool:
    probe = workload(POD, "probe", pod(platform, POD, **fields), labels={"cause": cause})
    try:
        platform.kubectl(app, "create", "--dry-run=server", "--filename=-", input=json.dumps(probe))
    except RuntimeError:
        return True
    return False


def watched(platform: Any, app: str, services: dict[str, Body]) -> HealthWatch:
    """What a rollout watches of these services."""
    connected = connect({**platform.options, "namespace": app, "monitor": 1.0}, {})
    deadline = time.monotonic() + 90
    return HealthWatch(
        connected, app, Resolved(services=services), 3, deadline, "", report=lambda _line: None
    )


def outcomes(watch: HealthWatch, names: set[str]) -> dict[str, Any]:
    """The first failure of each service, as a rollout of it alone would have it."""
    failures: dict[str, Any] = {}
    while not watch.expired and names - set(failures):
        watch.look(sorted(names - set(failures)))
        for failure in watch.failures():
            failures.setdefault(failure.facts["service"], failure)
        for name in failures:
            watch.health.pop(name, None)
        watch.wait()
    return failures


def test_causes(platform: Any, app: str, guards: None) -> None:
    """Each cause on each kind of workload, side by side, is reported long before the timeout."""
    table = rows(platform)
    documents = [body for body, _failure, _says in table.values()]
    read = manifests.read(documents, app, "fail")
    services = manifests.services(read, {}, {}, images={}, labels={}, namespace=app)
    watch = watched(platform, app, services)
    watch.look([])
    apply(
        platform,
        app,
        *(manifests.rendered(app, name, service) for name, service in services.items()),
    )
    failures = outcomes(watch, set(table))
    wrong = {}
    for name, (_body, kind, says) in table.items():
        failure = failures.get(name)
        text = failures_text([failure]) if failure else "not reported"
        is_right = failure and kind in ("", failure.facts["kind"])
        if not is_right or not all(words in text for words in says):
            wrong[name] = text
    assert not wrong, json.dumps(wrong, indent=1)


def ship(player: Player, platform: Any, app: str, version: str, *bodies: Body) -> PlayOutcome:
    """Release objects."""
    path = player.home / "app.yaml"
    path.write_text("\n---\n".join(json.dumps(body) for body in bodies))
    options = {"app": app, "version": version, "manifests": str(path), **platform.options}
    return player.run("release", {"rollout_timeout": 60, "rollback_timeout": 60, **options})


def with_command(body: Body, *command: str) -> Body:
    """The same in a version that runs something else."""
    changed = copy.deepcopy(body)
    changed["spec"]["template"]["spec"]["containers"][0]["command"] = list(command)
    return changed


def uids(platform: Any, app: str) -> dict[str, str]:
    """The uids of pods by their names."""
    return {
        body["metadata"]["name"]: body["metadata"]["uid"] for body in platform.found(app, "pods")
    }


def commands(platform: Any, app: str) -> dict[str, str]:
    """What pods run, by their names."""
    return {
        body["metadata"]["name"]: body["spec"]["containers"][0]["command"][-1]
        for body in platform.found(app, "pods")
    }


def test_stateful_set_is_brought_back(platform: Any, player: Player, app: str) -> None:
    """Its broken pod is deleted on the way back and on the way forward; healthy ones stay.

    The controller of one with parallel pods replaces them itself.
    """
    web = workload(STATEFUL_SET, "web", pod(platform, STATEFUL_SET), replicas=2)
    parallel = {"replicas": 2, "podManagementPolicy": "Parallel"}
    both = [web, workload(STATEFUL_SET, "all", pod(platform, STATEFUL_SET), **parallel)]
    assert ship(player, platform, app, "1", *both).ok
    before = uids(platform, app)
    bad = copy.deepcopy(both)
    for body in bad:
        body["spec"]["template"]["spec"]["containers"][0]["image"] = platform.image(MISSING)
    outcome = ship(player, platform, app, "2", *bad)
    assert not outcome.ok and outcome.result["outcome"] == "rolled_back", outcome.output
    assert MISSING in outcome.result["msg"]
    assert "removed web-1" in outcome.output and "removed all-1" not in outcome.output
    after = uids(platform, app)
    assert {name for name in after if after[name] == before.get(name)} == {"web-0", "all-0"}

    platform.kubectl(app, "set", "image", "statefulset/web", f"main={platform.image(MISSING)}")
    until(lambda: uids(platform, app).get("web-1") not in (None, after["web-1"]))
    following = [with_command(body, "sleep", "100001") for body in both]
    third = ship(player, platform, app, "3", *following)
    assert third.ok and third.result["outcome"] == "live", third.output
    assert set(commands(platform, app).values()) == {"100001"}
    assert ship(player, platform, app, "3", *following).result["changed"] is False


def test_what_the_update_strategy_asks_for(platform: Any, player: Player, app: str) -> None:
    """Pods below a partition and those that wait to be deleted are not waited for."""
    later = {"updateStrategy": {"type": "OnDelete"}}
    staged = {"updateStrategy": {"rollingUpdate": {"partition": 1}}}
    bodies = [
        workload(STATEFUL_SET, "staged", pod(platform, STATEFUL_SET), replicas=2, **staged),
        workload(STATEFUL_SET, "later", pod(platform, STATEFUL_SET), **later),
        workload(DAEMON_SET, "agent", pod(platform, DAEMON_SET), **later),
        workload(DAEMON_SET, "nowhere", pod(platform, DAEMON_SET, nodeSelector={"gpu": "yes"})),
    ]
    first = ship(player, platform, app, "1", *bodies)
    assert first.ok and first.result["outcome"] == "live", first.output
    assert "DaemonSet/nowhere" in first.output and "no node matches" in first.output
    before = uids(platform, app)
    changed = [with_command(body, "sleep", "100001") for body in bodies]
    second = ship(player, platform, app, "2", *changed)
    assert second.ok and second.result["outcome"] == "live", second.output
    after = uids(platform, app)
    assert {name for name in after if after[name] != before.get(name)} == {"staged-1"}
    for text in ("its first pod (updateStrategy.rollingUpdate.partition: 1)", "OnDelete"):
        assert text in second.output, second.output
    assert ship(player, platform, app, "2", *changed).result["changed"] is False


def test_status_of_any_shape(platform: Any, player: Player, app: str) -> None:
    """A custom resource whose controller writes a status of its own shape does not lock the app."""
    group = f"{app}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Gizmo", "plural": "gizmos", "singular": "gizmo"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gizmos.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    gizmo = {"apiVersion": f"{group}/v1", "kind": "Gizmo", "metadata": {"name": "one"}}
    assert ship(player, platform, app, "1", definition, {**gizmo, "spec": "small"}).ok
    for number, status in enumerate(("Ready", {"conditions": "Ready"}, {"conditions": [1]}), 2):
        patch = json.dumps({"status": status})
        platform.kubectl(app, "patch", "gizmos", "one", "--type=merge", f"--patch={patch}")
        outcome = ship(player, platform, app, str(number), definition, {**gizmo, "spec": [number]})
        assert outcome.ok and outcome.result["outcome"] == "live", outcome.output
    for module, options in (("release_info", {}), ("release", {"state": "absent"})):
        outcome = player.run(module, {"app": app, **options, **platform.options})
        assert outcome.ok and "internal error" not in outcome.output, outcome.output
