# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a push to a bare repository to the new version serving, by a plain post-receive hook."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._registry.credentials import Credentials
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.build_engine import (
    BuildEngine,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.ignore_patterns import (
    kept_paths,
    read_patterns,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_file import (
    ImageBuild,
    ImageTest,
)

from tests.unit.plugins.plugin_utils._shipping.ignore_samples import PATHS, SAMPLES

from .harness import ROOT, Player, PlayOutcome

pytestmark = [pytest.mark.only("swarm"), pytest.mark.long]

PORT = 18990
PROJECT = {
    "app": "shipped",
    "images": {
        "web": {
            "repository": "",
            "context": "web",
            "tests": [{"command": ["sh", "/srv/test.sh"], "timeout": "10s"}],
        }
    },
    "environments": {"production": {"branch": "main", "hosts": "platform"}},
}
COMPOSE = {
    "services": {
        "web": {
            "build": "web",
            "ports": [{"target": 8000, "published": PORT, "mode": "host"}],
            "stop_grace_period": "1s",
            "deploy": {"endpoint_mode": "dnsrr", "update_config": {"order": "stop-first"}},
        }
    }
}
AUTHOR = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
}
TEST = 'echo "testing $(cat /srv/index.html)"; ! grep bad /srv/index.html\n'


@dataclass
class Team:
    """A bare repository with the hook, a developer's clone, and the app that is deployed."""

    player: Player
    platform: Any
    bare: Path
    clone: Path
    inventory: Path

    def git(self, *words: str) -> str:
        """Run git in the clone; return its output and that of the hook."""
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**self.player.environment(), **AUTHOR, "PATH": programs}
        environment["DOCKER_HOST"] = self.docker_host
        done = subprocess.run(
            ["git", "-C", str(self.clone), *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=600,
        )
        return done.stdout.strip()

    @property
    def docker_host(self) -> str:
        """The engine that builds."""
        return str(self.platform.options["docker_host"])

    def add_hook(self) -> None:
        """Deploy each push from now on."""
        hook = self.bare / "hooks" / "post-receive"
        template = (ROOT / "docs" / "ci" / "post-receive").read_text()
        hook.write_text(template.replace("/etc/ship/inventory.yml", str(self.inventory)))
        hook.chmod(0o755)

    def commit(self, page: str) -> str:
        """Commit a page; return the commit."""
        (self.clone / "web" / "index.html").write_text(page)
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", f"Show {page}")
        return self.git("rev-parse", "HEAD")

    def push(self, *words: str) -> str:
        """Push to the bare repository; return what the hook printed."""
        return self.git("push", *(words or ("origin", "main")))

    def ship(self, commit: str, *words: str) -> PlayOutcome:
        """Run the playbook, as another CI job does."""
        given = ["-e", f"repository={self.bare}", "-e", f"commit={commit}", "-e", "branch=main"]
        return self.player.start_playbook(
            self.player.folder(),
            "shipping.code.ship",
            *("-i", str(self.inventory), *given, *words),
            DOCKER_HOST=self.docker_host,
        ).wait()

    def page(self) -> str:
        """What the app serves."""
        return str(self.platform.client(PORT).ask())

    def commits(self) -> list[tuple[str, str]]:
        """The commits of the history with their outcomes, the newest first."""
        records = self.platform.records("shipped")
        return [(record["commit"], record["state"]) for record in records]


@pytest.fixture
def team(player: Player, platform: Any, tmp_path: Path) -> Iterator[Team]:
    """A team with a repository."""
    bare, clone = tmp_path / "shop.git", tmp_path / "shop"
    inventory = tmp_path / "hosts.json"
    host = {**player.connection, "ship_release": {**platform.options, "monitor": 1}}
    inventory.write_text(json.dumps({"all": {"hosts": {"platform": host}}}))
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)
    (clone / "web").mkdir(parents=True)
    someone = Team(player, platform, bare, clone, inventory)
    someone.git("init", "--quiet", "--initial-branch=main")
    someone.git("remote", "add", "origin", str(bare))
    PROJECT["images"]["web"]["repository"] = platform.image("shipped")  # type: ignore[index]
    (clone / "shipping.yml").write_text(json.dumps(PROJECT))
    (clone / "compose.yml").write_text(json.dumps(COMPOSE))
    (clone / "web" / "test.sh").write_text(TEST)
    (clone / "web" / ".dockerignore").write_text("*.log\n")
    (clone / "web" / "Dockerfile").write_text(
        f"FROM {platform.image('tool:1')}\nCOPY . /srv/\n"
        'CMD ["busybox", "httpd", "-f", "-p", "8000", "-h", "/srv"]\n'
    )
    yield someone
    player.run("release", {"app": "shipped", "state": "absent", **platform.options})


def test_from_pushes_to_production(team: Team) -> None:
    """The good one serves, again builds nothing, the bad one and the older one deploy nothing."""
    first = team.commit("one")
    team.push()
    checked = team.ship(first, "--check")
    assert checked.ok and checked.result["changed"] and team.commits() == [], checked.output
    image = next(result for result in checked.results if "images" in result)["images"][0]
    assert image["state"] == "to build" and image["tests"] == ["sh /srv/test.sh"]
    assert re.search(r"shipped:key-[0-9a-f]{64}$", image["image"])

    team.add_hook()
    second = team.commit("two")
    pushed = team.push()
    assert team.page() == "two", pushed
    assert "web is being built" in pushed and "web is pushed as" in pushed
    assert team.commits() == [(second, "live")]
    notes = team.platform.records("shipped")[0]["release_notes"]
    assert notes == f"{second[:7]} Show two\n"

    again = team.ship(second)
    assert again.ok and "web is built and tested already" in again.output, again.output
    assert not [result for result in again.results if result["changed"]]

    bad = team.commit("bad")
    pushed = team.push()
    assert "the test sh /srv/test.sh of the image web failed: it exited with code 1" in pushed
    assert "| testing bad" in pushed and f"ship: {bad} was not deployed." in pushed
    assert "Traceback" not in pushed

    older = team.ship(first)
    assert not older.ok and f"it is older than the deployed commit {second[:12]}" in older.output

    # An instant after the history was read, another run has released.
    options = {"app": "shipped", "version": "x", "spec": COMPOSE, "images": {"web": "x"}}
    late = {"after_release": 0, "resolve_image": "never", **team.platform.options}
    outcome = team.player.run("release", {**options, **late})
    assert not outcome.ok and outcome.result["reason"] == "newer_release", outcome.output
    assert (team.page(), team.commits()) == ("two", [(second, "live")])


def test_a_test_that_does_not_end(platform: Any) -> None:
    """It is ended at its deadline, and leaves no container."""
    engine = BuildEngine(platform.engine.host, Credentials())
    image_id = engine.local_id(platform.image("tool:1"))
    image = ImageBuild("web", platform.image("shipped"))
    test = ImageTest(("sh", "-c", "echo waiting; sleep 100"), 1.0)
    with pytest.raises(ShippingError) as caught:
        engine.test(str(image_id), image, test)
    assert str(caught.value).endswith("it did not end within 1 s\n  | waiting")
    label = "label=shipping.code.test"
    assert platform.engine.docker("ps", "--all", "--quiet", "--filter", label) == ""


def test_ignored_files_are_those_of_docker(platform: Any, tmp_path: Path) -> None:
    """The classic builder of Docker's own client decides alike."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    for path in PATHS:
        if "." in path or "#" in path:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(path)
    # Each build takes its time. All samples were confirmed by Docker 20.10.24, client 28.2.2.
    for name in ("any level below", "an exception that Docker does not look for", "all but one"):
        text = SAMPLES[name][0]
        (tmp_path / ".dockerignore").write_text(text)
        kept = kept_paths(PATHS, read_patterns(text))
        # The engine makes the folders of kept files, also those that are ignored.
        folders = chain.from_iterable(PurePosixPath(path).parents for path in kept)
        expected = {*kept, *map(str, folders)} - {"."}
        assert built_paths(platform, tmp_path) == expected, name


def built_paths(platform: Any, folder: Path) -> set[str]:
    """The paths of an image that is made of a folder."""
    platform.engine.docker("build", "--quiet", "--tag", "ignored:1", folder)
    with (folder.parent / "image.tar").open("wb") as saved:
        subprocess.run(
            ["docker", "save", "ignored:1"],
            env={**os.environ, "DOCKER_HOST": platform.engine.host},
            stdout=saved,
            check=True,
        )
    with tarfile.open(folder.parent / "image.tar") as image:
        layers = [name for name in image.getnames() if name.endswith("layer.tar")]
        found: set[str] = set()
        for layer in layers:
            content = image.extractfile(layer)
            assert content
            with tarfile.open(fileobj=io.BytesIO(content.read())) as files:
                found.update(files.getnames())
    return {name for name in found if name not in ("Dockerfile", ".dockerignore", "")}
