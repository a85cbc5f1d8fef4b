# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the integration tests share: a private platform with registries and images, and a home for plays."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed import images
from tests.testbed.machine import Machine
from tests.testbed.swarm import PASSWORD, PRIVATE_REGISTRY, REGISTRY, USER, Swarm

from .harness import Player
from .swarm import SwarmPlatform


@pytest.fixture(scope="session")
def engine(worker_id: str) -> Iterator[Swarm]:
    """A private one-node Swarm with an open and a private registry for each worker; gone at the end."""
    name = f"test-{worker_id}"
    Machine(name).down()
    machine = Machine(name)
    swarm = Swarm(machine)
    try:
        swarm.up()
        swarm.registry()
        swarm.registry("private-registry", PRIVATE_REGISTRY, htpasswd=_htpasswd())
        images.build_front(swarm)
        for version in ("1.0.0", "1.1.0"):
            images.build_shop(swarm, version)
        swarm.docker("tag", images.BASE, f"{REGISTRY}/tool:1")
        swarm.docker("push", "--quiet", f"{REGISTRY}/tool:1")
        swarm.docker("login", "--username", USER, "--password-stdin", PRIVATE_REGISTRY, input=PASSWORD)
        swarm.docker("tag", f"{REGISTRY}/shop-web:1.1.0", f"{PRIVATE_REGISTRY}/shop-web:1.1.0")
        swarm.docker("push", "--quiet", f"{PRIVATE_REGISTRY}/shop-web:1.1.0")
        yield swarm
    finally:
        machine.down()


def _htpasswd() -> str:
    """One line of a password file; the registry wants bcrypt."""
    done = subprocess.run(["htpasswd", "-nbB", USER, PASSWORD], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="session")
def platform(engine: Swarm) -> SwarmPlatform:
    """The platform under test."""
    return SwarmPlatform(engine)


@pytest.fixture
def player(tmp_path: Path) -> Iterator[Player]:
    """Plays on this machine."""
    playing = Player(tmp_path)
    yield playing
    playing.close()


@pytest.fixture
def app() -> str:
    """The name of an app of one test alone; all of them end with the machine that they run on."""
    return f"test{next(_apps)}"


_apps = itertools.count(1)
