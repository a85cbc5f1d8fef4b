# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed, stopped, doubled or cut off.

Nothing is stuck, and the next run finds its way.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.client import Client
from tests.testbed.proxy import Proxy

from .harness import Player, PlayOutcome, Running, until, worker
from .specs import changed, shop

pytestmark = pytest.mark.long

PORT = 8098
TTL = 4
SECRET = "a-secret-that-no-file-may-hold"


@pytest.fixture
def proxy(platform: Any, player: Player) -> Iterator[Proxy]:
    """The platform's API, where requests can be blocked."""
    proxy = platform.proxy(player.home)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def app(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A shop that all tests of this file share."""
    first = Player(tmp_path_factory.mktemp("first")).run(
        "release", options("interrupted", platform, "1.0.0")
    )
    assert first.ok, first.output
    return "interrupted"


@pytest.fixture
def client(platform: Any, app: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Somebody who asks the front all the time.

    Before, the app is brought to where every test begins.
    """
    asking = platform.client(PORT)
    if asking.ask() != "shop 1.0.0":
        Player(tmp_path_factory.mktemp("again")).run("release", options(app, platform, "1.0.0"))
    asking.until("shop 1.0.0")
    with asking:
        yield asking


def options(
    app: str, platform: Any, version: str, proxy: Proxy | None = None, **more: Any
) -> dict[str, Any]:
    """A release of the shop with a secret, through a proxy where there is one."""
    spec = changed(shop(platform, version, port=PORT), "web", secrets=["token"])
    spec["secrets"] = {"token": {"content": SECRET + version}}
    proxy_options = platform.proxy_options(proxy) if proxy else {}
    return {
        "app": app,
        "version": version,
        "spec": spec,
        "lease_ttl": TTL,
        **platform.options,
        **proxy_options,
        **more,
    }


def one_journal(player: Player, timeout: float = 30) -> Path:
    """The journal of the only worker."""
    return until(lambda: player.journals, timeout)[0]


def files_with(text: str, *folders: Path) -> list[Path]:
    """Files that hold a text."""
    paths = chain.from_iterable(folder.rglob("*") for folder in folders)
    return [path for path in paths if path.is_file() and text.encode() in path.read_bytes()]


def wait_for_no_module_files(player: Player) -> None:
    """The short part has ended, and Ansible takes away its file, which has the secrets.

    The worker needs none.
    """
    until(lambda: not files_with(SECRET, player.home / ".ansible"), 10)


def recover(player: Player, platform: Any, app: str, version: str = "1.0.0") -> PlayOutcome:
    """The next run, which must come to a good end, and the one after it, which changes nothing."""
    outcome = player.run("release", options(app, platform, version))
    assert outcome.ok, outcome.output
    assert player.run("release", options(app, platform, version)).result["changed"] is False
    known = player.run("release_info", {"app": app, **platform.options}).result
    assert known["live"]["version"] == version and known["held_by"] == ""
    assert not [entry for entry in known["history"] if entry["outcome"] == "pending"]
    return outcome


def block(proxy: Proxy, platform: Any, request: str, *, after: bool = False) -> None:
    """Block a run at one of the platform's requests."""
    proxy.block(*platform.requests[request], after=after)


# Moment -> the request that the worker is blocked at, before or after it. The first two belong to
# the short part, whose process is the play's own.
MOMENTS = {
    "before the record": ("record", False),
    "after the record": ("record", True),
    "before the first service": ("write", False),
    "after the first service": ("write", True),
    "while it watches": ("watch", False),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed(
    moment: str, platform: Any, player: Player, app: str, client: Client, proxy: Proxy
) -> None:
    """Kill everything of a run at a moment.

    The next run recovers, and nobody was left without an answer.
    """
    request, after = MOMENTS[moment]
    block(proxy, platform, request, after=after)
    running = player.start("release", options(app, platform, "1.1.0", proxy))
    assert proxy.blocked.wait(60), running.output
    if player.journals:
        wait_for_no_module_files(player)
    for journal in player.journals:
        os.kill(worker(journal), signal.SIGKILL)
    running.kill()
    proxy.unblock()
    assert files_with(SECRET, player.home / "state") == []
    recover(player, platform, app)
    assert client.lost == []


@pytest.mark.parametrize("moment", ["before the verdict", "while it goes back"])
def test_killed_late(
    moment: str, platform: Any, player: Player, app: str, client: Client, proxy: Proxy
) -> None:
    """Killed when all is done but the record, or on the way back from a failure."""
    given = options(app, platform, "1.1.0", proxy)
    if moment == "while it goes back":
        given["spec"] = changed(given["spec"], "web", command=["sh", "-c", "exit 3"])
        block(proxy, platform, "write back")
    else:
        block(proxy, platform, "verdict")
    running = player.start("release", given)
    assert proxy.blocked.wait(60), running.output
    os.kill(worker(one_journal(player)), signal.SIGKILL)
    outcome = running.wait()
    proxy.unblock()
    assert (
        not outcome.ok
        and "the worker was killed" in outcome.result["msg"]
        and "Run the task again" in outcome.result["msg"]
    )
    recover(player, platform, app)
    assert client.lost == []


def test_killed_run_is_gone_on_with(platform: Any, player: Player, app: str, proxy: Proxy) -> None:
    """The same release again goes on with the record that the killed run left."""
    block(proxy, platform, "write")
    running = player.start("release", options(app, platform, "1.1.0", proxy))
    assert proxy.blocked.wait(60), running.output
    before = player.run("release_info", {"app": app, **platform.options}).result
    assert before["history"][0]["outcome"] == "pending" and before["held_by"].endswith(
        "(deploying 1.1.0)"
    )
    os.kill(worker(one_journal(player)), signal.SIGKILL)
    running.wait()
    outcome = player.run("release", options(app, platform, "1.1.0"))
    assert outcome.ok and outcome.result["release"]["number"] == before["history"][0]["number"]
    assert "waits for" in outcome.output
    recover(player, platform, app)


def test_controller_killed_or_interrupted(
    platform: Any, player: Player, app: str, client: Client
) -> None:
    """The control node goes away.

    The worker comes to its end, and the next run has nothing left to do.
    """
    running = player.start("release", options(app, platform, "1.1.0"))
    running.until("0/1 healthy")
    running.kill()
    assert recover(player, platform, app, "1.1.0").result["changed"] is False
    running = player.start("release", options(app, platform, "1.0.0"))
    running.until("0/1 healthy")
    time.sleep(
        1
        # Ansible waits forever for the queue's lock if its own worker is killed in the middle of
        # writing a line
    )
    os.killpg(running.process.pid, signal.SIGINT)
    running.process.wait(30)
    assert recover(player, platform, app).result["changed"] is False
    assert client.lost == []


def test_two_runs_at_once(
    platform: Any, player: Player, app: str, client: Client, proxy: Proxy, tmp_path: Path
) -> None:
    """The second one says whom it waits for, and then does what is left to do."""
    block(proxy, platform, "watch")
    first = player.start("release", options(app, platform, "1.1.0", proxy, by="job 4711"))
    assert proxy.blocked.wait(60), first.output
    second = Player(tmp_path / "other").start("release", options(app, platform, "1.0.0"))
    second.until("waits for")
    proxy.unblock()
    outcomes = [first.wait(), second.wait()]
    assert all(outcome.ok for outcome in outcomes), outcomes[1].output
    assert f"{app} waits for job 4711 (deploying 1.1.0)" in outcomes[1].lines()
    client.until("shop 1.0.0")
    recover(player, platform, app)
    assert client.lost == []


def test_impatient_run_says_who_holds_the_app(
    platform: Any, player: Player, app: str, client: Client, proxy: Proxy, tmp_path: Path
) -> None:
    """Who does not want to wait is told whom for; check mode does not wait at all."""
    other = Player(tmp_path / "other")
    block(proxy, platform, "watch")
    first = player.start("release", options(app, platform, "1.1.0", proxy))
    assert proxy.blocked.wait(60), first.output
    checked = other.run("release", options(app, platform, "1.0.0"), "--check")
    assert checked.ok and "works on interrupted now" in checked.output
    refused = other.run("release", options(app, platform, "1.0.0", lease_timeout=1))
    assert (
        not refused.ok
        and "is locked by" in refused.result["msg"]
        and "(deploying 1.1.0)" in refused.result["msg"]
    )
    proxy.unblock()
    assert first.wait().ok
    recover(player, platform, app)


def test_sleeping_holder_writes_nothing(
    platform: Any, player: Player, app: str, client: Client, proxy: Proxy, tmp_path: Path
) -> None:
    """A worker stops for longer than its lease lives, and wakes up after another run took over."""
    block(proxy, platform, "write")
    running = player.start("release", options(app, platform, "1.1.0", proxy))
    assert proxy.blocked.wait(60), running.output
    sleeper = worker(one_journal(player))
    os.kill(sleeper, signal.SIGSTOP)
    try:
        taken = recover(Player(tmp_path / "other"), platform, app)
        assert "waits for" in taken.output
        versions = platform.versions(app)
    finally:
        os.kill(sleeper, signal.SIGCONT)
        proxy.unblock()
    outcome = running.wait()
    assert not outcome.ok and "lost the lease of interrupted" in outcome.result["msg"]
    assert platform.versions(app) == versions
    assert recover(player, platform, app).result["changed"] is False
    assert client.lost == []


@pytest.mark.parametrize("power_cut", [False, True], ids=["restart", "power-cut"])
def test_platform_restarts_meanwhile(
    power_cut: bool, platform: Any, player: Player, app: str, client: Client
) -> None:
    """The engine goes away in the middle of a rollout and comes back.

    The run comes to a good end.
    """
    running: Running = player.start("release", options(app, platform, "1.1.0"))
    running.until("0/1 healthy")
    platform.restart(power_cut=power_cut)
    outcome = running.wait()
    assert outcome.ok, outcome.output
    platform.client(PORT).until("shop 1.1.0", 60)
    recover(player, platform, app)
