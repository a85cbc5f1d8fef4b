# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of the host's distribution that tools need: for all users, and beside generations.

A record has those that a delivery has installed. Only these are ever removed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from .atomic_files import read_json, write_json
from .delivery_errors import PackageFailure
from .distributions import Wish
from .failed_tool import FailedTool
from .generation_model import Generation, Tool, View

if TYPE_CHECKING:
    from .package_managers import Packages

FILE = "packages.json"


class _Wanted(NamedTuple):
    """The version of a package that a project has chosen first."""

    version: str
    project: str


class HostPackages:
    """The packages that a toolbox has installed on this host."""

    def __init__(
        self, root: str, timeout: float, *, dry: bool, packages: Packages | None = None
    ) -> None:
        self.path = os.path.join(root, FILE)
        self.dry = dry
        self.deadline = time.monotonic() + timeout
        # By name, the dependencies that were installed with a package.
        self.record: dict[str, list[str]] = read_json(self.path) or {}
        self.installed: list[str] = []
        self.removed: list[str] = []
        self.stays: list[str] = []
        """Why packages stay that no tool needs."""
        self._packages = packages
        self._needed: set[str] = set()
        self._present: dict[str, list[str]] | None = None

    @property
    def packages(self) -> Packages:
        """Return the package manager, which a host without such tools need not have."""
        # Imported where it is used: few tools need packages, and the import takes time.
        from . import package_managers

        if self._packages is None:
            self._packages = package_managers.Packages(package_managers.of_host(), self.deadline)
        return self._packages

    @property
    def present(self) -> dict[str, list[str]]:
        """Return the forms of the installed versions of what tools need, by name.

        Queried once, and again after an installation, which adds dependencies, too.
        """
        if self._present is None:
            self._present = self.packages.installed(self._needed)
        return self._present

    @property
    def notes(self) -> list[str]:
        """Return messages for operators."""
        return [*(self._packages.notes if self._packages else ()), *self.stays]

    @property
    def has_changed(self) -> bool:
        """Return whether a package was installed or removed, or would be."""
        return bool(self.installed or self.removed)

    @property
    def lines(self) -> tuple[list[str], list[str]]:
        """Return lines of a diff, of what was there before and of what is there after."""
        removed, installed = (
            [f"all users of this host: package {name}" for name in names]
            for names in (self.removed, self.installed)
        )
        return removed, installed

    def as_data(self) -> dict[str, list[str]]:
        """Return what was done, or would be done."""
        return {"installed": self.installed, "removed": self.removed}

    def install(self, views: Iterable[View]) -> list[FailedTool]:
        """Install what tools need; return the tools that are not ready, with the reason."""
        not_ready: list[FailedTool] = []
        chosen: dict[str, _Wanted] = {}
        reasons: dict[tuple[str, tuple[str, ...]], str] = {}
        tools = _by_project(views)
        self._needed, self._present = _names(tool for _view, tool in tools), None
        for view, tool in tools:
            key = (tool.project, tool.packages)
            if key not in reasons:
                reasons[key] = self._reason(tool, chosen)
            if reasons[key]:
                not_ready.append(FailedTool(view, tool, reasons[key]))
        return not_ready

    def _reason(self, tool: Tool, chosen: dict[str, _Wanted]) -> str:
        """Install what one tool needs; return why it is not ready, or nothing."""
        wishes = [Wish.parse(text) for text in tool.packages]
        for wish in wishes:
            other = chosen.setdefault(wish.name, _Wanted(wish.version, tool.project))
            if not other.version:
                chosen[wish.name] = _Wanted(wish.version, tool.project)
            elif wish.version not in ("", other.version):
                return (
                    f"it needs {wish}, and {other.project} needs"
                    f" {Wish(wish.name, other.version)}: a host has one version of a package"
                )
        try:
            return self._install(wishes)
        # One package that cannot be installed does not keep others from their users.
        except PackageFailure as error:
            return str(error)

    def _install(self, wishes: list[Wish]) -> str:
        before = self.present
        lacking = _unmet(wishes, before)
        if not lacking:
            return ""
        added = self.packages.added(lacking)
        # apt takes a name that no package has for a regular expression, or installs one that
        # provides it.
        unknown = {wish.name for wish in lacking}.difference(added, before)
        if unknown:
            return f"no package is called {min(unknown)}; it would add {', '.join(added)}"
        if self.dry:
            self.installed += map(str, lacking)
            return ""
        new = [wish.name for wish in lacking if wish.name not in before]
        others = sorted(set(added).difference(wish.name for wish in wishes))
        self.record.update(dict.fromkeys(new, others))
        return self._change(lacking)

    def _change(self, lacking: list[Wish]) -> str:
        # Before the packages: those of a run that is killed count as its own.
        write_json(self.path, self.record)
        self._present = None
        self.packages.install(lacking)
        self.installed += map(str, lacking)
        unmet = _unmet(lacking, self.present)
        return f"the host does not have {unmet[0]} after the installation" if unmet else ""

    def remove_others(self, views: Iterable[View]) -> None:
        """Remove what a delivery has installed and no tool needs now."""
        needed = _names(tool for _view, tool in Generation(views=tuple(views)).tools)
        before = dict(self.record)
        for name in sorted(self.record.keys() - needed):
            try:
                self._remove(name)
            except PackageFailure as error:
                self.stays.append(f"the package {name} stays: {error}")
        if self.record != before and not self.dry:
            write_json(self.path, self.record)

    def _remove(self, name: str) -> None:
        dependencies = self.record[name]
        group = {name, *dependencies}
        present = self.packages.installed(group)
        automatic = self.packages.automatic(present)
        # Others have removed it, or have decided that it stays only as long as it is needed.
        if name not in present or name in automatic:
            del self.record[name]
            return
        group = {name, *(automatic & set(dependencies))}
        for names in (group, {name}):
            also = set(self.packages.removed(names)) - names
            if not also:
                if not self.dry:
                    self.packages.remove(names)
                    del self.record[name]
                self.removed += sorted(names)
                return
        self.stays.append(
            f"the package {name} stays, since {', '.join(sorted(also))} would be removed with it"
        )


def _by_project(views: Iterable[View]) -> list[tuple[View, Tool]]:
    """Return the tools that need packages, each with its view."""
    tools = [pair for pair in Generation(views=tuple(views)).tools if pair[1].packages]
    # The first one chooses the version of a package. It has to be the same project on all hosts,
    # whatever their users are called.
    return sorted(tools, key=lambda one: one[1].project)


def _names(tools: Iterable[Tool]) -> set[str]:
    """Return the names of the packages that tools need."""
    names: set[str] = set()
    for tool in tools:
        names.update(Wish.parse(text).name for text in tool.packages)
    return names


def _unmet(wishes: Iterable[Wish], installed: Mapping[str, list[str]]) -> list[Wish]:
    return [wish for wish in wishes if not wish.is_met_by(installed.get(wish.name, ()))]
