# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The template of Buildbot on a real master and worker of this host."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.machine import free_port

from .project_repository import SECRET, TEMPLATES, ProjectRepository, run, until

pytestmark = pytest.mark.long

_BIN = Path(sys.executable).parent


@dataclass
class Buildbot:
    """A master with one worker."""

    repository: ProjectRepository

    @property
    def master(self) -> Path:
        """The folder of the master."""
        return self.repository.folder / "master"

    def log(self) -> str:
        """Return what the master has logged."""
        path = self.master / "twistd.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Return rows of the master's database."""
        with contextlib.closing(sqlite3.connect(self.master / "state.sqlite", timeout=30)) as base:
            return base.execute(statement).fetchall()

    def results(self) -> list[int]:
        """Return the results of the builds that have ended: 0 is success, 2 a failure."""
        rows = self.query("select results from builds where results is not null order by id")
        return [result for (result,) in rows]

    def logs(self) -> str:
        """Return the logs of all steps."""
        rows = self.query("select content, compressed from logchunks")
        texts = (zlib.decompress(content) if kind else content for content, kind in rows)
        return b"\n".join(texts).decode(errors="replace")


@pytest.fixture
def buildbot(repository: ProjectRepository) -> Iterator[Buildbot]:
    """A master that polls the repository each second, and a worker."""
    bot, port = Buildbot(repository), free_port()
    secrets = repository.folder / "secrets"
    secrets.mkdir()
    for name, text in {"vault-password": SECRET, "worker-password": "9worker9"}.items():
        (secrets / name).write_text(text)
        (secrets / name).chmod(0o600)
    run([_BIN / "buildbot", "create-master", bot.master], repository.environment)
    changes = {
        "https://git.example.com/shop.git": str(repository.bare),
        "/etc/ship/secrets": str(secrets),
        "9989": str(port),
        "pollInterval=30": "pollInterval=1",
    }
    text = (TEMPLATES / "master.cfg").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (bot.master / "master.cfg").write_text(text)
    run([_BIN / "buildbot", "checkconfig", bot.master], repository.environment)
    worker = repository.folder / "worker"
    address = f"127.0.0.1:{port}"
    words = [_BIN / "buildbot-worker", "create-worker", worker, address, "ship", "9worker9"]
    run(words, repository.environment)
    started = [
        subprocess.Popen(
            [str(_BIN / "twistd"), "--no_save", "--nodaemon", "--python", "buildbot.tac"],
            cwd=folder,
            env=repository.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for folder in (bot.master, worker)
    ]
    try:
        yield bot
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def test_builds(repository: ProjectRepository, buildbot: Buildbot) -> None:
    """Good, failing, older, and three in quick succession."""
    repository.push("before")
    # At its first poll it notes where the branch is, and builds nothing.
    until(lambda: "gitpoller" in buildbot.log() and buildbot.query("select * from object_state"))
    good, _printed = repository.push("good")
    until(lambda: buildbot.results() == [0])
    (play,) = repository.plays
    assert (play["commit"], play["branch"], play["shallow"]) == (good, "main", "false")
    assert play["passwords"] == [SECRET] and repository.live == good
    repository.push("bad")
    until(lambda: buildbot.results() == [0, 2])

    repository.git("push", "--quiet", "--force", "origin", f"{good}~1:main")
    first = repository.commit("slow")
    repository.git("push", "--quiet", "--force", "origin", "main")
    until(lambda: first in repository.started)
    for page in ("second", "third"):
        newest, _printed = repository.push(page)
        until(lambda newest=newest: (newest,) in buildbot.query("select revision from changes"))
    repository.release()
    until(lambda: len(buildbot.results()) == 4)
    pages = [play["commit"] for play in repository.plays]
    assert len(pages) == 4 and pages[-2:] == [first, newest] and repository.live == newest
    logs = buildbot.logs()
    assert "the play prints" in logs and SECRET not in logs
