# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the pictures of the documentation from real plays.

``make pictures``, or ``python -m tests.docs.pictures delivery``.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.testbed import quickstart
from tests.testbed.client import Client
from tests.testbed.company import DOMAIN, CompanyBed
from tests.testbed.machine import Machine

from .terminal import terminal_svg

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
_DULL_IN_DELIVERY = re.compile(r"^(TASK|changed:|skipping:)")
_CODES = re.compile(r"\x1b\[[\d;]*m")
_DULL = re.compile(
    r"^(\s*$|TASK \[Deploy the app\]|ok:|PLAY|included:|Origin:|\d+ |\s+\^)|Validating"
    r" arguments|ignored, for|: ok=\d"
)


class Recorder(quickstart.Tour):
    """A tour that keeps what the plays print."""

    def __init__(self, *words: object) -> None:
        super().__init__(*words)  # type: ignore[arg-type]
        self.lines: list[str] = []

    def play(self, name: str, *words: str, good: bool = True) -> None:
        """Run a playbook and keep the lines that readers need."""
        self.lines = play_lines(name, words, words[:2], self.environment, good=good)

    def save(self, name: str, title: str, *expected: str) -> None:
        """Write the lines that were kept, and the count, as a picture."""
        lines = [*self.lines, "", f"\x1b[36m# {self.counted(*expected)}\x1b[0m"]
        (FOLDER / f"{name}.svg").write_text(terminal_svg(lines, title))


def play_lines(
    name: str,
    words: Iterable[str],
    shown: Iterable[str],
    environment: Mapping[str, str],
    *,
    good: bool = True,
) -> list[str]:
    """Run one of the collection's playbooks.

    Return the lines of its output that readers need, below the command as ``shown``.
    """
    command = ["ansible-playbook", f"playbooks/{name}.yml", *words]
    colored = {**environment, "ANSIBLE_FORCE_COLOR": "1"}
    done = subprocess.run(
        command, cwd=quickstart.ROOT, env=colored, capture_output=True, text=True, check=False
    )
    if (done.returncode == 0) != good:
        raise RuntimeError(done.stdout)
    lines = [prompt_line("ansible-playbook", f"shipping.code.{name}", *shown)]
    for line in done.stdout.splitlines():
        plain = _CODES.sub("", line)
        if plain.startswith("fatal:"):
            break
        if not _DULL.search(plain):
            lines.append(re.sub(r"\*{9,}", "*" * 60, line))
    return lines


def prompt_line(*words: str) -> str:
    """Return a command line with its prompt."""
    return f"\x1b[36m$ {shlex.join(words)}\x1b[0m"


def main(*names: str) -> None:
    """Record them all, or those of these names."""
    FOLDER.mkdir(exist_ok=True)
    for platform, place in quickstart.PLACES.items():
        if not names or platform in names:
            record(place(), "" if platform == "swarm" else f"-{platform}")
            Machine(quickstart.NAME).down()
    if not names or "delivery" in names:
        company = CompanyBed(Machine("pictures"), {"pc": ("ada",)})
        try:
            company.up()
            record_delivery(company)
        finally:
            company.down()


def record(place: quickstart.TourPlatform, suffix: str) -> None:
    """Record the tour of one platform; ``suffix`` ends the pictures' names."""
    client = Client(f"http://{place.address}:{quickstart.PORT}/")
    tour = Recorder(place, client)
    tour.ship("1.0.0")
    client.until("shop 1.0.0", 30)
    with client:
        tour.ship("1.1.0")
        tour.save(
            f"rollout{suffix}",
            "Version 1.1.0 of the shop is deployed, and no request is lost",
            "shop 1.0.0",
            "shop 1.1.0",
        )
        tour.ship("1.2.0", good=False)
        tour.save(
            f"failed{suffix}",
            "Version 1.2.0 of the shop fails and is rolled back to 1.1.0",
            "shop 1.1.0",
        )


def record_delivery(company: CompanyBed) -> None:
    """Record a user who joins a project, uses its tools, and leaves it."""
    words = (
        "-i",
        str(company.inventory),
        "-e",
        f"delivery_catalog={company.catalog}",
        "-e",
        f"delivery_state_path={company.folder}/state",
    )
    titles = {
        "join": "Ada joins the project atlas, and its tools work on her workstation",
        "leave": "Ada leaves the project atlas, and its tools are removed",
    }
    for what, change in {"join": company.join, "leave": company.leave}.items():
        ldif = change("ada")
        lines = [
            prompt_line("cat", f"{what}.ldif"),
            *ldif.splitlines(),
            prompt_line("ldapmodify", "-H", "ldaps://ldap.example.com", "-f", f"{what}.ldif"),
            "",
        ]
        lines += [
            line
            for line in play_lines(
                "deliver", words, ("-i", "ldap_projects.yml"), quickstart.environment({})
            )
            if not _dull_in_delivery(line)
        ]
        for command in (["tools"], ["atlas-tiles", "3"]):
            done = company.machines["pc"].ssh("ada", *command)
            lines += [
                "",
                prompt_line("ssh", f"ada@pc.{DOMAIN}", *command),
                *(done.stdout + done.stderr).splitlines(),
            ]
        (FOLDER / f"{what}.svg").write_text(terminal_svg(lines, titles[what]))


def _dull_in_delivery(line: str) -> bool:
    """Return whether a line repeats the table."""
    return bool(_DULL_IN_DELIVERY.search(_CODES.sub("", line)))


if __name__ == "__main__":
    main(*sys.argv[1:])
