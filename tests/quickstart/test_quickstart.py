# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tour that the README promises: it works, works again, and leaves nothing when it is cleaned up."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.testbed.machine import CGROUPS, LINK, NETNS, PREFIX, cache, run

ROOT = Path(__file__).parents[2]


def make(*words: str) -> str:
    """What a target of the Makefile prints; it must succeed."""
    done = subprocess.run(["make", "--no-print-directory", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def left_over() -> list[str]:
    """Everything of the test bed that is there outside its cache."""
    found = [str(path) for path in [*NETNS.glob(f"{PREFIX}*"), *Path("/run").glob(f"{PREFIX}*"), *CGROUPS.glob(f"*/{PREFIX}*")]]
    found += [line.split()[1] for line in run("ip", "-o", "link").splitlines() if line.split()[1].startswith(LINK)]
    found += [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if str(cache()) in line or f"/run/{PREFIX}" in line]
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"/run/{PREFIX}" in words or re.search(rf"{re.escape(str(cache()))}/[\w-]+/(docker\.sock|registry|admin\.kubeconfig|node)", words):
            found.append(words)
    return found


@pytest.mark.parametrize("platform", ["swarm", "swarm", "kubernetes"], ids=["swarm", "swarm-again", "kubernetes"])
def test_tour(platform: str) -> None:
    """1.0.0 and 1.1.0 go out, 1.2.0 is refused with its reason, 1.0.0 comes back; no request is lost. Who joins has the tools until she leaves."""
    printed = make("quickstart", f"PLATFORM={platform}")
    counts = re.findall(r"requests meanwhile: (.*), 0 lost", printed)
    assert len(counts) == 3, printed
    assert "shop 1.2.0 was refused: 1.1.0 (release 2) serves: rolled back and healthy" in re.sub(r"\s+", " ", printed)
    assert "DATABASE_URL is missing: cannot start" in printed
    assert "shop: 1.0.0 is live, release 4" in printed and "Try next" in printed
    joined, _leaves, left = printed.partition("ada leaves the project")
    assert re.search(r"ready +ada +atlas +atlas 1\.0", joined) and "atlas\nshop 1.0.0\n" in joined
    assert "atlas: command not found" in left


def test_clean() -> None:
    """Nothing is left, and nothing outside the cache was made."""
    make("clean")
    assert left_over() == []
    assert not [path for path in cache().iterdir() if (path / "number").exists()]
