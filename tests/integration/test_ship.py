# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a push to a bare repository to the new version serving, by a plain post-receive hook."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
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
from ansible_collections.shipping.code.plugins.plugin_utils._shipping import ship_run
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.build_engine import (
    BuildEngine,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.engine_address import (
    EngineAddress,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.ignore_patterns import (
    kept_paths,
    read_patterns,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_file import (
    ImageBuild,
    ImageTest,
)

from tests.ci.project_repository import AUTHOR
from tests.testbed.forge import TOKEN, Forge
from tests.testbed.images import EXAMPLE
from tests.testbed.machine import Machine
from tests.testbed.proxy import Proxy
from tests.testbed.swarm_bed import SwarmBed
from tests.unit.plugins.plugin_utils._shipping.ignore_samples import PATHS, SAMPLES

from .harness import ROOT, Player, PlayOutcome, Running, worker
from .specs import shop

pytestmark = pytest.mark.long

PORT = 18990
# The same registry as that of the Swarm, which takes no pushes at this address.
READ_ONLY = "127.0.0.1:5002"
TEST = 'echo "testing $VERSION"; test "$VERSION" != bad\n'
START = 'CMD ["python3", "/srv/app.py"]\n'


@dataclass
class Team:
    """A bare repository with the hook, a developer's clone, and the app that is deployed."""

    player: Player
    platform: Any
    builder: SwarmBed
    bare: Path
    clone: Path
    inventory: Path
    forge: Forge

    def git(self, *words: str) -> str:
        """Run git in the clone; return its output and that of the hook."""
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**self.player.environment(), **AUTHOR, "PATH": programs}
        environment["DOCKER_HOST"] = self.builder.host
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
    def release_options(self) -> dict[str, Any]:
        """What shipping.yml does not have; the platform stands there."""
        options = {**self.platform.options, **self.platform.placement_options("shipped")}
        return {**options, "monitor": 1, "lease_ttl": 4}

    def add_hook(self) -> None:
        """Deploy each push from now on."""
        hook = self.bare / "hooks" / "post-receive"
        template = (ROOT / "docs" / "ci" / "post-receive").read_text()
        hook.write_text(template.replace("/etc/ship/inventory.yml", str(self.inventory)))
        hook.chmod(0o755)

    def describe(self, repository: str, *, behind_front: bool = False) -> None:
        """Write shipping.yml and its Compose file.

        Behind the front, an update interrupts nothing; without it, it takes less time.
        """
        tests = [{"command": ["sh", "/srv/test.sh"], "timeout": "10s"}]
        image = {"repository": repository, "context": "web", "tests": tests}
        place = {"branch": "main", "hosts": "platform", "platform": self.platform.name}
        content = {
            "app": "shipped",
            "images": {"web": image},
            "environments": {"production": place},
        }
        compose = shop(self.platform, port=PORT)
        web = compose["services"]["web"]
        web.pop("image")
        web["build"] = "web"
        if not behind_front:
            compose = {"services": {"web": web}}
            web.pop("networks")
            web["environment"] = {"DRAIN_SECONDS": "0"}
            web["ports"] = [{"target": 8000, "published": PORT, "mode": "host"}]
            web["deploy"]["update_config"] = {"order": "stop-first"}
        (self.clone / "shipping.yml").write_text(json.dumps(content))
        (self.clone / "compose.yml").write_text(json.dumps(compose))

    def commit(self, version: str, end: str = START) -> str:
        """Commit a version; return the commit. ``end`` ends its Dockerfile."""
        base = f"FROM {self.platform.image('tool:1')}\n"
        (self.clone / "web" / "Dockerfile").write_text(
            f"{base}COPY . /srv/\nENV VERSION={version}\n{end}"
        )
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", f"Show {version}")
        return self.git("rev-parse", "HEAD")

    def push(self, *words: str) -> str:
        """Push to the bare repository; return what the hook printed."""
        return self.git("push", *(words or ("origin", "main")))

    def start(self, commit: str, *words: str, builder: str = "") -> Running:
        """Start the playbook, as another CI job does."""
        given = ["-e", f"repository={self.bare}", "-e", f"commit={commit}", "-e", "branch=main"]
        return self.player.start_playbook(
            self.player.folder(),
            "shipping.code.ship",
            *("-i", str(self.inventory), *given, *words),
            DOCKER_HOST=builder or self.builder.host,
        )

    def ship(self, commit: str, *words: str) -> PlayOutcome:
        """Run the playbook to its end."""
        return self.start(commit, *words).wait()

    def preview(self, commit: str, branch: str, *words: str) -> PlayOutcome:
        """Run the playbook for previews."""
        given = ["-e", f"repository={self.bare} commit={commit} branch={branch}"]
        options = {"preview_release": self.release_options}
        return self.player.start_playbook(
            self.player.folder(),
            "shipping.code.preview",
            *("-i", str(self.inventory), *given, "-e", json.dumps(options), *words),
            DOCKER_HOST=self.builder.host,
        ).wait()

    def apps(self) -> dict[str, str]:
        """The live apps of this test with their branches."""
        task = {"name": "apps", "shipping.code.apps_info": dict(self.platform.options)}
        read = self.player.start_tasks(self.player.folder(), [task]).wait()
        apps = read.results[-1]["apps"]
        return {app["app"]: app["branch"] for app in apps if app["app"].startswith("shipped")}

    def through(self, proxy: Proxy) -> tuple[str, str]:
        """Return the words for a play that reaches the platform through a proxy."""
        options = {**self.release_options, **self.platform.proxy_options(proxy)}
        return "-e", json.dumps({"ship_release": options})

    def answer(self) -> str:
        """What the app serves."""
        return str(self.platform.client(PORT).ask())

    def commits(self, app: str = "shipped") -> list[tuple[str, str]]:
        """The commits of the history with their outcomes, the newest first."""
        records = self.platform.records(app)
        return [(record["commit"], record["state"]) for record in records]


@pytest.fixture(scope="module")
def builder(platform: Any) -> Iterator[SwarmBed]:
    """The engine that builds: that of the Swarm, or one on a build host beside a cluster."""
    if platform.name == "swarm":
        yield platform.engine
        return
    machine = Machine(f"{platform.cluster.machine.name}-build")
    engine = SwarmBed(machine, f"--insecure-registry {platform.registry}")
    try:
        machine.up()
        machine.connect(platform.cluster.machine)
        engine.start()
        yield engine
    finally:
        machine.down()


@pytest.fixture
def team(player: Player, platform: Any, builder: SwarmBed, tmp_path: Path) -> Iterator[Team]:
    """A team with a repository."""
    bare, clone = tmp_path / "shop.git", tmp_path / "shop"
    inventory = tmp_path / "hosts.json"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)
    shutil.copytree(EXAMPLE / "web", clone / "web")
    forge = Forge("gitea")
    someone = Team(player, platform, builder, bare, clone, inventory, forge)
    status = {"type": "gitea", "url": forge.url, "project": "shop/web", "token": TOKEN}
    host = {
        **player.connection,
        "ship_release": someone.release_options,
        "ship_status": {**status, "target_url": "https://ci.example.com/17"},
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"platform": host}}}))
    someone.git("init", "--quiet", "--initial-branch=main")
    someone.git("remote", "add", "origin", str(bare))
    # Of this test alone: what another one has built is not built again.
    someone.describe(platform.image(tmp_path.name))
    (clone / "web" / "test.sh").write_text(TEST)
    (clone / "web" / ".dockerignore").write_text("*.log\n")
    yield someone
    forge.close()
    player.run("release", {"app": "shipped", "state": "absent", **platform.options})


@pytest.fixture
def builder_proxy(builder: SwarmBed, tmp_path: Path) -> Iterator[Proxy]:
    """The API of the engine that builds, where requests can be blocked."""
    proxy = Proxy(builder.socket, tmp_path / "b.sock")
    yield proxy
    proxy.close()


@pytest.fixture
def platform_proxy(platform: Any, tmp_path: Path) -> Iterator[Proxy]:
    """The API of the platform, where requests can be blocked."""
    proxy = platform.proxy(tmp_path)
    yield proxy
    proxy.close()


def test_from_pushes_to_production(team: Team) -> None:
    """The good one serves, again builds nothing, the bad one and the older one deploy nothing.

    A client asks all along.
    """
    team.describe(team.platform.image("behind-front"), behind_front=True)
    first = team.commit("one")
    team.push()
    checked = team.ship(first, "--check")
    assert checked.ok and team.commits() == [], checked.output
    assert any(result["changed"] for result in checked.results if "release" in result)
    image = next(result for result in checked.results if "images" in result)["images"][0]
    assert image["state"] == "to build" and image["tests"] == ["sh /srv/test.sh"]
    assert re.search(r":key-[0-9a-f]{64}$", image["image"])

    deployed = team.ship(first)
    assert deployed.ok, deployed.output
    team.add_hook()
    second = team.commit("two")
    team.platform.client(PORT).until("shop one")
    with team.platform.client(PORT) as client:
        pushed = team.push()
        assert team.answer() == "shop two", pushed
        assert "web is being built" in pushed and "web is pushed as" in pushed
        live = [(second, "live"), (first, "live")]
        assert team.commits() == live
        notes = team.platform.records("shipped")[0]["release_notes"]
        assert notes == f"{second[:7]} Show two\n"

        again = team.ship(second, "-vvvv")
        assert again.ok and "web is built and tested already" in again.output, again.output
        assert TOKEN not in again.output
        assert not [result for result in again.results if result["changed"]]

        bad = team.commit("bad")
        pushed = team.push()
        assert "the test sh /srv/test.sh of the image web failed: it exited with code 1" in pushed
        assert "| testing bad" in pushed and f"ship: {bad} was not deployed." in pushed
        assert "Traceback" not in pushed

        older = team.ship(first)
        assert not older.ok
        assert f"it is older than the deployed commit {second[:12]}" in older.output
    assert client.lost == [] and client.answers["shop two"] > 1
    assert (team.answer(), team.commits()) == ("shop two", live)
    shown = [(status["state"], status["description"]) for status in team.forge.statuses]
    begun = ("pending", "The commit is being deployed")
    serving = [begun, ("success", "Release 1 is live"), begun, ("success", "Release 2 is live")]
    assert shown[:4] == serving
    assert shown[6:8] == [begun, ("failure", shown[7][1])]
    assert shown[7][1].startswith("the test sh /srv/test.sh of the image web failed: it exited")
    assert team.forge.statuses[3]["commit"] == second


@pytest.mark.only("swarm")
def test_older_and_failed_commits_need_permission(team: Team) -> None:
    """A permission deploys the older one; what it replaced, and what failed, need another one."""
    first, second = team.commit("one"), team.commit("two")
    failing = team.commit("three", 'CMD ["sh", "-c", "echo no such table; exit 3"]\n')
    team.push()
    assert team.ship(second).ok
    older = team.ship(first, "-e", "allow_older=true")
    assert older.ok and team.answer() == "shop one", older.output

    replaced = team.ship(second)
    assert not replaced.ok
    cause = "release 1 of it was rolled back. Push a correction, or set retry to deploy it again"
    assert f"commit {second[:12]} is not deployed again: {cause}" in replaced.output
    assert team.ship(second, "-e", "retry=true").ok and team.answer() == "shop two"

    failed = team.ship(failing)
    assert not failed.ok and "| no such table" in failed.output, failed.output
    again = team.ship(failing)
    assert not again.ok and "release 4 of it failed" in again.output, again.output
    assert len(team.commits()) == 4 and team.answer() == "shop two"


STAGES = {
    "after the checkout": r"GET \S+/version",
    "at the build": r"POST \S+/build\?",
    "at the test": r"POST \S+/containers/\w+/start",
    "at the push": r"POST \S+/images/\S+/push",
}


@pytest.mark.only("swarm")
def test_killed_at_each_stage(team: Team, builder_proxy: Proxy, platform_proxy: Proxy) -> None:
    """The next run begins where it can; what is in the registry is never built twice."""
    before, commit = team.commit("zero"), team.commit("one")
    team.push()
    assert team.ship(before).ok
    for stage, request in STAGES.items():
        builder_proxy.block(request)
        killed = team.start(commit, builder=builder_proxy.host)
        assert builder_proxy.blocked.wait(60), f"{stage}: {killed.output}"
        killed.kill_all()
        builder_proxy.unblock()
        assert team.commits() == [(before, "live")], stage

    for moment in ("record", "write"):
        platform_proxy.block(*team.platform.requests[moment])
        killed = team.start(commit, *team.through(platform_proxy))
        assert platform_proxy.blocked.wait(60), f"{moment}: {killed.output}"
        # The push that was blocked may have ended after its job, but only the first one builds.
        is_built = "web is built and tested already" in killed.output
        assert is_built or moment == "record", killed.output
        for journal in team.player.journals:
            os.kill(worker(journal), signal.SIGKILL)
        killed.kill_all()
        platform_proxy.unblock()

    outcome = team.ship(commit)
    assert outcome.ok and "web is being built" not in outcome.output, outcome.output
    live = [(commit, "live"), (before, "live")]
    assert (team.answer(), team.commits()) == ("shop one", live)


@pytest.mark.only("swarm")
def test_two_jobs_side_by_side(team: Team, builder_proxy: Proxy, platform_proxy: Proxy) -> None:
    """In both orders, the newer commit serves."""
    first, second = team.commit("one"), team.commit("two")
    team.push()
    builder_proxy.block(STAGES["at the test"])
    slow = team.start(first, builder=builder_proxy.host)
    assert builder_proxy.blocked.wait(60), slow.output
    assert team.ship(second).ok
    builder_proxy.unblock()
    outcome = slow.wait()
    assert not outcome.ok
    assert f"it is older than the deployed commit {second[:12]}" in outcome.output, outcome.output
    assert (team.answer(), team.commits()) == ("shop two", [(second, "live")])

    third, fourth = team.commit("three"), team.commit("four")
    team.push()
    platform_proxy.block(*team.platform.requests["record"])
    slow = team.start(third, *team.through(platform_proxy))
    assert platform_proxy.blocked.wait(60), slow.output
    # It reads a history without the release that is about to be recorded.
    newer = team.start(fourth)
    newer.until("waits for")
    platform_proxy.unblock()
    outcome, last = slow.wait(), newer.wait()
    assert outcome.ok and last.ok, outcome.output + last.output
    assert team.answer() == "shop four"
    assert team.commits() == [(fourth, "live"), (third, "live"), (second, "live")]


@pytest.mark.only("swarm")
def test_registries_and_dockerfiles_that_fail(team: Team) -> None:
    """One clear error each, and nothing is deployed."""
    machine = team.builder.machine
    commit = team.commit("one")
    broken = team.commit("two", "RUN echo no such package; exit 4\n")
    team.describe(f"{READ_ONLY}/shipped")
    rejected = team.commit("three")
    team.push()
    machine.stop("registry")
    try:
        down = team.ship(commit)
    finally:
        team.builder.registry()
    assert f"the registry cannot be queried for {team.platform.image('tool:1')}" in down.output
    assert "connection refused" in down.output and "Check the registry" in down.output

    team.builder.registry("read-only", READ_ONLY, read_only=True)
    rejecting = team.ship(rejected)
    machine.stop("read-only")
    assert "the image web cannot be pushed: " in rejecting.output, rejecting.output
    failing = team.ship(broken)
    assert "returned a non-zero code: 4" in failing.output, failing.output
    assert "| no such package" in failing.output
    for outcome in (down, rejecting, failing):
        assert not outcome.ok and "Traceback" not in outcome.output
    assert team.commits() == []


@pytest.mark.only("swarm")
def test_a_test_that_does_not_end(platform: Any) -> None:
    """It is ended at its deadline, and leaves no container, nor that of a run that was killed."""

    def containers() -> set[str]:
        label = "label=shipping.code.test"
        return set(platform.engine.docker("ps", "--all", "--quiet", "--filter", label).split())

    engine = BuildEngine(EngineAddress(platform.engine.host), Credentials())
    image_id = engine.local_id(platform.image("tool:1"))
    image = ImageBuild("web", platform.image("shipped"))
    test = ImageTest(("sh", "-c", "echo waiting; sleep 100"), 1.0)
    # Those of jobs that were killed a moment ago may still run.
    others = containers()
    labels = ("--label", "shipping.code.test=web", "--label", "shipping.code.test-deadline=1")
    platform.engine.docker("create", *labels, platform.image("tool:1"), "true")
    with pytest.raises(ShippingError) as caught:
        engine.test(str(image_id), image, test)
    assert str(caught.value).endswith("it did not end within 1 s\n  | waiting")
    assert containers() == others


@pytest.mark.only("swarm")
def test_a_dockerfile_for_buildkit(
    platform: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's client builds it, and shows the last lines if that fails."""
    # Debian's own client, if another one is installed, too.
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    engine = BuildEngine(EngineAddress(platform.engine.host), Credentials())
    if engine.lacks_buildkit():
        pytest.skip(engine.lacks_buildkit())
    file = tmp_path / "Dockerfile"
    base = f"FROM {platform.image('tool:1')}\nRUN --mount=type=tmpfs,target=/x echo built > /built"
    file.write_text(base)
    image = ImageBuild(
        "web", platform.image("mounted"), tests=(ImageTest(("grep", "built", "/built")),)
    )
    planned = ship_run.plan_images([image], str(tmp_path), engine)
    built = ship_run.build_all(planned, engine, 1, lambda _line: None)
    assert built[0].digest.startswith("sha256:")
    again = ship_run.plan_images([image], str(tmp_path), engine)
    assert again[0].digest == built[0].digest

    file.write_text(f"{base}; echo no such package; exit 4")
    with pytest.raises(ShippingError) as caught:
        planned = ship_run.plan_images([image], str(tmp_path), engine)
        ship_run.build_all(planned, engine, 1, lambda _line: None)
    assert "the image web cannot be built: the Docker client exited with code" in str(caught.value)
    assert "no such package" in str(caught.value)


@pytest.mark.only("swarm")
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


@pytest.mark.only("swarm")
def test_a_branch_has_an_app_of_its_own_until_it_is_deleted(team: Team) -> None:
    """The preview runs beside the app, follows a rebased branch, and is removed with it."""
    team.describe(team.platform.image("previewed"))
    shipping = json.loads((team.clone / "shipping.yml").read_text())
    shipping["previews"] = {"hosts": "platform", "branches": "feature/*", "limit": 1}
    (team.clone / "shipping.yml").write_text(json.dumps(shipping))
    compose = json.loads((team.clone / "compose.yml").read_text())
    # Two apps cannot have one host port.
    compose["services"]["web"].pop("ports")
    compose["services"]["web"]["labels"] = {"preview": "${PREVIEW:-none}"}
    (team.clone / "compose.yml").write_text(json.dumps(compose))
    main = team.commit("main")
    team.push()
    assert team.ship(main).ok
    team.git("checkout", "--quiet", "-b", "feature/a")
    first = team.commit("a")
    team.git("push", "origin", "feature/a")
    checked = team.preview(first, "feature/a", "--check")
    assert checked.ok and team.apps() == {"shipped": "main"}, checked.output
    assert team.preview(first, "feature/a", "-e", "preview=mr-17").ok
    assert team.apps() == {"shipped": "main", "shipped-mr-17": "feature/a"}

    team.git("reset", "--quiet", "--hard", "main")
    rebased = team.commit("b")
    team.git("push", "--force", "origin", "feature/a")
    late = team.preview(first, "feature/a", "-e", "preview=mr-17")
    assert not late.ok and "the branch feature/a does not contain it" in late.output, late.output
    deployed = team.preview(rebased, "feature/a", "-e", "preview=mr-17")
    assert deployed.ok, deployed.output
    again = team.preview(rebased, "feature/a", "-e", "preview=mr-17")
    assert again.ok and not [result for result in again.results if result["changed"]]

    team.git("push", "origin", "feature/a:feature/b")
    second = team.preview(rebased, "feature/b")
    cause = "shipping.yml allows 1 previews, and shipped-mr-17 exist"
    assert not second.ok and cause in second.output, second.output
    team.git("push", "origin", "--delete", "feature/a")
    assert team.preview(rebased, "feature/b").ok
    assert team.apps() == {"shipped": "main", "shipped-feature-b": "feature/b"}
    # A first release that fails has records alone, which do not count against the limit.
    team.git("checkout", "--quiet", "-b", "feature/c")
    failing = team.commit("c", 'CMD ["sh", "-c", "exit 3"]\n')
    team.git("push", "origin", "feature/c")
    team.git("push", "origin", "--delete", "feature/b")
    failed = team.preview(failing, "feature/c")
    assert not failed.ok and team.commits("shipped-feature-c") == [(failing, "failed")]
    team.git("push", "origin", "--delete", "feature/c")
    removed = team.preview(main, "main", "-e", "state=absent")
    assert removed.ok and team.apps() == {"shipped": "main"}, removed.output
    assert team.commits("shipped-feature-c") == []
    again = team.preview(main, "main", "-e", "state=absent")
    assert again.ok and not [result for result in again.results if result["changed"]]
