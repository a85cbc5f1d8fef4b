# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list that keeps itself up to date, whatever becomes of the connection."""

from __future__ import annotations

import json
import threading
import time

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import NotFound
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    api_kinds,
    watch_cache,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    cluster as cluster_module,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster_access import (  # noqa: E501
    Access,
)

from .api_server import serving

pytest.importorskip("urllib3")


def pod(name, version="1", **more):
    return {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": version}, **more}


def event(kind, body):
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


GONE = (
    json.dumps(
        {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}
    ).encode()
    + b"\n"
)


class Script:
    """Answers lists and watches one after the other.

    When nothing is left, a watch stays open and silent.
    """

    def __init__(self, lists, watches):
        self.lists, self.watches = iter(lists), iter(watches)
        self.done = threading.Event()

    def __call__(self, asked):
        if "watch" not in asked.query:
            version, *items = next(self.lists)
            return 200, {"metadata": {"resourceVersion": version}, "items": items}
        answer = next(self.watches, None)
        if isinstance(answer, int):
            return answer, {"message": f"status {answer}"}
        return 200, self.stream(answer)

    def stream(self, pieces):
        for piece in pieces or ():
            if piece is None:
                raise RuntimeError
            yield piece
        if pieces is None:
            self.done.wait(10)


@pytest.fixture
def follow(monkeypatch):
    """Let a cache follow a script; return the names it has in the end, and the requests."""
    monkeypatch.setattr(watch_cache, "_RETRY", 0.01)

    def followed(lists, watches, expected):
        script = Script(lists, watches)
        with serving() as server:
            server.answer = script
            changed = threading.Event()
            here = watch_cache.WatchCache(
                cluster_module.Cluster(Access(server.host, "shop", timeout=5.0)),
                api_kinds.POD,
                changed,
                "a=b",
            )
            here.start()
            deadline = time.monotonic() + 5
            while sorted(item["metadata"]["name"] for item in here.items) != expected or len(
                watched(server)
            ) <= len(watches):
                assert time.monotonic() < deadline, (here.items, here.trouble, server.asked)
                changed.wait(0.02)
                changed.clear()
            script.done.set()
            return (
                here,
                watched(server),
                [asked for asked in server.asked if "watch" not in asked.query],
            )

    return followed


def watched(server):
    return [asked.query["resourceVersion"] for asked in server.asked if "watch" in asked.query]


def test_what_happens_is_followed(follow):
    events = [
        event("ADDED", pod("b", "6")),
        event("MODIFIED", pod("a", "7", x=1)),
        event("DELETED", pod("b", "8")),
        event("ADDED", pod("c", "9")),
    ]
    here, versions, lists = follow([("5", pod("a"))], [events], ["a", "c"])
    assert versions == ["5", "9"] and len(lists) == 1
    assert {item["metadata"]["name"]: item.get("x") for item in here.items} == {"a": 1, "c": None}
    assert all(item["kind"] == "Pod" for item in here.items) and lists[0].query == {
        "labelSelector": "a=b"
    }


def test_a_cut_is_resumed_where_it_was(follow):
    """Also after a bookmark, which changes nothing else."""
    cut = [event("ADDED", pod("b", "6")), event("BOOKMARK", pod("", "70")), b'{"type": "ADD', None]
    here, versions, lists = follow(
        [("5", pod("a"))], [cut, [event("ADDED", pod("c", "71"))]], ["a", "b", "c"]
    )
    assert versions == ["5", "70", "71"] and len(lists) == 1 and here.trouble is None


def test_an_empty_watch_changes_nothing(follow):
    _here, versions, lists = follow([("5", pod("a"))], [[], []], ["a"])
    assert versions == ["5", "5", "5"] and len(lists) == 1


@pytest.mark.parametrize(
    "gone",
    [[GONE], [event("ADDED", pod("z", "6")), GONE], 410],
    ids=["event", "event-later", "answer"],
)
def test_what_is_too_old_is_read_anew(gone, follow):
    """What went meanwhile is gone from the list, too."""
    here, versions, lists = follow(
        [("5", pod("a"), pod("b")), ("50", pod("b"), pod("c"))], [gone], ["b", "c"]
    )
    assert versions == ["5", "50"] and len(lists) == 2 and here.trouble is None


def test_a_server_that_is_busy_or_in_trouble_is_asked_again(follow):
    here, _versions, lists = follow([("5", pod("a")), ("9", pod("b"))], [503, 500], ["b"])
    assert here.trouble is None and len(lists) == 2


def test_a_completed_job_that_its_ttl_removes_between_two_looks_has_completed(follow, monkeypatch):
    monkeypatch.setattr(api_kinds, "POD", api_kinds.STANDARD["batch/v1", "Job"])
    conditions = [{"type": "Complete", "status": "True"}]
    removed = pod("a", "7", status={"conditions": conditions})
    removed["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    events = [event("DELETED", removed), event("DELETED", pod("b", "8"))]
    here, _versions, _lists = follow([("5", pod("a"), pod("b"))], [events], ["a"])
    assert "deletionTimestamp" not in here.items[0]["metadata"]


def test_trouble_is_told_while_it_lasts(monkeypatch):
    """Who looks must learn that nothing more is heard."""
    monkeypatch.setattr(watch_cache, "_RETRY", 0.01)
    with serving() as server:
        server.answer = Script([("5", pod("a"))], [])
        changed = threading.Event()
        here = watch_cache.WatchCache(
            cluster_module.Cluster(Access(server.host, "shop", timeout=5.0)), api_kinds.POD, changed
        )
        here.start()
        here.start()
        server.answer.done.set()
        server.answer = lambda _asked: (500, {"message": "etcd is gone"})
        deadline = time.monotonic() + 5
        while here.trouble is None and time.monotonic() < deadline:
            changed.wait(0.02)
            changed.clear()
        assert "etcd is gone" in str(here.trouble) and len(here.items) == 1


def test_a_kind_that_does_not_exist_yet_comes(monkeypatch):
    monkeypatch.setattr(watch_cache, "_RETRY", 0.01)
    with serving() as server:
        server.answer = lambda _asked: (
            404,
            {"message": "the server could not find the requested resource"},
        )
        cluster, changed = (
            cluster_module.Cluster(Access(server.host, "shop", timeout=5.0)),
            threading.Event(),
        )
        with pytest.raises(NotFound):
            cluster.listing(api_kinds.POD)
        here = watch_cache.WatchCache(cluster, api_kinds.POD, changed)
        here.start()
        assert here.items == [] and here.trouble is None
        server.answer = script = Script([("5", pod("a"))], [])
        deadline = time.monotonic() + 5
        while not here.items:
            assert time.monotonic() < deadline
            changed.wait(0.02)
        script.done.set()
