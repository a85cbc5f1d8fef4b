# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a Kubernetes can do to a release.

Quotas, admission, evictions, daemons that are away, other managers, pod security.
"""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.tls import Authority

from .harness import Player, PlayOutcome, until, within
from .specs import Spec, changed, simple, tool

pytestmark = [pytest.mark.only("kubernetes"), pytest.mark.long]

START_FIRST = {"update_config": {"order": "start-first", "monitor": "1s"}}
AT_ONCE = {"update_config": {"order": "start-first", "parallelism": 0, "monitor": "1s"}}
REPLICAS = '{"spec": {"replicas": %d}}'


def ship(
    player: Player, platform: Any, app: str, spec: Spec, version: str = "1", **options: Any
) -> PlayOutcome:
    """Release an app."""
    return player.run(
        "release", {"app": app, "version": version, "spec": spec, **options, **platform.options}
    )


def live(
    player: Player, platform: Any, app: str, spec: Spec, version: str = "1", **options: Any
) -> dict[str, Any]:
    """Release an app that must become live."""
    outcome = ship(player, platform, app, spec, version, **options)
    assert outcome.ok, outcome.output
    return outcome.result


def unchanged(player: Player, platform: Any, app: str, spec: Spec, version: str = "1") -> None:
    """The next run finds all in order."""
    assert live(player, platform, app, spec, version)["changed"] is False


def refused(outcome: PlayOutcome, *says: str) -> None:
    """It was refused before anything was touched, in these words."""
    assert not outcome.ok and "Traceback" not in outcome.output
    assert not outcome.result.get("changed") and not outcome.result.get("outcome"), outcome.output
    for text in says:
        assert text in outcome.result["msg"], outcome.result["msg"]


def rolled_back(outcome: PlayOutcome, kind: str, *says: str) -> None:
    """It was rolled back for this kind of reason, in these words."""
    assert not outcome.ok and outcome.result.get("outcome") == "rolled_back", outcome.output
    assert kind in [failure["kind"] for failure in outcome.result["failures"]], outcome.result[
        "msg"
    ]
    for text in says:
        assert text in outcome.result["msg"], outcome.result["msg"]


def pods(platform: Any, app: str) -> dict[str, dict[str, Any]]:
    """The pods of an app that are not going, by their names."""
    return {
        body["metadata"]["name"]: body
        for body in platform.found(app, "pods")
        if "deletionTimestamp" not in body["metadata"]
    }


def apply(platform: Any, app: str, *bodies: dict[str, Any]) -> None:
    """Make objects by hand; the namespace of the app is there afterwards."""
    if not platform.cluster.kubectl("get", "namespace", app, "--ignore-not-found", "--output=name"):
        platform.cluster.kubectl("create", "namespace", app)
    for body in bodies:
        platform.kubectl(app, "apply", "--filename=-", input=json.dumps(body))


def test_quota_exhausted(platform: Any, player: Player, app: str) -> None:
    """No room for the new pod in the namespace's quota: told in seconds, in the quota's words.

    The former one serves all along.
    """
    spec = simple(platform, deploy=START_FIRST)
    live(player, platform, app, spec)
    before = platform.running(app)
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "narrow"},
        "spec": {"hard": {"pods": "1"}},
    }
    apply(platform, app, quota)
    until(
        lambda: [
            body
            for body in platform.found(app, "resourcequotas")
            if body["status"].get("used", {}).get("pods") == "1"
        ]
    )
    with within(60):
        outcome = ship(player, platform, app, changed(spec, "app", environment={"NEW": "1"}), "2")
    rolled_back(outcome, "quota", "exceeded quota: narrow", "limited: pods=1")
    assert platform.running(app) == before
    unchanged(player, platform, app, spec)


@contextlib.contextmanager
def policy(
    platform: Any, app: str, group: str, kind: str, expression: str, message: str
) -> Iterator[None]:
    """An admission policy of the cluster for one kind of object in the namespace of an app."""
    rule = {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": [kind],
    }
    admission = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": app}}
    checks = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": expression, "message": message}],
    }
    where = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": app}}}
    apply(platform, app, {**admission, "kind": "ValidatingAdmissionPolicy", "spec": checks})
    binding = {"policyName": app, "validationActions": ["Deny"], "matchResources": where}
    apply(platform, app, {**admission, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding})
    try:
        # The API server takes a policy up after a while.
        words = (
            ("run", "probe", "--image=probe", "--env=BAD=1")
            if kind == "pods"
            else ("create", "deployment", "probe", "--image=probe")
        )
        until(lambda: _refuses(platform, app, *words))
        yield
    finally:
        platform.cluster.kubectl(
            "delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", app
        )


def _refuses(platform: Any, app: str, *words: str, says: str = "denied request") -> bool:
    try:
        platform.kubectl(app, *words, "--dry-run=server")
    except RuntimeError as error:
        return says in str(error)
    return False


def test_admission_refuses_workloads(platform: Any, player: Player, app: str) -> None:
    """What the cluster would not take is known by the dry run, in the policy's words."""
    spec = simple(platform)
    live(player, platform, app, spec)
    versions, records = platform.versions(app), platform.records(app)
    with policy(platform, app, "apps", "deployments", "false", "no Deployments on Fridays"):
        refused(
            ship(player, platform, app, changed(spec, "app", environment={"NEW": "1"}), "2"),
            "services.app",
            "Deployment/app",
            "no Deployments on Fridays",
        )
    assert (platform.versions(app), platform.records(app)) == (versions, records)


def test_admission_refuses_pods(platform: Any, player: Player, app: str) -> None:
    """Pods are made later, by a controller: their refusal is a rollback, in the policy's words."""
    spec = simple(platform)
    live(player, platform, app, spec)
    innocent = "!object.spec.containers.exists(c, has(c.env) && c.env.exists(e, e.name == 'BAD'))"
    with policy(platform, app, "", "pods", innocent, "no pods on Fridays"), within(60):
        rolled_back(
            ship(player, platform, app, changed(spec, "app", environment={"BAD": "1"}), "2"),
            "pods_rejected",
            "no pods on Fridays",
        )
    unchanged(player, platform, app, spec)


def webhook(app: str, client: dict[str, str]) -> dict[str, Any]:
    """A webhook that must agree to the Deployments of an app's namespace."""
    hook = {
        "name": "guard.example.com",
        "clientConfig": client,
        "rules": [
            {
                "apiGroups": ["apps"],
                "apiVersions": ["v1"],
                "operations": ["*"],
                "resources": ["deployments"],
            }
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": app}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": app},
        "webhooks": [hook],
    }


@contextlib.contextmanager
def guarded(platform: Any, app: str, client: dict[str, str], says: str) -> Iterator[None]:
    """A webhook that has been taken up: the API server tells its words."""
    apply(platform, app, webhook(app, client))
    try:
        until(
            lambda: _refuses(
                platform, app, "create", "deployment", "probe", "--image=probe", says=says
            )
        )
        yield
    finally:
        platform.cluster.kubectl("delete", "validatingwebhookconfiguration", app)


def test_admission_webhook_away(platform: Any, player: Player, app: str) -> None:
    """A webhook that must agree and does not answer: nothing is touched, and it is named."""
    with guarded(platform, app, {"url": "https://127.0.0.1:1/"}, "failed calling webhook"):
        refused(
            ship(player, platform, app, simple(platform)),
            "services.app",
            "guard.example.com",
            "connection refused",
        )
        assert platform.services(app) == {} and platform.records(app) == []


class Guard(BaseHTTPRequestHandler):
    """A webhook that never agrees."""

    def do_POST(self) -> None:
        """Answer a review: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {
            "uid": review["request"]["uid"],
            "allowed": False,
            "status": {"message": "ask the guard first"},
        }
        body = json.dumps(
            {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": answer}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_admission_webhook_refuses(platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """A webhook that says no: known by the dry run, in its words, and nothing is touched."""
    gateway = platform.cluster.machine.gateway
    authority = Authority(tmp_path)
    certificate, key = authority.issue("guard", f"IP:{gateway}")
    server = HTTPServer((gateway, 0), Guard)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bundle = base64.b64encode(authority.certificate.read_bytes()).decode()
    try:
        with guarded(
            platform,
            app,
            {"url": f"https://{gateway}:{server.server_port}/", "caBundle": bundle},
            "denied the request",
        ):
            refused(
                ship(player, platform, app, simple(platform)),
                "services.app",
                "guard.example.com",
                "ask the guard first",
            )
            assert platform.services(app) == {} and platform.records(app) == []
    finally:
        server.shutdown()


def evict(platform: Any, app: str, pod: str) -> None:
    """Ask for a pod's place, as a machine that is being emptied does."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": app},
    }
    status, answer = platform.cluster.ask(
        "POST", f"/api/v1/namespaces/{app}/pods/{pod}/eviction", eviction
    )
    assert status == 201, answer


def slow(spec: Spec, seconds: int = 3) -> Spec:
    """The app in a version that takes its time to become ready."""
    check = {
        "test": ["CMD", "test", "-e", "/tmp/ready"],
        "interval": "1s",
        "retries": 2,
        "start_period": "60s",
    }
    command = ["sh", "-c", f"sleep {seconds}; touch /tmp/ready; exec sleep 100000"]
    return changed(spec, "app", command=command, healthcheck=check)


def test_evicted(platform: Any, player: Player, app: str) -> None:
    """A pod that is evicted, at rest or while it is new, is no fault of the release."""
    spec = simple(platform)
    live(player, platform, app, spec)
    (first,) = pods(platform, app)
    evict(platform, app, first)
    unchanged(player, platform, app, spec)
    (second,) = pods(platform, app)
    assert second != first

    following = slow(spec)
    running = player.start(
        "release", {"app": app, "version": "2", "spec": following, **platform.options}
    )
    new = until(
        lambda: [
            name
            for name, body in pods(platform, app).items()
            if name != second and body["status"]["phase"] == "Running"
        ]
    )[0]
    evict(platform, app, new)
    outcome = running.wait()
    assert outcome.ok and outcome.result["outcome"] == "live", outcome.output
    assert new not in pods(platform, app)
    unchanged(player, platform, app, following, "2")


def test_api_server_restarted(platform: Any, player: Player, app: str) -> None:
    """A run whose API server goes away for a while comes to a good end."""
    spec = slow(simple(platform, deploy={"replicas": 2}))
    running = player.start(
        "release", {"app": app, "version": "1", "spec": spec, **platform.options}
    )
    running.until("0/2 healthy")
    platform.cluster.restart_daemon("kube-apiserver")
    outcome = running.wait()
    assert outcome.ok and outcome.result["outcome"] == "live", outcome.output
    unchanged(player, platform, app, spec)


def test_kubelet_stopped(platform: Any, player: Player, app: str) -> None:
    """A machine that no longer reacts is named; when it is back, the same release is fine."""
    spec = simple(platform, deploy=START_FIRST)
    live(player, platform, app, spec)
    following = changed(spec, "app", environment={"NEW": "1"})
    platform.cluster.stop_daemon("kubelet")
    try:
        outcome = ship(player, platform, app, following, "2", rollout_timeout=6)
    finally:
        platform.cluster.start_daemon("kubelet")
    rolled_back(outcome, "timeout", platform.cluster.node, "kubelet")
    live(player, platform, app, following, "2")
    unchanged(player, platform, app, following, "2")


def test_a_field_that_an_operator_holds(platform: Any, player: Player, app: str) -> None:
    """Controllers are not fought: the manager and the field are named, and nothing is touched."""
    spec = simple(platform, environment={"MODE": "plain", "OTHER": "1"})
    live(player, platform, app, spec)
    container = {"name": "app", "env": [{"name": "MODE", "value": "operated"}]}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    words = (
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=my-operator",
        "--filename=-",
    )
    platform.kubectl(app, *words, input=json.dumps(body))
    versions = platform.versions(app)
    refused(
        ship(player, platform, app, spec),
        "services.app",
        "Deployment/app",
        "MODE",
        "is held by my-operator",
    )
    assert platform.versions(app) == versions
    without = changed(spec, "app", environment={"OTHER": "1"})
    live(player, platform, app, without, "2")
    assert platform.environment(app, "app")["MODE"] == "operated"
    unchanged(player, platform, app, without, "2")


def test_edited_by_hand(
    platform: Any, player: Player, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people change is told as drift and taken back, or refused where that is wanted."""
    spec = simple(platform, environment={"MODE": "plain"})
    live(player, platform, app, spec)
    monkeypatch.setenv("KUBE_EDITOR", "sed -i s/plain/edited/")
    platform.kubectl(app, "edit", "deployment/app")
    platform.kubectl(app, "rollout", "status", "deployment/app")
    assert platform.environment(app, "app")["MODE"] == "edited"
    path = platform.drift_path("app", "environment", "MODE")
    drift = player.run("release_info", {"app": app, **platform.options}).result["drift"]
    assert drift == [{"service": "app", "path": path, "before": "edited", "after": "plain"}]
    refused(ship(player, platform, app, spec, conflicts="fail"), "MODE", "is held by kubectl-edit")
    result = live(player, platform, app, spec)
    assert result["changed"] and [
        change["path"] for change in result["plan"]["services"][0]["changes"]
    ] == [path]
    assert platform.environment(app, "app")["MODE"] == "plain"
    unchanged(player, platform, app, spec)


def autoscale(platform: Any, app: str, replicas: int) -> None:
    """Do what an autoscaler does."""
    scale = (
        "patch",
        "deployment/app",
        "--subresource=scale",
        "--field-manager=kube-controller-manager",
        "--type=merge",
        "--patch",
        REPLICAS % replicas,
    )
    platform.kubectl(app, *scale)
    until(lambda: len(platform.running(app)["app"]) == replicas)


def test_autoscaler(platform: Any, player: Player, app: str) -> None:
    """A number that an autoscaler sets is not fought.

    Where the spec leaves it out, it survives every release.
    """
    spec = simple(platform, deploy={"replicas": 2, **AT_ONCE})
    live(player, platform, app, spec)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}
    limits = {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 3}
    apply(
        platform,
        app,
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "app"},
            "spec": limits,
        },
    )
    autoscale(platform, app, 3)
    refused(
        ship(player, platform, app, spec),
        ".spec.replicas is held by kube-controller-manager",
        "leave deploy.replicas out",
    )
    free = simple(platform, deploy=AT_ONCE)
    following = changed(free, "app", environment={"NEW": "1"})
    for version, spec in (("2", free), ("3", following)):
        live(player, platform, app, spec, version)
        assert platform.replicas_of(app, "app") == 3
    unchanged(player, platform, app, following, "3")


def test_number_that_is_no_longer_declared(platform: Any, player: Player, app: str) -> None:
    """It stays what it was, instead of becoming 1.

    Numbers by the scale module stay as well, unless another one is declared.
    """
    free = simple(platform, deploy=AT_ONCE)
    live(player, platform, app, changed(free, "app", deploy={"replicas": 2}))
    pods_before = platform.running(app)
    live(player, platform, app, free, "2")
    assert (platform.replicas_of(app, "app"), platform.running(app)) == (2, pods_before)
    assert player.run("scale", {"app": app, "replicas": {"app": 3}, **platform.options}).ok
    following = changed(free, "app", environment={"NEW": "1"})
    live(player, platform, app, following, "3")
    assert platform.replicas_of(app, "app") == 3
    live(player, platform, app, changed(following, "app", deploy={"replicas": 1}), "4")
    assert platform.replicas_of(app, "app") == 1


def test_namespace_missing(platform: Any, player: Player, app: str) -> None:
    """It is told; check mode says what would be and makes none."""
    spec = simple(platform)
    refused(
        ship(player, platform, app, spec, create_namespace=False),
        f"there is no namespace {app}",
        "create_namespace: true",
    )
    planned = player.run(
        "release",
        {"app": app, "version": "1", "spec": spec, **platform.options},
        "--check",
        "--diff",
    )
    assert planned.ok and planned.result["changed"], planned.output
    assert f"the namespace {app} does not exist yet" in planned.output and "+" in planned.output
    assert player.run("release_info", {"app": app, **platform.options}).result["history"] == []
    assert not platform.cluster.kubectl("get", "namespace", app, "--ignore-not-found")


def _overlay(platform: Any, **fields: Any) -> Spec:
    container = {"name": "app", **{key: value for key, value in fields.items() if key != "volumes"}}
    pod = {
        "containers": [container],
        **{key: value for key, value in fields.items() if key == "volumes"},
    }
    return simple(
        platform,
        deploy=START_FIRST,
        **{
            "x-shipping": {
                "overlay": {"kubernetes": {"Deployment": {"spec": {"template": {"spec": pod}}}}}
            }
        },
    )


MOUNT = {"volumeMounts": [{"name": "more", "mountPath": "/more"}]}
# What is changed by the second release -> kind, what is said.
CANNOT_START: dict[str, tuple[Callable[[Any], Spec], str, tuple[str, ...]]] = {
    "a Secret for variables": (
        lambda platform: _overlay(platform, envFrom=[{"secretRef": {"name": "gone"}}]),
        "missing_object",
        ("Secret", "gone"),
    ),
    "a ConfigMap for variables": (
        lambda platform: _overlay(platform, envFrom=[{"configMapRef": {"name": "gone"}}]),
        "missing_object",
        ("ConfigMap", "gone"),
    ),
    "a Secret to mount": (
        lambda platform: _overlay(
            platform, **MOUNT, volumes=[{"name": "more", "secret": {"secretName": "gone"}}]
        ),
        "missing_object",
        ("Secret", "gone"),
    ),
    "a ConfigMap to mount": (
        lambda platform: _overlay(
            platform, **MOUNT, volumes=[{"name": "more", "configMap": {"name": "gone"}}]
        ),
        "missing_object",
        ("ConfigMap", "gone"),
    ),
    "a storage class": (
        lambda platform: {
            **simple(platform, deploy=START_FIRST, volumes=["data:/data"]),
            "volumes": {"data": {"driver": "no-such-class"}},
        },
        "no_volume",
        ("no-such-class",),
    ),
}


@pytest.fixture(scope="module")
def missing(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An app that runs, and to which new releases bring what cannot start."""
    live(
        Player(tmp_path_factory.mktemp("missing")),
        platform,
        "missing",
        simple(platform, deploy=START_FIRST),
    )
    return "missing"


@pytest.mark.parametrize("name", CANNOT_START, ids=lambda name: name.replace(" ", "-"))
def test_something_is_missing(name: str, platform: Any, player: Player, missing: str) -> None:
    """Something that the pod needs is not in the cluster: told by its name, in seconds."""
    make, kind, says = CANNOT_START[name]
    before = platform.running(missing)
    with within(60):
        rolled_back(ship(player, platform, missing, make(platform), name), kind, *says)
    assert platform.running(missing) == before


def test_removed_by_hand(platform: Any, player: Player, app: str) -> None:
    """Secrets and configs of the app that somebody removed are made again.

    Others' are missed before anything is touched.
    """
    spec = {
        **simple(platform, secrets=["token"], configs=["settings"]),
        "secrets": {"token": {"content": "t"}},
        "configs": {"settings": {"content": "s"}},
    }
    live(player, platform, app, spec)
    names = {"secret": platform.objects("secret", app), "config": platform.objects("config", app)}
    platform.kubectl(
        app, "delete", "secrets,configmaps", "--selector", "shipping.code/kind=content"
    )
    result = live(player, platform, app, spec)
    assert result["changed"] and set(result["plan"]["create"]) == {"secrets", "configs"}
    assert (
        platform.objects("config", app) == names["config"]
        and platform.objects("secret", app) >= names["secret"]
    )

    platform.make_secret("others", app, "x")
    using = {**simple(platform, secrets=["others"]), "secrets": {"others": {"external": True}}}
    live(player, platform, app, using, "2")
    platform.remove_object(app, "secret", "others")
    refused(
        ship(player, platform, app, changed(using, "app", environment={"NEW": "1"}), "3"),
        "secrets: others: is external and does not exist",
    )


def test_on_every_machine(platform: Any, player: Player, app: str) -> None:
    """A global service is a DaemonSet: released, changed, taken back, removed."""
    spec = simple(platform, deploy={"mode": "global"})
    live(player, platform, app, spec)
    assert platform.is_global(app, "app") and len(platform.running(app)["app"]) == 1
    unchanged(player, platform, app, spec)
    rolled_back(
        ship(player, platform, app, changed(spec, "app", command=["no-such-program"]), "2"),
        "start_failed",
        "no-such-program",
    )
    unchanged(player, platform, app, spec)
    following = changed(spec, "app", environment={"NEW": "1"})
    live(player, platform, app, following, "3")
    assert platform.environment(app, "app")["NEW"] == "1"
    assert player.run("release", {"app": app, "state": "absent", **platform.options}).ok
    assert platform.objects("service", app) == set()


def enforce(platform: Any, app: str, level: str = "restricted") -> None:
    """Make the app's namespace one that enforces a Pod Security Standard."""
    apply(
        platform,
        app,
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": app, "labels": {"pod-security.kubernetes.io/enforce": level}},
        },
    )


def test_restricted_namespace(platform: Any, player: Player, app: str) -> None:
    """What the namespace's standard forbids is told for each service before anything is touched.

    The rest is made to fit.
    """
    enforce(platform, app)
    fits = tool(platform, user="1000")
    services = {
        "root": tool(platform, user="0"),
        "port": tool(
            platform, user="1000", ports=[{"target": 80, "published": 18790, "mode": "host"}]
        ),
        "fits": fits,
    }
    outcome = ship(player, platform, app, {"services": services})
    refused(outcome, "enforces the Pod Security Standard restricted")
    assert {problem["path"] for problem in outcome.result["problems"]} == {
        "services.root.user",
        "services.port.ports",
    }
    assert platform.services(app) == {} and platform.records(app) == []

    spec = {"services": {"fits": fits}}
    live(player, platform, app, spec)
    unchanged(player, platform, app, spec)
    pod = next(iter(pods(platform, app).values()))["spec"]
    settings = pod["containers"][0]["securityContext"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (
        settings["allowPrivilegeEscalation"] is False
        and settings["runAsNonRoot"] is True
        and settings["capabilities"]["drop"] == ["ALL"]
    )
    assert pod["automountServiceAccountToken"] is False and not [
        volume for volume in pod.get("volumes", []) if "projected" in volume
    ]


def test_image_that_runs_as_root(platform: Any, player: Player, app: str) -> None:
    """Only the machine sees who an image's user is."""
    enforce(platform, app)
    live(player, platform, app, simple(platform, user="1000"))
    rolled_back(
        ship(player, platform, app, simple(platform), "2"), "start_failed", "runAsNonRoot", "user"
    )


@pytest.mark.parametrize(
    ("level", "sets"), [("auto", {"seccompProfile", "automount", "escalation"}), ("none", set())]
)
def test_pod_security(level: str, sets: set[str], platform: Any, player: Player, app: str) -> None:
    """Pods are held down unless that is not wanted; those of root keep their capabilities."""
    live(player, platform, app, simple(platform), pod_security=level)
    pod = next(iter(pods(platform, app).values()))["spec"]
    settings = pod["containers"][0].get("securityContext") or {}
    found = {
        "seccompProfile": "seccompProfile" in (pod.get("securityContext") or {}),
        "automount": pod.get("automountServiceAccountToken") is False,
        "escalation": settings.get("allowPrivilegeEscalation") is False,
    }
    assert {name for name, there in found.items() if there} == sets
    assert "capabilities" not in settings and "runAsNonRoot" not in settings
    assert bool([volume for volume in pod.get("volumes", []) if "projected" in volume]) == (
        level == "none"
    )
