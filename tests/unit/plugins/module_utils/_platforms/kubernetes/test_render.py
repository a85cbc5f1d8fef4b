# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app's objects are, what they are called, and what replaces pods."""

from __future__ import annotations

import copy
import re

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import render
from hypothesis import assume, given, settings

from ..._compose.generated_files import SERVICES, spec
from .resolved_apps import (
    APP,
    DECLARED,
    DIGEST,
    bodies,
    by_title,
    one,
    resolved,
    web,
)

OWN = {"shipping.code/app": "shop", "shipping.code/service": "web"}
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def port(number, target=None, protocol="TCP", **more):
    return {
        "name": f"{protocol.lower()}-{number}",
        "port": number,
        "targetPort": target or number,
        "protocol": protocol,
        **more,
    }


def service(kind="ClusterIP", *ports, **more):
    return {"type": kind, "selector": OWN, **({"ports": list(ports)} if ports else {}), **more}


# Keys of a service -> the Services that it has.
SERVICES_OF = [
    ({}, {"web": service(clusterIP="None")}),
    (
        {"expose": ["80", "82-83/udp"]},
        {"web": service("ClusterIP", port(80), port(82, protocol="UDP"), port(83, protocol="UDP"))},
    ),
    (
        {"expose": ["80"], "deploy": {"endpoint_mode": "dnsrr"}},
        {"web": service("ClusterIP", port(80), clusterIP="None")},
    ),
    (
        {"ports": ["8080:80", "53:53/udp"]},
        {
            "web": service("ClusterIP", port(53, protocol="UDP"), port(80)),
            "web-published": service("LoadBalancer", port(53, protocol="UDP"), port(8080, 80)),
        },
    ),
    (
        {"ports": ["80"]},
        {"web": service("ClusterIP", port(80)), "web-published": service("LoadBalancer", port(80))},
    ),
    (
        {"ports": ["30080:80", "30081:80"]},
        {
            "web": service("ClusterIP", port(80)),
            "web-published": service(
                "NodePort", port(30080, 80, nodePort=30080), port(30081, 80, nodePort=30081)
            ),
        },
    ),
    (
        {"ports": ["30080:80", "81:81"]},
        {
            "web": service("ClusterIP", port(80), port(81)),
            "web-published": service("LoadBalancer", port(30080, 80), port(81)),
        },
    ),
    (
        {"ports": [{"target": 80, "published": 80, "mode": "host"}]},
        {"web": service("ClusterIP", port(80))},
    ),
    (
        {"network_mode": "host", "expose": ["80"]},
        {"web": service("ClusterIP", port(80), clusterIP="None")},
    ),
    (
        {
            "networks": {"front": {"aliases": ["api", "web"]}, "inside": {"aliases": ["backend"]}},
            "expose": ["80"],
        },
        dict.fromkeys(("api", "backend", "web"), service("ClusterIP", port(80))),
    ),
]


@pytest.mark.parametrize(("keys", "expected"), SERVICES_OF, ids=str)
def test_services(keys, expected):
    assert {
        body["metadata"]["name"]: body["spec"]
        for body in bodies(one(**keys))
        if body["kind"] == "Service"
    } == expected


def policies(**keys):
    return {
        body["metadata"]["name"]: body["spec"]
        for body in bodies(one(**keys))
        if body["kind"] == "NetworkPolicy"
    }


def members(name):
    return {"podSelector": {"matchLabels": {f"network.shipping.code/{name}": "true"}}}


def among(name):
    return {**members(name), "policyTypes": ["Ingress"], "ingress": [{"from": [members(name)]}]}


def test_one_policy_for_each_network():
    assert policies(networks=["front"]) == {"shop-front": among("shop-front")}
    assert policies() == {"shop-default": among("shop-default")}
    assert policies(network_mode="host", ports=["80:80"]) == {}
    assert policies(networks=["theirs"]) == {}


def test_internal_networks_are_left_for_names_only():
    found = policies(networks=["inside"])
    assert found.pop("shop-inside") == among("shop-inside")
    assert found == {
        "shop.internal": {
            "podSelector": {
                "matchLabels": {"shipping.code/app": "shop", "shipping.code/internal": "true"}
            },
            "policyTypes": ["Egress"],
            "egress": [
                {"to": [members("shop-inside")]},
                {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
            ],
        }
    }


def test_what_is_published_is_open_to_everybody():
    assert policies(
        ports=["8080:80", {"target": 53, "published": 53, "protocol": "udp", "mode": "host"}]
    )["shop.web.published"] == {
        "podSelector": {"matchLabels": OWN},
        "policyTypes": ["Ingress"],
        "ingress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 80, "protocol": "TCP"}]}],
    }


def test_claims():
    found = by_title(one(volumes=["data:/a", "cache:/b", "/anonymous", "/bind:/c"]))
    claims = {
        title: body for title, body in found.items() if title.startswith("PersistentVolumeClaim")
    }
    assert set(claims) == {"PersistentVolumeClaim/shop-data", "PersistentVolumeClaim/shop-cache"}
    data, cache = (
        claims["PersistentVolumeClaim/shop-data"],
        claims["PersistentVolumeClaim/shop-cache"],
    )
    assert data["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "2Gi"}},
        "storageClassName": "fast",
    }
    assert (
        data["metadata"]["labels"].items() >= {"d": "e", "shipping.code/kind": "volume"}.items()
        and data["metadata"]["annotations"]["a"] == "b c"
    )
    assert cache["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }


def test_external_volumes_are_not_made():
    content = web(volumes=["data:/a"])
    content["volumes"]["data"] = {"external": True, "name": "theirs"}
    found = by_title(resolved(content))
    assert not any(title.startswith("PersistentVolumeClaim") for title in found)
    assert found["Deployment/web"]["spec"]["template"]["spec"]["volumes"] == [
        {"name": "a", "persistentVolumeClaim": {"claimName": "theirs"}}
    ]


def workload(**keys):
    return render.workload(APP, "web", one(**keys))


def test_workloads():
    assert "replicas" not in workload()["spec"]
    assert workload(deploy={"replicas": 0})["spec"]["replicas"] == 0
    everywhere = workload(deploy={"mode": "global"})
    assert (everywhere["apiVersion"], everywhere["kind"], "replicas" in everywhere["spec"]) == (
        "apps/v1",
        "DaemonSet",
        False,
    )
    metadata = workload(deploy={"labels": {"team": "a", "note": "a b"}})["metadata"]
    assert metadata["labels"] == {
        "team": "a",
        **OWN,
        "app.kubernetes.io/managed-by": "shipping.code",
    }
    assert metadata["annotations"]["note"] == "a b"


def test_the_workload_is_made_last():
    """Its pods need the others."""
    kinds = [
        body["kind"]
        for body in render.of_service(APP, "web", one(volumes=["data:/a"], ports=["80:80"]))
    ]
    assert kinds == ["PersistentVolumeClaim", "Service", "Service", "NetworkPolicy", "Deployment"]


# Body, raw, result.
OVERLAYS = [
    ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
    ({"a": {"b": 1}}, {"a": None}, {"a": None}),
    ({"a": [1]}, {"a": [2]}, {"a": [2]}),
    (
        {"a": [{"name": "x", "v": 1}]},
        {"a": [{"name": "x", "w": 2}, {"name": "y"}]},
        {"a": [{"name": "x", "v": 1, "w": 2}, {"name": "y"}]},
    ),
    ({"a": [{"name": "x"}]}, {"a": [{"other": 1}]}, {"a": [{"other": 1}]}),
    ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
]


@pytest.mark.parametrize(("body", "raw", "result"), OVERLAYS)
def test_overlaid(body, raw, result):
    before = copy.deepcopy((body, raw))
    merged = render.overlaid(body, raw)
    assert merged == result
    assert (body, raw) == before, "changed in place"


def test_overlays_go_to_the_objects_of_their_kind():
    raw = {
        "Deployment": {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [{"name": "web", "terminationMessagePath": "/x"}],
                        "runtimeClassName": "gvisor",
                    }
                }
            }
        },
        "Service": {
            "metadata": {
                "annotations": {"cloud": "internal"},
                "labels": {"shipping.code/app": "evil"},
            }
        },
    }
    found = by_title(one(**{"x-shipping": {"overlay": {"kubernetes": raw}}}))
    pod, plain = (
        found["Deployment/web"]["spec"]["template"],
        by_title(one())["Deployment/web"]["spec"]["template"],
    )
    assert (
        pod["spec"]["runtimeClassName"] == "gvisor"
        and pod["spec"]["containers"][0]["image"] == f"nginx@{DIGEST}"
    )
    assert pod["spec"]["containers"][0]["terminationMessagePath"] == "/x"
    assert (
        pod["metadata"]["labels"]["shipping.code/hash"]
        != plain["metadata"]["labels"]["shipping.code/hash"]
    )
    assert found["Service/web"]["metadata"]["annotations"]["cloud"] == "internal"
    assert found["Service/web"]["metadata"]["labels"]["shipping.code/app"] == "shop"


BASE = {"environment": {"A": "1"}, "expose": ["80"]}
RESTARTS_NOTHING = [
    {"deploy": {"replicas": 7}},
    {"deploy": {"labels": {"team": "a"}}},
    {"deploy": {"update_config": {"order": "start-first", "delay": "3s"}}},
    {"deploy": {"rollback_config": {"order": "start-first"}, "restart_policy": {"delay": "9s"}}},
    {"expose": ["80", "81"]},
    {"ports": ["8080:80"]},
    {"networks": {"default": {"aliases": ["api"]}}},
    {"depends_on": ["db"]},
    {"image": "nginx:another-tag"},
    {"logging": {"driver": "json-file"}, "ulimits": {"nofile": 9}},
    {
        "x-shipping": {
            "overlay": {"kubernetes": {"Service": {"spec": {"sessionAffinity": "ClientIP"}}}}
        }
    },
]
RESTARTS = [
    {"environment": {"A": "2"}},
    {"command": ["x"]},
    {"labels": {"a": "b"}},
    {"annotations": {"a": "b"}},
    {"mem_limit": "1g"},
    {"user": "1000"},
    {"networks": ["front"]},
    {"volumes": ["/anonymous"]},
    {"healthcheck": {"test": "ok"}},
    {"deploy": {"placement": {"constraints": ["node.labels.a == b"]}}},
    {"ports": [{"target": 80, "published": 80, "mode": "host"}]},
    {"secrets": ["token"]},
]


def hash_of(keys, **added):
    content = web(**keys)
    content["services"]["db"] = {"image": "postgres"}
    app = resolved(content, **added)
    found = render.service_hash(APP, "web", app)
    assert (
        found
        and found
        == render.workload(APP, "web", app)["spec"]["template"]["metadata"]["labels"][
            "shipping.code/hash"
        ]
    )
    return found


@pytest.mark.parametrize("keys", RESTARTS_NOTHING, ids=str)
def test_what_restarts_nothing(keys):
    assert hash_of({**BASE, **keys}) == hash_of(BASE)


@pytest.mark.parametrize("keys", RESTARTS, ids=str)
def test_what_restarts(keys):
    assert hash_of({**BASE, **keys}) != hash_of(BASE)


def test_another_image_and_another_security_restart():
    app = one(**BASE)
    app.services["web"]["image"] = app.services["web"]["image"][:-1] + "0"
    assert render.service_hash(APP, "web", app) != hash_of(BASE)
    assert hash_of(BASE, security="restricted") != hash_of(BASE)


def generated(keys):
    """The generated service, resolved; what is refused is not tried."""
    try:
        return resolved(spec({**keys, "user": "1"}))
    except SpecError:
        assume(False)


@settings(max_examples=30)
@given(SERVICES)
def test_the_same_app_gives_the_same_objects(keys):
    app = generated(keys)
    before, first = copy.deepcopy(app), bodies(app)
    assert bodies(app) == first == bodies(copy.deepcopy(app))
    assert app == before, "changed in place"


@settings(max_examples=30)
@given(SERVICES)
def test_names_are_as_the_cluster_takes_them(keys):
    for body in bodies(generated(keys)):
        assert all(LABEL.fullmatch(part) for part in body["metadata"]["name"].split(".")), body[
            "metadata"
        ]["name"]
        for text in body["metadata"]["labels"].values():
            assert re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", text)
        if "template" in body["spec"]:
            assert all(
                LABEL.fullmatch(volume["name"])
                for volume in body["spec"]["template"]["spec"].get("volumes", [])
            )


def test_the_longest_names_fit():
    app, name, network = "a" * 40, "b" * 63, "c" * 70
    content = {
        "services": {name: {"image": "x", "ports": ["80:80"], "networks": [network]}},
        "networks": {network: {"internal": True}},
    }
    made = resolved(content)
    found = [*render.of_service(app, name, made), *render.policies(app, made)]
    assert len({(body["kind"], body["metadata"]["name"]) for body in found}) == len(found) == 6
    for body in found:
        assert all(LABEL.fullmatch(part) for part in body["metadata"]["name"].split("."))


def test_what_is_declared_but_used_by_nobody_is_not_made():
    assert set(
        by_title(resolved({"services": {"web": {"image": "nginx"}}, **copy.deepcopy(DECLARED)}))
    ) == {
        "Service/web",
        "Deployment/web",
        "NetworkPolicy/shop-default",
    }


def test_the_router_finds_stable_and_each_variant_by_a_headless_service():
    variants = [{"name": "green", "weight": 10, "image": "web:2"}]
    routes = [{"host": "shop.example.com", "port": 8080}]
    extension = {"x-shipping": {"routes": routes, "variants": variants}}
    app = resolved({"services": {"web": {"image": "web:1", "expose": ["8080"], **extension}}})
    made = by_title(app)
    for slot, service_name in (("web-slot0", "web"), ("web-slot1", "web-green")):
        found = made[f"Service/{slot}"]["spec"]
        assert found["clusterIP"] == "None"
        assert found["selector"] == {**OWN, "shipping.code/service": service_name}
    assert not [title for title in made if "shop-web-slot" in title]
    (policy,) = [
        body["spec"]
        for body in render.policies(APP, app)
        if body["metadata"]["name"] == "shop.shipping-router"
    ]
    assert policy["podSelector"]["matchLabels"]["network.shipping.code/shipping-router"] == "true"
    (source,) = policy["ingress"][0]["from"]
    assert source["podSelector"]["matchLabels"] == {"shipping.code/app": "router"}
    place = {"kubernetes.io/metadata.name": "shipping-router"}
    assert source["namespaceSelector"]["matchLabels"] == place
