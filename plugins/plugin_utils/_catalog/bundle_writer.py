# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a bundle: one tar with all content that a host lacks."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._core.errors import ShippingError
from ...module_utils._toolbox.installers.installer import sha256_of
from .catalog_folder import Catalog
from .tool_sources import Probed
from .tool_types import tool_type
from .wheels import reported


@dataclass(frozen=True)
class BundleWriter:
    """Writes bundles for hosts."""

    catalog: Catalog
    manifests: Mapping[str, Mapping[str, Any]]
    programs: Mapping[str, str] = field(default_factory=dict)
    """The paths of helper programs, by name."""

    def write(self, path: str, missing: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Write the tar; return its checksum, and why objects are not in it."""
        unsent = {}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as content:
            for lacking in missing:
                try:
                    files = list(self._content(lacking))
                # Only this tool is left out. The workstation reports why, and installs the others.
                except ShippingError as error:
                    unsent[lacking["object"]] = str(error)
                    continue
                for name, source in files:
                    _add(content, f"{lacking['object']}/{name}", source)
        return {"sha256": sha256_of(path), "unsent": unsent}

    def unobtainable(self, missing: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """Return why missing objects cannot be fetched, without downloading any."""
        reasons = {}
        for lacking in missing:
            try:
                list(self._content(lacking, only_probes=True))
            except Probed:
                continue
            except ShippingError as error:
                reasons[lacking["object"]] = str(error)
        return reasons

    def _content(
        self, lacking: Mapping[str, Any], *, only_probes: bool = False
    ) -> Iterable[tuple[str, str]]:
        if not lacking["project"]:
            return [("content", self.programs[lacking["tool"]])]
        tool = self._tool(lacking["project"], lacking["tool"])
        return tool_type(tool["type"]).content(
            self.catalog.sources_of(lacking["project"], only_probes=only_probes),
            tool,
            tool["variants"][lacking["variant"]],
            reported(lacking.get("system", {})),
        )

    def _tool(self, project: str, name: str) -> Mapping[str, Any]:
        tool: Mapping[str, Any] = next(
            entry for entry in self.manifests[project]["tools"] if entry["name"] == name
        )
        return tool


def _add(content: tarfile.TarFile, name: str, path: str) -> None:
    """Add a regular file, without its owner, mode and times on this host."""
    info = tarfile.TarInfo(name)
    with open(path, "rb") as source:
        info.size = os.fstat(source.fileno()).st_size
        content.addfile(info, source)
