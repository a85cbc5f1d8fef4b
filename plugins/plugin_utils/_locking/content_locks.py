# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin the content of a URL or a file by its checksum."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from typing import Any

from ...module_utils._core.errors import ShippingError, innermost
from ...module_utils._toolbox.atomic_files import read_text, write
from ...module_utils._toolbox.installers.installer import digest_of
from .._catalog.document_reader import value_of
from .._catalog.signed_content import verify_signature
from .._catalog.tool_sources import ToolSources, is_lfs_pointer, without_login
from .project_texts import ToolEntry
from .tool_plan import LockSettings, ToolPlan
from .yaml_edits import Edit


def plan_checksums(entry: ToolEntry, settings: LockSettings) -> ToolPlan:
    """Return which checksums of a tool are missing or wrong."""
    plan = ToolPlan(entry)
    for number, details in enumerate(entry.tool["variants"]):
        try:
            _plan_variant(plan, number, details, settings)
        except ShippingError as error:
            plan.fail(error, "url", "file", "platforms")
        except OSError as error:
            plan.fault(f"{error.filename} cannot be read: {innermost(error)}.", "file", "platforms")
    return plan


def _plan_variant(
    plan: ToolPlan, number: int, details: Mapping[str, Any], settings: LockSettings
) -> None:
    algorithm = "sha512" if details.get("sha512") else "sha256"
    pinned = str(details.get(algorithm, ""))
    if not pinned:
        plan.find(f"has no sha256 of {_source(details)}", "url", "file", "platforms")
        if settings.findings_only:
            return
    elif not settings.upgrade and _is_known(settings.sources, details, pinned):
        return
    name = plan.entry.tool["name"]
    path, checksum = _content(settings.sources, details, algorithm, name)
    if checksum == pinned:
        _remember(settings.sources, details, checksum)
    elif pinned and not settings.upgrade:
        plan.fault(
            f"{_source(details)} is not what the catalog declares: its {algorithm} is {checksum}."
            f" If you have changed the version or the URL, delete the {algorithm} or upgrade the"
            " tool.",
            *(algorithm, "platforms"),
        )
    else:
        verify_signature(settings.sources, {**details, algorithm: checksum}, path, name)
        _remember(settings.sources, details, checksum)
        if pinned:
            plan.find(f"has another {algorithm} than {_source(details)}", algorithm, "platforms")
        plan.edits.append(_edit(plan.entry, number, algorithm, checksum))


def _source(details: Mapping[str, Any]) -> str:
    """Return the URL without a login, or the file."""
    return without_login(str(details.get("url") or details.get("file")))


def _edit(entry: ToolEntry, number: int, algorithm: str, checksum: str) -> Edit:
    """Return the edit of an existing checksum, or of a new one beside its URL or file."""
    mapping = entry.mapping_of(number, algorithm)
    if value_of(mapping, algorithm) is None:
        key = "url" if entry.tool["variants"][number].get("url") else "file"
        mapping = entry.mapping_of(number, key)
        contents = {variant.get(key) for variant in entry.tool["variants"]}
        if mapping is entry.node and len(contents) > 1:
            mapping = entry.item_of(number)
        after = next((name for name in (key, "arch", "os") if value_of(mapping, name)), "")
        return Edit(mapping, algorithm, checksum, after)
    return Edit(mapping, algorithm, checksum)


def _content(
    sources: ToolSources, details: Mapping[str, Any], algorithm: str, name: str
) -> tuple[str, str]:
    """Return the path of the current content of the URL or the file, and its checksum."""
    if details.get("url"):
        return sources.latest(details["url"], algorithm, name)
    path = sources.beside(details["file"])
    with open(path, "rb") as file:
        if is_lfs_pointer(file):
            raise ShippingError(
                f"{name} cannot be locked",
                f"{path} is a pointer of Git LFS",
                "Run `git lfs pull` beside it",
            )
    return path, digest_of(path, algorithm).hex()


def _is_known(sources: ToolSources, details: Mapping[str, Any], checksum: str) -> bool:
    """Return whether a URL had this content before on this controller."""
    path = _memory(sources, details)
    return bool(path) and read_text(path) == checksum


def _remember(sources: ToolSources, details: Mapping[str, Any], checksum: str) -> None:
    path = _memory(sources, details)
    if not path:
        return
    # It saves a download only.
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        write(path, checksum, 0o600, lasting=False)


def _memory(sources: ToolSources, details: Mapping[str, Any]) -> str:
    """Return the file that has the known checksum of a URL; empty for what is no download."""
    url = str(details.get("url", ""))
    if not url.startswith("http"):
        return ""
    return os.path.join(f"{sources.downloads}.urls", hashlib.sha256(url.encode()).hexdigest())
