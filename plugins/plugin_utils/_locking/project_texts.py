# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the project files of a catalog without all pins, with the nodes to edit."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from yaml.nodes import MappingNode, SequenceNode

from ...module_utils._core.errors import Problem, ShippingError, SpecError, os_words
from .._catalog import project_file
from .._catalog.catalog_folder import SUFFIXES, project_path
from .._catalog.document_reader import place_of, value_of

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class ToolEntry:
    """A tool of a project's file, and its place in the file."""

    project: str
    path: str
    tool: dict[str, Any]
    """As project_file reads it."""
    node: MappingNode

    @property
    def name(self) -> str:
        """Return ``project/tool``."""
        return f"{self.project}/{self.tool['name']}"

    def where(self, *keys: str) -> str:
        """Return ``file:line:column`` of the first of these keys, or of the tool."""
        keys_in_file = {key.value: key for key, _value in self.node.value}
        node = next((keys_in_file[key] for key in keys if key in keys_in_file), self.node)
        return place_of(self.path, node)

    def mapping_of(self, variant: int, key: str) -> MappingNode:
        """Return the mapping that has a key of a variant: an item of ``platforms``, or the tool."""
        item = self.item_of(variant)
        return self.node if value_of(item, key) is None else item

    def item_of(self, variant: int) -> MappingNode:
        """Return the mapping of a variant, an item of ``platforms``, or else the tool."""
        platforms = value_of(self.node, "platforms")
        item = platforms.value[variant] if isinstance(platforms, SequenceNode) else None
        return item if isinstance(item, MappingNode) else self.node


@dataclass(frozen=True)
class ProjectText:
    """A project's file and its tools. ``text`` has no byte order mark."""

    name: str
    path: str
    text: str
    mark: str
    entries: tuple[ToolEntry, ...]


def project_names(folder: str) -> list[str]:
    """Return the names of all projects of a catalog."""
    try:
        files = sorted(os.listdir(folder))
    except OSError as error:
        raise ShippingError(
            f"the catalog {folder} cannot be read",
            os_words(error),
            "Write the path of the folder with a file for each project",
        ) from error
    names = (os.path.splitext(file) for file in files)
    return list(dict.fromkeys(name for name, suffix in names if suffix in SUFFIXES))


def read_project(folder: str, name: str) -> ProjectText:
    """Return the file of a project; raise :class:`SpecError` with its problems."""
    path = _path(folder, name)
    # newline: the ends of lines stay as they are.
    with open(path, encoding="utf-8", newline="") as stream:
        try:
            content = stream.read()
        except UnicodeDecodeError as error:
            raise SpecError([Problem(path, f"is not UTF-8: {error.reason}")], path) from error
    # libyaml does not count the mark in the places of its nodes, and PyYAML does.
    mark = _BYTE_ORDER_MARK if content.startswith(_BYTE_ORDER_MARK) else ""
    text = content.removeprefix(mark)
    root = project_file.document(text, path, may_lack_pins=True)
    project = project_file.parse(root, name)
    if isinstance(project, project_file.Pointer):
        return ProjectText(name, path, text, mark, ())
    tools = value_of(root.node, "tools")
    entries = [
        ToolEntry(name, path, tool, node)
        for tool in project.tools
        if isinstance(node := value_of(tools, tool["name"]), MappingNode)
    ]
    return ProjectText(name, path, text, mark, tuple(entries))


def problems_of(error: SpecError) -> list[str]:
    """Return the problems of a file, each with its place."""
    return [str(problem) for problem in error.problems] or [str(error)]


def _path(folder: str, name: str) -> str:
    path = project_path(folder, name)
    if path is None:
        expected = os.path.join(folder, f"{name}{SUFFIXES[0]}")
        raise ShippingError(
            f"project {name} has no file",
            f"{expected} is not there",
            "Correct the name of the project",
        )
    return path
