# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tour that the README promises works, works again, and leaves nothing when it is cleaned up.

It runs in a checkout of its own, beside another one that has an engine and a workstation running.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.testbed.checkout_copy import copy_checkout
from tests.testbed.machine import CGROUPS, NETNS, cache, checkout_of, run


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository, and what the test bed runs for it."""

    root: Path

    @property
    def key(self) -> str:
        """Return what the names of all that it starts carry."""
        return checkout_of(self.root)

    def make(self, *words: str) -> str:
        """Return what a target of the Makefile prints; it must succeed."""
        return self._run("make", "--no-print-directory", *words)

    def testbed(self, program: str, *words: str) -> str:
        """Return what a program of the test bed prints."""
        return self._run(sys.executable, "-m", f"tests.testbed{program}", *words)

    def _run(self, *words: str) -> str:
        done = subprocess.run(words, cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def left_over(self) -> list[str]:
        """Return everything that it started and that is still there."""
        prefix, folder = f"shipping-{self.key}-", cache() / "machines" / self.key
        places = [*NETNS.glob(f"{prefix}*"), *Path("/run").glob(f"{prefix}*")]
        found = [
            str(path) for path in [*places, *CGROUPS.glob(f"*/{prefix}*"), folder] if path.exists()
        ]
        found += [
            line for line in run("ip", "-o", "link").splitlines() if f": sc{self.key}" in line
        ]
        marks = (f"/run/{prefix}", str(folder))
        found += [
            line for line in Path("/proc/mounts").read_text().splitlines() if _has(line, marks)
        ]
        return found + [words for words in _processes() if _has(words, marks)]


def _has(text: str, marks: tuple[str, ...]) -> bool:
    return any(mark in text for mark in marks)


def _processes() -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def copied(root: Path) -> Checkout:
    """Return a copy of this checkout."""
    copy_checkout(root, with_links=True)
    return Checkout(root)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout for the tour."""
    found = copied(tmp_path_factory.mktemp("tour"))
    yield found
    found.make("clean")


@pytest.fixture(scope="module")
def neighbor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Another checkout, whose engine, directory and workstations have the names of the tour's."""
    found = copied(tmp_path_factory.mktemp("neighbor"))
    try:
        found.testbed("", "up", "quickstart")
        found.testbed(".company", "up", "company")
        yield found
    finally:
        found.make("clean")
    assert found.left_over() == []


@pytest.mark.parametrize(
    "platform", ["swarm", "swarm", "kubernetes"], ids=["swarm", "swarm-again", "kubernetes"]
)
def test_tour(checkout: Checkout, neighbor: Checkout, platform: str) -> None:
    """1.0.0 and 1.1.0 are deployed, 1.2.0 fails with its reason, 1.0.0 is restored.

    Nothing is lost. A user who joins has the tools. A push is deployed.
    """
    printed = checkout.make("quickstart", f"PLATFORM={platform}")
    counts = re.findall(r"requests meanwhile: (.*), 0 lost", printed)
    assert len(counts) == 3, printed
    assert (
        "shop 1.2.0 failed and was rolled back to 1.1.0 (release 2), which is healthy."
        in re.sub(r"\s+", " ", printed)
    )
    stable, following = re.search(
        r"200 visitors: (\d+) × 'shop 1.0.0', (\d+) × 'shop 1.1.0'", printed
    ).groups()
    assert 5 <= int(following) <= 35 and int(stable) + int(following) == 200
    assert "200 visitors: 200 × 'shop 1.1.0'" in printed
    assert re.search(rf"next +100 % +{following} +0 +0", printed), printed
    assert "DATABASE_URL is missing: cannot start" in printed
    assert "shop: 1.0.0 is live, release 4" in printed and "Try next" in printed
    joined, _leaves, left = printed.partition("ada leaves the project")
    assert re.search(r"ready +ada +atlas +atlas 1\.0", joined) and "atlas\nshop 1.0.0\n" in joined
    left, _pushes, pushed = left.partition("The shop gets a repository of its own")
    assert "atlas: command not found" in left
    assert "pushed, and the shop serves 'shop 2.0.0'. requests meanwhile: 0 lost" in pushed, pushed


def test_clean_leaves_nothing_and_touches_no_other_checkout(
    checkout: Checkout, neighbor: Checkout
) -> None:
    checkout.make("clean")
    assert checkout.left_over() == []
    names = {path.name for path in NETNS.glob(f"shipping-{neighbor.key}-*")}
    mine = ("quickstart", "company", "company-pc1", "company-pc2", "company-pc3")
    assert names == {f"shipping-{neighbor.key}-{name}" for name in mine}
    folder = cache() / "machines" / neighbor.key
    engine = ["docker", "-H", f"unix://{folder}/quickstart/docker.sock", "info", "--format"]
    assert json.loads(run(*engine, "{{json .Swarm}}"))["LocalNodeState"] == "active"
    reached = json.loads((folder / "company/company/inventory/reached.yml").read_text())
    for host in reached["all"]["hosts"].values():
        options = [
            *host["ansible_ssh_common_args"].split(),
            "-i",
            host["ansible_ssh_private_key_file"],
        ]
        assert run("ssh", *options, f"root@{host['ansible_host']}", "echo here") == "here\n"
