# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the packages of a lock that have no wheel for a host, by the wheels' names. Pure.

``packaging`` compares versions, markers, names of wheels and tags of Pythons. It only knows the
platforms of the host that it runs on.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .lock_file import LockLine, lock_lines

# packaging is a dependency of ansible-core. It is imported where it is used, since ansible-test
# imports this file without it.
if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.tags import Tag
    from packaging.version import Version

_VERSION = re.compile(r"3\.(\d+)")
# All platforms of a system count: a host reports no version of its libc or macOS, by which
# packaging.tags.platform_tags() and mac_platforms() decide. uv checks them on the host.
_PLATFORMS = {
    "linux": ("manylinux", "musllinux", "linux"),
    "macos": ("macosx",),
    "windows": ("win",),
}
_SYSTEMS = {
    "linux": ("linux", "Linux", "posix"),
    "macos": ("darwin", "Darwin", "posix"),
    "windows": ("win32", "Windows", "nt"),
}
_ARCHS = {
    "x86_64": ("x86_64", "amd64", "universal2"),
    "aarch64": ("aarch64", "arm64", "universal2"),
    "i686": ("i686", "win32"),
}


@dataclass(frozen=True)
class System:
    """The system that a wheel must fit. An empty field is unknown, and fits all wheels."""

    os: str = ""
    arch: str = ""
    python: str = ""
    """As ``3.11``."""
    libc: str = ""
    """``glibc`` or ``musl``, for packages of npm."""

    def __str__(self) -> str:
        python = f"Python {self.python}" if self.python else ""
        return ", ".join(filter(None, (f"{self.os} {self.arch}".strip(), python))) or "any system"


def declared(os: str | None, arch: str | None, python: str | None) -> System:
    """Return the system of a catalog's entry; the name of an interpreter has its version."""
    named = re.search(r"python(3\.\d+)$", python or "")
    return System(os or "", arch or "", named[1] if named else "")


def reported(data: Mapping[str, Any]) -> System:
    """Return the system that a host reports, which is only used in comparisons."""
    return System(*(str(data.get(name, "")) for name in ("os", "arch", "python", "libc")))


def lacking(lock: str, wheels: Iterable[str], system: System) -> list[str]:
    """Return the packages that this system needs, and that have no wheel among these names."""
    from packaging.utils import canonicalize_name

    present = set(fitting(wheels, system))
    return sorted(
        f"{name} {version}"
        for name, version in _pinned(lock, system)
        if (canonicalize_name(name), version) not in present
    )


def _pinned(lock: str, system: System) -> Iterator[tuple[str, Version]]:
    """Yield names and versions that a lock pins for a system.

    What is pinned otherwise, by a URL, is left to uv.
    """
    for line in lines_for(lock, system):
        if line.requirement and line.version:
            yield line.requirement.name, line.version


def lines_for(lock: str, system: System) -> Iterator[LockLine]:
    """Yield the lines of a lock that pin a version of a package for a system."""
    for line in lock_lines(lock):
        if line.requirement and line.version and _is_for(line.requirement, system):
            yield line


def _is_for(requirement: Requirement, system: System) -> bool:
    """Return whether its marker selects it for a system; False if that cannot be known.

    The environment is the host's. packaging's default is that of the controller.
    """
    if requirement.marker is None:
        return True
    if not (system.os in _SYSTEMS and system.arch and _VERSION.fullmatch(system.python)):
        return False
    platform, name, family = _SYSTEMS[system.os]
    environment = {
        "sys_platform": platform,
        "platform_system": name,
        "os_name": family,
        "platform_machine": system.arch,
        "python_version": system.python,
        # A workstation reports no patch release.
        "python_full_version": f"{system.python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    return requirement.marker.evaluate(environment)


def fitting(wheels: Iterable[str], system: System) -> Iterator[tuple[str, Version]]:
    """Yield the projects and versions of the wheels of these names that a system can install."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    for name in wheels:
        try:
            project, version, _build, tags = parse_wheel_filename(name)
        except InvalidWheelFilename:
            continue
        if any(_fits(tag, system) for tag in tags):
            yield project, version


def _fits(tag: Tag, system: System) -> bool:
    if not _fits_platform(tag.platform, system):
        return False
    version = _VERSION.fullmatch(system.python)
    if version is None:
        return tag.interpreter.startswith(("cp3", "py3"))
    return tag in _tags(int(version[1]), tag.platform)


def _fits_platform(platform: str, system: System) -> bool:
    if platform == "any":
        return True
    of_system = not system.os or platform.startswith(_PLATFORMS.get(system.os, (system.os,)))
    return of_system and (
        not system.arch or platform.endswith(_ARCHS.get(system.arch, (system.arch,)))
    )


@functools.cache
def _tags(minor: int, platform: str) -> frozenset[Tag]:
    """Return all tags of wheels that CPython 3.``minor`` installs on a platform.

    With the ABI, since packaging's default is that of the running Python.
    """
    from packaging.tags import compatible_tags, cpython_tags

    interpreter = f"cp3{minor}"
    # Up to Python 3.7 the ABI ended with an m, for pymalloc (PEP 3149).
    abi = interpreter if minor >= 8 else f"{interpreter}m"
    return frozenset(
        [
            *cpython_tags((3, minor), [abi], [platform]),
            *compatible_tags((3, minor), interpreter, [platform]),
        ]
    )
