# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare repository with a developer's clone, and a stand-in for ansible-playbook.

What a template of docs/ci does around the play takes the time of git. The play itself runs on a
real Swarm in tests/integration/test_ship.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parents[2] / "docs" / "ci"
SECRET = "9vault-pass-of-the-test9"
AUTHOR = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
}
# It decides as the role ship does, from git alone: by the branch, the order and the page.
_PLAYBOOK = '''\
#!{python}
"""A stand-in for ansible-playbook shipping.code.ship."""
import fcntl, json, subprocess, sys, time
from pathlib import Path

import yaml

folder, words = Path(__file__).parents[1], sys.argv[1:]
pairs = list(zip(words, words[1:]))
values = {}
for word in (word for flag, word in pairs if flag == "-e"):
    if word[0] in "@{":
        text = Path(word[1:]).read_text() if word[0] == "@" else word
        values.update(yaml.safe_load(text))
    else:
        values.update([word.split("=", 1)])
passwords = [Path(word).read_text() for flag, word in pairs if flag == "--vault-password-file"]
commit, lock = values["commit"], (folder / "lock").open("w")

def git(*arguments, check=True):
    command = ["git", "-C", values["repository"], *arguments]
    done = subprocess.run(command, check=check, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.strip() if check else not done.returncode

def is_ancestor(older, newer):
    return git("merge-base", "--is-ancestor", older, newer, check=False)

(folder / "started").open("a").write(commit + chr(10))
page = git("show", commit + ":page")
while page == "slow" and not (folder / "go").exists():
    time.sleep(0.05)
fcntl.flock(lock, fcntl.LOCK_EX)
live = folder / "live"
error = ""
if page == "bad":
    error = "the test failed"
elif live.exists() and live.read_text() != commit and is_ancestor(commit, live.read_text()):
    error = "it is older than the deployed commit"
else:
    live.write_text(commit)
play = dict(values, words=words, passwords=passwords, error=error,
            shallow=git("rev-parse", "--is-shallow-repository"), commits=git("rev-list", "HEAD"))
(folder / "plays").open("a").write(json.dumps(play) + chr(10))
print("the play prints", *passwords, error or "deployed", flush=True)
sys.exit(bool(error))
'''


@dataclass
class ProjectRepository:
    """A repository, and the plays that a CI has started for it."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "bin").mkdir()
        playbook = self.folder / "bin" / "ansible-playbook"
        playbook.write_text(_PLAYBOOK.replace("{python}", sys.executable))
        playbook.chmod(0o755)
        run(["git", "init", "--quiet", "--bare", "--initial-branch=main", self.bare])
        run(["git", "init", "--quiet", "--initial-branch=main", self.clone])
        self.git("remote", "add", "origin", str(self.bare))

    @property
    def bare(self) -> Path:
        """The repository that is pushed to."""
        return self.folder / "shop.git"

    @property
    def clone(self) -> Path:
        """The clone of the developer."""
        return self.folder / "shop"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a CI that finds the stand-in, with no git settings of ours."""
        kept = {name: os.environ[name] for name in ("LANG", "SSL_CERT_FILE") if name in os.environ}
        path = f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**kept, **AUTHOR, "PATH": path, "HOME": str(self.folder)}

    def git(self, *words: str) -> str:
        """Run git in the clone; return its output and that of the hook."""
        return run(["git", "-C", self.clone, *words], self.environment)

    def commit(self, page: str) -> str:
        """Commit a page; return the commit."""
        (self.clone / "page").write_text(page)
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "-m", f"Show {page}")
        return self.git("rev-parse", "HEAD")

    def push(self, page: str) -> tuple[str, str]:
        """Push a page; return the commit, and what the hook printed."""
        commit = self.commit(page)
        return commit, self.git("push", "--quiet", "origin", "main")

    @property
    def plays(self) -> list[dict[str, Any]]:
        """The plays that have ended, in their order."""
        path = self.folder / "plays"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def live(self) -> str:
        """The deployed commit."""
        path = self.folder / "live"
        return path.read_text() if path.exists() else ""

    @property
    def started(self) -> list[str]:
        """The commits of all plays, also of those that have not ended."""
        path = self.folder / "started"
        return path.read_text().split() if path.exists() else []

    def release(self) -> None:
        """Let the plays of slow pages end."""
        (self.folder / "go").touch()


def run(words: list[str | Path], environment: Mapping[str, str] | None = None) -> str:
    """Return what a program prints; it must succeed."""
    done = subprocess.run(
        [*map(str, words)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


def until(what: Any, seconds: float = 60) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"in {seconds} s it did not happen"
        time.sleep(0.05)
