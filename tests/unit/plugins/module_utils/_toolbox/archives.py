# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects, records and bundles for tests, and a toolbox in a folder of its own."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._toolbox import deliver
from ansible_collections.shipping.code.plugins.module_utils._toolbox.bundle_reader import Bundle

HELLO = b"#!/bin/sh\necho hello from $(id -un)\n"
ID = {"daemon": "id-1", "bin": "id-2", "games": "id-5"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry(
    kind: str,
    name: str,
    details: dict[str, Any],
    commands: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    common = {"version": "1", "description": f"What {name} does", "priority": 0, "self_test": []}
    return {
        "type": kind,
        "name": name,
        "commands": {} if commands is None else commands,
        "variants": [details],
        **common,
        **more,
    }


def script(name: str, content: bytes = HELLO, **more: Any) -> dict[str, Any]:
    return entry("script", name, {"sha256": sha256(content)}, {name: name}, **more)


def project(name: str, *tools: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "description": "", "tools": list(tools)}


def user(name: str, *projects: str) -> dict[str, Any]:
    return {"id": ID.get(name, f"id-{name}"), "name": name, "projects": list(projects)}


def archive(*members: tuple[str, bytes | tarfile.TarInfo]) -> bytes:
    """A tar of files, or of whatever a TarInfo says."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as content:
        for name, what in members:
            if isinstance(what, tarfile.TarInfo):
                what.name = name
                content.addfile(what)
            else:
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(what), 0o755
                content.addfile(info, io.BytesIO(what))
    return buffer.getvalue()


@dataclass
class Box:
    """A toolbox with its catalog: what is missing is bundled as the controller does it."""

    top: Path
    contents: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    projects: list[dict[str, Any]] = field(default_factory=list)
    revision: int = 0
    rounds: int = 0

    @property
    def root(self) -> Path:
        return self.top / "opt"

    @property
    def etc(self) -> Path:
        return self.top / "etc"

    def request(self, *users: dict[str, Any], **more: Any) -> deliver.Request:
        revision = more.pop("revision", self.revision)
        record = {
            "host": "pc1.example.com",
            "revision": f"time:control:{revision}",
            "users": list(users),
        }
        return deliver.Request(str(self.root), record, self.projects, etc=str(self.etc), **more)

    def deliver(self, *users: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Ask, and send what is missing."""
        request = self.request(*users, **more)
        answer = deliver.deliver(request)
        self.rounds = 1
        if answer["missing"] and not request.check_mode:
            self.rounds = 2
            answer = deliver.deliver(request._replace(bundle=self.bundle(answer["missing"])))
        return answer

    def bundle(self, missing: list[dict[str, Any]]) -> Bundle:
        path = self.top / "bundle.tar"
        with tarfile.open(path, "w") as content:
            for wish in missing:
                for name, data in self.contents.get(
                    (wish["project"], wish["tool"]), {"content": HELLO}
                ).items():
                    info = tarfile.TarInfo(f"{wish['object']}/{name}")
                    info.size = len(data)
                    content.addfile(info, io.BytesIO(data))
        return Bundle(str(path))

    def view(self, name: str) -> Path:
        return self.root / "current" / "users" / name

    def said(self, command: str, *arguments: str) -> str:
        """What a command prints for daemon, whose own PATH has none of the tools."""
        done = subprocess.run(
            [str(self.view("daemon") / "bin" / command), *arguments],
            user=1,
            group=1,
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() or done.stderr.strip()

    def commands(self, name: str) -> set[str]:
        folder = self.view(name) / "bin"
        return {path.name for path in folder.iterdir()} - {"tools"} if folder.exists() else set()

    def objects(self) -> list[str]:
        folder = self.root / "store"
        return (
            sorted(path.name.partition("-")[2] for path in folder.iterdir())
            if folder.exists()
            else []
        )

    def snapshot(self) -> dict[str, Any]:
        """Everything below the root with what it is, but for times."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            about = path.lstat()
            found[str(path.relative_to(self.root))] = (
                about.st_mode,
                about.st_ino,
                path.readlink() if path.is_symlink() else None,
            )
        return found
