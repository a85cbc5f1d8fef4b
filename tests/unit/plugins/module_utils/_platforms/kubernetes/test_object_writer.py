# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects are written from a fresh read, whoever else writes them meanwhile."""

from __future__ import annotations

import copy
import itertools

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Outdated,
    PlatformError,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    object_writer,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.adoption import (
    BEFORE,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.api_kinds import (
    DEPLOYMENT,
    Kind,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster import (
    Busy,
    Invalid,
    Unserved,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.refusals import (
    Refusal,
)


class Fence:
    token = 3

    def check(self):
        pass


class Cluster:
    """One object; ``errors`` are raised by the next applies and merges, one each."""

    def __init__(self, live=None, errors=()):
        self.live, self.errors = live, iter(errors)
        self.writes = []

    def _write(self, how, body):
        error = next(self.errors, None)
        if error:
            raise error
        self.writes.append((how, copy.deepcopy(body)))
        return {**body, "metadata": {**body["metadata"], "resourceVersion": "9"}}

    def find(self, kind, name):
        return copy.deepcopy(self.live)

    def get(self, kind, name):
        return copy.deepcopy(self.live)

    def apply(self, kind, body, manager="shipping.code"):
        return self._write("apply", body)

    def merge(self, kind, name, body, manager=""):
        return self._write("merge", body)

    def replace(self, kind, body, manager):
        return self._write(f"replace by {manager}", body)


def workload(spec, applied="1"):
    annotations = {"shipping.code/applied": applied}
    labels = {"shipping.code/app": "shop"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": labels, "annotations": annotations},
        "spec": spec,
    }


def live(spec):
    body = workload(spec, applied="0")
    body["metadata"].update(resourceVersion="7", uid="u", managedFields=[])
    return body


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    moments = itertools.count(0, 10)
    monkeypatch.setattr(object_writer.time, "monotonic", lambda: next(moments))
    monkeypatch.setattr(object_writer.time, "sleep", lambda _seconds: None)


def test_a_stamp_that_always_loses_is_an_error():
    cluster = Cluster(live({}), itertools.repeat(Outdated("a", "b")))
    with pytest.raises(PlatformError, match="could not be fenced from the former run"):
        object_writer.ObjectWriter(cluster).stamp(DEPLOYMENT, "web", Fence())


def test_a_stamp_is_tried_again():
    cluster = Cluster(live({}), [Outdated("a", "b")])
    object_writer.ObjectWriter(cluster).stamp(DEPLOYMENT, "web", Fence())
    assert [how for how, _body in cluster.writes] == ["merge"]


def test_a_kind_that_is_not_served_yet_is_waited_for():
    kind = Kind("Cask", "/apis/x.example/v1", "casks")
    body = {**workload({}), "apiVersion": "x.example/v1", "kind": "Cask"}
    cluster = Cluster(None, [Unserved("a", "404 page not found")])
    with pytest.raises(Busy, match="404 page not found"):
        object_writer.ObjectWriter(cluster).write(kind, body, {}, Fence())
    cluster = Cluster(None, [Unserved("a", "404 page not found")])
    with pytest.raises(Unserved):
        object_writer.ObjectWriter(cluster).write(DEPLOYMENT, workload({}), {}, Fence())


def invalid(field):
    error = Invalid("refused", "may not be specified")
    error.refusals = (Refusal(field, "may not be specified"),)
    return error


def test_a_forbidden_default_is_replaced_before_the_apply():
    there = live({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}})
    cluster = Cluster(there, [invalid("spec.strategy.rollingUpdate")])
    wanted = workload({"strategy": {"type": "Recreate"}})
    object_writer.ObjectWriter(cluster).write(DEPLOYMENT, wanted, {}, Fence())
    assert [(how, body["spec"]) for how, body in cluster.writes] == [
        (f"replace by {BEFORE}", {"strategy": {"type": "Recreate"}}),
        ("apply", {"strategy": {"type": "Recreate"}}),
    ]
    assert cluster.writes[0][1]["metadata"]["resourceVersion"] == "7"
    assert cluster.writes[1][1]["metadata"]["resourceVersion"] == "9"


@pytest.mark.parametrize("there", [None, live({"replicas": 1})])
def test_what_is_rejected_otherwise_is_an_error(there):
    cluster = Cluster(there, [invalid("spec.replicas")])
    with pytest.raises(Invalid):
        object_writer.ObjectWriter(cluster).write(
            DEPLOYMENT, workload({"replicas": -1}), {}, Fence()
        )
