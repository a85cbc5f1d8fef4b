# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private Swarm of several nodes, each a machine of the test bed with a cable to each other."""

from __future__ import annotations

from itertools import combinations

from . import images
from .machine import Machine, run
from .swarm_bed import SwarmBed

PORT = 5000
_TRUSTED = "--insecure-registry 10.231.0.0/16"


class SwarmNodes:
    """Managers of one Swarm; the first one has the registry that all of them use."""

    def __init__(self, name: str, number: int = 3) -> None:
        self.nodes = [SwarmBed(Machine(f"{name}-n{node}"), _TRUSTED) for node in range(number)]

    @property
    def first(self) -> SwarmBed:
        """Return the node with the registry, whose engine plays use."""
        return self.nodes[0]

    @property
    def registry(self) -> str:
        """Return the address of the registry, which all nodes reach."""
        return f"{self.first.machine.address}:{PORT}"

    @property
    def addresses(self) -> dict[str, str]:
        """Return the address of each node by its host name."""
        return {
            node.docker("info", "--format", "{{.Name}}").strip(): node.machine.address
            for node in self.nodes
        }

    def up(self) -> None:
        """Start the engines, lay the cables, and join all nodes as managers."""
        for node in self.nodes:
            node.machine.up()
        for number, (one, other) in enumerate(combinations(self.nodes, 2)):
            _connect(one.machine, other.machine, number)
        for node in self.nodes:
            node.start()
        address = self.first.machine.address
        self.first.docker("swarm", "init", "--advertise-addr", address)
        token = self.first.docker("swarm", "join-token", "--quiet", "manager").strip()
        for node in self.nodes[1:]:
            words = ("--advertise-addr", node.machine.address, "--token", token)
            node.docker("swarm", "join", *words, f"{address}:2377")
        self.first.registry(address=self.registry)
        images.load_base(self.first)
        self.first.docker("tag", images.BASE, f"{self.registry}/tool:1")
        self.first.docker("push", "--quiet", f"{self.registry}/tool:1")

    def publish_shop(self, *versions: str) -> None:
        """Push versions of the example's web service."""
        for version in versions:
            image = f"{self.registry}/shop-web:{version}"
            given = (f"BASE={images.BASE}", f"VERSION={version}", "NEEDS=")
            words = [f"--build-arg={argument}" for argument in given]
            self.first.docker("build", "--quiet", "--tag", image, *words, images.EXAMPLE / "web")
            self.first.docker("push", "--quiet", image)

    def down(self) -> None:
        """Remove the machines."""
        for node in self.nodes:
            node.machine.down()


def _connect(one: Machine, other: Machine, number: int) -> None:
    """Lay a cable, over which each machine reaches the address of the other one.

    The host that both are on may not forward what is not for itself.
    """
    run(
        *("ip", "-n", one.netns, "link", "add", f"to{other.number}", "type", "veth"),
        *("peer", "name", f"to{one.number}", "netns", other.netns),
    )
    for side, (machine, peer) in enumerate(((one, other), (other, one)), start=1):
        link, far = f"to{peer.number}", f"10.232.{200 + number}.{3 - side}"
        for command in (
            ("addr", "add", f"10.232.{200 + number}.{side}/30", "dev", link),
            ("link", "set", link, "up"),
            # With the own address as the source: by it the Swarm knows a node.
            ("route", "add", f"{peer.address}/32", "via", far, "src", machine.address),
        ):
            run("ip", "-n", machine.netns, *command)
