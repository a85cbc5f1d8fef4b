# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is used where a registry gives no digest, and what is said of it."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    NotFound,
    PlanError,
    Unreachable,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import image_digests
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.image_digests import (
    EngineCredentials,
    RegistryQueries,
    resolve,
)

ID, DIGEST = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
KNOWN = f"registry.test/app:1@{DIGEST}"
MISSING = NotFound("refused", "manifest unknown")


class Engine:
    """An engine whose registry raises ``error``, and that may have the image itself."""

    registry_timeout = 20.0

    def __init__(self, clock, error, *, seconds=0.0, local=True, image_id=ID, pushed=False):
        self._clock, self._error, self._seconds = clock, error, seconds
        self._local, self.queries = local, 0
        self._image_id, self._pushed = image_id, pushed

    def get_from_registry(self, path, registry, headers):
        self.queries += 1
        self._clock.now += self._seconds
        if self._pushed and "@" in path:
            return {"Descriptor": {"digest": DIGEST}}
        raise self._error

    def get(self, path):
        if not self._local:
            raise NotFound("the engine rejected GET", "no such image")
        return {"Id": self._image_id, "RepoDigests": [f"registry.test/app@{DIGEST}"]}


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    fake = Clock()
    monkeypatch.setattr(image_digests, "time", fake)
    monkeypatch.setattr(EngineCredentials, "header", lambda self, registry: {})
    return fake


def pinned(engine, *references, mode="auto", nodes=1):
    queries = RegistryQueries(engine, EngineCredentials())
    return resolve(queries, references or ("registry.test/app:1",), mode, nodes)


FELL_BACK = [
    (
        Unreachable("no connection", "connection refused"),
        0,
        "the registry registry.test does not answer for registry.test/app:1 (connection refused)",
    ),
    (
        Unreachable("no connection", "timed out"),
        20.0,
        "the registry registry.test does not answer for registry.test/app:1 (no answer within 20"
        " s)",
    ),
    (
        MISSING,
        0,
        "the registry registry.test has no registry.test/app:1",
    ),
]


@pytest.mark.parametrize(("error", "seconds", "why"), FELL_BACK)
def test_an_image_of_the_engine_comes_with_a_warning(clock, error, seconds, why):
    images = pinned(Engine(clock, error, seconds=seconds))
    assert images.images == {"registry.test/app:1": KNOWN}
    assert images.warnings == (f"{why}; the run uses the image of the engine instead: {KNOWN}",)


def test_an_image_that_was_never_pushed_is_on_one_node_only_in_any_image_store(clock):
    """Docker Engine 29 gives each image a digest, which is its id."""
    engine = Engine(clock, MISSING, image_id=DIGEST)
    assert pinned(engine).images == {"registry.test/app:1": DIGEST}
    with pytest.raises(PlanError, match=r"registry.test/app:1 is on one node only"):
        pinned(engine, nodes=2)


@pytest.mark.parametrize(
    ("error", "pushed"), [(MISSING, True), (Unreachable("no connection", "timed out"), False)]
)
def test_a_digest_that_the_registry_may_have_is_used_in_any_image_store(clock, error, pushed):
    engine = Engine(clock, error, image_id=DIGEST, pushed=pushed)
    assert pinned(engine, nodes=2).images == {"registry.test/app:1": KNOWN}


def test_a_registry_that_does_not_answer_is_queried_once(clock):
    engine = Engine(clock, Unreachable("no connection", "timed out"), seconds=20.0)
    queries = RegistryQueries(engine, EngineCredentials())
    for _attempt in range(3):
        assert resolve(queries, ["registry.test/app:1"], "auto", 1).warnings
    assert engine.queries == 1


def test_a_registry_that_refuses_a_connection_is_queried_again(clock):
    engine = Engine(clock, Unreachable("no connection", "connection refused"))
    queries = RegistryQueries(engine, EngineCredentials())
    for _attempt in range(2):
        resolve(queries, ["registry.test/app:1"], "auto", 1)
    assert engine.queries == 2


@pytest.mark.parametrize(("mode", "local"), [("always", True), ("auto", False)])
def test_without_an_image_to_use_the_registry_is_the_cause(clock, mode, local):
    engine = Engine(clock, Unreachable("no connection", "timed out"), seconds=20.0, local=local)
    with pytest.raises(PlanError, match=r"no answer within 20 s"):
        pinned(engine, mode=mode)
