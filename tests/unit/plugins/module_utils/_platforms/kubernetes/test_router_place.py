# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router on a cluster: which apps it reads, where its replicas and tables are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlanError
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import (
    FailedPreview,
    Record,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import StoredTraffic
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    router_objects,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster import (
    Cluster,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster_access import (  # noqa: E501
    Access,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.router import (
    RouterPlace,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.storage import (
    write_record,
)

from .api_server import Asked, serving

pytest.importorskip("urllib3")

ROUTED = Resolved(
    services={
        "web": {
            "image": "web:1",
            "reference": "web:1",
            "x-shipping": {"routes": [{"host": "a.example", "path": "/", "port": 80}]},
        }
    }
)
PLAIN = Resolved(services={"web": {"image": "web:1", "reference": "web:1"}})


class Api:
    """An API server that keeps objects by their paths; ``denied`` is a path that is not allowed."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.denied = ""

    def answer(self, asked: Asked) -> tuple[int, Any]:
        if asked.path == self.denied:
            text = 'secrets is forbidden: User "ci" cannot list resource "secrets" in API group ""'
            return 403, {"reason": "Forbidden", "message": text, "code": 403}
        if asked.method == "POST":
            return self._create(asked)
        if asked.method == "DELETE":
            return (200, self.objects.pop(asked.path)) if asked.path in self.objects else (404, {})
        if asked.path in self.objects:
            return 200, self.objects[asked.path]
        return 200, {"items": self._listed(asked)}

    def _create(self, asked: Asked) -> tuple[int, Any]:
        body = json.loads(asked.body)
        path = f"{asked.path}/{body['metadata']['name']}"
        if path in self.objects:
            return 409, {"reason": "AlreadyExists", "code": 409}
        if "/namespaces/" in path:
            body["metadata"].setdefault("namespace", path.split("/")[4])
        self.objects[path] = body
        return 201, body

    def _listed(self, asked: Asked) -> list[dict[str, Any]]:
        wanted = dict(pair.split("=") for pair in asked.query.get("labelSelector", "").split(","))
        kind = asked.path.rpartition("/")[2]
        place = asked.path if "/namespaces/" in asked.path else ""
        return [
            body
            for path, body in self.objects.items()
            if path.startswith(place)
            and f"/{kind}/" in path
            and wanted.items() <= body["metadata"].get("labels", {}).items()
        ]


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as server:
        made = Api()
        made.host = server.host  # type: ignore[attr-defined]
        server.answer = made.answer
        yield made


def cluster(api: Api, namespace: str = "shop") -> Cluster:
    return Cluster(Access(host=api.host, namespace=namespace))  # type: ignore[attr-defined]


def deploy(api: Api, namespace: str, app: str, resolved: Resolved, **fields: Any) -> None:
    given = {"number": 1, "version": "1", "state": "live", **fields}
    write_record(cluster(api, namespace), app, Record(**given, resolved=resolved))


def test_the_newest_live_release_of_each_app_of_all_namespaces(api: Api) -> None:
    deploy(api, "shop", "shop", PLAIN)
    deploy(api, "shop", "shop", ROUTED, number=2)
    deploy(api, "shop", "shop", PLAIN, number=3, state="failed")
    deploy(api, "wiki", "wiki", PLAIN)
    live = RouterPlace(cluster(api)).live_releases()
    assert {app: record.number for app, record in live.items()} == {"shop": 2, "wiki": 1}
    assert live["shop"].resolved == ROUTED


def test_an_account_of_one_namespace_reads_that_one(api: Api) -> None:
    deploy(api, "shop", "shop", ROUTED)
    deploy(api, "wiki", "wiki", PLAIN)
    api.denied = "/api/v1/secrets"
    assert list(RouterPlace(cluster(api)).live_releases()) == ["shop"]


def test_previews_without_a_live_release(api: Api) -> None:
    deploy(api, "shop", "shop", PLAIN, state="failed")
    preview = {"branch": "feature/a", "preview_of": "shop"}
    deploy(api, "shop-a", "shop-a", PLAIN, state="failed", **preview)
    deploy(api, "shop-b", "shop-b", PLAIN, **preview)
    deploy(api, "shop-b", "shop-b", PLAIN, number=2, state="failed", **preview)
    failed = RouterPlace(cluster(api)).failed_previews()
    assert failed == {"shop-a": FailedPreview("feature/a", "shop")}


def test_two_routed_apps_of_one_name_are_an_error(api: Api) -> None:
    deploy(api, "production", "shop", ROUTED)
    deploy(api, "staging", "shop", PLAIN)
    place = RouterPlace(cluster(api))
    assert place.live_releases()["shop"].resolved == ROUTED
    deploy(api, "staging", "shop", ROUTED, number=2)
    with pytest.raises(PlanError, match="the namespaces production and staging have an app"):
        place.live_releases()


def test_slots_have_names_of_the_whole_cluster(api: Api) -> None:
    deploy(api, "front", "shop", ROUTED)
    place = RouterPlace(cluster(api, "other"))
    assert place.slot_name("shop", "web", 2) == "web-slot2.front.svc.cluster.local"
    peers = "router-slot0.shipping-router.svc.cluster.local"
    assert place.slot_name("router", "router", 0) == peers


def test_tables_are_kept_by_revision(api: Api) -> None:
    place = RouterPlace(cluster(api))
    assert place.read_traffic() == StoredTraffic()
    for revision in range(1, 6):
        place.write_traffic(StoredTraffic(revision, f"table {revision}".encode()))
    assert place.read_traffic() == StoredTraffic(5, b"table 5")
    assert len(api.objects) == 3
    place.forget_traffic(5)
    assert place.read_traffic() == StoredTraffic(4, b"table 4")


def pod(name: str, *, running: bool = True, **metadata: Any) -> dict[str, Any]:
    labels = {"shipping.code/app": "router", "shipping.code/service": "router"}
    state = {"running": {}} if running else {"terminated": {}}
    return {
        "metadata": {"name": name, "labels": labels, **metadata},
        "spec": {"nodeName": "node1"},
        "status": {"podIP": "10.0.0.1", "containerStatuses": [{"state": state}]},
    }


def test_running_pods_take_commands(api: Api) -> None:
    pods = (
        pod("router-b"),
        pod("router-a"),
        pod("router-c", running=False),
        pod("router-d", deletionTimestamp="2026-12-01T00:00:00Z"),
    )
    for body in pods:
        path = f"/api/v1/namespaces/shipping-router/pods/{body['metadata']['name']}"
        api.objects[path] = body
    points = RouterPlace(cluster(api)).control_points("router", "router", 9443, {})
    assert [(point.replica, point.node) for point in points] == [
        ("router-a", "node1"),
        ("router-b", "node1"),
    ]
    assert all(point.dial for point in points)


def test_certificates_are_copied_once_and_removed_when_no_release_needs_them(api: Api) -> None:
    deploy(api, "front", "shop", ROUTED)
    path = "/api/v1/namespaces/{}/secrets/{}"
    for name in ("shop-tls-1", "shop-tls-2"):
        metadata = {"name": name, "namespace": "front"}
        api.objects[path.format("front", name)] = {"metadata": metadata, "data": {"data": "eA=="}}
    place = RouterPlace(cluster(api))
    assert place.share_secrets({"shop-tls-1": "shop"}, check=True)
    assert path.format("shipping-router", "shop-tls-1") not in api.objects
    assert place.share_secrets({"shop-tls-1": "shop"}, check=False)
    copy = api.objects[path.format("shipping-router", "shop-tls-1")]
    assert copy["data"] == {"data": "eA=="} and copy["immutable"]
    assert not place.share_secrets({"shop-tls-1": "shop"}, check=False)
    deploy(api, "shipping-router", "router", Resolved(secrets={"shop-tls-1": {"external": True}}))
    assert place.share_secrets({"shop-tls-2": "shop"}, check=False)
    assert path.format("shipping-router", "shop-tls-1") in api.objects
    api.objects.pop(next(name for name in api.objects if "router.release.1" in name))
    assert place.share_secrets({"shop-tls-2": "shop"}, check=False)
    assert path.format("shipping-router", "shop-tls-1") not in api.objects


def test_a_check_has_its_files_in_their_folders() -> None:
    files = {"/etc/haproxy/haproxy.cfg": b"global\n", "/run/secrets/key": b"secret"}
    secret, body = router_objects.check_objects("check", "haproxy:3", ["haproxy", "-c"], files)
    assert sorted(secret["data"]) == ["file0", "file1"]
    container = body["spec"]["containers"][0]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == [
        "/etc/haproxy",
        "/run/secrets",
    ]
    assert "secret" not in json.dumps(body["spec"]["containers"]).replace("/run/secrets", "")


def test_an_account_that_may_not_read_nodes_has_an_unknown_capacity(api: Api) -> None:
    api.denied = "/api/v1/nodes"
    assert RouterPlace(cluster(api)).spare_capacity() is None
