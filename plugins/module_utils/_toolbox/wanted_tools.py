# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute the tools of each user from the host assignment and the projects' manifests.

Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from . import checked_names
from .distributions import packages_for
from .generation_model import Tool
from .installer_registry import INSTALLERS
from .installers.installer import Details, SystemFacts

LAYOUT = 1
"""Increase it when the layout of objects changes, so that old objects are not reused."""


class CatalogFault(NamedTuple):
    """A project, or a tool of it, that has an error in the catalog.

    It stays on workstations as it is.
    """

    project: str
    tool: str
    """Empty for the whole project."""
    reason: str

    def as_data(self) -> dict[str, str]:
        """Return plain data."""
        return self._asdict()


class WantedUser(NamedTuple):
    """A user of the host assignment, with the tools of all projects."""

    id: str
    name: str
    tools: tuple[Tool, ...] = ()
    faulty: frozenset[tuple[str, str]] = frozenset()
    """Projects and tools of the user that the catalog does not describe now."""
    memberships: frozenset[str] = frozenset()
    """The projects of the user, also those that have no tools."""
    removed: frozenset[tuple[str, str]] = frozenset()
    """Projects and tools that the catalog declares to be removed."""
    held: frozenset[tuple[str, str]] = frozenset()
    """Projects and tools that stay as the user has them, since the catalog holds them."""
    for_other_platforms: frozenset[tuple[str, str]] = frozenset()
    """Projects and tools that the catalog has for other platforms only."""

    @property
    def projects(self) -> set[str]:
        """Return the projects that the user has tools of, or may have."""
        return {tool.project for tool in self.tools} | {project for project, _tool in self.faulty}

    def undescribed(self, tools: Iterable[Tool]) -> tuple[Tool, ...]:
        """Return those of the installed tools that the catalog does not describe now."""
        return tuple(
            tool
            for tool in tools
            if not self.faulty.isdisjoint({(tool.project, ""), (tool.project, tool.name)})
        )


class Source(NamedTuple):
    """The inputs of an object, and its place in the catalog."""

    project: str
    tool: str
    type: str
    variant: int
    details: Details
    commands: Mapping[str, str]


class Wanted(NamedTuple):
    """All users of the host assignment with their tools, and the sources of their objects.

    ``skipped`` names tools that are not for this host.
    """

    users: tuple[WantedUser, ...]
    sources: Mapping[str, Source]
    skipped: tuple[str, ...] = ()
    faults: tuple[CatalogFault, ...] = ()


class _ProjectTools:
    """The tools of a project for this host."""

    def __init__(self, removed: tuple[str, ...] = ()) -> None:
        self.removed = removed
        self.tools: list[Tool] = []
        self.sources: dict[str, Source] = {}
        self.skipped: list[str] = []
        self.faults: list[CatalogFault] = []
        self.held: list[str] = []
        self.for_other_platforms: list[str] = []


def wanted(
    record: Mapping[str, Any], manifests: Iterable[Mapping[str, Any]], facts: SystemFacts
) -> Wanted:
    """Return the tools that users must have on a host with these facts."""
    projects = {manifest["name"]: _project_tools(manifest, facts) for manifest in manifests}
    users = tuple(_wanted_user(user, projects) for user in record["users"])
    sources: dict[str, Source] = {}
    for project in projects.values():
        sources.update(project.sources)
    objects: set[str] = set()
    for user in users:
        objects.update(tool.object for tool in user.tools)
    skipped: set[str] = set()
    faults: set[CatalogFault] = set()
    for name in _projects_of(record).intersection(projects):
        skipped.update(projects[name].skipped)
        faults.update(projects[name].faults)
    return Wanted(
        users,
        {key: source for key, source in sources.items() if key in objects},
        tuple(sorted(skipped)),
        tuple(sorted(faults)),
    )


def _wanted_user(user: Mapping[str, Any], projects: Mapping[str, _ProjectTools]) -> WantedUser:
    tools: list[Tool] = []
    faulty: set[tuple[str, str]] = set()
    removed: set[tuple[str, str]] = set()
    held: set[tuple[str, str]] = set()
    elsewhere: set[tuple[str, str]] = set()
    memberships = frozenset(user["projects"])
    for name in sorted(memberships.intersection(projects)):
        tools += projects[name].tools
        faulty.update((fault.project, fault.tool) for fault in projects[name].faults)
        removed.update((name, tool) for tool in projects[name].removed)
        held.update((name, tool) for tool in projects[name].held)
        elsewhere.update((name, tool) for tool in projects[name].for_other_platforms)
    return WantedUser(
        user["id"],
        user["name"],
        tuple(tools),
        faulty=frozenset(faulty),
        memberships=memberships,
        removed=frozenset(removed),
        held=frozenset(held),
        for_other_platforms=frozenset(elsewhere),
    )


def _projects_of(record: Mapping[str, Any]) -> set[str]:
    names: set[str] = set()
    for user in record["users"]:
        names.update(user["projects"])
    return names


def _project_tools(manifest: Mapping[str, Any], facts: SystemFacts) -> _ProjectTools:
    project = _ProjectTools(removed=tuple(manifest.get("removed", ())))
    if "fault" in manifest:
        project.faults.append(CatalogFault(manifest["name"], "", manifest["fault"]))
    for entry in manifest["tools"]:
        if manifest.get("hold") or entry.get("hold"):
            project.held.append(entry["name"])
        if "fault" in entry:
            project.faults.append(CatalogFault(manifest["name"], entry["name"], entry["fault"]))
            continue
        number = next(
            (number for number, details in enumerate(entry["variants"]) if _is_for(details, facts)),
            None,
        )
        if number is None:
            project.for_other_platforms.append(entry["name"])
            project.skipped.append(
                f"{manifest['name']} {entry['name']} is not for {facts.os} {facts.arch}"
            )
            continue
        _add(project, manifest["name"], entry, number, facts)
    return project


def _is_for(details: Details, facts: SystemFacts) -> bool:
    return bool(
        details.get("os", facts.os) == facts.os
        and details.get("arch", facts.arch) == facts.arch
        and ("packages" not in details or _packages(details, facts))
    )


def _packages(details: Details, facts: SystemFacts) -> tuple[str, ...]:
    return packages_for(details.get("packages", {}), facts.distributions)


def _add(
    project: _ProjectTools, name: str, entry: Mapping[str, Any], number: int, facts: SystemFacts
) -> None:
    installer, details = INSTALLERS[entry["type"]], entry["variants"][number]
    commands = {
        command: installer.command_path(path) for command, path in _commands(entry, details).items()
    }
    key = object_key(entry, details, commands, facts) if installer.stored else ""
    if key:
        project.sources[key] = Source(
            name, entry["name"], installer.name, number, details, commands
        )
    project.tools.append(
        Tool(
            name,
            entry["name"],
            installer.name,
            entry["version"],
            entry["description"],
            key,
            commands,
            entry["priority"],
            tuple(entry["self_test"]),
            dict(details.get("variables") or {}),
            details.get("as") or "",
            tuple(entry.get("needs", ())),
            _packages(details, facts),
        )
    )


def _commands(entry: Mapping[str, Any], details: Details) -> dict[str, str]:
    """Return paths by command; a platform may have its own."""
    own = details.get("commands")
    if isinstance(own, list):
        return {path.rpartition("/")[2]: path for path in own}
    return dict(own or entry["commands"])


def object_key(
    entry: Mapping[str, Any], details: Details, commands: Mapping[str, str], facts: SystemFacts
) -> str:
    """Return the name in the store.

    It has a hash of all inputs of the object, and a readable name.
    """
    inputs = {
        "layout": LAYOUT,
        "type": entry["type"],
        "name": entry["name"],
        "as": details.get("as") or "",
        "targets": sorted(set(commands.values())),
        "inputs": INSTALLERS[entry["type"]].inputs(details, facts),
    }
    # Of the inputs, not of the result: so a workstation knows what it lacks before the controller
    # fetches anything. Virtual environments are built in place, since they cannot be moved.
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]
    return "-".join(
        [
            digest,
            checked_names.slug(entry["name"]),
            *([checked_names.slug(entry["version"])] if entry["version"] else []),
        ]
    )
