# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example shop as a repository of its own, each push to which is deployed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .images import BASE, EXAMPLE

ROOT = Path(__file__).resolve().parents[2]
BRANCH = "main"
_USER = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


@dataclass(frozen=True)
class ShopRepository:
    """A bare repository with the hook of docs/ci, and a clone of it."""

    folder: Path
    environment: Mapping[str, str]
    """That of the hook's play."""

    @property
    def bare(self) -> Path:
        """The repository that is pushed to."""
        return self.folder / "shop.git"

    @property
    def clone(self) -> Path:
        """The clone that is edited."""
        return self.folder / "shop"

    def create(self, registry: str, platform: str, release: Mapping[str, Any]) -> None:
        """Create both. ``release`` has the options of the release that shipping.yml lacks."""
        shutil.copytree(EXAMPLE, self.clone)
        self._git("init", "--quiet", "--bare", f"--initial-branch={BRANCH}", self.bare)
        self.git("init", "--quiet", f"--initial-branch={BRANCH}")
        self.git("remote", "add", "origin", str(self.bare))
        content = _shipping_file(registry, platform)
        (self.clone / "shipping.yml").write_text(json.dumps(content, indent=2) + "\n")
        inventory = self.folder / "inventory.json"
        host = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ship_release": dict(release),
        }
        inventory.write_text(json.dumps({"all": {"hosts": {"production": host}}}))
        template = (ROOT / "docs" / "ci" / "post-receive").read_text()
        hook = self.bare / "hooks" / "post-receive"
        hook.write_text(template.replace("/etc/ship/inventory.yml", str(inventory)))
        hook.chmod(0o755)
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "Add the shop")

    def edit(self, version: str) -> None:
        """Let the shop answer with a version."""
        program = self.clone / "web" / "app.py"
        old = 'os.environ.get("VERSION", "0")'
        text = program.read_text()
        if old not in text:
            raise RuntimeError(f"{program} does not read its version with {old}")
        program.write_text(text.replace(old, repr(version)))

    def git(self, *words: str) -> None:
        """Run git in the clone."""
        self._git("-C", self.clone, *_USER, *words)

    def _git(self, *words: str | Path) -> None:
        command = ["git", *words]
        subprocess.run(command, env=dict(self.environment), stdin=subprocess.DEVNULL, check=True)


def _shipping_file(registry: str, platform: str) -> dict[str, Any]:
    image = {
        "repository": f"{registry}/shop-web",
        "context": "web",
        "args": {"BASE": f"{registry}/{BASE}"},
        "tests": [{"command": ["python3", "-c", "import py_compile as c; c.compile('/app.py')"]}],
    }
    production = {
        "branch": BRANCH,
        "hosts": "production",
        "platform": platform,
        "values": {"REGISTRY": registry, "VERSION": "built"},
    }
    return {
        "app": "shop",
        "compose": ["compose.yml", "split.yml"],
        "images": {"web": image},
        "environments": {"production": production},
    }
