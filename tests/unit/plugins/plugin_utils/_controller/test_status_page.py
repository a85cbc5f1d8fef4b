# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of all environments: what it has, and that texts stay texts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._controller.status_page import (
    page,
    without_time,
)

LIVE = {
    "number": 8,
    "version": "9f2b1c7d3a5e",
    "outcome": "live",
    "reason": "",
    "by": "Ann <ann@example.com>",
    "commit": "9f2b1c7d3a5e8f60b4c2d1e0f9a8b7c6d5e4f3a2",
    "release_notes": ["9f2b1c7 Show prices with taxes"],
    "started": "2026-11-23T09:10:18Z",
    "ended": "2026-11-23T09:10:23Z",
    "rollback_of": None,
    "not_restorable": [],
    "services": {"web": {"image": "x", "reference": "r.example.com/web:1@sha256:a2"}},
}
FAILED = {**LIVE, "number": 9, "outcome": "rolled_back", "reason": "web: exited\n | log", "by": ""}
INFO: dict[str, Any] = {
    "app": "shop",
    "live": LIVE,
    "history": [FAILED, LIVE],
    "services": {"web": {"desired": 2, "healthy": 1, "problems": ["no node"]}},
    "drift": [{"service": "web", "path": "replicas", "before": 1, "after": 2}],
    "held_by": "ci-7 (deploying 2)",
}
EVIL = "</title><script>alert(1)</script><img src=x onerror='1'>\"&"


class Reader(HTMLParser):
    """The tags of a page that are open, all tags with attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_environments_with_their_releases() -> None:
    read = Reader(page("Releases", {"production": INFO, "staging": {}}, "now"))
    assert read.open == []
    words = " ".join(read.text.split())
    assert (
        "production: shop 9f2b1c7d3a5e is live from commit 9f2b1c7d3a5e: release 8 by Ann" in words
    )
    assert "since 2026-11-23 09:10:23 (UTC)Held by ci-7 (deploying 2)" in words
    assert "web1/2r.example.com/web:1@sha256:a2no node" in words
    assert "webreplicas12" in words
    assert "99f2b1c7d3a5e9f2b1c7d3a5erolled_back2026-11-23 09:10:23web: exited9f2b1c7 Show" in words
    assert "staging Not known: the host did not answer" in words
    assert "| log" not in words


def test_nothing_is_live_and_a_failed_task() -> None:
    empty = {**INFO, "live": {}, "history": [], "services": {}, "drift": [], "held_by": ""}
    failed = {"failed": True, "msg": "no connection to the engine\nmore"}
    read = Reader(page("x", {"a": empty, "b": failed}, "now"))
    assert "Nothing is live" in read.text and "table" not in read.tags
    assert "Not known: no connection to the engine\n" in read.text


@pytest.mark.parametrize("value", ["live", ["a"], {"history": []}, {**INFO, "live": "9f2b1c7"}])
def test_a_value_that_is_no_result_is_an_error(value: Any) -> None:
    with pytest.raises(ShippingError, match=r"environments\.b cannot be shown: it is not a result"):
        page("x", {"a": INFO, "b": value}, "now")


def test_texts_are_no_markup() -> None:
    release = {**LIVE, "by": EVIL, "version": EVIL, "commit": EVIL, "release_notes": [EVIL]}
    service = {"desired": 1, "healthy": 1, "problems": [EVIL]}
    changed = {"service": EVIL, "path": EVIL, "before": EVIL, "after": EVIL}
    info = {
        **INFO,
        "app": EVIL,
        "live": release,
        "held_by": EVIL,
        "services": {EVIL: service},
        "history": [{**release, "reason": EVIL, "outcome": EVIL}],
        "drift": [changed],
    }
    good = Reader(page("x", {"a": INFO}, "now"))
    read = Reader(page(EVIL, {EVIL: info, "other": {"msg": EVIL}}, EVIL))
    assert read.tags <= good.tags and read.attributes <= good.attributes and read.open == []
    assert read.text.count("<script>alert(1)</script>") > 12


def test_it_loads_nothing() -> None:
    text = page("x", {"a": INFO}, "now")
    assert not re.search(r"https?://|src=|href=|@import|url\(", text)
    assert "default-src 'none'" in text


def test_two_pages_differ_by_more_than_their_time() -> None:
    first, second = (page("x", {"a": INFO}, time) for time in ("then", "now"))
    assert first != second and without_time(first) == without_time(second)
    assert without_time(page("x", {"b": INFO}, "now")) != without_time(second)
