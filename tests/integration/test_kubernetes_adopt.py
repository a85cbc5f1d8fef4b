# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking over what kubectl or Helm made.

Nothing restarts that does not change, and what leaves the spec afterwards is gone.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.downloaded_parts import programs
from tests.testbed.machine import run

from .harness import Player, PlayOutcome
from .specs import Spec, changed

pytestmark = [pytest.mark.only("kubernetes"), pytest.mark.long]

PORT = 8000
Body = dict[str, Any]


def compose(platform: Any) -> Spec:
    """The app as a Compose file says it."""
    web = {
        "image": platform.image("shop-web:1.0.0"),
        "environment": {"DRAIN_SECONDS": "1", "EXTRA": "1"},
        "expose": [str(PORT)],
        "user": "1000",
        "stop_grace_period": "5s",
        "x-shipping": {"probe": {"http": {"port": PORT, "path": "/health"}}},
        "healthcheck": {"interval": "1s", "timeout": "2s", "retries": 30},
        "deploy": {"replicas": 2, "update_config": {"order": "start-first", "monitor": "1s"}},
    }
    return {"services": {"web": web}}


def manifests(platform: Any, **labels: str) -> list[Body]:
    """The same as somebody wrote it for kubectl."""
    probe = {
        "httpGet": {"path": "/health", "port": PORT},
        "periodSeconds": 1,
        "timeoutSeconds": 2,
        "failureThreshold": 30,
    }
    container = {
        "name": "main",
        "image": platform.image("shop-web:1.0.0"),
        "env": [{"name": "EXTRA", "value": "1"}, {"name": "DRAIN_SECONDS", "value": "1"}],
        "ports": [{"containerPort": PORT, "name": "web"}],
        "readinessProbe": probe,
        "livenessProbe": probe,
        "securityContext": {"runAsUser": 1000},
    }
    metadata = {"name": "web", "labels": labels}
    pod = {"containers": [container], "terminationGracePeriodSeconds": 5}
    template = {
        "metadata": {"labels": {**labels, "tier": "front"}, "annotations": {"owner": "alice"}},
        "spec": pod,
    }
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": labels},
        "template": template,
        "paused": False,
        "revisionHistoryLimit": 3,
    }
    service = {"selector": labels, "ports": [{"port": PORT, "targetPort": "web"}]}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
    ]


def by_kubectl(platform: Any, app: str, folder: Path) -> dict[str, str]:
    """Make it as most people do; the labels by which it finds its pods."""
    labels = {"app": "shop"}
    platform.cluster.kubectl("create", "namespace", app)
    for body in manifests(platform, **labels):
        platform.kubectl(app, "apply", "--filename=-", input=json.dumps(body))
    return labels


def by_helm(platform: Any, app: str, folder: Path) -> dict[str, str]:
    """Make it by a chart."""
    labels = {"app.kubernetes.io/name": "shop", "app.kubernetes.io/instance": "first"}
    chart = folder / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(
        json.dumps({"apiVersion": "v2", "name": "shop", "version": "1.0.0"})
    )
    for body in manifests(platform, **labels):
        body["metadata"]["labels"] = {
            **labels,
            "app.kubernetes.io/managed-by": "{{ .Release.Service }}",
        }
        (chart / "templates" / f"{body['kind'].lower()}.yaml").write_text(json.dumps(body))
    settings = {"HOME": str(folder), "KUBECONFIG": str(platform.cluster.kubeconfig)}
    run(
        programs("helm")["helm"],
        "install",
        "first",
        chart,
        "--namespace",
        app,
        "--create-namespace",
        env=settings,
    )
    return labels


def pods(platform: Any, app: str) -> set[str]:
    """The ids of the app's pods."""
    return {
        body["metadata"]["uid"]
        for body in platform.found(app, "pods")
        if "deletionTimestamp" not in body["metadata"]
    }


def variables(platform: Any, app: str) -> dict[str, str]:
    """What the live object says of its container's environment."""
    (container,) = platform.services(app)["web"]["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"]}


def ship(
    player: Player, platform: Any, app: str, spec: Spec, version: str = "1", **options: Any
) -> PlayOutcome:
    """Release the app."""
    return player.run(
        "release", {"app": app, "version": version, "spec": spec, **options, **platform.options}
    )


def wait_until_ready(platform: Any, app: str) -> None:
    """What was made by hand runs."""
    platform.kubectl(app, "rollout", "status", "deployment/web", "--timeout=60s")


@pytest.mark.parametrize("make", [by_kubectl, by_helm], ids=["kubectl", "helm"])
def test_taken_over(make: Any, platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """Refused with a remedy; taken over without a restart; dropped keys are gone; rolled back.

    Removed.
    """
    labels = make(platform, app, tmp_path)
    wait_until_ready(platform, app)
    spec, before = compose(platform), pods(platform, app)
    refused = ship(player, platform, app, spec)
    assert not refused.ok and {problem["path"] for problem in refused.result["problems"]} == {
        "services.web"
    }
    assert (
        "a Deployment web exists" in refused.result["msg"]
        and "a Service web exists" in refused.result["msg"]
        and "adopt: true" in refused.result["msg"]
    )

    planned = player.run(
        "release",
        {"app": app, "version": "1", "spec": spec, "adopt": True, **platform.options},
        "--check",
    )
    assert planned.ok and planned.result["changed"], planned.output
    assert (
        planned.result["plan"]["services"][0]["interruption"] == "without interruption"
        and not planned.result["plan"]["services"][0]["restarts"]
    )
    taken = ship(player, platform, app, spec, adopt=True)
    assert taken.ok and taken.result["changed"] and taken.result["outcome"] == "live", taken.output
    assert pods(platform, app) == before, "the take-over restarted a pod"
    assert ship(player, platform, app, spec, adopt=True).result["changed"] is False
    assert player.run("release_info", {"app": app, **platform.options}).result["drift"] == []
    live = platform.services(app)["web"]
    assert (
        live["spec"]["selector"]["matchLabels"] == labels
        and live["spec"]["revisionHistoryLimit"] == 3
    )
    assert answers(platform, app)

    dropped = changed(spec, "web", environment={"DRAIN_SECONDS": "1"})
    following = ship(player, platform, app, dropped, "2")
    assert following.ok, following.output
    assert variables(platform, app) == {"DRAIN_SECONDS": "1"}, "what left the spec is still there"
    assert not pods(platform, app) & before
    assert platform.services(app)["web"]["spec"]["selector"]["matchLabels"] == labels
    assert ship(player, platform, app, dropped, "2").result["changed"] is False
    assert answers(platform, app)

    back = player.run("rollback", {"app": app, **platform.options})
    assert back.ok and variables(platform, app) == {"DRAIN_SECONDS": "1", "EXTRA": "1"}, back.output
    gone = player.run("release", {"app": app, "state": "absent", **platform.options})
    assert (
        gone.ok
        and platform.found(app, "pods,deployments,replicasets,services,networkpolicies") == []
    ), gone.output


def answers(platform: Any, app: str) -> bool:
    """Whether the app is found by its name."""
    address = next(
        body["spec"]["clusterIP"]
        for body in platform.found(app, "services")
        if body["metadata"]["name"] == "web"
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        done = subprocess.run(
            [
                "nsenter",
                f"--target={platform.cluster.machine.pid('node')}",
                "--net",
                "curl",
                "--silent",
                "--max-time",
                "2",
                f"http://{address}:{PORT}/",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if "1.0.0" in done.stdout:
            return True
        time.sleep(0.1)
    return False


def test_taken_over_with_a_change(platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """Where the spec differs, the pods are replaced, and what only the manifest has survives."""
    by_kubectl(platform, app, tmp_path)
    wait_until_ready(platform, app)
    before = pods(platform, app)
    spec = changed(
        compose(platform),
        "web",
        image=platform.image("shop-web:1.1.0"),
        environment={"DRAIN_SECONDS": "1", "MORE": "2"},
    )
    outcome = ship(player, platform, app, spec, adopt=True)
    assert outcome.ok, outcome.output
    assert not pods(platform, app) & before
    assert variables(platform, app) == {"DRAIN_SECONDS": "1", "EXTRA": "1", "MORE": "2"}
    live = platform.services(app)["web"]["spec"]["template"]["metadata"]
    assert live["labels"]["tier"] == "front" and live["annotations"]["owner"] == "alice"
    assert ship(player, platform, app, spec).result["changed"] is False


def test_a_service_that_finds_other_pods(platform: Any, player: Player, app: str) -> None:
    """A Service that selects what our pods do not bear would find none of them; it is refused."""
    platform.cluster.kubectl("create", "namespace", app)
    _deployment, service = manifests(platform, app="elsewhere")
    platform.kubectl(app, "apply", "--filename=-", input=json.dumps(service))
    outcome = ship(player, platform, app, compose(platform), adopt=True)
    assert (
        not outcome.ok
        and "a Service web exists that cannot be adopted as it is" in outcome.result["msg"]
    ), outcome.output
    assert platform.services(app) == {}


def test_a_take_over_that_fails(platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """Nothing is removed that was there before: it is as it was, and goes on serving."""
    labels = by_kubectl(platform, app, tmp_path)
    wait_until_ready(platform, app)
    before, spec = pods(platform, app), platform.services(app)["web"]["spec"]
    broken = changed(compose(platform), "web", command=["no-such-program"])
    outcome = ship(player, platform, app, broken, adopt=True)
    assert not outcome.ok and outcome.result["outcome"] == "failed", outcome.output
    assert (
        "no-such-program" in outcome.result["msg"]
        and "web was restored as before the adoption" in outcome.result["msg"]
    )
    wait_until_ready(platform, app)
    live = platform.services(app)["web"]
    assert (live["spec"], live["metadata"]["labels"]) == (spec, labels) and pods(
        platform, app
    ) >= before
    assert answers(platform, app)
    again = ship(player, platform, app, compose(platform), adopt=True)
    assert again.ok and pods(platform, app) == before, again.output
