# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of tool is.

The keys of its entry in a catalogue, what makes an object of it, and how it is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..delivery_errors import Damaged


class Key(NamedTuple):
    """One key of a tool's entry.

    ``each_platform`` ones may also stand in an item of ``platforms``.
    """

    form: str
    text: str
    required: bool = False
    each_platform: bool = False


class Facts(NamedTuple):
    """What a machine is, as far as tools depend on it."""

    os: str
    arch: str
    python: str = ""
    """The path of the machine's own Python."""
    python_version: str = ""


class Build(NamedTuple):
    """An object that is being made in its final place."""

    given: str
    """The folder with what the control machine sent for it."""
    target: str
    """The folder that the tool's files go to."""
    name: str
    details: Mapping[str, Any]
    """What the catalogue says for this platform."""
    commands: Mapping[str, str]
    facts: Facts
    uv: str = ""
    """The path of the program that installs Python packages."""

    def sent(self, name: str) -> str:
        """The path of a file that was sent."""
        return os.path.join(self.given, name)


Inputs = Callable[[Mapping[str, Any], Facts], "dict[str, Any]"]


class Kind(NamedTuple):
    """One kind; ``files`` tells whether it has an object in the store at all."""

    name: str
    text: str
    keys: Mapping[str, Key]
    inputs: Inputs
    install: Callable[[Build], None]
    own_commands: bool = False
    """Whether the tool's own name is its command where none is given."""
    has_commands: bool = True
    stored: bool = True
    together: tuple[tuple[str, ...], ...] = ()
    """Groups of keys of which exactly one must be there."""


def declared(*names: str) -> Inputs:
    """Inputs that are nothing but what the catalogue says."""
    return lambda details, facts: {
        name: details[name] for name in names if details.get(name) is not None
    }


def sha256_of(path: str) -> str:
    """The checksum of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def verify(path: str, expected: str, what: str) -> None:
    """Refuse content that is not what was declared."""
    found = sha256_of(path)
    if found != expected:
        raise Damaged(
            f"{what} is not what the catalogue declares",
            f"its sha256 is {found}, and {expected} was declared",
            "Look where it comes from before you change the checksum; nothing of it was unpacked",
        )


def put(build: Build, mode: int) -> None:
    """Install a single file, verified, under the name of the tool."""
    source = build.sent("content")
    verify(source, build.details["sha256"], build.name)
    target = os.path.join(build.target, build.details.get("as") or build.name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.move(source, target)
    os.chmod(target, mode)


PLATFORM_OS = ("linux", "macos", "windows")
PLATFORM_ARCH = ("x86_64", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64", "i686")
