# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the integration tests share.

A private platform with registries and images, and a home for plays.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed import downloaded_parts, engines, images, kubernetes_images
from tests.testbed.kubernetes_bed import KubernetesBed
from tests.testbed.machine import Machine
from tests.testbed.swarm_bed import (
    PASSWORD,
    PRIVATE_REGISTRY,
    REGISTRY,
    USER,
    SwarmBed,
    htpasswd,
)
from tests.testbed.versions import TODAYS_KUBERNETES

from .harness import Player
from .kubernetes_platform import KubernetesPlatform
from .swarm_platform import SwarmPlatform


@pytest.fixture(scope="session")
def machine_name(testrun_uid: str, worker_id: str) -> str:
    """The name of a worker's machine; other runs may go on beside this one."""
    return f"test{testrun_uid[:4]}-{worker_id}"


@pytest.fixture(scope="session")
def engine(machine_name: str, request: pytest.FixtureRequest) -> Iterator[SwarmBed]:
    """A private one-node Swarm with an open and a private registry for each worker.

    Gone at the end.
    """
    version = request.config.getoption("--platform-version")
    skip_if_lacking(engines.lacks(version))
    machine = Machine(machine_name)
    swarm = SwarmBed(machine, "--node-generic-resource gpu=8", version=version)
    try:
        swarm.up()
        swarm.registry()
        swarm.registry("private-registry", PRIVATE_REGISTRY, htpasswd=htpasswd())
        images.build_front(swarm)
        for version in ("1.0.0", "1.1.0"):
            images.build_shop(swarm, version)
        swarm.docker("tag", images.BASE, f"{REGISTRY}/tool:1")
        swarm.docker("push", "--quiet", f"{REGISTRY}/tool:1")
        swarm.docker(
            "login", "--username", USER, "--password-stdin", PRIVATE_REGISTRY, input=PASSWORD
        )
        swarm.docker("tag", f"{REGISTRY}/shop-web:1.1.0", f"{PRIVATE_REGISTRY}/shop-web:1.1.0")
        swarm.docker("push", "--quiet", f"{PRIVATE_REGISTRY}/shop-web:1.1.0")
        yield swarm
    finally:
        machine.down()


@pytest.fixture(scope="session")
def cluster(machine_name: str, request: pytest.FixtureRequest) -> Iterator[KubernetesBed]:
    """A private one-node Kubernetes with an open and a private registry for each worker.

    Gone at the end.
    """
    version = request.config.getoption("--platform-version")
    skip_if_lacking(downloaded_parts.lacks(version))
    cluster = KubernetesBed(Machine(machine_name), version or TODAYS_KUBERNETES)
    try:
        cluster.up()
        # A volume is never given again, and one worker may have most of the tests that need them.
        cluster.make_volumes(120)
        cluster.registry()
        cluster.registry("private-registry", htpasswd=htpasswd())
        kubernetes_images.publish_front(cluster)
        kubernetes_images.publish_tool(cluster)
        for version in ("1.0.0", "1.1.0"):
            kubernetes_images.publish_shop(cluster, version)
        kubernetes_images.publish_shop(cluster, "1.1.0", private=True)
        yield cluster
    finally:
        cluster.down()


def skip_if_lacking(reason: str) -> None:
    """Skip what runs on a version that is not here; tests.suites shows the reason."""
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest) -> SwarmPlatform | KubernetesPlatform:
    """The platform under test."""
    if request.config.getoption("--platform") == "kubernetes":
        return KubernetesPlatform(request.getfixturevalue("cluster"))
    return SwarmPlatform(request.getfixturevalue("engine"))


@pytest.fixture(scope="module", autouse=True)
def nothing_runs_on(platform: SwarmPlatform | KubernetesPlatform) -> Iterator[None]:
    """Health checks of apps that no test asks for any more take the time of the others."""
    yield
    platform.stop_all()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the suite runs."""
    parser.addoption(
        "--platform",
        choices=("swarm", "kubernetes"),
        default="swarm",
        help="the platform that the suite runs on",
    )
    parser.addoption(
        "--platform-version",
        default="",
        help="its version, of those in tests/testbed/versions.py; by default, today's",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about another platform."""
    wanted = config.getoption("--platform")
    others = [
        item for item in items if any(mark.args[0] != wanted for mark in item.iter_markers("only"))
    ]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


@pytest.fixture
def player(tmp_path: Path) -> Iterator[Player]:
    """Plays on this machine."""
    playing = Player(tmp_path)
    yield playing
    playing.close()


@pytest.fixture
def app(platform: SwarmPlatform | KubernetesPlatform) -> Iterator[str]:
    """The name of an app of one test alone, whose health nobody asks for after it."""
    name = f"test{next(_apps)}"
    yield name
    platform.stop(name)


_apps = itertools.count(1)
