# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe one type of tool for the controller: how to pin its content, and what to send.

Its keys and its installation are in module_utils/_toolbox/installers, in the file of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ....module_utils._toolbox.installers.installer import (
    Details,
    checksum_of,
    sha256_of,
    verify,
)
from ..tool_sources import ToolSources, is_lfs_pointer
from ..wheels import System

Tool = Mapping[str, Any]
"""A tool as project_file reads it."""
Content = Iterable[tuple[str, str]]
"""Names and paths of the files that a host needs to install a tool."""


class CannotPin(Exception):
    """The catalog lacks content that one of its tools needs."""


def nothing_to_pin(_sources: ToolSources, _tool: Tool, details: Details) -> Details:
    """Return the details unchanged, since the catalog pins all of the content."""
    return details


class ToolType(NamedTuple):
    """One type of tool on the controller's side."""

    content: Callable[[ToolSources, Tool, Details, System], Content]
    """The content to send to a host of a system. Called only for what a host lacks."""
    pin: Callable[[ToolSources, Tool, Details], Details] = nothing_to_pin
    """From the catalog's entry for a platform to the manifest's. Cheap, since each run calls it."""
    shared_path: Callable[[Tool], str] | None = None
    """The path below ``share`` of a view that no other tool of the project may have."""
    program_hints: Mapping[str, str] = MappingProxyType({})
    """How to get each helper program that its installer runs, by name."""


def no_content(
    _sources: ToolSources, _tool: Tool, _details: Details, _system: System
) -> Iterator[tuple[str, str]]:
    """Send no content."""
    yield from ()


def pin_file(sources: ToolSources, _tool: Tool, details: Details) -> Details:
    """Pin a small file beside the catalog by its checksum."""
    path = sources.beside(details["file"])
    _refuse_lfs_pointer(path)
    return {**details, "sha256": sha256_of(path)}


def _refuse_lfs_pointer(path: str) -> None:
    with open(path, "rb") as file:
        if is_lfs_pointer(file):
            raise CannotPin(f"{path} is a pointer of Git LFS; run `git lfs pull` in its repository")


def file_content(
    sources: ToolSources, _tool: Tool, details: Details, _system: System
) -> Iterator[tuple[str, str]]:
    """Send a file beside the catalog."""
    yield "content", sources.beside(details["file"])


def check_file(sources: ToolSources, _tool: Tool, details: Details) -> Details:
    """Check that a file exists whose checksum the catalog has; a large one is not read here."""
    if details.get("file"):
        _refuse_lfs_pointer(sources.beside(details["file"]))
    return details


def _url_of(about: Mapping[str, Any]) -> str:
    return str(about.get("url") or "")


def declared_file(sources: ToolSources, tool: Tool, details: Details) -> str:
    """Return the path of content that has a URL or a file, with its checksum and signature."""
    name, checksum = tool["name"], checksum_of(details)
    if sources.only_probes:
        # First, since the content raises Probed.
        sources.probe_all(map(_url_of, (details.get("signature") or {}).values()), name)
    if details.get("file"):
        path = sources.beside(details["file"])
        verify(path, checksum, name)
    else:
        path = sources.download(details["url"], checksum, name)
    if details.get("signature"):
        # Imported where it is used: few tools have one, and each run reads the catalog.
        from ..signed_content import verify_signature

        verify_signature(sources, details, path, name)
    return path
