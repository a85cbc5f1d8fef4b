# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the API server, and what becomes of its answers."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Denied,
    NotFound,
    Outdated,
    PlatformError,
    Unreachable,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import api_kinds
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    cluster as cluster_module,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster_access import (  # noqa: E501
    Access,
)
from hypothesis import given
from hypothesis import strategies as st

from .api_server import serving

FORBIDDEN = (
    'deployments.apps "web" is forbidden: User "system:serviceaccount:ci:ship" cannot patch'
    ' resource "deployments" in API group "apps" in the namespace "x"'
)
CONFLICT = [
    {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "kubectl" using apps/v1',
        "field": ".spec.replicas",
    },
    {"reason": "FieldManagerConflict", "message": 'conflict with "hpa"', "field": ".spec.paused"},
]
AWKWARD = "\\ud83d \U0001f680 \x7f\x85\ufeff"
# Status, what stands in the answer, the error, what is said.
REFUSALS = [
    (401, {"message": "Unauthorized"}, Denied, "does not accept these credentials: Unauthorized"),
    (
        403,
        {"message": FORBIDDEN},
        Denied,
        "system:serviceaccount:ci:ship may not patch deployments.apps: ",
    ),
    (
        403,
        {
            "message": (
                'pods is forbidden: User "a" cannot list resource "pods" in API group "" in the'
                ' namespace "x"'
            )
        },
        Denied,
        "a may not list pods: ",
    ),
    (
        403,
        {"message": 'forbidden: User "a" cannot get path "/version"'},
        Denied,
        "the cluster does not allow this",
    ),
    (
        403,
        {"message": 'pods "a" is forbidden: exceeded quota: small', "reason": "Forbidden"},
        PlatformError,
        "exceeded quota: small",
    ),
    (
        403,
        {"message": 'admission webhook "w" denied the request: you cannot use the tag latest'},
        PlatformError,
        "you cannot use the tag latest",
    ),
    (
        404,
        {"message": 'deployments.apps "web" not found', "reason": "NotFound"},
        NotFound,
        '"web" not found',
    ),
    (
        409,
        {"message": "the object has been modified", "reason": "Conflict"},
        Outdated,
        "has been modified",
    ),
    (409, {"message": "already exists", "reason": "AlreadyExists"}, Outdated, "already exists"),
    (
        409,
        {
            "message": "Apply failed with 2 conflicts",
            "reason": "Conflict",
            "details": {"causes": CONFLICT},
        },
        cluster_module.Conflict,
        "2 conflicts",
    ),
    (
        410,
        {"message": "too old resource version", "reason": "Expired"},
        cluster_module.Expired,
        "too old",
    ),
    (500, {"message": "etcd is slow", "reason": "Expired"}, cluster_module.Expired, "slow"),
    (
        422,
        {
            "message": "Deployment is invalid: spec.selector: field is immutable",
            "reason": "Invalid",
        },
        cluster_module.Invalid,
        "immutable",
    ),
    (404, {"message": "404 page not found"}, cluster_module.Unserved, "404 page not found"),
    (
        404,
        {
            "message": "the server could not find the requested resource",
            "reason": "NotFound",
            "details": {},
        },
        cluster_module.Unserved,
        "requested resource",
    ),
    (
        500,
        {
            "message": 'Internal error occurred: failed calling webhook "v.example.org": refused',
            "reason": "InternalError",
        },
        cluster_module.WebhookAway,
        "failed calling webhook",
    ),
    (500, {}, PlatformError, "status 500"),
    *((status, {}, cluster_module.Busy, f"status {status}") for status in (429, 503, 504)),
]


@pytest.mark.parametrize(("status", "answer", "kind", "says"), REFUSALS)
def test_refusals(status, answer, kind, says):
    error = cluster_module._refusal("PATCH", "/apis/apps/v1/x?force=true", status, answer)
    assert error.__class__ is kind and says in str(error) and "?" not in error.what
    if kind is PlatformError:
        assert error.facts["status"] == status


def test_a_conflict_names_the_owners():
    error = cluster_module._refusal(
        "PATCH", "/x", 409, {"reason": "Conflict", "details": {"causes": CONFLICT}}
    )
    assert error.owners == [("kubectl", ".spec.replicas"), ("hpa", ".spec.paused")]


def test_an_answer_that_is_no_json():
    assert cluster_module._parsed(b"<html>bad gateway</html>\n") == {
        "message": "<html>bad gateway</html>"
    }
    assert cluster_module._parsed(b"[1]") == {"message": "[1]"}
    assert cluster_module._parsed(b"{") == {"message": "{"}


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner),
        max_leaves=5,
    )
)
def test_what_is_sent_is_json(body):
    """An apply is read as YAML.

    YAML knows no pairs of surrogates and takes some characters only escaped.
    """
    sent = cluster_module._encoded(body).decode()
    assert json.loads(sent) == body
    assert all(" " <= character <= "~" or character > "\uffff" for character in sent)


def test_what_is_sent_is_yaml_too():
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(cluster_module._encoded({"a": AWKWARD})) == {"a": AWKWARD}


@pytest.mark.parametrize(
    ("no_proxy", "direct"),
    [
        ("", False),
        ("*", True),
        ("a.example", True),
        (".example", True),
        ("example", True),
        ("ample", False),
        ("x,a.example", True),
        ("b.a.example", False),
    ],
)
def test_hosts_that_no_proxy_is_for(no_proxy, direct):
    assert (
        cluster_module.is_direct(
            Access("https://a.example:6443", proxy="http://proxy.example:3128", no_proxy=no_proxy)
        )
        is direct
    )


@pytest.fixture
def server():
    pytest.importorskip("urllib3")
    with serving() as here:
        yield here


@pytest.fixture
def cluster(server):
    return cluster_module.Cluster(
        Access(server.host, "shop", authorization=lambda: "Bearer abc", timeout=5.0)
    )


def test_requests(server, cluster):
    body = {"metadata": {"name": "web"}}
    cluster.apply(api_kinds.DEPLOYMENT, body)
    cluster.apply(api_kinds.DEPLOYMENT, body, force=False, dry=True, manager="other")
    cluster.create(api_kinds.SECRET, body, dry=True)
    cluster.create(api_kinds.NAMESPACE, body)
    cluster.replace(api_kinds.LEASE_KIND, body)
    cluster.merge(api_kinds.SERVICE_KIND, "web", {"a": "b"})
    cluster.delete(api_kinds.POD, "web", "uid-1")
    cluster.listing(api_kinds.POD, "app=shop", "type=x")
    place = "/namespaces/shop"
    applied = {"fieldManager": "shipping.code", "force": "true", "fieldValidation": "Strict"}
    assert [(asked.method, asked.path, asked.query) for asked in server.asked] == [
        ("PATCH", f"/apis/apps/v1{place}/deployments/web", applied),
        (
            "PATCH",
            f"/apis/apps/v1{place}/deployments/web",
            {**applied, "force": "false", "fieldManager": "other", "dryRun": "All"},
        ),
        ("POST", f"/api/v1{place}/secrets", {"fieldManager": "shipping.code", "dryRun": "All"}),
        ("POST", "/api/v1/namespaces", {"fieldManager": "shipping.code"}),
        (
            "PUT",
            f"/apis/coordination.k8s.io/v1{place}/leases/web",
            {"fieldManager": "shipping.code"},
        ),
        ("PATCH", f"/api/v1{place}/services/web", {"fieldManager": "shipping.code"}),
        ("DELETE", f"/api/v1{place}/pods/web", {}),
        ("GET", f"/api/v1{place}/pods", {"labelSelector": "app=shop", "fieldSelector": "type=x"}),
    ]
    assert json.loads(server.asked[0].body) == body
    assert json.loads(server.asked[6].body) == {
        "propagationPolicy": "Background",
        "preconditions": {"uid": "uid-1"},
    }
    types = [asked.all("Content-Type") for asked in server.asked]
    assert (
        types[0] == types[1] == ["application/apply-patch+yaml"]
        and types[5] == ["application/merge-patch+json"]
        and types[2] == ["application/json"]
    )
    assert all(asked.all("Authorization") == ["Bearer abc"] for asked in server.asked)


def test_several_groups_are_several_headers(server):
    """A server takes one that is joined by commas for one group."""
    headers = (("Impersonate-User", "bob"), ("Impersonate-Group", "x"), ("Impersonate-Group", "y"))
    cluster_module.Cluster(Access(server.host, headers=headers)).get(api_kinds.POD, "a")
    (asked,) = server.asked
    assert (
        asked.all("Impersonate-Group"),
        asked.all("Impersonate-User"),
        asked.all("Authorization"),
    ) == (["x", "y"], ["bob"], [])


def test_lists(server, cluster):
    server.answer = lambda _asked: (
        200,
        {"metadata": {"resourceVersion": "5"}, "items": [{"metadata": {"name": "a"}}]},
    )
    assert cluster.items(api_kinds.POD) == [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    ]
    assert cluster.metadata(api_kinds.SECRET, "x=y") == [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
    ]
    assert "PartialObjectMetadataList" in server.asked[1].all("Accept")[0] and server.asked[
        1
    ].query == {"labelSelector": "x=y"}
    server.answer = lambda _asked: (200, {"items": None})
    assert cluster.items(api_kinds.POD) == []


def test_what_is_not_there(server, cluster):
    server.answer = lambda _asked: (404, {"message": "not found", "reason": "NotFound"})
    assert cluster.find(api_kinds.POD, "a") is None
    assert cluster.delete(api_kinds.POD, "a") is False
    with pytest.raises(NotFound):
        cluster.get(api_kinds.POD, "a")


def test_logs(server, cluster):
    server.answer = lambda _asked: (200, b"one\ntw\xff\n")
    assert cluster.log("web-1", "web", 20, previous=True) == "one\ntw\ufffd\n"
    assert server.asked[0].query == {"container": "web", "tailLines": "20", "previous": "true"}


def test_the_servers_clock(server, cluster):
    cluster.raw("/version")
    assert abs(cluster.now() - cluster.clock) < 2 and cluster.clock > 1e9


def line(kind, version, **body):
    return (
        json.dumps(
            {"type": kind, "object": {"metadata": {"resourceVersion": version}, **body}}
        ).encode()
        + b"\n"
    )


def test_a_watch(server, cluster):
    """Events may come in pieces, or several at once."""
    whole = line("ADDED", "6") + line("MODIFIED", "7", note="é") + line("BOOKMARK", "8")
    server.answer = lambda _asked: (200, iter([whole[:10], whole[10:-30], whole[-30:]]))
    events = list(cluster.watch(api_kinds.POD, "a=b", "5", 9, "c=d"))
    assert [
        (event["type"], event["object"]["metadata"]["resourceVersion"]) for event in events
    ] == [("ADDED", "6"), ("MODIFIED", "7"), ("BOOKMARK", "8")]
    query = {
        "labelSelector": "a=b",
        "fieldSelector": "c=d",
        "resourceVersion": "5",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "9",
    }
    assert server.asked[0].query == query


def cut(*pieces):
    """A stream that breaks after these pieces."""
    yield from pieces
    raise RuntimeError


def test_a_watch_that_ends_badly(server, cluster):
    gone = (
        json.dumps(
            {
                "type": "ERROR",
                "object": {"code": 410, "message": "too old resource version", "reason": "Expired"},
            }
        ).encode()
        + b"\n"
    )
    server.answer = lambda _asked: (200, iter([line("ADDED", "6"), gone]))
    seen = []
    with pytest.raises(cluster_module.Expired, match="too old"):
        for event in cluster.watch(api_kinds.POD, "", "5", 9):
            seen.append(event["type"])
    server.answer = lambda _asked: (200, cut(line("ADDED", "6"), b'{"type": "MODI'))
    with pytest.raises(Unreachable, match=r"the connection to .* broke"):
        for event in cluster.watch(api_kinds.POD, "", "5", 9):
            seen.append(event["type"])
    assert seen == ["ADDED", "ADDED"]
    server.answer = lambda _asked: (410, {"message": "gone"})
    with pytest.raises(cluster_module.Expired):
        list(cluster.watch(api_kinds.POD, "", "5", 9))


def test_no_server_and_no_trust(server):
    with pytest.raises(
        Unreachable,
        match=r"no connection to the cluster at http://127.0.0.1:1: connection refused",
    ):
        cluster_module.Cluster(Access("http://127.0.0.1:1")).raw("/version")
    with pytest.raises(Denied, match=r"no trusted connection|cannot use"):
        cluster_module.Cluster(Access(server.host.replace("http:", "https:"))).raw("/version")
    with pytest.raises(Denied, match="cannot use the certificates"):
        cluster_module.Cluster(Access("https://127.0.0.1:1", ca=b"no certificate"))
    with pytest.raises(Denied, match="cannot use the certificates"):
        cluster_module.Cluster(Access("https://127.0.0.1:1", certificate=b"no certificate"))


@pytest.mark.parametrize(
    ("method", "alert", "asked"),
    [
        ("GET", "tlsv1 alert decode error", 2),
        ("PATCH", "tlsv1 alert decode error", 1),
        ("GET", "CERTIFICATE_VERIFY_FAILED", 1),
    ],
)
def test_a_handshake_that_breaks_off_is_tried_once_more(server, monkeypatch, method, alert, asked):
    cluster, tries = cluster_module.Cluster(Access(server.host)), []

    def breaks_off(*_words, **_options):
        tries.append(1)
        raise urllib3.exceptions.SSLError(alert)

    urllib3 = pytest.importorskip("urllib3")
    monkeypatch.setattr(cluster._pool, "request", breaks_off)
    with pytest.raises(Denied, match="no trusted connection"):
        cluster._call(method, "/version")
    assert len(tries) == asked


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """One for 127.0.0.1 and for the name kubernetes, with its key, and alone."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here")
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "made.crt"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        str(key),
        "-out",
        str(made),
    ]
    subprocess.run(
        [*command, "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1,DNS:kubernetes"],
        capture_output=True,
        check=True,
    )
    (folder / "both.pem").write_text(key.read_text() + made.read_text())
    return folder / "both.pem", made.read_bytes()


# What is known of the server, whether it is trusted.
TRUST = [
    ({"ca": True}, True),
    ({"ca": True, "server_name": "kubernetes"}, True),
    ({"ca": True, "server_name": "another"}, False),
    ({"ca": True, "name": "localhost"}, False),
    ({"ca": True, "name": "localhost", "server_name": "kubernetes"}, True),
    ({}, False),
    ({"verify": False}, True),
    ({"verify": False, "name": "localhost"}, True),
]


@pytest.mark.parametrize(("known", "trusted"), TRUST, ids=str)
def test_trust(known, trusted, certificate):
    pytest.importorskip("urllib3")
    both, alone = certificate
    with serving(both) as server:
        host = server.host.replace("127.0.0.1", known.get("name", "127.0.0.1"))
        access = Access(
            host,
            verify=known.get("verify", True),
            ca=alone if "ca" in known else b"",
            server_name=known.get("server_name", ""),
        )
        if trusted:
            assert cluster_module.Cluster(access).raw("/version") == {}
        else:
            with pytest.raises(Denied, match="no trusted connection"):
                cluster_module.Cluster(access).raw("/version")
            assert server.asked == [], "nothing was sent, no token either"
