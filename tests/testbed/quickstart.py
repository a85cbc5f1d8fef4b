# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tour: a private Swarm on this machine, and the example app shipped to it by the collection's own playbooks."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from . import images
from .client import Client
from .machine import Machine
from .swarm import REGISTRY, Swarm

ROOT = Path(__file__).resolve().parents[2]
NAME = "quickstart"
PORT = 8080


def main() -> int:
    """The whole tour; 1 where something did not go as it must."""
    begun = time.monotonic()
    swarm = prepare()
    client = Client(f"http://{swarm.machine.address}:{PORT}/")
    tour = Tour(swarm, client)
    tour.ship("1.0.0")
    client.until("shop 1.0.0", 30)
    with client:
        tour.ship("1.1.0")
        say(tour.counted("shop 1.0.0", "shop 1.1.0"))
        say("Version 1.2.0 needs a DATABASE_URL that nobody gives it. This has to be refused, while 1.1.0 serves.")
        tour.ship("1.2.0", good=False)
        say(tour.counted("shop 1.1.0"))
        say("Now back to 1.0.0.")
        tour.play("rollback")
        say(tour.counted("shop 1.1.0", "shop 1.0.0"))
    tour.play("status")
    _what_next(swarm, client, time.monotonic() - begun)
    return 0


def say(text: str) -> None:
    """A line of the tour's own."""
    print(f"\n\033[1m==> {text}\033[0m" if sys.stdout.isatty() else f"\n==> {text}", flush=True)


def prepare() -> Swarm:
    """A fresh machine with an engine, a registry and the images, as a CI would have pushed them."""
    say("Starting a private engine with a Swarm of one node, and a registry. A Docker that is here already is not touched.")
    Machine(NAME).down()
    swarm = Swarm(Machine(NAME))
    swarm.up()
    swarm.registry()
    say("Building and pushing the example: a front, and web in two good versions and a bad one.")
    images.build_front(swarm)
    for version, needs in (("1.0.0", ""), ("1.1.0", ""), ("1.2.0", "DATABASE_URL")):
        images.build_shop(swarm, version, needs)
    return swarm


class Tour:
    """The plays of the tour, and somebody who asks the shop meanwhile."""

    def __init__(self, swarm: Swarm, client: Client) -> None:
        self.client = client
        self.environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "DOCKER_HOST": swarm.host}
        self.seen: dict[str, int] = {}

    def play(self, name: str, *words: str, good: bool = True) -> None:
        """Run one of the collection's playbooks; stops the tour where it does not end as it must."""
        command = ["ansible-playbook", f"playbooks/{name}.yml", *words]
        say(f"$ {shlex.join(command)}")
        done = subprocess.run(command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, check=False)
        if (done.returncode == 0) != good:
            sys.exit(f"the tour ends here: {name} was to {'succeed' if good else 'fail'}, and did not")

    def ship(self, version: str, good: bool = True) -> None:
        """Ship a version."""
        self.play("deploy", "-e", f"version={version}", "-e", f"registry={REGISTRY}", good=good)

    def counted(self, *expected: str) -> str:
        """What the shop answered since the last time; it must have answered always, and nothing else."""
        now = dict(self.client.answers)
        counts = {answer: number - self.seen.get(answer, 0) for answer, number in now.items() if number > self.seen.get(answer, 0)}
        self.seen = now
        if self.client.lost or set(counts) != set(expected):
            sys.exit(f"the tour ends here: requests were lost, or others than {', '.join(expected)} answered: {self.client.lost[:3]}")
        told = ", ".join(f"{number} × '{answer}'" for answer, number in counts.items())
        return f"requests meanwhile: {told}, {len(self.client.lost)} lost"


def _what_next(swarm: Swarm, client: Client, seconds: float) -> None:
    bin_folder = Path(sys.executable).parent
    say(f"That took {seconds:.0f} s. The shop goes on at {client.url} until you call make clean. Try next, here:")
    print(f"""
  export PATH={bin_folder}:$PATH DOCKER_HOST={swarm.host}
  ansible-playbook playbooks/status.yml
  ansible-playbook playbooks/scale.yml -e '{{"replicas": {{"web": 4}}}}'
  ansible-playbook playbooks/deploy.yml -e version=1.1.0 -e registry={REGISTRY} --check --diff
  docker service ls

  Your own Swarm: copy inventories/example, and see "A first deploy" in README.md.
""")


if __name__ == "__main__":
    sys.exit(main())
