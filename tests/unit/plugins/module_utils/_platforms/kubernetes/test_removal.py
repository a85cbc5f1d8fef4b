# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of manifests are removed by their titles, and nobody else's."""

from __future__ import annotations

import base64
import copy
import math

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import removal
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.api_kinds import (
    KIND,
    RECORD,
)

from .test_manifest_plans import APP, NAMESPACE, app_of, live_body, record
from .test_manifests import CASK, definition, elsewhere, made


class Fence:
    def check(self):
        pass


class Cluster:
    """Objects by path; ``app`` is the release of the only record."""

    namespace = NAMESPACE

    def __init__(self, app, bodies):
        self.app, self.bodies = app, bodies

    def items(self, kind, selector=""):
        release = record(self.app)
        data = {"record": base64.b64encode(release.data()).decode()}
        texts = release.labels().items()
        annotations = {key.replace("shipping.code.", "shipping.code/"): text for key, text in texts}
        metadata = {"name": "r", "labels": {KIND: RECORD}, "annotations": annotations}
        return [{"metadata": metadata, "data": data}]

    def metadata(self, kind, selector):
        return []

    def find(self, kind, name):
        return copy.deepcopy(self.bodies.get(kind.path(self.namespace, name)))

    def delete(self, kind, name, uid=""):
        del self.bodies[kind.path(self.namespace, name)]


SETTINGS = f"/api/v1/namespaces/{NAMESPACE}/configmaps/a"
ELSEWHERE = "/api/v1/namespaces/other/secrets/a"
THEIRS = {**CASK, "kind": "Service", "metadata": {"name": "a"}}
WHOLE = app_of(
    made("ConfigMap"),
    elsewhere(made("Secret"), "other"),
    made("PersistentVolumeClaim"),
    definition("Service"),
    THEIRS,
)


@pytest.fixture
def remove():
    def removed(titles, app=WHOLE, originals=(), keeping=False, **changes):
        paths = {
            title: removal.render.kind_of({}, service).path(
                NAMESPACE, service["manifest"]["metadata"]["name"]
            )
            for title, service in WHOLE.services.items()
        }
        bodies = {paths[title]: live_body(WHOLE, title) for title in paths}
        for path, changed in changes.items():
            bodies[path]["metadata"]["annotations"].update(changed)
        cluster = Cluster(app, bodies)
        before = set(cluster.bodies)
        by_uid = {f"uid-{title}": {} for title in originals}
        whole = removal.Removal(cluster, APP, Fence(), math.inf, by_uid, keeping=keeping)
        whole.remove_manifests(set(titles))
        return before - set(cluster.bodies)

    return removed


def test_objects_are_removed_where_they_are(remove):
    assert remove(["ConfigMap/a", "Secret/other/a"]) == {SETTINGS, ELSEWHERE}
    assert remove(["Service/a"]) == {f"/apis/x.example/v1/namespaces/{NAMESPACE}/services/a"}


def test_what_holds_data_stays(remove):
    assert remove(["PersistentVolumeClaim/a"]) == set()


def test_what_has_the_policy_keep_stays_with_the_app_removed(remove, monkeypatch):
    policy = {SETTINGS: {"helm.sh/resource-policy": "keep"}}
    assert remove(["ConfigMap/a"], keeping=True, **policy) == set()
    # A plan names it only to recreate it.
    assert remove(["ConfigMap/a"], **policy) == {SETTINGS}
    put_back = []
    monkeypatch.setattr(removal.adoption, "put_back", lambda *args: put_back.append(args))
    remove(["ConfigMap/a"], keeping=True, originals=["ConfigMap/a"], **policy)
    assert len(put_back) == 1


def test_objects_of_which_no_record_is_left(remove):
    titles = ["ConfigMap/a", "Secret/other/a", "Cask/unknown"]
    assert remove(titles, app=Resolved()) == {SETTINGS, ELSEWHERE}


def test_what_is_another_service_or_another_apps_stays(remove):
    renamed = {SETTINGS: {"shipping.code/service": "ConfigMap.x/a"}}
    assert remove(["ConfigMap/a"], **renamed) == set()
    of_another = {ELSEWHERE: {"shipping.code/namespace": "other"}}
    assert remove(["Secret/other/a"], **of_another) == set()
