# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes from outside: it is read, or there is a message of ours."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._awx import awx_api, object_diff
from ansible_collections.shipping.code.plugins.module_utils._core.answer_shape import (
    UnexpectedAnswer,
)
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    PlatformError,
    ShippingError,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy import history, lease
from ansible_collections.shipping.code.plugins.module_utils._deploy.naming import LABEL
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    cluster_access,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster import (
    Cluster,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import engine as swarm
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.image_digests import (
    EngineCredentials,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.reader import Reader
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.state_watch import (
    StateWatch,
)
from ansible_collections.shipping.code.plugins.module_utils._registry import credentials
from ansible_collections.shipping.code.plugins.module_utils._registry import (
    registry_answers as answers,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from .module_utils._platforms.kubernetes.api_server import serving

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 70000),
    st.floats(allow_nan=False),
    st.sampled_from(["", "a", "x:y", "eDp5", "1", "https://a", "docker.io", "/no", "{}"]),
)


def trees(*keys: str) -> st.SearchStrategy[Any]:
    return st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(keys), inner, max_size=4)
        ),
        max_leaves=8,
    )


# The configuration of a Docker client and its helpers


@given(
    trees("auths", "credHelpers", "credsStore", "docker.io", "auth", "username", "identitytoken"),
    trees("Username", "Secret"),
)
def test_a_docker_clients_files(content, answer):
    with contextlib.suppress(ValueError):
        parsed = credentials.parse_config(json.dumps(content))
        credentials.helper_of(parsed, "docker.io")
        credentials.login_in(parsed, "docker.io")
    with contextlib.suppress(ValueError):
        credentials.login_from_helper("program", "server", json.dumps(answer))


@pytest.mark.parametrize("content", ["[]", '{"auths": []}', '{"proxies": 3}', '"a"', "{"])
def test_a_docker_clients_file_that_is_none_for_an_engine(content, tmp_path, monkeypatch):
    """docker-py reads it for each session, and for the credentials of a registry."""
    pytest.importorskip("docker")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ShippingError):
        swarm.Engine(swarm.Connection("unix:///no/such/socket"))
    with contextlib.suppress(ShippingError):
        EngineCredentials().header("docker.io")


# Kubeconfigs

KUBECONFIG = (
    *("clusters", "users", "contexts", "name", "cluster", "user", "context", "current-context"),
    *("server", "token", "tokenFile", "certificate-authority-data", "client-certificate"),
    *("namespace", "username", "exec", "proxy-url", "tls-server-name"),
)


@given(
    st.dictionaries(st.sampled_from(KUBECONFIG), trees(*KUBECONFIG), max_size=5),
    *(st.dictionaries(st.sampled_from(KUBECONFIG), trees(*KUBECONFIG), max_size=4),) * 3,
)
def test_kubeconfigs(tmp_path_factory, top, cluster, user, context):
    pytest.importorskip("yaml")
    path = tmp_path_factory.getbasetemp() / "kubeconfig"
    whole = {
        "clusters": [{"name": "a", "cluster": cluster}],
        "users": [{"name": "a", "user": user}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", **context}}],
        "current-context": "a",
    }
    for content in (top, whole):
        path.write_text(json.dumps(content))
        with contextlib.suppress(ShippingError):
            access = cluster_access.access({"kubeconfig": str(path)})
            access.authorization()
            Cluster(access)


# What others may have changed on a platform

LABELS = st.dictionaries(
    st.sampled_from(
        [f"{LABEL}{name}" for name in ("release", "state", "token", "ttl", "beat", "rollback_of")]
    ),
    st.text(max_size=3),
)


@given(LABELS, st.binary(max_size=10) | st.text(max_size=10))
def test_labels_and_data_of_others(labels, data):
    with contextlib.suppress(PlatformError):
        lease.Lease.from_labels("id", 1, labels)
    with contextlib.suppress(PlatformError):
        history.read_record("id", 1, labels, data).summary()


@given(LABELS, trees("services", "networks", "volumes", "secrets", "configs", "web"))
def test_records_of_others(labels, content):
    record = history.Record(1, "1", resolved=Resolved())
    packed = history.zlib.compress(json.dumps(content).encode())
    with contextlib.suppress(PlatformError):
        history.read_record("id", 1, {**record.labels(), **labels}, packed)


# Registries


@given(
    st.text(),
    st.integers(0, 999),
    st.binary() | trees("errors", "code", "message", "error", "schemaVersion").map(json.dumps),
    st.dictionaries(st.sampled_from(["Retry-After", "Docker-Content-Digest"]), st.text()),
)
def test_answers_of_registries(challenge, status, body, headers):
    answers.challenges(challenge)
    content = body.encode() if isinstance(body, str) else body
    answer = answers.HttpAnswer("https://registry.example", status, headers, content)
    answers.rejection(answer)
    with contextlib.suppress(answers.Rejection):
        answers.digest_of(answer)


# AWX


class Page:
    """A page of awxkit whose answer a test gives."""

    def __init__(self, answer: Any) -> None:
        self.json = answer

    def get(self, **_query: Any) -> Page:
        return self

    post = patch = get


AWX = (
    "results",
    "id",
    "name",
    "url",
    "related",
    "description",
    "summary_fields",
    "count",
    "inputs",
)
PROJECT = object_diff.declared_in({"organizations": [{"name": "a"}]})[0]


@given(trees(*AWX), st.dictionaries(st.sampled_from(AWX), trees(*AWX), max_size=8))
def test_answers_of_awx(answer, entry):
    pytest.importorskip("awxkit")
    for body in (answer, entry, {"results": [entry]}):
        awx = awx_api.Awx(None, {"projects": "/projects/"})
        awx._page = lambda _address, body=body: Page(body)
        awx_api.words(body)
        for call in (
            lambda awx=awx: awx.find("projects"),
            lambda awx=awx: awx.names("projects"),
            lambda awx=awx: awx.count("/projects/"),
            lambda awx=awx: awx.get("/projects/1/"),
            lambda awx=awx: object_diff.differences(PROJECT, awx.get("/projects/1/"), {}),
            lambda awx=awx: awx_api.related(awx.get("/projects/1/"), "update"),
        ):
            with contextlib.suppress(ShippingError):
                call()


# The engine and the cluster

OURS = {f"{LABEL}app": "shop", f"{LABEL}service": "web", "com.docker.stack.namespace": "shop"}
TEMPLATE = {
    "ContainerSpec": {
        "Image": "nginx",
        "Labels": OURS,
        "Healthcheck": {"Test": ["CMD", "true"]},
        "Secrets": [{"SecretID": "x", "SecretName": "y", "File": {"Name": "a"}}],
    },
    "RestartPolicy": {"Condition": "any", "MaxAttempts": 0},
    "Networks": [{"Target": "n1", "Aliases": ["web"]}],
}
ENGINE = {
    "/services": [
        {
            "ID": "s1",
            "Version": {"Index": 5},
            "Spec": {
                "Name": "shop_web",
                "Labels": OURS,
                "Mode": {"Replicated": {"Replicas": 2}},
                "TaskTemplate": TEMPLATE,
            },
            "UpdateStatus": {"State": "updating", "Message": "m", "StartedAt": "t"},
        }
    ],
    "/tasks": [
        {
            "ID": "t1",
            "ServiceID": "s1",
            "Slot": 1,
            "NodeID": "m1",
            "CreatedAt": "2026-01-01T00:00:00Z",
            "DesiredState": "running",
            "Spec": TEMPLATE,
            "Status": {
                "State": "failed",
                "Timestamp": "2026-01-01T00:00:00.123456789Z",
                "Err": "task: non-zero exit (1)",
                "ContainerStatus": {"ContainerID": "c", "ExitCode": 1},
            },
        }
    ],
    "/networks": [{"Name": "shop_default", "Id": "n1", "Labels": OURS, "Scope": "swarm"}],
    "/secrets": [{"ID": "x", "Spec": {"Name": "y", "Labels": OURS}}],
    "/configs": [
        {
            "ID": "c",
            "Version": {"Index": 1},
            "Spec": {
                "Name": "shop.lease",
                "Labels": {**OURS, f"{LABEL}kind": "lease"},
                "Data": "eA==",
            },
        }
    ],
    "/nodes": [{"ID": "m1", "Description": {"Hostname": "h"}}],
    "/networks/host": {"Name": "host", "Id": "h1", "Scope": "swarm"},
}
WRONG = {"null": None, "a text": "x", "a list": [], "a number": 7, "a mapping": {}}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(root: Any, path: tuple[Any, ...], value: Any) -> Any:
    result = copy.deepcopy(root)
    place = result
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return result


class FakeEngine:
    """An engine that answers as a test has it."""

    clock = 0.0
    connection = swarm.Connection()

    def __init__(self, lists: dict[str, Any]) -> None:
        self.lists = lists

    def get(self, path: str, **_query: Any) -> Any:
        return self.lists.get(path)


@pytest.mark.parametrize("path", sorted(places(ENGINE), key=str), ids=str)
def test_answers_of_engines(path):
    for value in (..., *WRONG.values()):
        engine: Any = FakeEngine(changed(ENGINE, path, value))
        for read in (
            lambda engine=engine: Reader(engine, EngineCredentials(), 5).observe("shop"),
            lambda engine=engine: StateWatch(engine, "shop", Resolved(), 5).states({}),
        ):
            with contextlib.suppress(ShippingError):
                read()


def test_the_place_of_an_unexpected_shape_is_named():
    engine: Any = FakeEngine(changed(ENGINE, ("/tasks", 0, "ID"), ...))
    with pytest.raises(
        UnexpectedAnswer,
        match=r"an answer of the engine cannot be read: .*\(KeyError: 'ID', in _task\)",
    ):
        StateWatch(engine, "shop", Resolved(), 5).states({})


class Response(SimpleNamespace):
    """What requests answers."""

    headers: dict[str, str]
    status_code: int
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        return json.loads(self.content)


DATES = st.sampled_from(["", "soon", "Mon, 30 Nov 2026 12:00:00 GMT", "Mon, 99 Nov 2026", "1"])


@given(
    st.sampled_from([200, 201, 400, 401, 404, 500, 503]),
    st.binary(max_size=20) | trees("ApiVersion", "MinAPIVersion", "message").map(json.dumps),
    DATES,
)
def test_any_server_in_the_place_of_an_engine(status, body, date):
    content = body.encode() if isinstance(body, str) else body
    session = SimpleNamespace(
        base_url="http://engine",
        request=lambda *_arguments, **_options: Response(
            status_code=status, content=content, headers={"Date": date}
        ),
    )
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(ShippingError):
        patch.setattr(swarm, "_new_session", lambda _connection: session)
        swarm.Engine(swarm.Connection("tcp://engine:2375", tls=False))


@settings(max_examples=50)
@given(
    st.sampled_from([200, 400, 403, 404, 409, 410, 422, 500]),
    st.binary(max_size=20)
    | trees("message", "reason", "details", "causes", "code", "items", "metadata").map(json.dumps),
)
def test_any_server_in_the_place_of_a_cluster(status, body):
    content = body.encode() if isinstance(body, str) else body
    with serving() as server:
        server.answer = lambda _asked: (status, content)
        cluster = Cluster(cluster_access.Access(server.host))
        for act in (lambda: cluster.raw("/version"), lambda: cluster._call("DELETE", "/api")):
            with contextlib.suppress(ShippingError):
                act()


@settings(max_examples=50)
@given(
    st.binary(max_size=20) | trees("type", "object", "metadata", "code", "message").map(json.dumps)
)
def test_any_event_of_a_watch(body):
    line = body.encode() if isinstance(body, str) else body
    with serving() as server:
        server.answer = lambda _asked: (200, iter([line + b"\n"]))
        cluster = Cluster(cluster_access.Access(server.host))
        kind = SimpleNamespace(path=lambda _namespace: "/api/v1/pods")
        with contextlib.suppress(ShippingError):
            list(cluster.watch(kind, "", "1", 1))
