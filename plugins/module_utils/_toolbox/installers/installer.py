# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe one type of tool: the keys of its entry in a catalog, its object, how to install it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..delivery_errors import Damaged

Details = Mapping[str, Any]
"""What the catalog says of a tool for one platform, with what its type has pinned.

Two keys mean the same for each type: ``as`` is the tool's path below ``share`` in a view,
``variables`` are its environment variables.
"""


class Key(NamedTuple):
    """One key of a tool's entry.

    ``each_platform`` ones may also stand in an item of ``platforms``; ``pins`` ones pin content.
    """

    form: str
    text: str
    required: bool = False
    each_platform: bool = False
    pins: bool = False


CONTENT_KEYS: Mapping[str, Key] = {
    "url": Key(
        "url",
        "Where the control machine gets it from: by the proxy of `HTTPS_PROXY` or `HTTP_PROXY`,"
        " with the login that the URL or the user's `~/.netrc` has.",
        each_platform=True,
    ),
    "file": Key(
        "path",
        "The file, below the folder of the catalog, in place of `url`.",
        each_platform=True,
    ),
    "sha256": Key("sha256", "Its checksum.", required=True, each_platform=True, pins=True),
}
"""The keys of a type whose content is one large file: where it is, and its checksum."""


class SystemFacts(NamedTuple):
    """What a machine is, as far as tools depend on it."""

    os: str
    arch: str
    python: str = ""
    """The path of the machine's own Python."""
    python_version: str = ""


class Build(NamedTuple):
    """An object that is being made in its final place."""

    sent_folder: str
    """The folder with what the control machine sent for it."""
    target: str
    """The folder that the tool's files go to."""
    name: str
    details: Details
    commands: Mapping[str, str]
    facts: SystemFacts
    programs: Mapping[str, str] = MappingProxyType({})
    """The paths of the helper programs that the installer runs, by name."""

    def sent(self, name: str) -> str:
        """Return the path of a file that was sent."""
        return os.path.join(self.sent_folder, name)


Inputs = Callable[[Details, SystemFacts], "dict[str, Any]"]


def unchanged(path: str) -> str:
    """Return the path of a command as the catalog has it."""
    return path


def system_of(_details: Details, facts: SystemFacts) -> dict[str, str]:
    """Return what content has to fit: the system of the machine, with its own Python."""
    return {"os": facts.os, "arch": facts.arch, "python": facts.python_version}


class Installer(NamedTuple):
    """One type of tool on the workstation's side.

    The control machine's side is the file of the same name in plugin_utils/_catalog/types.
    """

    name: str
    text: str
    keys: Mapping[str, Key]
    inputs: Inputs
    """What goes into an object, besides its name and commands: other inputs, another object."""
    install: Callable[[Build], None]
    own_commands: bool = False
    """Whether the tool's own name is its command where none is given."""
    has_commands: bool = True
    needs_version: bool = True
    stored: bool = True
    """Whether it has an object in the store at all."""
    together: tuple[tuple[str, ...], ...] = ()
    """Groups of keys of which exactly one must be there."""
    programs: tuple[str, ...] = ()
    """Helper programs that ``install`` runs. The control machine sends them along."""
    command_path: Callable[[str], str] = unchanged
    """From a command's path in the catalog to its path in the object."""
    system: Callable[[Details, SystemFacts], dict[str, str]] = system_of
    """What the content has to fit; the control machine chooses by it what it sends."""


def declared(*names: str) -> Inputs:
    """Return inputs that are nothing but what the catalog says."""
    return lambda details, facts: {
        name: details[name] for name in names if details.get(name) is not None
    }


def sha256_of(path: str) -> str:
    """Return the checksum of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def verify(path: str, expected: str, what: str) -> None:
    """Raise Damaged for content that is not what was declared."""
    actual = sha256_of(path)
    if actual != expected:
        raise Damaged(
            f"{what} is not what the catalog declares",
            f"its sha256 is {actual}, and {expected} was declared",
            "Look where it comes from before you change the checksum; nothing of it was unpacked",
        )


def put(build: Build, mode: int) -> None:
    """Install a single file, verified, under the name of the tool."""
    source = build.sent("content")
    # Again, although the whole bundle was verified: its checksum says what was sent, this one what
    # the catalog declares.
    verify(source, build.details["sha256"], build.name)
    target = os.path.join(build.target, build.details.get("as") or build.name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.move(source, target)
    os.chmod(target, mode)


PLATFORM_OS = ("linux", "macos", "windows")
PLATFORM_ARCH = ("x86_64", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64", "i686")
