# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test bed by hand: ``python3 -m tests.testbed up NAME [ENGINE] | down NAME | clean``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from . import engines, images
from .machine import (
    LINK,
    NETNS,
    PREFIX,
    Machine,
    machines,
    run,
)
from .swarm_bed import SwarmBed


def up(name: str, engine: str = "") -> None:
    """Start a private one-node Swarm with a registry and the example's images.

    Prints the value of docker_host.
    """
    if reason := _lacks(engine):
        sys.exit(reason)
    swarm = SwarmBed(Machine(name), version=engine)
    swarm.up()
    swarm.registry()
    images.build_front(swarm)
    for version in ("1.0.0", "1.1.0"):
        images.build_shop(swarm, version)
    print(swarm.host)


def down(name: str) -> None:
    """Remove a machine of the test bed."""
    Machine(name).down()


def clean() -> None:
    """Remove all machines that this checkout started, and the rest of killed runs."""
    for name in sorted(set(_names())):
        print(f"taking down {name}")
        down(name)
    for line in run("ip", "-o", "link").splitlines():
        link = line.split()[1].partition("@")[0]
        if link.startswith(LINK):
            run("ip", "link", "del", link)
    for folder in Path("/run").glob(f"{PREFIX}*"):
        shutil.rmtree(folder)
    shutil.rmtree(machines(), ignore_errors=True)


def _names() -> Iterator[str]:
    yield from (number.parent.name for number in machines().glob("*/number"))
    yield from (entry.name[len(PREFIX) :] for entry in NETNS.glob(f"{PREFIX}*"))


def _lacks(engine: str) -> str:
    """Return why an engine cannot be started, before anything is."""
    try:
        return engines.lacks(engine)
    except RuntimeError as error:
        return str(error)


def main(words: list[str]) -> int:
    """Run one command."""
    commands = {("up", 2): up, ("up", 3): up, ("down", 2): down, ("clean", 1): clean}
    command = commands.get((words[0] if words else "", len(words)))
    if command is None:
        print(__doc__)
        return 2
    command(*words[1:])  # type: ignore[operator]
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
