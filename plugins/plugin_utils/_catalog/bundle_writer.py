# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tar with everything that a machine lacks."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import ShippingError
from ...module_utils._toolbox.installers.installer import sha256_of
from .tool_sources import Catalogue
from .wheels import told


@dataclass(frozen=True)
class Parcel:
    """What a machine asked for, and where its content is."""

    catalogue: Catalogue
    manifests: Mapping[str, Mapping[str, Any]]
    uv: str = ""

    def write(self, path: str, missing: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Write the tar; returns its checksum.

        And why each thing is not in it that could not be had.
        """
        unsent = {}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as content:
            for wish in missing:
                try:
                    found = list(self._contents(wish))
                except ShippingError as error:
                    unsent[wish["object"]] = str(error)
                    continue
                for name, source in found:
                    _add(content, f"{wish['object']}/{name}", source)
        return {"sha256": sha256_of(path), "unsent": unsent}

    def _contents(self, wish: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if not wish["project"]:
            yield "content", self.uv
            return
        tool = self._tool(wish["project"], wish["tool"])
        yield from self.catalogue.of(wish["project"]).contents(
            tool, tool["variants"][wish["variant"]], told(wish.get("system", {}))
        )

    def _tool(self, project: str, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = next(
            tool for tool in self.manifests[project]["tools"] if tool["name"] == name
        )
        return found


def _add(content: tarfile.TarFile, name: str, path: str) -> None:
    """As a plain file, without anything that this machine knows about it."""
    info = tarfile.TarInfo(name)
    with open(path, "rb") as source:
        info.size = os.fstat(source.fileno()).st_size
        content.addfile(info, source)
