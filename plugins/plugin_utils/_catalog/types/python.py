# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python packages: a lock with hashes pins them; wheels are sent where the catalog has them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ....module_utils._core.errors import ShippingError
from ....module_utils._toolbox.installers.installer import Details, sha256_of
from .. import wheels
from ..lock_file import all_hashes, without_hash
from ..tool_sources import ToolSources
from ..wheels import System
from .tool_type import CannotPin, Tool, ToolType

# Not packaging's rule for names, which allows any letter of Unicode: here a name becomes a path on
# a host.
_WHEEL = re.compile(r"[A-Za-z0-9_.+-]+\.whl")


def _pin(sources: ToolSources, _tool: Tool, details: Details) -> Details:
    """Pin the lock by its checksum; workstations learn whether there are wheels, not where."""
    folder = details.get("wheels")
    lock = sources.read(details["lock"])
    _check_hashes(lock, details)
    if folder:
        _check_wheels(lock, details, os.listdir(sources.beside(folder)))
    return {
        **details,
        "wheels": bool(folder),
        "wheels_folder": folder,
        "lock_sha256": sha256_of(sources.beside(details["lock"])),
    }


def _check_hashes(lock: str, details: Details) -> None:
    """Reject a lock that uv would reject on each workstation."""
    unpinned = without_hash(lock)
    if unpinned:
        raise CannotPin(
            f"{details['lock']}:{unpinned[0].number}: {unpinned[0].text} has no hash; lock the"
            " catalog with shipping.code.lock, or by uv pip compile --generate-hashes"
        )


def _check_wheels(lock: str, details: Details, names: list[str]) -> None:
    """Reject a lock without a wheel for a system that the catalog names.

    Hashes are compared when content is sent.
    """
    system = wheels.declared(details.get("os"), details.get("arch"), details.get("python"))
    lacking = wheels.lacking(lock, names, system)
    if lacking:
        raise CannotPin(
            f"{details['wheels']} has no wheel of {', '.join(lacking)} for {system};"
            f" {details['lock']} pins it"
        )


def _content(
    sources: ToolSources, tool: Tool, details: Details, system: System
) -> Iterator[tuple[str, str]]:
    yield "lock", sources.beside(details["lock"])
    if details.get("wheels"):
        yield from _wheels(sources, tool["name"], details, system)


def _wheels(
    sources: ToolSources, name: str, details: Details, system: System
) -> Iterator[tuple[str, str]]:
    folder = sources.beside(str(details["wheels_folder"]))
    present = sorted(entry for entry in os.listdir(folder) if _WHEEL.fullmatch(entry))
    lock = sources.read(details["lock"])
    # By the hash alone, since it pins the name, the version and the system in one.
    locked = all_hashes(lock)
    kept = [entry for entry in present if sha256_of(os.path.join(folder, entry)) in locked]
    lacking = wheels.lacking(lock, kept, system)
    if lacking or not kept:
        raise ShippingError(
            f"{name} cannot be installed",
            f"no wheel in {folder} is for {system} and has a hash of {details['lock']}:"
            f" {', '.join(lacking) or 'the folder has no wheels'}",
            "Lock again with the wheels of all systems and Pythons, or name those that the tool is"
            " for under platforms",
        )
    for entry in kept:
        yield f"wheels/{entry}", os.path.join(folder, entry)


TOOL_TYPE = ToolType(
    _content,
    _pin,
    program_hints={"uv": "Install uv on the controller, or set uv_path"},
)
