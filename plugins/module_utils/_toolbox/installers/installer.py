# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe one type of tool: the keys of its entry in a catalog, its object, its installation."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..delivery_errors import Damaged

_SHA512_DIGITS = 128
CONVERTED = ".gz"
"""The suffix of content that the controller has converted from zstd."""

Details = Mapping[str, Any]
"""The catalog's entry of a tool for one platform, with its pinned content.

Three keys have one meaning for each type: ``as`` is the tool's path below ``share`` in a view,
``variables`` are its environment variables, and ``packages`` has packages by distribution.
"""


class EntryKey(NamedTuple):
    """One key of a tool's entry.

    An item of ``platforms`` may have the ``each_platform`` ones. The ``pins`` ones pin content.
    """

    form: str
    text: str
    required: bool = False
    each_platform: bool = False
    pins: bool = False


CONTENT_KEYS: Mapping[str, EntryKey] = {
    "url": EntryKey(
        "url_template",
        "The URL from which the controller downloads it, by the proxy of `HTTPS_PROXY` or"
        " `HTTP_PROXY`, with the login of the URL or of the user's `~/.netrc`. `{version}`, `{os}`"
        " and `{arch}` are replaced by those of the tool and the platform.",
        each_platform=True,
    ),
    "file": EntryKey(
        "path",
        "The file, below the folder of the catalog, in place of `url`.",
        each_platform=True,
    ),
    "sha256": EntryKey(
        "sha256", "The checksum of the published file.", each_platform=True, pins=True
    ),
    "sha512": EntryKey(
        "sha512", "The checksum, in place of `sha256`.", each_platform=True, pins=True
    ),
    "signature": EntryKey(
        "signature",
        "A signature that the file must have in addition to the checksum: `minisign` or `cosign`.",
        each_platform=True,
    ),
    "os_names": EntryKey(
        "os_names", "The values of `{os}` in URLs, by `os`; by default, `os` itself."
    ),
    "arch_names": EntryKey(
        "arch_names",
        "The values of `{arch}` in URLs, by `arch`, such as `x86_64: amd64`; by default, `arch`"
        " itself.",
    ),
}
"""The keys of a type whose content is one large file: its place and its verification."""
CONTENT_GROUPS = (("url", "file"), ("sha256", "sha512"))
"""Groups of those keys. The entry must have exactly one of each."""


class SystemFacts(NamedTuple):
    """The facts of a host that tools depend on."""

    os: str
    arch: str
    python: str = ""
    """The path of the system's Python."""
    python_version: str = ""
    distributions: tuple[str, ...] = ()
    """The names of its distribution, the closest first, such as ``debian-12`` and ``debian``."""
    libc: str = ""
    """``glibc`` or ``musl``, which compiled programs are for; empty if it is another."""


class Build(NamedTuple):
    """An object under construction, in its final place."""

    sent_folder: str
    """The folder with the files from the controller."""
    target: str
    """The folder for the tool's files."""
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
    """Return what content must fit: the system of the host, with its Python."""
    return {"os": facts.os, "arch": facts.arch, "python": facts.python_version}


class Installer(NamedTuple):
    """One type of tool on the workstation's side.

    The controller's side is the file of the same name in plugin_utils/_catalog/types.
    """

    name: str
    text: str
    keys: Mapping[str, EntryKey]
    inputs: Inputs
    """The inputs of an object, as its name and commands are: other inputs, another object."""
    install: Callable[[Build], list[str] | None]
    """Build the object; return notes for operators."""
    own_commands: bool = False
    """Whether the tool's name is its command by default."""
    has_commands: bool = True
    needs_version: bool = True
    stored: bool = True
    """Whether it has an object in the store."""
    together: tuple[tuple[str, ...], ...] = ()
    """Groups of keys. The entry must have exactly one of each."""
    programs: tuple[str, ...] = ()
    """Helper programs that ``install`` runs. The controller sends them."""
    command_path: Callable[[str], str] = unchanged
    """From a command's path in the catalog to its path in the object."""
    system: Callable[[Details, SystemFacts], dict[str, str]] = system_of
    """The system that the content must fit. The controller selects content by it."""


def declared(*names: str) -> Inputs:
    """Return a function that takes these keys of the catalog's entry as inputs."""
    return lambda details, facts: {
        name: details[name] for name in names if details.get(name) is not None
    }


def digest_of(path: str, algorithm: str) -> bytes:
    """Return the digest of a file by an algorithm of hashlib."""
    digest = hashlib.new(algorithm)
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.digest()


def sha256_of(path: str) -> str:
    """Return the checksum of a file."""
    return digest_of(path, "sha256").hex()


def checksum_of(details: Details) -> str:
    """Return the checksum that the catalog declares, sha256 or sha512."""
    return str(details.get("sha256") or details["sha512"])


def is_checksum(path: str, expected: str) -> bool:
    """Return whether a file has a checksum, whose length shows its algorithm."""
    return digest_of(path, _algorithm(expected)).hex() == expected


def _algorithm(checksum: str) -> str:
    return "sha512" if len(checksum) == _SHA512_DIGITS else "sha256"


def verify(path: str, expected: str, what: str) -> None:
    """Raise Damaged for content with another checksum."""
    algorithm = _algorithm(expected)
    actual = digest_of(path, algorithm).hex()
    if actual != expected:
        raise Damaged(
            f"{what} is not what the catalog declares",
            f"its {algorithm} is {actual}, and the catalog has {expected}",
            "Check its origin before you change the checksum",
        )


def sent_content(build: Build, name: str) -> str:
    """Return the path of the tool's content, verified."""
    # Python 3.9 has no zstd: the controller has verified such content and converted it.
    converted = build.sent(f"{name}{CONVERTED}")
    if os.path.exists(converted):
        return converted
    # Again, although the whole bundle was verified: that checksum is the bundle's, and this one is
    # the catalog's.
    source = build.sent(name)
    verify(source, checksum_of(build.details), build.name)
    return source


def put(build: Build, mode: int) -> None:
    """Install a single file, verified, under the name of the tool."""
    place(build, sent_content(build, "content"), mode)


def place(build: Build, source: str, mode: int) -> None:
    """Move the only file of a tool to its place."""
    target = os.path.join(build.target, build.details.get("as") or build.name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.move(source, target)
    os.chmod(target, mode)


PLATFORM_OS = ("linux", "macos", "windows")
PLATFORM_ARCH = ("x86_64", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64", "i686")
