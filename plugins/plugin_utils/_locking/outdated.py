# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find tools with newer versions, as far as that can be known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from ...module_utils._core.errors import ShippingError
from ...module_utils._core.text_table import text_table
from ...module_utils._toolbox.atomic_files import read_text
from . import choices
from .git_locks import reference_of
from .project_texts import ToolEntry
from .python_locks import requirements_of
from .tool_plan import LockSettings, real_path

CURRENT, OUTDATED, UNKNOWN = "current", "outdated", "unknown"
_HEADINGS = ("project", "tool", "package", "locked", "newest", "state")


def tool_versions(
    entries: Iterable[ToolEntry], settings: LockSettings, faults: list[str]
) -> list[dict[str, Any]]:
    """Return the locked and the newest version of each package of each tool."""
    rows = []
    for entry in entries:
        reader = _READERS.get(entry.tool["type"])
        if reader is None:
            continue
        try:
            rows += [_row(entry, *versions) for versions in reader(entry, settings)]
        except (ShippingError, OSError) as error:
            faults.append(f"{entry.where()}: {entry.tool['name']}: {error}")
    return rows


def versions_table(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return the lines of a table of versions."""
    cells = [tuple(str(row[name]) for name in _HEADINGS) for row in rows]
    return text_table([_HEADINGS, *cells]) if cells else []


Versions = tuple[str, str, str]
"""A package, its locked version, and the newest one, which is empty if it is not known."""


def _row(entry: ToolEntry, package: str, locked: str, newest: str) -> dict[str, Any]:
    state = CURRENT if newest == locked else OUTDATED
    return {
        "project": entry.project,
        "tool": entry.tool["name"],
        "type": entry.tool["type"],
        "package": package,
        "locked": locked,
        "newest": newest,
        "state": state if newest else UNKNOWN,
    }


def _of_python(entry: ToolEntry, settings: LockSettings) -> Iterator[Versions]:
    """Yield the packages that the catalog names, and not what they depend on."""
    seen: set[str] = set()
    for details in entry.tool["variants"]:
        path = real_path(settings.sources, details["lock"])
        if not os.path.exists(path):
            raise ShippingError(f"{details['lock']} is not there", "", "Lock the catalog first")
        if not details.get("requirements"):
            yield "", entry.tool["version"], ""
            return
        requirements = requirements_of(details, entry.tool, settings)
        for name in choices.package_names(requirements):
            if name not in seen:
                seen.add(name)
                locked = choices.highest_version(read_text(path), name)
                yield name, locked, choices.newest_version(settings.index_for(details).files(name))


def _of_git(entry: ToolEntry, settings: LockSettings) -> Iterator[Versions]:
    details = entry.tool["variants"][0]
    key, name, reference = reference_of(entry)
    commit = details.get("commit", "")
    if not key:
        yield "", commit[:12] or entry.tool["version"], ""
        return
    references = settings.sources.references(details["repository"], entry.tool["name"])
    if key == "branch":
        yield name, commit[:12], references.get(reference, "")[:12]
        return
    prefix = reference.removesuffix(name)
    tags = [tag.removeprefix(prefix) for tag in references if tag.startswith(prefix)]
    yield "", name, choices.newest_tag(name, tags)


def _of_content(entry: ToolEntry, _settings: LockSettings) -> Iterator[Versions]:
    # A URL has no list of versions.
    yield "", entry.tool["version"], ""


_READERS = {
    "archive": _of_content,
    "binary": _of_content,
    "git": _of_git,
    "python": _of_python,
}
