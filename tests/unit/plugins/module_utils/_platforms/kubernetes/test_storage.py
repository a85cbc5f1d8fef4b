# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app keeps in its namespace comes back as it was: records, lease, contents."""

from __future__ import annotations

import base64
import copy
import json
from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    NotFound,
    Outdated,
    PlanError,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import Record
from ansible_collections.shipping.code.plugins.module_utils._deploy.lease import Lease
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Contents
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import storage
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.api_kinds import (
    CONFIG_MAP,
    NAMESPACE,
    SECRET,
)
from hypothesis import given
from hypothesis import strategies as st

from .resolved_apps import APP, one


class Cluster:
    """Keeps objects as the API server does.

    A version for each write, 409 where it is old, 404 where the namespace is missing.
    """

    def __init__(self, *namespaces):
        self.namespace, self.version, self.objects = "stores", 0, {}
        self.namespaces = set(namespaces or ("stores",))

    def _keep(self, kind, body):
        self.version += 1
        kept = copy.deepcopy(
            {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}
        )
        self.objects[kind.name, body["metadata"]["name"]] = kept
        return copy.deepcopy(kept)

    def find(self, kind, name):
        return copy.deepcopy(self.objects.get((kind.name, name)))

    def create(self, kind, body):
        if kind is NAMESPACE:
            self.namespaces.add(body["metadata"]["name"])
        elif self.namespace not in self.namespaces:
            raise NotFound("refused", f'namespaces "{self.namespace}" not found')
        if (kind.name, body["metadata"]["name"]) in self.objects:
            raise Outdated("refused", "already exists")
        return self._keep(kind, body)

    apply_calls = 0

    def apply(self, kind, body):
        self.apply_calls += 1
        return self._keep(kind, body)

    def replace(self, kind, body):
        if (
            self.objects[kind.name, body["metadata"]["name"]]["metadata"]["resourceVersion"]
            != body["metadata"]["resourceVersion"]
        ):
            raise Outdated("refused", "the object has been modified")
        return self._keep(kind, body)

    def merge(self, kind, name, body):
        live = self.objects[kind.name, name]
        live["metadata"]["annotations"].update(body["metadata"]["annotations"])
        return self._keep(kind, live)

    def metadata(self, kind, selector):
        app, roles = selector.split(",", 1)
        allowed = roles.partition("(")[2].rstrip(")").split(",")
        bodies = [body for (name, _object), body in self.objects.items() if name == kind.name]
        return [
            body
            for body in bodies
            if app == f"shipping.code/app={body['metadata']['labels']['shipping.code/app']}"
            and role(body) in allowed
        ]

    def delete(self, kind, name):
        del self.objects[kind.name, name]


def role(body):
    return body["metadata"]["labels"]["shipping.code/kind"]


class Fence:
    """Counts how often it was asked."""

    token, asked = 1, 0

    def check(self):
        self.asked += 1


RECORD = Record(
    number=3,
    version="1.5.0",
    state="pending",
    by="alice@ci",
    commit="abc",
    started="2026-01-01T00:00:00Z",
    content="hash",
    resolved=one(environment={"A": "é 🚀"}, secrets=["token"], networks=["front"]),
)


def read(cluster):
    return storage.records(
        body for (kind, _name), body in cluster.objects.items() if kind == "Secret"
    )


def test_a_record_comes_back_as_it_was():
    cluster = Cluster()
    written = storage.write_record(cluster, APP, RECORD)
    assert written.id == "shipping.code.shop.release.3" and read(cluster) == (written,)
    body = cluster.find(SECRET, written.id)
    assert body["type"] == "shipping.code/release" and role(body) == "release"
    assert body["metadata"]["annotations"]["shipping.code/version"] == "1.5.0"


@given(st.text(max_size=60), st.text(max_size=10))
def test_its_verdict_is_written_beside_it(reason, by):
    cluster = Cluster()
    written = storage.write_record(cluster, APP, RECORD)
    data = cluster.find(SECRET, written.id)["data"]
    ended = replace(written, state="failed", reason=reason, by=by or "x", ended="later")
    assert storage.write_record(cluster, APP, ended) == ended
    assert read(cluster) == (ended,) and cluster.find(SECRET, written.id)["data"] == data


def test_records_are_the_newest_first_and_nothing_else():
    cluster = Cluster()
    for number in (2, 10, 9):
        storage.write_record(cluster, APP, replace(RECORD, number=number))
    storage.write_registries(cluster, APP, b"{}")
    assert [record.number for record in read(cluster)] == [10, 9, 2]
    with pytest.raises(Outdated):
        storage.write_record(cluster, APP, replace(RECORD, number=9))


HELD = Lease(
    "", -1, token=4, holder="alice@ci (process 1) 9f", ttl=2.5, what="who releases 1.5.0", beat=7
)


def test_a_lease_comes_back_as_it_was():
    cluster = Cluster()
    assert storage.read_lease(cluster, APP) is None
    made = storage.write_lease(cluster, APP, HELD, create_namespace=False)
    assert (
        made
        == replace(HELD, id="shipping.code.shop", version=1)
        == storage.read_lease(cluster, APP)
    )
    spec = cluster.objects["Lease", made.id]["spec"]
    assert (spec["leaseDurationSeconds"], spec["holderIdentity"]) == (3, HELD.holder)
    freed = storage.write_lease(
        cluster, APP, replace(made, holder="", what="", token=5), create_namespace=False
    )
    assert (freed.holder, freed.token, freed.version) == (
        "",
        5,
        2,
    ) and "holderIdentity" not in cluster.objects["Lease", made.id]["spec"]


def test_a_lease_is_written_by_the_version_that_was_read():
    cluster = Cluster()
    made = storage.write_lease(cluster, APP, HELD, create_namespace=False)
    storage.write_lease(cluster, APP, replace(made, beat=8), create_namespace=False)
    for late in (made, HELD):
        with pytest.raises(Outdated):
            storage.write_lease(cluster, APP, late, create_namespace=False)
    assert storage.read_lease(cluster, APP).beat == 8


def test_a_namespace_is_made_only_if_asked(monkeypatch):
    monkeypatch.setattr(storage, "_PAUSE", 0.0)
    cluster = Cluster("default")
    with pytest.raises(PlanError, match=r"there is no namespace stores.*create_namespace"):
        storage.write_lease(cluster, APP, HELD, create_namespace=False)
    assert (
        storage.write_lease(cluster, APP, HELD, create_namespace=True).token == 4
        and "stores" in cluster.namespaces
    )


APP_WITH_CONTENTS = one(secrets=["token"], configs=["settings"])
NAMES = ("shop-token-0123456789ab", "shop-settings-0123456789ab")


def made(contents, existing=(), app=APP_WITH_CONTENTS):
    cluster, fence = Cluster(), Fence()
    storage.make_objects(
        cluster,
        APP,
        app,
        contents,
        existing={"secrets": set(existing), "configs": set(existing)},
        fence=fence,
    )
    return cluster, fence


def test_contents():
    cluster, fence = made(Contents({"token": b"\xff\x00"}, {"settings": b"a: b"}))
    secret, config = cluster.find(SECRET, NAMES[0]), cluster.find(CONFIG_MAP, NAMES[1])
    assert base64.b64decode(secret["data"]["data"]) == b"\xff\x00" and config["data"] == {
        "data": "a: b"
    }
    assert (
        secret["immutable"]
        and config["immutable"]
        and {role(secret), role(config)} == {"content"}
        and fence.asked == 2
    )
    assert (
        base64.b64decode(
            made(Contents({"token": b""}, {"settings": b"\xff"}))[0].find(CONFIG_MAP, NAMES[1])[
                "binaryData"
            ]["data"]
        )
        == b"\xff"
    )


def test_what_is_there_is_not_made_again():
    assert not made(Contents(), existing=NAMES)[0].objects
    cluster, fence = made(Contents({"token": b"a"}, {"settings": b"b"}))
    storage.make_objects(
        cluster,
        APP,
        APP_WITH_CONTENTS,
        Contents({"token": b"a"}, {"settings": b"b"}),
        existing={"secrets": set(), "configs": set()},
        fence=fence,
    )
    assert len(cluster.objects) == 2
    assert not made(Contents(), app=one(secrets=["theirs"]))[0].objects


def test_labels_of_contents():
    app = Resolved(
        secrets={
            "s": {
                "source": "token",
                "id": "1",
                "labels": {"team": "a", "note": "a b", "shipping.code/app": "evil"},
            }
        }
    )
    metadata = made(Contents({"token": b"x"}), app=app)[0].find(SECRET, "s")["metadata"]
    assert (
        metadata["labels"]["team"] == "a"
        and metadata["labels"]["shipping.code/app"] == APP
        and metadata["annotations"] == {"note": "a b"}
    )


def test_only_what_no_release_needs_is_swept():
    cluster, fence = made(Contents({"token": b"a"}, {"settings": b"b"}))
    storage.write_record(cluster, APP, RECORD)
    storage.write_registries(cluster, APP, b"{}")
    old = Resolved(secrets={"old": {"source": "token", "id": "0"}})
    storage.make_objects(
        cluster,
        APP,
        old,
        Contents({"token": b"old"}),
        existing={"secrets": set(), "configs": set()},
        fence=fence,
    )
    storage.sweep(cluster, APP, [APP_WITH_CONTENTS, Resolved()], fence)
    assert {name for _kind, name in cluster.objects} == {
        *NAMES,
        "shipping.code.shop.release.3",
        storage.registry_name(APP),
    }
    storage.sweep(cluster, APP, [], fence)
    assert {name for _kind, name in cluster.objects} == {"shipping.code.shop.release.3"}


def test_logins_for_the_machines():
    cluster, content = Cluster(), json.dumps({"auths": {"r.example": {"auth": "eA=="}}}).encode()
    assert not storage.same_registries(cluster, APP, content)
    storage.write_registries(cluster, APP, content)
    assert storage.same_registries(cluster, APP, content) and storage.same_registries(
        cluster, APP, content.replace(b": ", b":")
    )
    assert not storage.same_registries(cluster, APP, b'{"auths": {}}')
    cluster.objects["Secret", storage.registry_name(APP)]["data"] = {}
    assert not storage.same_registries(cluster, APP, content)
