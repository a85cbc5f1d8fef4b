# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a catalog: a folder with a file for each project.

Each run reads it, so this is cheap: it hashes small files; large ones have their checksum in the
catalog, and git has its commit.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._core.errors import Problem, ShippingError, SpecError, innermost
from ...module_utils._toolbox import checked_names
from ...module_utils._toolbox.unpack import unpack
from . import project_file
from .tool_sources import ToolSources
from .tool_types import tool_type
from .types.tool_type import CannotPin

SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True)
class Catalog:
    """A folder with a file for each project."""

    folder: str
    downloads: str
    """The folder for downloads and git objects on the controller."""
    checkouts: dict[str, str] = field(default_factory=dict)
    """The folders of projects that have their own repository, by name."""

    def manifests(self, projects: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the manifests of these projects for workstations, and the projects without a file.

        A file with errors leaves its project as it is on the workstations: the manifest has the
        ``fault`` and no tools. The other projects are not affected.
        """
        manifests, without = [], []
        for name in projects:
            path = self._path(name)
            if path is None:
                without.append(name)
                continue
            try:
                manifests.append(self._manifest(path, name))
            except SpecError as error:
                fault = "; ".join(map(str, error.problems)) or str(error)
                manifests.append(_faulty_project(name, fault))
            # Such as a commit that cannot be fetched, or a file that cannot be read.
            except (ShippingError, OSError) as error:
                fault = innermost(error) if isinstance(error, OSError) else str(error)
                manifests.append(_faulty_project(name, f"{path}: {fault}"))
        return manifests, without

    def _path(self, name: str) -> str | None:
        """Return the file of a project.

        The name comes from the directory: it is a path only when it is a plain name.
        """
        if not checked_names.is_name(name):
            return None
        return project_path(self.folder, name)

    def _manifest(self, path: str, name: str) -> dict[str, Any]:
        project = _read(path, name)
        if isinstance(project, project_file.Pointer):
            return self._manifest_of_checkout(project, path, name)
        tools = [self._pinned(tool) for tool in project.tools]
        return {
            "name": name,
            "description": project.description,
            "tools": tools,
            "removed": list(project.removed),
            "hold": project.hold,
        }

    def _manifest_of_checkout(
        self, pointer: project_file.Pointer, path: str, name: str
    ) -> dict[str, Any]:
        folder = self._checkout(pointer, name)
        inner = os.path.join(folder, pointer.path)
        if not os.path.isfile(inner) or isinstance(_read(inner, name), project_file.Pointer):
            raise SpecError(
                [
                    Problem(
                        path, f"commit {pointer.commit[:12]} has no project's file {pointer.path}"
                    )
                ],
                path,
            )
        self.checkouts[name] = os.path.dirname(inner)
        return Catalog(self.checkouts[name], self.downloads)._manifest(inner, name)

    def _checkout(self, pointer: project_file.Pointer, name: str) -> str:
        """Return the folder with the files of the commit, which are unpacked once."""
        folder = os.path.join(self.downloads, f"{pointer.commit}-files")
        sources = ToolSources(self.folder, self.downloads)
        with sources.first_alone(pointer.commit):
            if not os.path.isdir(folder):
                archive = sources.commit(pointer.repository, pointer.commit, name)
                partial = tempfile.mkdtemp(dir=self.downloads)
                unpack(archive, partial, name)
                try:
                    # If the first process has failed, several unpack at once (single_flight). All
                    # have the same files, so that the first rename is enough.
                    os.rename(partial, folder)
                except OSError:
                    shutil.rmtree(partial)
                    if not os.path.isdir(folder):
                        raise
        return folder

    def sources_of(self, project: str, *, only_probes: bool = False) -> ToolSources:
        """Return the sources of a project."""
        folder = self.checkouts.get(project, self.folder)
        return ToolSources(folder, self.downloads, only_probes)

    def _pinned(self, read_tool: dict[str, Any]) -> dict[str, Any]:
        """Return the tool as workstations get it, with all its content pinned.

        A tool without its content has the ``fault`` and no variants.
        """
        sources = ToolSources(self.folder, self.downloads)
        tool = {key: value for key, value in read_tool.items() if key != "where"}
        where = read_tool["where"]
        pin = tool_type(tool["type"]).pin
        try:
            variants = [pin(sources, tool, details) for details in tool["variants"]]
        except CannotPin as error:
            return faulty_tool(tool, f"{where}: {tool['name']}: {error}")
        except OSError as error:
            fault = f"{error.filename} cannot be read: {innermost(error)}"
            return faulty_tool(tool, f"{where}: {tool['name']}: {fault}")
        return {**tool, "variants": variants}


def project_path(folder: str, name: str) -> str | None:
    """Return the file of a project in a folder; None if it has none."""
    paths = (os.path.join(folder, f"{name}{suffix}") for suffix in SUFFIXES)
    return next((path for path in paths if os.path.isfile(path)), None)


def _faulty_project(name: str, fault: str) -> dict[str, Any]:
    return {"name": name, "description": "", "tools": [], "fault": fault}


def faulty_tool(tool: dict[str, Any], fault: str) -> dict[str, Any]:
    """Return a tool that workstations leave as it is, with the reason."""
    return {**tool, "variants": [], "fault": fault}


def _read(path: str, name: str) -> project_file.Project | project_file.Pointer:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return project_file.read(stream.read(), path, name)
