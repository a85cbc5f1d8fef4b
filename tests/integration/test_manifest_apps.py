# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests as they are: files, a kustomization, a chart.

They have the same plan, verdicts, history and pruning.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.testbed.downloaded_parts import programs
from tests.testbed.images import EXAMPLE

from .harness import Player, PlayOutcome

pytestmark = [pytest.mark.only("kubernetes"), pytest.mark.long]

SECRET = "a-secret-of-a-manifest-81"
Body = dict[str, Any]


def pods(platform: Any, *command: str, **container: Any) -> Body:
    """A pod template."""
    runs = {
        "name": "main",
        "image": platform.image("tool:1"),
        "command": list(command) or ["sleep", "100000"],
        **container,
    }
    return {
        "metadata": {"labels": {"part": "main"}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [runs]},
    }


def deployment(platform: Any, *command: str, name: str = "web", **container: Any) -> Body:
    """A Deployment as people write it."""
    template = pods(platform, *command, **container)
    template["metadata"]["labels"] = {"part": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"part": name}}, "template": template},
    }


def simple(kind: str, name: str, api: str = "v1", **fields: Any) -> Body:
    """Any other object."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **fields}


def everything(platform: Any, group: str) -> list[Body]:
    """One object of many kinds, in no good order."""
    secret = {"secretKeyRef": {"name": "token", "key": "token"}}
    stateful = {
        "serviceName": "db",
        "replicas": 1,
        "selector": {"matchLabels": {"part": "main"}},
        "template": pods(platform),
    }
    stateful["template"]["spec"]["containers"][0]["volumeMounts"] = [
        {"name": "data", "mountPath": "/data"}
    ]
    stateful["template"]["spec"]["volumes"] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    ]
    job = pods(platform, "true")
    job["spec"]["restartPolicy"] = "Never"
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"color": {"type": "string"}}}},
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Widget", "plural": "widgets", "singular": "widget"}
    return [
        simple("Widget", "one", f"{group}/v1", spec={"color": "blue"}),
        deployment(platform, env=[{"name": "TOKEN", "valueFrom": secret}]),
        simple("StatefulSet", "db", "apps/v1", spec=stateful),
        simple(
            "DaemonSet",
            "agent",
            "apps/v1",
            spec={"selector": {"matchLabels": {"part": "main"}}, "template": pods(platform)},
        ),
        simple("Job", "migrate", "batch/v1", spec={"backoffLimit": 0, "template": job}),
        simple(
            "CronJob",
            "nightly",
            "batch/v1",
            spec={"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": job}}},
        ),
        simple("Service", "db", spec={"clusterIP": "None", "selector": {"part": "main"}}),
        simple(
            "PersistentVolumeClaim",
            "data",
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        ),
        simple("Secret", "token", stringData={"token": SECRET}),
        simple("ConfigMap", "settings", data={"color": "blue"}),
        simple("ServiceAccount", "web"),
        simple(
            "CustomResourceDefinition",
            f"widgets.{group}",
            "apiextensions.k8s.io/v1",
            spec={"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
        ),
    ]


def written(folder: Path, *bodies: Body) -> str:
    """A file with these objects."""
    path = folder / "app.yaml"
    path.write_text("\n---\n".join(json.dumps(body) for body in bodies))
    return str(path)


def ship(
    player: Player,
    platform: Any,
    app: str,
    manifests: Any,
    version: str = "1",
    *flags: str,
    **options: Any,
) -> PlayOutcome:
    """Release manifests."""
    return player.run(
        "release",
        {"app": app, "version": version, "manifests": manifests, **options, **platform.options},
        *flags,
    )


def test_many_kinds(platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """Live at once and in order; again changes nothing.

    A changed object is released alone, and one that left is removed.
    """
    bodies = everything(platform, f"{app}.example.com")
    path = written(tmp_path, *bodies)
    predicted = ship(player, platform, app, path, "1", "--check", "--diff")
    first = ship(player, platform, app, path)
    assert predicted.ok and first.ok, first.output
    assert first.result["outcome"] == "live" and len(first.result["plan"]["services"]) == len(
        bodies
    )
    assert SECRET not in first.output + predicted.output + repr(first.results)
    again = ship(player, platform, app, path)
    assert again.result["changed"] is False, again.result["plan"]
    assert SECRET not in platform.everything(app)

    assert (
        platform.kubectl(app, "get", "widget", "one", "--output=jsonpath={.spec.color}") == "blue"
    )
    bodies[0]["spec"]["color"] = "red"
    second = ship(player, platform, app, written(tmp_path, *bodies), "2")
    changed = {
        service["name"]: service
        for service in second.result["plan"]["services"]
        if service["action"] != "keep"
    }
    assert set(changed) == {"Widget/one"} and changed["Widget/one"]["changes"] == [
        {"path": "spec.color", "before": "blue", "after": "red"}
    ]

    third = ship(
        player,
        platform,
        app,
        written(
            tmp_path,
            *[
                body
                for body in bodies
                if body["kind"] not in ("Widget", "StatefulSet", "PersistentVolumeClaim")
            ],
        ),
        "3",
    )
    assert third.ok, third.output
    assert {
        service["name"]
        for service in third.result["plan"]["services"]
        if service["action"] == "remove"
    } == {"Widget/one", "StatefulSet/db"}
    assert "data" in platform.objects("volume", app)
    back = player.run("rollback", {"app": app, "release": 1, **platform.options})
    assert (
        back.ok
        and platform.kubectl(app, "get", "widget", "one", "--output=jsonpath={.spec.color}")
        == "blue"
    )
    gone = player.run("release", {"app": app, "state": "absent", **platform.options})
    assert gone.ok and gone.result["volumes_kept"] == ["data"], gone.output
    assert not platform.found(app, "deployments,statefulsets,daemonsets,jobs,cronjobs,pods")


def test_secrets_come_back(platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """A Secret keeps its name, and a rollback restores its former content.

    The play reports that pods keep the old one.
    """
    web = deployment(
        platform,
        env=[{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "token"}}}],
    )
    for number, text in enumerate(("first-token-82", "second-token-82"), 1):
        outcome = ship(
            player,
            platform,
            app,
            written(tmp_path, web, simple("Secret", "token", stringData={"token": text})),
            str(number),
        )
        assert outcome.ok and text not in outcome.output
    assert "Secret/token changes in place" in outcome.output

    def content() -> str:
        return platform.kubectl(
            app, "get", "secret", "token", "--output=go-template={{.data.token | base64decode}}"
        )

    assert content() == "second-token-82"
    assert player.run("rollback", {"app": app, **platform.options}).ok
    assert content() == "first-token-82"


def test_a_bad_one_goes_back_together(
    platform: Any, player: Player, app: str, tmp_path: Path
) -> None:
    """A crash takes all objects back, the ConfigMap too, and is told with its last lines."""
    good = [
        deployment(platform),
        deployment(platform, name="other"),
        simple("ConfigMap", "settings", data={"color": "blue"}),
    ]
    assert ship(player, platform, app, written(tmp_path, *good)).ok
    bad = [
        deployment(platform, "sh", "-c", "echo no settings; exit 3"),
        good[1],
        simple("ConfigMap", "settings", data={"color": "red"}),
    ]
    outcome = ship(player, platform, app, written(tmp_path, *bad), "2")
    assert not outcome.ok and outcome.result["outcome"] == "rolled_back"
    assert "exited with code 3" in outcome.result["msg"] and "no settings" in outcome.result["msg"]
    assert (
        platform.kubectl(app, "get", "configmap", "settings", "--output=jsonpath={.data.color}")
        == "blue"
    )
    assert ship(player, platform, app, written(tmp_path, *good)).result["changed"] is False


def test_a_failed_job_is_told(platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """A Job that fails fails the release, with what it said."""
    job = pods(platform, "sh", "-c", "echo the schema is locked; exit 4")
    job["spec"]["restartPolicy"] = "Never"
    outcome = ship(
        player,
        platform,
        app,
        written(
            tmp_path,
            simple("Job", "migrate", "batch/v1", spec={"backoffLimit": 0, "template": job}),
        ),
    )
    assert (
        not outcome.ok
        and outcome.result["failures"][0]["kind"] == "object_failed"
        and "the schema is locked" in outcome.result["msg"]
    )


def job(platform: Any, name: str, text: str, **spec: Any) -> Body:
    """A Job that prints a text."""
    template = pods(platform, "echo", text)
    template["spec"]["restartPolicy"] = "Never"
    return simple("Job", name, "batch/v1", spec={"template": template, **spec})


def actions(outcome: PlayOutcome) -> dict[str, str]:
    """What the plan does to each service."""
    return {service["name"]: service["action"] for service in outcome.result["plan"]["services"]}


def test_jobs_run_once_for_each_content(
    platform: Any, player: Player, app: str, tmp_path: Path
) -> None:
    """A Job that its TTL removed is done; a changed one runs again, and no rollback runs one."""
    gone, stays = (
        job(platform, "gone", "one", ttlSecondsAfterFinished=0),
        job(platform, "stays", "one"),
    )
    path = written(tmp_path, gone, stays)
    assert ship(player, platform, app, path).ok
    assert platform.kubectl(app, "get", "jobs", "--output=name").split() == ["job.batch/stays"]
    again = ship(player, platform, app, path)
    assert again.ok and again.result["changed"] is False, again.output
    info = player.run("release_info", {"app": app, **platform.options})
    assert info.ok and info.result["drift"] == []

    changed = written(tmp_path, gone, job(platform, "stays", "two"))
    predicted = ship(player, platform, app, changed, "2", "--check")
    assert actions(predicted) == {"Job/gone": "keep", "Job/stays": "recreate"}
    second = ship(player, platform, app, changed, "2")
    assert second.ok, second.output
    assert "two" in platform.kubectl(app, "logs", "job/stays")
    assert player.run("rollback", {"app": app, **platform.options}).ok
    assert platform.kubectl(app, "get", "jobs", "--output=name") == ""
    failing = job(platform, "stays", "three", backoffLimit=0)
    failing["spec"]["template"]["spec"]["containers"][0]["command"] = ["false"]
    third = ship(player, platform, app, written(tmp_path, gone, failing), "3")
    assert not third.ok and third.result["outcome"] == "rolled_back", third.output
    assert platform.kubectl(app, "get", "jobs", "--output=name") == ""
    assert ship(player, platform, app, written(tmp_path, gone, stays)).result["changed"] is False


def unchangeable(platform: Any, content: str, size: str, part: str) -> list[Body]:
    """Objects of which these parts cannot change in place."""
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }
    stateful = {
        "serviceName": "db",
        "replicas": 0,
        "selector": {"matchLabels": {"part": "main"}},
        "template": pods(platform),
        "volumeClaimTemplates": [claim],
    }
    web = deployment(platform, name="web")
    web["spec"]["selector"] = {"matchLabels": {"part": part}}
    web["spec"]["template"]["metadata"]["labels"] = {"part": part}
    return [
        simple("ConfigMap", "settings", data={"color": content}, immutable=True),
        simple("StatefulSet", "db", "apps/v1", spec=stateful),
        web,
        deployment(platform, name="other"),
    ]


def test_what_cannot_change_in_place(
    platform: Any, player: Player, app: str, tmp_path: Path
) -> None:
    """It is an error of one sentence each, or recreated; a strategy of Recreate needs neither."""
    assert ship(
        player, platform, app, written(tmp_path, *unchangeable(platform, "blue", "1Gi", "web"))
    ).ok
    bodies = unchangeable(platform, "red", "2Gi", "front")
    bodies[3]["spec"]["strategy"] = {"type": "Recreate"}
    bodies[3]["spec"]["template"]["metadata"]["labels"]["more"] = "yes"
    path = written(tmp_path, *bodies)
    refused = ship(player, platform, app, path, "2")
    problems = refused.result["problems"]
    assert not refused.ok and {
        problem["path"]: problem["text"].partition("; ")[0] for problem in problems
    } == {
        "services.ConfigMap/settings": "data cannot change in place",
        "services.StatefulSet/db": "spec.volumeClaimTemplates cannot change in place",
        "services.Deployment/web": "spec.selector cannot change in place",
    }
    assert "recreate: [StatefulSet/db]" in refused.result["msg"]
    names = ["ConfigMap/settings", "StatefulSet/db", "Deployment/web"]
    allowed = ship(player, platform, app, path, "2", recreate=names)
    assert allowed.ok, allowed.output
    assert actions(allowed) == {**dict.fromkeys(names, "recreate"), "Deployment/other": "update"}
    strategy = platform.kubectl(
        app, "get", "deployment", "other", "--output=jsonpath={.spec.strategy}"
    )
    assert json.loads(strategy) == {"type": "Recreate"}
    assert ship(player, platform, app, path, "2").result["changed"] is False
    back = {"app": app, **platform.options}
    refused = player.run("rollback", back)
    assert not refused.ok and "recreate: [Deployment/web]" in refused.result["msg"]
    assert player.run("rollback", {**back, "recreate": names}).ok
    platform.cluster.kubectl("create", "quota", "few", "--namespace", app, "--hard=services=0")
    full = ship(
        player,
        platform,
        app,
        written(tmp_path, *bodies, simple("Service", "s", spec={"ports": [{"port": 1}]})),
        "3",
    )
    assert not full.ok and "exceeded quota: few" in full.result["msg"]
    assert "raise the namespace's quota" in full.result["msg"]


def definition(group: str, kind: str, *versions: str) -> Body:
    """The definition of a custom resource; the last version is stored."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    listed = [
        {
            "name": version,
            "served": True,
            "storage": version == versions[-1],
            "schema": {"openAPIV3Schema": schema},
        }
        for version in versions
    ]
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    return simple(
        "CustomResourceDefinition",
        f"{plural}.{group}",
        "apiextensions.k8s.io/v1",
        spec={"group": group, "scope": "Namespaced", "names": names, "versions": listed},
    )


def test_webhooks_and_new_versions(platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """A webhook comes after its pods and what it admits; a new version with its definition."""
    group = f"{app}.example.org"
    service = {"selector": {"part": "web"}, "ports": [{"port": 443, "targetPort": 8443}]}
    rule = {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["widgets"],
    }
    hook = {
        "name": f"v.{group}",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "timeoutSeconds": 2,
        "rules": [rule],
        "clientConfig": {"service": {"name": "web", "namespace": app, "path": "/"}},
    }
    api = "admissionregistration.k8s.io/v1"
    bodies = [
        simple("ValidatingWebhookConfiguration", app, api, webhooks=[hook]),
        simple("Widget", "one", f"{group}/v1", spec={"size": 1}),
        definition(group, "Widget", "v1"),
        definition(group, "Gadget", "v1"),
        simple("Gadget", "one", f"{group}/v1", spec={"size": 1}),
        simple("Service", "web", spec=service),
        deployment(platform),
    ]
    first = ship(player, platform, app, written(tmp_path, *bodies))
    assert first.ok, first.output
    bodies[3] = definition(group, "Gadget", "v1", "v2")
    bodies[4] = simple("Gadget", "one", f"{group}/v2", spec={"size": 2})
    second = ship(player, platform, app, written(tmp_path, *bodies), "2")
    assert second.ok and f"which gets {group}/v2 with this release" in second.output, second.output
    assert ship(player, platform, app, written(tmp_path, *bodies), "2").result["changed"] is False
    gadget = f"gadgets.v2.{group}"
    assert platform.kubectl(app, "get", gadget, "one", "--output=jsonpath={.spec.size}") == "2"
    absent = player.run("release", {"app": app, "state": "absent", **platform.options})
    assert absent.ok, absent.output


def test_groups_and_namespaces(platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """Two kinds of one name, an object in another namespace, and the app's own namespace."""
    group, other = f"{app}.example.org", f"{app}-other"
    platform.cluster.kubectl("create", "namespace", other)
    settings = simple("ConfigMap", "settings", data={"color": "blue"})
    settings["metadata"]["namespace"] = other
    home = simple("Namespace", app)
    home["metadata"]["labels"] = {"team": "blue"}
    bodies = [
        settings,
        home,
        definition(group, "Service", "v1"),
        simple("Service", "x", f"{group}/v1", spec={"size": 1}),
        simple("Service", "x", spec={"ports": [{"port": 1}]}),
        simple("ConfigMap", "settings", data={"color": "green"}),
    ]
    first = ship(player, platform, app, written(tmp_path, *bodies))
    assert first.ok, first.output
    assert {f"Service.{group}/x", "Service/x", f"ConfigMap/{other}/settings"} < set(actions(first))

    def color(namespace: str) -> str:
        return platform.kubectl(
            namespace,
            *("get", "configmap", "settings", "--ignore-not-found"),
            "--output=jsonpath={.data.color}",
        )

    assert (color(other), color(app)) == ("blue", "green")
    assert ship(player, platform, app, written(tmp_path, *bodies)).result["changed"] is False
    settings["data"]["color"] = "red"
    assert ship(player, platform, app, written(tmp_path, *bodies), "2").ok
    assert (color(other), color(app)) == ("red", "green")
    assert player.run("rollback", {"app": app, **platform.options}).ok
    assert color(other) == "blue"
    fewer = [body for body in bodies if body is not settings and "spec" not in body]
    third = ship(player, platform, app, written(tmp_path, *fewer), "3")
    assert third.ok, third.output
    assert (color(other), color(app)) == ("", "green")
    platform.cluster.kubectl("delete", "namespace", other)


def test_set_by_hand(platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """What others set stays; what is declared and was changed comes back, and is told."""
    path = written(
        tmp_path, deployment(platform), simple("ConfigMap", "settings", data={"color": "blue"})
    )
    assert ship(player, platform, app, path).ok
    platform.kubectl(app, "label", "deployment", "web", "owner=alice")
    assert ship(player, platform, app, path).result["changed"] is False
    platform.kubectl(
        app,
        "patch",
        "configmap",
        "settings",
        "--patch",
        '{"data": {"color": "red", "more": "yes"}}',
    )
    drift = player.run("release_info", {"app": app, **platform.options}).result["drift"]
    assert [(change["service"], change["before"], change["after"]) for change in drift] == [
        ("ConfigMap/settings", "red", "blue")
    ]
    assert ship(player, platform, app, path).result["changed"]
    assert json.loads(
        platform.kubectl(app, "get", "configmap", "settings", "--output=jsonpath={.data}")
    ) == {"color": "blue", "more": "yes"}
    assert (
        platform.kubectl(
            app, "get", "deployment", "web", "--output=jsonpath={.metadata.labels.owner}"
        )
        == "alice"
    )


def test_scale(platform: Any, player: Player, app: str, tmp_path: Path) -> None:
    """A Deployment of manifests can be scaled by its name."""
    body = deployment(platform)
    del body["spec"]["replicas"]
    path = written(tmp_path, body)
    assert ship(player, platform, app, path).ok
    scaled = player.run(
        "scale", {"app": app, "replicas": {"Deployment/web": 2}, **platform.options}
    )
    assert scaled.ok and len(platform.running(app)["web"]) == 2, scaled.output
    assert ship(player, platform, app, path).result["changed"] is False


def test_kustomization_and_chart(
    platform: Any, player: Player, app: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control node's official tools render them; the play reports missing ones."""
    tools = tmp_path / "bin"
    tools.mkdir()
    found = platform.cluster.programs("helm")
    (tools / "kubectl").symlink_to(found["kubectl"])
    kustomized, chart = tmp_path / "kustomized", tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    kustomized.mkdir()
    written(kustomized, deployment(platform))
    (kustomized / "kustomization.yaml").write_text("resources: [app.yaml]\nnamePrefix: small-\n")
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: settings\nversion: 1.0.0\n")
    (chart / "values.yaml").write_text("color: blue\n")
    template = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-settings\ndata:\n "
        " color: {{ .Values.color }}\n"
    )
    (chart / "templates" / "settings.yaml").write_text(template)
    hook = (
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hook\n  annotations: {"helm.sh/hook":'
        ' "%s"}\n'
    )
    (chart / "templates" / "test.yaml").write_text(hook % "test")
    monkeypatch.setenv("PATH", f"{tools}:{Path(sys.executable).parent}:/usr/bin:/bin")
    missing = ship(player, platform, app, [str(kustomized), str(chart)])
    assert not missing.ok and "helm is not on the PATH" in missing.result["msg"]
    (tools / "helm").symlink_to(found["helm"])
    outcome = ship(
        player, platform, app, [str(kustomized), str(chart)], helm_values={"color": "green"}
    )
    assert outcome.ok, outcome.output
    assert {service["name"] for service in outcome.result["plan"]["services"]} == {
        "Deployment/small-web",
        f"ConfigMap/{app}-settings",
    }
    assert (
        platform.kubectl(
            app, "get", "configmap", f"{app}-settings", "--output=jsonpath={.data.color}"
        )
        == "green"
    )
    check_what_a_chart_sees(platform, player, app, chart)
    (chart / "templates" / "before.yaml").write_text(
        hook.replace("hook\n", "before\n", 1) % "pre-install"
    )
    refused = ship(player, platform, app, str(chart), "2")
    assert (
        not refused.ok
        and "is a hook of Helm (pre-install)" in refused.result["msg"]
        and "hooks: skip" in refused.result["msg"]
    )


def check_what_a_chart_sees(platform: Any, player: Player, app: str, chart: Path) -> None:
    """The cluster's version and kinds; a random password is an error; a kept object stays."""
    kept = chart / "templates" / "kept.yaml"
    kept.write_text(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: kept\n"
        '  annotations: {"helm.sh/resource-policy": keep}\nstringData:\n'
        "  version: {{ .Capabilities.KubeVersion.Version }}\n"
        "  slices: {{ .Capabilities.APIVersions.Has "
        '"discovery.k8s.io/v1/EndpointSlice" | quote }}\n'
        "  password: {{ .Values.password | default (randAlphaNum 12) }}\n"
    )
    random = ship(player, platform, app, str(chart), "2")
    assert not random.ok and f"{chart}, Secret/kept.stringData.password" in random.result["msg"]
    values = {"password": SECRET}
    shown = ship(player, platform, app, str(chart), "2", helm_values=values)
    assert shown.ok and SECRET not in shown.output, shown.output
    again = ship(player, platform, app, str(chart), "2", helm_values=values)
    assert again.result["changed"] is False
    data = json.loads(platform.kubectl(app, "get", "secret", "kept", "--output=json"))["data"]
    assert base64.b64decode(data["slices"]) == b"true"
    assert base64.b64decode(data["version"]).decode() in platform.kubectl(app, "version")
    kept.unlink()
    left = ship(player, platform, app, str(chart), "3")
    assert left.ok and "Secret/kept is kept" in left.output, left.output
    gone = player.run("release", {"app": app, "state": "absent", **platform.options})
    assert gone.ok and gone.result["kept"] == ["Secret/kept"], gone.output
    assert "secret/kept" in platform.kubectl(app, "get", "secrets", "--output=name")
    again = player.run("release", {"app": app, "state": "absent", **platform.options})
    assert again.ok and again.result["changed"] is False, again.output


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{}", "have no objects"),
        ("apiVersion: v1\nkind: ConfigMap\n", "needs apiVersion, kind and metadata.name"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: elsewhere}\n",
            "is for the namespace elsewhere",
        ),
        (
            "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n",
            "the cluster knows no Widget in example.com/v1",
        ),
        (
            "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n",
            "but it has one in policy/v1; write apiVersion: policy/v1",
        ),
        (
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n"
            "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n---\n"
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
            "spec: {replicas: 1, template: {}}\n",
            "Deployment/web.spec.replicas: is set by HorizontalPodAutoscaler/a, too",
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {token: not base64}\n",
            "is not base64",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndate: {color: blue}\n",
            "the cluster rejects ConfigMap/a",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nkind: Secret\nmetadata: {name: a}\n",
            "has the key kind twice",
        ),
    ],
)
def test_mistakes(
    content: str, says: str, platform: Any, player: Player, app: str, tmp_path: Path
) -> None:
    """Told in words, before anything is touched."""
    (tmp_path / "app.yaml").write_text(content)
    platform.cluster.kubectl("create", "namespace", app)
    outcome = ship(player, platform, app, str(tmp_path / "app.yaml"))
    assert not outcome.ok and says in outcome.result["msg"] and "Traceback" not in outcome.output
    assert platform.records(app) == []


def test_examples(platform: Any, player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module's examples for this platform, with the addresses of this test bed."""
    text = importlib.import_module(
        "ansible_collections.shipping.code.plugins.modules.release"
    ).EXAMPLES
    tasks = [
        task
        for task in yaml.safe_load(text)
        if task.get("shipping.code.release", {}).get("platform") == "kubernetes"
    ]
    assert len(tasks) == 2
    folder = player.folder()
    shutil.copytree(EXAMPLE, folder / "shop")
    chart, policies = folder / "wiki" / "chart", folder / "wiki" / "policies"
    (chart / "templates").mkdir(parents=True)
    policies.mkdir()
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: wiki\nversion: 1.0.0\n")
    (chart / "templates" / "wiki.json").write_text(
        json.dumps(deployment(platform, name="wiki")).replace(
            "tool:1", "tool:{{ .Values.image.tag }}"
        )
    )
    written(
        policies,
        simple(
            "NetworkPolicy",
            "all",
            "networking.k8s.io/v1",
            spec={"podSelector": {}, "policyTypes": ["Ingress"]},
        ),
    )
    platform.publish(platform.image("tool:3"), f"FROM {platform.image('tool:1')}\n")
    platform.publish(platform.image("shop-web:1.4.2"), f"FROM {platform.image('shop-web:1.0.0')}\n")
    platform.cluster.kubectl("create", "namespace", "wiki")
    for task in tasks:
        options = task["shipping.code.release"]
        options.update(
            {
                key: value
                for key, value in platform.options.items()
                if key != "kubeconfig" or "host" not in options
            }
        )
        if "host" in options:
            options.update(host=platform.cluster.server, ca_path=str(platform.cluster.ca))
        else:
            options["values"]["REGISTRY"] = platform.registry
    monkeypatch.setenv("PATH", f"{programs('helm')['helm'].parent}:{os.environ['PATH']}")
    flags = ["-e", json.dumps({"vault_cluster_token": platform.cluster.token()})]
    outcome = player.start_tasks(folder, tasks, *flags).wait()
    assert outcome.ok, outcome.output
    assert [result["outcome"] for result in outcome.results] == ["live", "live"]
