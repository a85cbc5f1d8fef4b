# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks, the role and the examples as a user runs them, from an installed collection."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.testbed.checkout_copy import copy_checkout
from tests.testbed.images import EXAMPLE

from .harness import ROOT, Player, PlayOutcome

pytestmark = pytest.mark.only("swarm")

MODULES = ("release", "release_info", "scale", "rollback")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the built collection has been installed to, as Galaxy would."""
    folder = tmp_path_factory.mktemp("installed")
    galaxy = [str(Path(sys.executable).parent / "ansible-galaxy"), "collection"]
    snapshot = folder / "source"
    copy_checkout(snapshot, with_links=False)
    subprocess.run(
        [*galaxy, "build", "--output-path", str(folder)],
        cwd=snapshot,
        check=True,
        capture_output=True,
    )
    artifact = next(folder.glob("*.tar.gz"))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
    }
    subprocess.run(
        [*galaxy, "install", "--offline", str(artifact)],
        check=True,
        capture_output=True,
        cwd=folder,
        env=environment,
    )
    return folder / "collections"


class Operator:
    """Somebody who runs the playbooks against an inventory."""

    def __init__(self, player: Player, platform: Any, installed: Path) -> None:
        self.player = player
        self.platform = platform
        self.installed = installed
        self.inventory = player.home / "inventory"
        shutil.copytree(ROOT / "inventories" / "example", self.inventory)

    def run(self, playbook: str, *words: str) -> PlayOutcome:
        """Run a playbook of the collection."""
        environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.installed),
            "DOCKER_HOST": self.platform.engine.host,
        }
        flags = [
            "-i",
            str(self.inventory),
            "-e",
            f"registry={self.platform.image('x').partition('/')[0]}",
            *words,
        ]
        return self.player.start_playbook(
            self.player.folder(), f"shipping.code.{playbook}", *flags, **environment
        ).wait()


@pytest.fixture
def operator(player: Player, platform: Any, installed: Path) -> Iterator[Operator]:
    """Somebody who runs the playbooks, and removes the shop in the end."""
    someone = Operator(player, platform, installed)
    yield someone
    player.run("release", {"app": "shop", "state": "absent", **platform.options})


def test_the_life_of_the_shop(operator: Operator, platform: Any) -> None:
    """Deploy, again, look, scale, deploy another version, go back: each by one playbook."""
    first = operator.run("deploy", "-e", "version=1.0.0")
    assert first.ok and "production | web  → 1.0.0  2/2 healthy" in first.output, first.output
    again = operator.run("deploy", "-e", "version=1.0.0")
    assert again.ok and "changed=0" in again.output
    checked = operator.run("deploy", "-e", "version=1.1.0", "--check", "--diff")
    assert checked.ok and "changed=1" in checked.output and "shop-web:1.1.0" in checked.output
    assert operator.run("deploy", "-e", "version=1.1.0").ok
    assert operator.run("scale", "-e", '{"replicas": {"web": 3}}').ok
    assert len(platform.running("shop")["web"]) == 3
    back = operator.run("rollback")
    assert back.ok and "1.1.0 → 1.0.0" in back.output
    told = operator.run("status")
    lines = told.lines("production")
    assert "shop: 1.0.0 is live, release 3 by " in lines[0]
    assert [line.split()[:3] for line in lines if line.startswith(("front", "web"))] == [
        ["front", "1/1", platform.image("shop-front:1")],
        ["web", "2/2", platform.image("shop-web:1.0.0")],
    ]
    assert any(line.startswith("3        1.0.0    live, rollback to 1") for line in lines)
    assert operator.run("rollback", "-e", "release=2").ok
    page = operator.player.home / "releases.html"
    last = operator.run("status", "-e", f"page={page}")
    assert last.ok and "1.1.0 is live, release 4" in last.output, last.output
    text = page.read_text()
    assert "production: shop" in text and "1.1.0 is live" in text and "rollback to 1" in text
    assert page.stat().st_mode & 0o777 == 0o644
    assert "changed=0" in operator.run("status", "-e", f"page={page}").output


# Playbook and words -> what must be said.
MISTAKES = {
    "no version": (["deploy"], "version: is needed"),
    "no such version": (["deploy", "-e", "version=9.9.9"], "shop-web:9.9.9"),
    "nothing to go back to": (["rollback"], "no release of it has been live"),
    "no such service": (
        ["scale", "-e", '{"replicas": {"wep": 3}}'],
        "replicas.wep: is not a service of the app",
    ),
    "a typo in an option": (
        ["deploy", "-e", '{"services_release": {"app": "shop", "versoin": "1"}}'],
        "versoin",
    ),
    "no such file": (
        [
            "deploy",
            "-e",
            '{"services_release": {"app": "shop", "version": "1", "compose": "shp/compose.yml"}}',
        ],
        "cannot read shp/compose.yml",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake: str, player: Player, platform: Any, installed: Path) -> None:
    """What a user may do wrong is said in words."""
    words, says = MISTAKES[mistake]
    outcome = Operator(player, platform, installed).run(*words)
    assert not outcome.ok and says in outcome.output, outcome.output
    assert "Traceback" not in outcome.output


def test_status_of_nothing(player: Player, platform: Any, installed: Path) -> None:
    """An app that there is not is no error to look at."""
    outcome = Operator(player, platform, installed).run("status")
    assert outcome.ok and "production | shop: nothing is live" in outcome.output


def examples(platform: Any, folder: Path) -> list[dict[str, Any]]:
    """All tasks of all modules' examples, with the addresses of this test bed."""
    tasks = []
    for name in MODULES:
        text = importlib.import_module(
            f"ansible_collections.shipping.code.plugins.modules.{name}"
        ).EXAMPLES
        text = text.replace("registry.example.com", platform.image("x").partition("/")[0])
        tasks += [task for task in yaml.safe_load(text) if _runs_alone(task)]
    for task in tasks:
        options = task.get("shipping.code.release", {})
        if "client_cert" in options:
            for option in ("docker_host", "ca_path", "client_cert", "client_key"):
                del options[option]  # test_platform_connection.py has them
    return tasks


def _runs_alone(task: dict[str, Any]) -> bool:
    """Whether a task needs no cluster, and no router with visitors as in test_canary.py."""
    options = task.get("shipping.code.release", {})
    return options.get("platform", "swarm") == "swarm" and "strategy" not in options


def test_examples(player: Player, platform: Any) -> None:
    """Every example of every module, in their order, as one play."""
    shop, tool = platform.image("shop-web:1.0.0"), platform.image("tool:1")
    for source, target in (
        (shop, "shop-web:1.4.2"),
        (shop, "shop-web:1.5.0"),
        (shop, "shop-web:9f2b1c7"),
        (tool, "hello:1"),
    ):
        platform.engine.docker("tag", source, platform.image(target))
        platform.engine.docker("push", "--quiet", platform.image(target))
    folder = player.folder()
    shutil.copytree(EXAMPLE, folder / "shop")
    production = {
        "services": {"web": {"secrets": ["database"]}},
        "secrets": {
            "database": {"content": "postgresql://shop:${DATABASE_PASSWORD}@database/shop"}
        },
    }
    (folder / "shop" / "compose.production.yml").write_text(json.dumps(production))
    given = {"vault_database_password": "s3cret-of-the-database", "vault_registry_password": "any"}
    given_words = ["-e", json.dumps(given)]
    environment = {
        "CI_COMMIT_SHORT_SHA": "9f2b1c7",
        "CI_COMMIT_SHA": "9f2b1c7" * 5,
        "GITLAB_USER_LOGIN": "alice",
        "USER": "alice",
    }
    tasks = examples(platform, folder)
    for task in tasks:
        options = next((task[key] for key in task if key.startswith("shipping.code.")), {})
        if options.get("app") == "hello" and "spec" in options:
            options["spec"]["services"]["web"].update(
                command=["sleep", "100000"], ports=["18989:80"]
            )
        if "values" in options or "compose" in options:
            options.setdefault("values", {}).setdefault(
                "REGISTRY", platform.image("x").partition("/")[0]
            )
            options["values"].setdefault("VERSION", "1.4.2")
        if "release" in options:
            options["release"] = 1
    defaults = {"group/shipping.code.shipping": platform.options}
    plays = [{"hosts": "all", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}]
    (folder / "play.yml").write_text(json.dumps(plays))
    (folder / "hosts.yml").write_text(
        json.dumps({"all": {"hosts": {"platform": player.connection}}})
    )
    outcome = player.start_playbook(
        folder, "play.yml", "-i", "hosts.yml", *given_words, **environment
    ).wait()
    player.run("release", {"app": "shop", "state": "absent", **platform.options})
    assert outcome.ok, outcome.output
    assert given["vault_database_password"] not in outcome.output
