# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router on a Swarm of three nodes, while visitors send requests to all of them.

Lost is a request on an accepted connection without a complete response. A visitor whose connection
is refused tries another node.
"""

from __future__ import annotations

import http.client
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy import argument_specs, traffic
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS
from ansible_collections.shipping.code.plugins.plugin_utils._routing import pki_folder

from tests.testbed.swarm_nodes import SwarmNodes

from .harness import Player, until
from .swarm_platform import SwarmPlatform
from .test_router import APP, HOST, PORTS, Router, routed

pytestmark = [
    pytest.mark.only("swarm"),
    pytest.mark.long,
    pytest.mark.skipif(
        not os.environ.get("SHIPPING_TEST_NODES"),
        reason="takes 10 to 15 minutes: set SHIPPING_TEST_NODES=1",
    ),
]

CHANGES = 100
VISITORS, ASKING = 300, 4


@dataclass
class Nodes(SwarmPlatform):
    """A Swarm of several nodes with a registry that all of them reach."""

    nodes: SwarmNodes | None = None

    @property
    def options(self) -> dict[str, Any]:
        """How the modules reach it."""
        assert self.nodes
        return {**super().options, "insecure_registries": [self.nodes.registry]}

    def image(self, name: str, *, private: bool = False) -> str:
        """The reference of an image in the registry of the first node."""
        assert self.nodes
        return f"{self.nodes.registry}/{name}"


@dataclass
class RouterOnNodes(Router):
    """The router with a replica on each node."""

    @property
    def addresses(self) -> dict[str, str]:
        """The nodes are in networks of their own."""
        return {name: f"{address}" for name, address in self.known.items()}

    known: Any = None


class Asking:
    """Visitors who ask all along, some on connections that they keep."""

    def __init__(self, addresses: list[str], port: int) -> None:
        self.addresses, self.port = addresses, port
        self.answers: dict[str, str] = {}
        self.sent, self.refused = 0, 0
        self.lost: list[str] = []
        self.changed: list[tuple[str, str, str]] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._ask_on, args=(number,), daemon=True)
            for number in range(ASKING)
        ]

    def __enter__(self) -> Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self, number: int) -> None:
        kept: dict[str, http.client.HTTPConnection] = {}
        cookies = [f"visitor{index}" for index in range(number, VISITORS, ASKING)]
        for turn, cookie in enumerate(itertools.cycle(cookies)):
            if self._stop.wait(0.005):
                return
            # Every second visitor keeps the connection to its node.
            keeps = turn % 2 == 0
            self._ask(cookie, turn, kept if keeps else {})

    def _ask(self, cookie: str, turn: int, kept: dict[str, http.client.HTTPConnection]) -> None:
        for attempt in range(len(self.addresses)):
            address = self.addresses[(turn + attempt) % len(self.addresses)]
            connection = kept.pop(address, None)
            if connection is None or connection.sock is None:
                connection = http.client.HTTPConnection(address, self.port, timeout=10)
                try:
                    connection.connect()
                except OSError:
                    self.refused += 1
                    continue
                is_new = True
            else:
                is_new = False
            try:
                text = self._request(connection, cookie)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # An idempotent request on a closed idle connection is sent again.
                if not is_new and isinstance(error, (http.client.RemoteDisconnected, OSError)):
                    continue
                self._lose(f"{address} {cookie} {error!r}")
                return
            kept[address] = connection
            self._note(cookie, text)
            return
        self._lose(f"no node accepts a connection, {cookie}")

    def _request(self, connection: http.client.HTTPConnection, cookie: str) -> str:
        self.sent += 1
        headers = {"Host": HOST, "Cookie": f"shipping_visitor={cookie}"}
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode().strip()
        if answer.status != 200:
            self._lose(f"{cookie} {answer.status} {text[:80]}")
            return ""
        return text

    def _lose(self, text: str) -> None:
        with self._lock:
            self.lost.append(f"{time.strftime('%X')} {text}")

    def _note(self, cookie: str, text: str) -> None:
        if not text:
            return
        with self._lock:
            before = self.answers.get(cookie)
            if before and before != text:
                self.changed.append((cookie, before, text))
            self.answers[cookie] = text


@pytest.fixture
def swarm(machine_name: str) -> Iterator[SwarmNodes]:
    made = SwarmNodes(machine_name)
    try:
        made.up()
        made.publish_shop("1.0.0", "1.1.0")
        yield made
    finally:
        made.down()


@pytest.fixture
def router(swarm: SwarmNodes, player: Player, tmp_path: Path) -> RouterOnNodes:
    platform = Nodes(swarm.first, nodes=swarm)
    return RouterOnNodes(player, platform, tmp_path / "router-pki", swarm.addresses)


def test_no_request_is_lost(router: RouterOnNodes, swarm: SwarmNodes) -> None:
    """Only a replica or a node that is killed takes the requests that it just has with it."""
    green = {"name": "green", "weight": 10, "image": router.platform.image("shop-web:1.1.0")}
    assert router.play().ok
    assert router.release(green, {"name": "blue"}).ok
    deployed = router.play()
    assert deployed.ok, deployed.output
    addresses = [node.machine.address for node in swarm.nodes]
    with Asking(addresses, PORTS["swarm"]) as asking:
        until(lambda: len(asking.answers) == VISITORS, 60)
        _phase(asking, "weights", lambda: _change_weights(router), moves=True)
        _phase(asking, "variants", lambda: _add_and_remove(router, green))
        _phase(asking, "routes", lambda: _change_routes(router))
        _phase(asking, "image", lambda: _play(router, router_image=_second_image(swarm)))
        _phase(asking, "keys", lambda: _rotate(router))
        _phase(asking, "rolled", lambda: _roll(router, green))
        _phase(asking, "replica", lambda: _kill_a_replica(router, swarm), lost=ASKING)
        _phase(asking, "node", lambda: _lose_a_node(router, swarm), lost=ASKING)
    assert asking.sent > 2000


def _phase(
    asking: Asking, name: str, act: Callable[[], None], *, moves: bool = False, lost: int = 0
) -> None:
    """Do something while visitors ask; count the lost requests and the units that moved."""
    sent, before, changed = asking.sent, len(asking.lost), len(asking.changed)
    act()
    # Each visitor has asked again, so that those who moved are known.
    asked = asking.sent
    until(lambda: asking.sent > asked + 2 * VISITORS, 120)
    found = asking.lost[before:]
    print(f"{name}: {asking.sent - sent} requests, {len(found)} lost, {asking.refused} refused")
    assert len(found) <= lost, (name, found[:5])
    if not moves:
        assert asking.changed[changed:] == [], name


def _change_weights(router: RouterOnNodes) -> None:
    """A hundred changes by the module's own function, without the start of a play for each."""
    given = {"app": APP, "service": "web", "node_addresses": router.addresses}
    defaults = {
        name: entry.get("default")
        for name, entry in PLATFORMS.argument_spec(argument_specs.TRAFFIC).items()
    }
    keys = pki_folder.client_files(router.pki, lambda path: Path(path).read_bytes())
    for number in range(CHANGES):
        options = {**defaults, **router.platform.options, **given, "_pki": keys}
        options["weights"] = {"green": 10 + number % 40, "blue": 5}
        assert traffic.change_traffic(options, PLATFORMS, check=False)["changed"]
    options["weights"] = {"green": 30}
    traffic.change_traffic(options, PLATFORMS, check=False)


def _add_and_remove(router: RouterOnNodes, green: dict[str, Any]) -> None:
    one = router.release(green)
    assert one.ok, one.output
    two = router.release(green, {"name": "pink"})
    assert two.ok, two.output


def _play(router: RouterOnNodes, **variables: Any) -> None:
    done = router.play(**variables)
    assert done.ok, done.output


def _change_routes(router: RouterOnNodes) -> None:
    spec = routed(router.platform)
    spec["services"]["web"]["x-shipping"]["routes"] = [{"host": "other.example.com", "port": 8000}]
    options = {"app": "other", "version": "1", "spec": spec, **router.platform.options}
    released = router.player.run("release", options)
    assert released.ok, released.output
    _play(router)


def _second_image(swarm: SwarmNodes) -> str:
    """The same program in an image of another digest."""
    image = f"{swarm.registry}/tool:2"
    words = ("build", "--quiet", "--tag", image, "-")
    swarm.first.docker(*words, input=f"FROM {swarm.registry}/tool:1\nLABEL build=2\n")
    swarm.first.docker("push", "--quiet", image)
    return image


def _rotate(router: RouterOnNodes) -> None:
    before = (router.pki / "client.pem").read_text()
    _play(router, router_rotate=True)
    assert (router.pki / "client.pem").read_text() != before


def _roll(router: RouterOnNodes, green: dict[str, Any]) -> None:
    rolled = router.release(green, {"name": "pink"}, note="rolled")
    assert rolled.ok, rolled.output


def _kill_a_replica(router: RouterOnNodes, swarm: SwarmNodes) -> None:
    replicas = router.run("router_info").result["replicas"]
    names = {address: name for name, address in router.addresses.items()}
    last = swarm.nodes[1]
    task = next(item["replica"] for item in replicas if item["node"] == names[last.machine.address])
    label = f"label=com.docker.swarm.task.id={task}"
    last.docker("kill", last.docker("ps", "--quiet", "--filter", label).strip())
    until(lambda: _reached(router) == {True} and len(_replicas(router)) == 3, 90)
    assert router.run("router_info").result["drift"] == []


def _lose_a_node(router: RouterOnNodes, swarm: SwarmNodes) -> None:
    """The others serve on, and take changes as soon as the Swarm has noticed it."""
    swarm.nodes[2].kill()
    until(lambda: _can_change(router), 240)


def _can_change(router: RouterOnNodes) -> bool:
    # The Swarm notices after some 15 s; until then the replica counts, and does not answer.
    return router.share(weights={"green": 35}, timeout=10).ok


def _replicas(router: RouterOnNodes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = router.run("router_info").result.get("replicas", [])
    return found


def _reached(router: RouterOnNodes) -> set[bool]:
    return {item["reached"] for item in _replicas(router)}
