# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the pictures of the documentation from real plays: ``make pictures``."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.testbed import quickstart
from tests.testbed.client import Client
from tests.testbed.machine import Machine

from .terminal import picture

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
_DULL = re.compile(r"^(\s*$|TASK \[Ship the app\]|ok:|PLAY|included:|Origin:|\d+ |\s+\^)|Validating arguments|passed over|: ok=\d")


class Recorder(quickstart.Tour):
    """A tour that keeps what the plays print."""

    def __init__(self, *words: object) -> None:
        super().__init__(*words)  # type: ignore[arg-type]
        self.environment |= {"ANSIBLE_FORCE_COLOR": "1"}
        self.lines: list[str] = []

    def play(self, name: str, *words: str, good: bool = True) -> None:
        """Run a playbook and keep what people look at."""
        shown = " ".join(["ansible-playbook", f"shipping.code.{name}", *words[:2]])
        command = ["ansible-playbook", f"playbooks/{name}.yml", *words]
        done = subprocess.run(command, cwd=quickstart.ROOT, env=self.environment, capture_output=True, text=True, check=False)
        if (done.returncode == 0) != good:
            raise RuntimeError(done.stdout)
        self.lines = [f"\x1b[36m$ {shown}\x1b[0m"]
        for line in done.stdout.splitlines():
            plain = re.sub(r"\x1b\[[\d;]*m", "", line)
            if plain.startswith("fatal:"):
                break
            if not _DULL.search(plain):
                self.lines.append(re.sub(r"\*{9,}", "*" * 60, line))

    def save(self, name: str, title: str, *expected: str) -> None:
        """What was kept, and the count, as a picture."""
        lines = [*self.lines, "", f"\x1b[36m# {self.counted(*expected)}\x1b[0m"]
        (FOLDER / f"{name}.svg").write_text(picture(lines, title))


def main() -> None:
    """Record them all."""
    FOLDER.mkdir(exist_ok=True)
    for platform, place in quickstart.PLACES.items():
        record(place(), "" if platform == "swarm" else f"-{platform}")
        Machine(quickstart.NAME).down()


def record(place: quickstart.Place, suffix: str) -> None:
    """The tour of one platform; ``suffix`` ends the pictures' names."""
    client = Client(f"http://{place.address}:{quickstart.PORT}/")
    tour = Recorder(place, client)
    tour.ship("1.0.0")
    client.until("shop 1.0.0", 30)
    with client:
        tour.ship("1.1.0")
        tour.save(f"rollout{suffix}", "Version 1.1.0 of the shop goes out, and no request is lost", "shop 1.0.0", "shop 1.1.0")
        tour.ship("1.2.0", good=False)
        tour.save(f"refused{suffix}", "Version 1.2.0 of the shop is refused, and 1.1.0 serves", "shop 1.1.0")


if __name__ == "__main__":
    main()
