# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the contents of a catalog for the hosts of a run.

The result is plain data, which the process of each host reads.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from ...module_utils._core.errors import ShippingError
from ...module_utils._toolbox.installer_registry import INSTALLERS
from ...module_utils._toolbox.installers.installer import sha256_of
from .bundle_writer import BundleWriter
from .catalog_folder import Catalog, faulty_tool
from .tool_types import tool_type


def read(folder: str, projects: list[str], program_paths: dict[str, str]) -> dict[str, Any]:
    """Return the manifests of these projects, and the helper programs that their tools need.

    ``program_paths`` has the paths that the user has set, by name.
    """
    catalog = Catalog(folder, downloads_folder())
    manifests, without = catalog.manifests(projects)
    programs, lacking = _programs(manifests, program_paths)
    manifests = [_without_programs(manifest, lacking) for manifest in manifests]
    return {
        "folder": folder,
        "checkouts": catalog.checkouts,
        "manifests": manifests,
        "without": without,
        "programs": programs,
        "checksums": {name: sha256_of(path) for name, path in programs.items()},
    }


def bundle_writer(contents: dict[str, Any]) -> BundleWriter:
    """Return the writer of bundles for these contents."""
    catalog = Catalog(contents["folder"], downloads_folder(), contents["checkouts"])
    manifests = {manifest["name"]: manifest for manifest in contents["manifests"]}
    return BundleWriter(catalog, manifests, contents["programs"])


def downloads_folder() -> str:
    """Return where downloads and git objects are kept on the controller."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "shipping.code", "downloads")


def _programs(
    manifests: list[dict[str, Any]], paths: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the paths of the helper programs that installers of these tools run, by name.

    Return also why a type of tool cannot be installed, by its name.
    """
    used: set[str] = set()
    for manifest in manifests:
        used.update(tool["type"] for tool in manifest["tools"])
    programs: dict[str, str] = {}
    lacking: dict[str, str] = {}
    for type_name in sorted(used):
        for name in INSTALLERS[type_name].programs:
            try:
                programs[name] = _program(name, type_name, paths.get(name))
            # Tools of other types need no such program.
            except ShippingError as error:
                lacking[type_name] = str(error)
    return programs, lacking


def _without_programs(manifest: dict[str, Any], lacking: dict[str, str]) -> dict[str, Any]:
    """Return the manifest with a fault for each tool whose type lacks a helper program."""
    tools = [
        faulty_tool(tool, lacking[tool["type"]]) if tool["type"] in lacking else tool
        for tool in manifest["tools"]
    ]
    return {**manifest, "tools": tools}


def _program(name: str, type_name: str, chosen: str | None) -> str:
    path = chosen or shutil.which(name)
    if not path or not os.path.isfile(path):
        raise ShippingError(
            f"tools of the type {type_name} need {name}",
            f"{chosen or name} was not found on the controller",
            tool_type(type_name).program_hints.get(name, f"Install {name} on the controller"),
        )
    return path
