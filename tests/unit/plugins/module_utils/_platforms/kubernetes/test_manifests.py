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
    NAMESPACED_BY,
    Kind,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.compare import (
    key_of,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.observe import own
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


def elsewhere(document, namespace="other"):
    return {**document, "metadata": {**document["metadata"], "namespace": namespace}}


def scaler(kind, target):
    return made(kind, "scaler", spec={"scaleTargetRef": {"kind": "Deployment", "name": target}})


def replicated():
    body = deployment()
    body["spec"]["replicas"] = 1
    return body


MISTAKES = [
    ((), "manifests have no objects"),
    (("text",), "document 1 must be a mapping"),
    (({"kind": "A"},), "document 1 needs apiVersion, kind and metadata.name"),
    (
        (made("Job") | {"metadata": {"generateName": "a-"}},),
        (
            "document 1 needs apiVersion, kind and metadata.name; generateName makes another one"
            " each time"
        ),
    ),
    ((made("ConfigMap"), made("ConfigMap")), "ConfigMap/a is there twice"),
    (
        (made("ConfigMap") | {"metadata": {"name": "a", "namespace": "other"}},),
        (
            "ConfigMap/other/a is for the namespace other, and this release is for shop; set"
            " namespace to the one that the app is in"
        ),
    ),
    (
        (made("Secret", data={"a": "no base64!"}),),
        "Secret/a.data.a is not base64; write the text itself under stringData",
    ),
    (
        (made("ConfigMap"), elsewhere(deployment())),
        (
            "Deployment/other/web is for the namespace other, and this release is for shop, where"
            " its pods are watched; release it as an app of its own with namespace: other"
        ),
    ),
    (
        (made("ConfigMap") | {"metadata": {"name": "a", "namespace": 1}},),
        "document 1 needs a text as its metadata.namespace",
    ),
    (
        (scaler("HorizontalPodAutoscaler", "web"), replicated()),
        (
            "Deployment/web.spec.replicas is set by HorizontalPodAutoscaler/scaler, too; leave"
            " spec.replicas out of Deployment/web"
        ),
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


def test_an_autoscaler_of_another_workload_is_no_mistake():
    assert read(scaler("HorizontalPodAutoscaler", "other"), replicated())
    assert read(scaler("HorizontalPodAutoscaler", "web"), deployment())
    assert refusals(scaler("ScaledObject", "web"), replicated())


def test_kinds_of_two_groups_have_titles_of_their_own():
    theirs = {"apiVersion": "x.example/v1", "kind": "Service", "metadata": {"name": "a"}}
    assert list(read(made("Service"), theirs).objects) == ["Service/a", "Service.x.example/a"]
    assert list(read(theirs).objects) == ["Service/a"], "only where it is ambiguous"
    other_version = {**theirs, "apiVersion": "x.example/v2"}
    assert refusals(theirs, other_version) == ["Service/a is there twice"]


def test_objects_of_other_namespaces():
    role = elsewhere(made("Role"), "kube-system") | {"apiVersion": "rbac.authorization.k8s.io/v1"}
    cluster_role = elsewhere(made("ClusterRole"), "kube-system") | {
        "apiVersion": "rbac.authorization.k8s.io/v1"
    }
    found = services(made("ConfigMap"), role, cluster_role, elsewhere(made("Secret"), "shop"))
    assert set(found) == {"ConfigMap/a", "Role/kube-system/a", "ClusterRole/a", "Secret/a"}
    service = found["Role/kube-system/a"]
    assert (
        Kind(**service["kind"])
        .path("shop", "a")
        .startswith("/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/")
    )
    body = manifests.rendered("shop", "Role/kube-system/a", service)
    assert body["metadata"]["namespace"] == "kube-system"
    assert body["metadata"]["annotations"][NAMESPACED_BY] == "shop"
    live = {**body, "metadata": {**body["metadata"], "uid": "1"}}
    assert list(own("shop", "shop", [live])) == [("Role", "kube-system/a")]
    assert own("shop", "kube-system", [live]) == {}, "the app of this name there is another one"
    for title in ("ClusterRole/a", "Secret/a"):
        assert "namespace" not in found[title]["manifest"]["metadata"]


def test_what_identifies_an_object():
    assert key_of(made("Service")) == ("Service", "a")
    theirs = {"apiVersion": "x.example/v1", "kind": "Service", "metadata": {"name": "a"}}
    assert key_of(theirs) == ("Service.x.example", "a")


def test_a_job_is_known_by_its_work():
    job = made("Job", spec={"template": {}})
    labeled = {**job, "metadata": {"name": "a", "labels": {"x": "y"}}}
    other = made("Job", spec={"template": {"spec": {}}})
    contents = [
        manifests.rendered("shop", "Job/a", services(body)["Job/a"])["metadata"]["annotations"][
            manifests.CONTENT_OF
        ]
        for body in (job, labeled, other)
    ]
    assert contents[0] == contents[1] != contents[2]
    assert manifests.finished_jobs([services(job), services(other, made("ConfigMap"))]) == {
        "Job/a": {contents[0], contents[2]}
    }


def webhook(resources=("casks",), service="web"):
    client = {"service": {"name": service, "namespace": "shop"}}
    rules = [{"apiGroups": ["x.example"], "resources": list(resources)}]
    body = made("ValidatingWebhookConfiguration", "h", webhooks=[])
    body["webhooks"] = [{"clientConfig": client, "rules": rules}]
    return body | {"apiVersion": "admissionregistration.k8s.io/v1"}


HOOKS = {
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"): Kind(
        "ValidatingWebhookConfiguration",
        "/apis/admissionregistration.k8s.io/v1",
        "validatingwebhookconfigurations",
        namespaced=False,
    )
}
CASK = {"apiVersion": "x.example/v1", "kind": "Cask", "metadata": {"name": "c"}}


def labeled_web():
    body = deployment()
    body["spec"]["template"]["metadata"] = {"labels": {"app": "web"}}
    return body


def test_a_webhook_comes_after_its_pods_and_what_it_admits():
    service = made("Service", "web", spec={"selector": {"app": "web"}})
    found = services(webhook(), CASK, service, labeled_web(), definition(), discovered=HOOKS)
    hook = found["ValidatingWebhookConfiguration/h"]["depends_on"]
    assert list(found)[-3:] == ["Deployment/web", "Cask/c", "ValidatingWebhookConfiguration/h"]
    assert hook["Cask/c"] == "service_started" and hook["Deployment/web"] == "service_healthy"
    assert found["Cask/c"]["depends_on"]["Deployment/web"] == "service_healthy"
    assert "Cask/c" not in found["Deployment/web"]["depends_on"]


@pytest.mark.parametrize("hook", [webhook(service="theirs"), webhook(resources=("barrels",))])
def test_what_no_webhook_of_the_release_admits_comes_before_the_pods(hook):
    service = made("Service", "web", spec={"selector": {"app": "web"}})
    found = services(hook, CASK, service, labeled_web(), definition(), discovered=HOOKS)
    assert found["Deployment/web"]["depends_on"]["Cask/c"] == "service_started"


def test_what_a_webhook_of_the_release_converts_comes_after_its_pods():
    converted = definition()
    client = {"service": {"name": "web", "namespace": "shop"}}
    converted["spec"]["conversion"] = {"webhook": {"clientConfig": client}}
    service = made("Service", "web", spec={"selector": {"app": "web"}})
    found = services(CASK, service, labeled_web(), converted)
    assert found["Cask/c"]["depends_on"]["Deployment/web"] == "service_healthy"


def test_a_kind_that_is_served_in_another_version():
    old = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"}}
    with pytest.raises(SpecError, match="but it has one in policy/v1; write apiVersion: policy/v1"):
        manifests.services(
            read(old),
            {},
            {},
            images={},
            labels={},
            namespace="shop",
            served={("policy/v1beta1", "PodDisruptionBudget"): "policy/v1"},
        )
    assert manifests.standard_version("extensions", "Ingress") == "networking.k8s.io/v1"
    assert manifests.standard_version("", "Deployment") == "apps/v1"
    assert manifests.standard_version("serving.knative.dev", "Service") == ""


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
    "HorizontalPodAutoscaler",
    "ValidatingWebhookConfiguration",
    "APIService",
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
    "webhooks",
    "clientConfig",
    "service",
    "rules",
    "conversion",
    "scaleTargetRef",
    "replicas",
    "namespace",
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
    st.booleans(),
)
def test_whatever_it_is_it_is_taken_or_refused_in_words(kind, fields, metadata, has_others):
    document = {**made(kind), **fields, "metadata": {"name": "a", **metadata}}
    others = [webhook(), labeled_web(), CASK, definition()] if has_others else []
    try:
        found = manifests.read([document, *others], None, "refuse")
        made_of = manifests.services(
            found,
            {**HOOKS, **{("v1", name): Kind(name, "/api/v1", name.lower()) for name in NAMES}},
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
