# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a catalogue has for the machines of a run.

Plain data that the process of each machine gets.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from ...module_utils._core.errors import ShippingError
from ...module_utils._toolbox.installers.installer import sha256_of
from .bundle_writer import Parcel
from .tool_sources import Catalogue


def read(folder: str, projects: list[str], uv_path: str | None) -> dict[str, Any]:
    """What these projects have, and the program ``uv`` where one of their tools needs it."""
    catalogue = Catalogue(folder, _downloads())
    manifests, without = catalogue.manifests(projects)
    uv = _uv(uv_path, manifests)
    found = {
        "manifests": manifests,
        "without": without,
        "uv": uv,
        "uv_sha256": sha256_of(uv) if uv else "",
    }
    return {"folder": folder, "checkouts": catalogue.checkouts, **found}


def parcel(offer: dict[str, Any]) -> Parcel:
    """What can be sent of that."""
    catalogue = Catalogue(offer["folder"], _downloads(), offer["checkouts"])
    return Parcel(
        catalogue, {manifest["name"]: manifest for manifest in offer["manifests"]}, offer["uv"]
    )


def _downloads() -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "shipping.code", "downloads")


def _uv(given: str | None, manifests: list[dict[str, Any]]) -> str:
    """The path of uv, where any project has a tool that it installs."""
    if not any(tool["kind"] == "python" for manifest in manifests for tool in manifest["tools"]):
        return ""
    path = given or shutil.which("uv")
    if not path or not os.path.isfile(path):
        raise ShippingError(
            "tools of the kind python need uv",
            f"{given or 'uv'} is not on the control machine",
            "pip install uv, or say where it is with uv_path",
        )
    return path
