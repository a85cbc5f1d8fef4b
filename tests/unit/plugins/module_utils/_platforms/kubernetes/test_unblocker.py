# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a broken pod is removed: under the lease, and only as it was seen."""

from __future__ import annotations

import json

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import LeaseLost
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import WAITING, Task
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import unblocker
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster import (
    Cluster,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster_access import (  # noqa: E501
    Access,
)

from .api_server import serving

BROKEN = Task(
    "uid-1", "web-1", "web-1", "", WAITING, current=False, sent=False, wanted=True, blocking="71"
)
CHANGED = {"kind": "Status", "reason": "Conflict", "message": "the UID or version differs"}


class Fence:
    """A lease that is held, or not."""

    token = 1

    def __init__(self, *, held=True):
        self.held = held

    def check(self):
        """Raise where it is not held."""
        if not self.held:
            raise LeaseLost("lost", "", "")


@pytest.fixture
def server():
    pytest.importorskip("urllib3")
    with serving() as here:
        yield here


def remove(server, **lease):
    cluster = Cluster(Access(server.host, "shop", authorization=lambda: "Bearer abc", timeout=5.0))
    return unblocker.Unblocker(cluster).remove_blocking("shop", BROKEN, Fence(**lease))


def test_only_the_pod_that_was_seen(server):
    assert remove(server) is True
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("DELETE", "/api/v1/namespaces/shop/pods/web-1")
    assert json.loads(asked.body)["preconditions"] == {"uid": "uid-1", "resourceVersion": "71"}


def test_a_pod_that_has_changed_stays(server):
    server.answer = lambda _asked: (409, CHANGED)
    assert remove(server) is False
    server.answer = lambda _asked: (404, {"kind": "Status", "reason": "NotFound"})
    assert remove(server) is False


def test_not_without_the_lease(server):
    with pytest.raises(LeaseLost):
        remove(server, held=False)
    assert server.asked == []
