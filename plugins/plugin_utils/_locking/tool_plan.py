# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan the changes of a run for one tool."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._core.errors import ShippingError
from ...module_utils._toolbox.installers.installer import sha256_of
from .._catalog.tool_sources import ToolSources
from .._catalog.wheels import System
from .package_index import NO_LOGIN, IndexFile, Login, PackageIndex, index_of
from .project_texts import ToolEntry
from .uv_resolver import Resolver
from .yaml_edits import Edit


@dataclass(frozen=True)
class LockSettings:
    """The settings for all tools of a run."""

    sources: ToolSources
    resolver: Resolver
    index_url: str
    login: Login = NO_LOGIN
    systems: tuple[System, ...] = ()
    """The systems of tools that name none."""
    upgrade: bool = False
    findings_only: bool = False
    """Whether to find only what is not locked, and not what to write."""
    indexes: dict[str, PackageIndex] = field(default_factory=dict)

    checksums: dict[str, str] = field(default_factory=dict)

    def checksum(self, path: str) -> str:
        """Return the SHA-256 of a wheel, which is computed once a run, also for several tools."""
        if path not in self.checksums:
            self.checksums[path] = sha256_of(path)
        return self.checksums[path]

    def index_for(self, details: Mapping[str, Any]) -> PackageIndex:
        """Return the index of a tool. Its pages are read once a run."""
        url = str(details.get("index_url") or self.index_url)
        if url not in self.indexes:
            of_run = index_of(self.index_url, self.login)
            index = index_of(url, NO_LOGIN)
            # The login of the run is for the index of the run only.
            self.indexes[url] = of_run if index.url == of_run.url else index
        return self.indexes[url]


@dataclass
class ToolPlan:
    """The unlocked content of a tool, and the changes that lock it."""

    entry: ToolEntry
    findings: list[str] = field(default_factory=list)
    """Unlocked content, each with its place. A run locks it."""
    faults: list[str] = field(default_factory=list)
    """Errors that a run cannot correct. It then writes no files of the tool."""
    edits: list[Edit] = field(default_factory=list)
    """In the project's file."""
    locks: dict[str, str] = field(default_factory=dict)
    """New texts of locks by path."""
    wheels: dict[str, tuple[IndexFile, PackageIndex, frozenset[str]]] = field(default_factory=dict)
    """Wheels to fetch by path, each with its index and the hashes that the lock has."""

    def find(self, text: str, *keys: str) -> None:
        """Note unlocked content, at the first of these keys."""
        self.findings.append(f"{self.entry.where(*keys)}: {self.entry.tool['name']} {text}")

    def fault(self, text: str, *keys: str) -> None:
        """Note content that cannot be locked, at the first of these keys."""
        self.faults.append(f"{self.entry.where(*keys)}: {self.entry.tool['name']}: {text}")

    def fail(self, error: ShippingError, *keys: str) -> None:
        """Note an error that names the tool itself, at the first of these keys."""
        self.faults.append(f"{self.entry.where(*keys)}: {error}")


def with_version(text: str, tool: Mapping[str, Any]) -> str:
    """Return a text of the catalog with the tool's version in it."""
    return text.replace("{version}", str(tool["version"]))


def real_path(sources: ToolSources, path: str) -> str:
    """Return the path of a file of the catalog; two tools may name one in two ways."""
    return os.path.realpath(sources.beside(path))
