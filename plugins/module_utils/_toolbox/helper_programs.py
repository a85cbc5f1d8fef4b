# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provide helper programs of installers, such as uv, as objects of the store. Pure.

The controller sends a program, with its checksum, to a host that needs it for a tool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .installer_registry import INSTALLERS
from .installers.binary import INSTALLER as BINARY
from .installers.installer import SystemFacts
from .wanted_tools import Source, object_key


class HelperProgram(NamedTuple):
    """A program, the key of its object, and the source of the object."""

    name: str
    key: str
    source: Source


def needed_by(
    sources: Iterable[Source], checksums: Mapping[str, str], facts: SystemFacts
) -> list[HelperProgram]:
    """Return the programs that the installers of these objects run, as far as they are offered."""
    names: set[str] = set()
    for source in sources:
        names.update(INSTALLERS[source.type].programs)
    return [_program(name, checksums[name], facts) for name in sorted(names) if name in checksums]


def _program(name: str, checksum: str, facts: SystemFacts) -> HelperProgram:
    entry = {"type": BINARY.name, "name": name, "version": ""}
    details, commands = {"sha256": checksum}, {name: name}
    key = object_key(entry, details, commands, facts)
    # Without a project: the controller recognizes a program by that.
    return HelperProgram(name, key, Source("", name, BINARY.name, 0, details, commands))
