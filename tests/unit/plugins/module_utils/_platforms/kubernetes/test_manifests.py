# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests as services.

What is taken, what is refused, in which order, and what stays out of the record.
"""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import manifests
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.api_kinds import (
    APP,
    HASH,
    Kind,
)
from hypothesis import given
from hypothesis import strategies as st

APIS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
}


def made(kind, name="a", **fields):
    return {"apiVersion": APIS.get(kind, "v1"), "kind": kind, "metadata": {"name": name}, **fields}


def deployment(image="r.example/web:1", name="web"):
    pod = {
        "containers": [{"name": "web", "image": image}],
        "initContainers": [{"image": "r.example/init:1"}],
    }
    return made("Deployment", name, spec={"template": {"spec": pod}})


def definition(kind="Cask", scope="Namespaced"):
    names = {"kind": kind, "plural": f"{kind.lower()}s"}
    spec = {"group": "x.example", "scope": scope, "names": names, "versions": [{"name": "v1"}]}
    return made("CustomResourceDefinition", f"{kind.lower()}s.x.example", spec=spec)


def read(*documents, namespace="shop", hooks="refuse"):
    return manifests.read(documents, namespace, hooks)


def services(*documents, discovered=None, images=None, labels=None):
    found = read(*documents)
    names = {title: f"kept-{title}" for title in found.contents}
    return manifests.services(
        found,
        discovered or {},
        names,
        images=images or {},
        labels=labels or {},
        namespace="shop",
    )


def refusals(*documents, **options):
    with pytest.raises(SpecError) as caught:
        read(*documents, **options)
    return [f"{problem.path} {problem.text}" for problem in caught.value.problems]


def test_lists_stand_for_what_is_in_them():
    found = read(
        {"kind": "List", "apiVersion": "v1", "items": [made("ConfigMap"), made("Service")]},
        None,
        {},
    )
    assert list(found.objects) == ["ConfigMap/a", "Service/a"]


def test_what_the_server_adds_is_left_out():
    body = made("ConfigMap", status={"x": 1})
    body["metadata"].update(uid="1", resourceVersion="2", namespace="shop", labels={"a": "b"})
    assert read(body).objects == {
        "ConfigMap/a": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "a", "labels": {"a": "b"}},
        }
    }


def test_a_secrets_content_stands_apart():
    found = read(
        made("Secret", data={"a": base64.b64encode(b"one").decode()}, stringData={"b": "two"})
    )
    assert "data" not in found.objects["Secret/a"] and "stringData" not in found.objects["Secret/a"]
    assert {
        key: base64.b64decode(value)
        for key, value in manifests.data_of(found.contents["Secret/a"]).items()
    } == {"a": b"one", "b": b"two"}
    service = manifests.services(
        found, {}, {"Secret/a": "kept"}, images={}, labels={}, namespace="shop"
    )["Secret/a"]
    assert service["content"] == "kept" and "one" not in json.dumps(service)


MISTAKES = [
    ((), "manifests have no objects"),
    (("text",), "manifests[1] must be a mapping"),
    (({"kind": "A"},), "manifests[1] needs apiVersion, kind and metadata.name"),
    (
        (made("Job") | {"metadata": {"generateName": "a-"}},),
        (
            "manifests[1] needs apiVersion, kind and metadata.name; generateName makes another one"
            " each time"
        ),
    ),
    ((made("ConfigMap"), made("ConfigMap")), "ConfigMap/a is there twice"),
    (
        (made("ConfigMap") | {"metadata": {"name": "a", "namespace": "other"}},),
        (
            "ConfigMap/a is for the namespace other, and this release is for shop; set namespace,"
            " or release it by itself"
        ),
    ),
    (
        (made("Secret", data={"a": "no base64!"}),),
        "Secret/a.data.a is no base64; write the text itself under stringData",
    ),
    ((made("Secret", data=["a"]),), "Secret/a.data must be a mapping"),
    (
        (made("ConfigMap") | {"metadata": {"name": "a", "annotations": "x"}},),
        "ConfigMap/a.metadata.annotations must be a mapping",
    ),
    ((made("Deployment", spec=[1]),), "Deployment/a.spec must be a mapping"),
    (
        (made("Deployment", spec={"template": {"spec": {"containers": ["x"]}}}),),
        "Deployment/a, containers must be a list of mappings",
    ),
    ((made("StatefulSet", spec={"replicas": 1}),), "StatefulSet/a.spec.template is missing"),
    (
        (made("CustomResourceDefinition", spec={"group": "x"}),),
        "CustomResourceDefinition/a.spec.versions must be a list of versions with names",
    ),
    (
        (made("CustomResourceDefinition", spec={"versions": []}),),
        "CustomResourceDefinition/a.spec needs group, names.kind and names.plural",
    ),
]


@pytest.mark.parametrize(("documents", "says"), MISTAKES)
def test_mistakes(documents, says):
    assert refusals(*documents) == [says]


def test_hooks_of_helm():
    def hook(kind):
        return made("Job", kind) | {
            "metadata": {"name": kind, "annotations": {"helm.sh/hook": kind}}
        }

    assert refusals(hook("pre-install"), made("ConfigMap")) == [
        "Job/pre-install is a hook of Helm (pre-install), which is not run; run it as a task of the"
        " play, or set hooks: skip"
    ]
    found = read(hook("pre-install"), hook("test"), made("ConfigMap"), hooks="skip")
    assert list(found.objects) == ["ConfigMap/a"] and len(found.notes) == 2
    assert list(read(hook("test"), made("ConfigMap")).objects) == ["ConfigMap/a"]


def test_the_order_in_which_they_need_each_other():
    cask = {"apiVersion": "x.example/v1", "kind": "Cask", "metadata": {"name": "c"}}
    found = services(deployment(), cask, made("ConfigMap"), definition())
    assert list(found) == [
        "CustomResourceDefinition/casks.x.example",
        "Cask/c",
        "ConfigMap/a",
        "Deployment/web",
    ]
    assert found["Cask/c"]["depends_on"] == {
        "CustomResourceDefinition/casks.x.example": "service_healthy"
    }
    assert found["Deployment/web"]["depends_on"]["ConfigMap/a"] == "service_started"
    assert found["Cask/c"]["kind"] == {
        "name": "Cask",
        "group": "/apis/x.example/v1",
        "plural": "casks",
        "namespaced": True,
    }


def test_a_kind_that_nobody_knows():
    cask = {"apiVersion": "x.example/v1", "kind": "Cask", "metadata": {"name": "c"}}
    assert manifests.unknown([cask, made("ConfigMap")]) == ["x.example/v1"]
    assert manifests.unknown([cask, definition()]) == []
    with pytest.raises(SpecError, match="the cluster knows no Cask"):
        services(cask)
    assert services(
        cask, discovered={("x.example/v1", "Cask"): Kind("Cask", "/apis/x.example/v1", "casks")}
    )


def test_images_are_pinned_wherever_pods_stand():
    job = made(
        "CronJob",
        "c",
        spec={
            "jobTemplate": {
                "spec": {"template": {"spec": {"containers": [{"image": "r.example/web:1"}]}}}
            }
        },
    )
    pin = {"r.example/web:1": "r.example/web:1@sha256:0"}
    found = services(deployment(), job, images=pin)
    assert manifests.images_of(found["Deployment/web"]["manifest"]) == [
        "r.example/web:1@sha256:0",
        "r.example/init:1",
    ]
    assert manifests.images_of(found["CronJob/c"]["manifest"]) == ["r.example/web:1@sha256:0"]
    assert found["Deployment/web"]["reference"] == "r.example/web:1"
    assert manifests.images_of(made("ConfigMap", spec={"containers": [{"image": "no"}]})) == []


def test_pods_bear_a_hash_of_their_own_template_unless_asked_not_to():
    def hash_of(image, labels=None):
        service = services(deployment(image), labels=labels)["Deployment/web"]
        return (
            manifests.rendered("shop", "Deployment/web", service)["spec"]["template"]
            .get("metadata", {})
            .get("labels", {})
            .get(HASH)
        )

    assert hash_of("a:1") == hash_of("a:1") != hash_of("a:2")
    assert hash_of("a:1", {"Deployment/web": manifests.UNTOUCHED}) is None


def test_rendering_leaves_the_service_as_it_was():
    service = services(deployment())["Deployment/web"]
    before = json.dumps(service)
    assert manifests.rendered("shop", "Deployment/web", service)["metadata"]["labels"] == {
        APP: "shop"
    }
    assert json.dumps(service) == before


NAMES = [
    "Deployment",
    "StatefulSet",
    "Job",
    "CronJob",
    "Secret",
    "CustomResourceDefinition",
    "List",
    "ConfigMap",
    "Namespace",
]
FIELDS = [
    "spec",
    "template",
    "containers",
    "image",
    "data",
    "labels",
    "annotations",
    "items",
    "names",
    "versions",
    "group",
]
KEYS = ["apiVersion", "kind", "metadata", "name", *FIELDS]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "v1", *NAMES]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(NAMES),
    st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=4),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=3),
)
def test_whatever_it_is_it_is_taken_or_refused_in_words(kind, fields, metadata):
    document = {**made(kind), **fields, "metadata": {"name": "a", **metadata}}
    try:
        found = manifests.read([document], None, "refuse")
        made_of = manifests.services(
            found,
            {},
            dict.fromkeys(found.contents, "kept"),
            images={},
            labels={},
            namespace="shop",
        )
    except SpecError as error:
        assert error.problems
        return
    for name, service in made_of.items():
        assert manifests.rendered("shop", name, service) == manifests.rendered(
            "shop", name, service
        )
