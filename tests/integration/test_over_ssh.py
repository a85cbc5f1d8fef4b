# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module runs on another machine, reached by SSH.

What it does goes on when the connection does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.ssh import Ssh

from .harness import Player
from .specs import changed, simple

pytestmark = [pytest.mark.only("swarm"), pytest.mark.long]

SECRET = "a-secret-for-another-machine"


@pytest.fixture(scope="module")
def ssh(platform: Any) -> Ssh:
    """A way into the machine of the platform."""
    server = Ssh(platform.engine.machine)
    server.start()
    return server


@pytest.fixture
def player(ssh: Ssh, tmp_path: Path) -> Iterator[Player]:
    """Plays on that machine."""
    playing = Player(tmp_path, connection=ssh.connection)
    yield playing
    playing.close()


def files_with(text: str, folder: Path) -> list[Path]:
    """Files that hold a text."""
    return [
        path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()
    ]


def options(platform: Any, app: str, version: str, *command: str) -> dict[str, Any]:
    """A release with a secret."""
    spec = {
        **simple(platform, *command, secrets=["token"], environment={"V": version}),
        "secrets": {"token": {"environment": "TOKEN"}},
    }
    return {
        "app": app,
        "version": version,
        "spec": spec,
        "secret_values": {"TOKEN": SECRET},
        **platform.options,
    }


def test_there_as_here(platform: Any, player: Player, app: str) -> None:
    """Progress, the verdict and its reason; nothing of it stays on the machine."""
    state = {"environment": {"XDG_STATE_HOME": str(player.home / "state")}}
    first = player.run("release", options(platform, app, "1"), **state)
    assert first.ok and "app  → 1  1/1 healthy" in first.lines(), first.output
    assert player.run("release", options(platform, app, "1"), **state).result["changed"] is False
    failed = player.run(
        "release", options(platform, app, "2", "sh", "-c", "echo no luck; exit 3"), **state
    )
    assert failed.result["outcome"] == "rolled_back" and "no luck" in failed.result["msg"]
    assert platform.environment(app, "app")["V"] == "1"
    assert list((player.home / "state" / "shipping.code").iterdir()) == []
    assert files_with(SECRET, player.home / ".ansible") == []


def test_cut_off(platform: Any, player: Player, app: str, ssh: Ssh) -> None:
    """The worker goes on, the play finds it again and ends with its verdict."""
    state = {"environment": {"XDG_STATE_HOME": str(player.home / "state")}}
    assert player.run("release", options(platform, app, "1"), **state).ok
    slow = options(platform, app, "2")
    check = {"test": "test -e /tmp/ready", "interval": "500ms", "retries": 50}
    slow["spec"] = changed(
        slow["spec"],
        "app",
        command=["sh", "-c", "sleep 6; touch /tmp/ready; exec sleep 100000"],
        healthcheck=check,
    )
    running = player.start("release", slow, **state)
    running.until("0/1 healthy")
    ssh.cut()
    running.until("the connection is lost")
    ssh.start()
    outcome = running.wait()
    assert outcome.ok and outcome.result["outcome"] == "live", outcome.output
    assert platform.environment(app, "app")["V"] == "2"
    assert player.run("release", slow, **state).result["changed"] is False
