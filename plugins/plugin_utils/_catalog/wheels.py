# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages of a lock have no wheel for a machine.

Pure; by the wheels' names, so that no machine has to be asked first.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

# packaging comes with ansible-core. It is imported where it is used, since ansible-test looks at
# this file without it.
if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.tags import Tag
    from packaging.version import Version

_INTERPRETER = re.compile(r"(py|cp)3(\d*)")
_VERSION = re.compile(r"3\.(\d+)")
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
    """What a wheel has to fit; what is not known yet is empty, and then everything fits."""

    os: str = ""
    arch: str = ""
    python: str = ""
    """As ``3.11``."""

    def __str__(self) -> str:
        python = f"Python {self.python}" if self.python else ""
        return ", ".join(filter(None, (f"{self.os} {self.arch}".strip(), python))) or "any system"


def declared(os: str | None, arch: str | None, python: str | None) -> System:
    """What a catalogue says of it; an interpreter is known by its name."""
    named = re.search(r"python(3\.\d+)$", python or "")
    return System(os or "", arch or "", named[1] if named else "")


def reported(data: Mapping[str, Any]) -> System:
    """What a machine says of itself, which is only compared with."""
    return System(*(str(data.get(name, "")) for name in ("os", "arch", "python")))


def lacking(lock: str, wheels: Iterable[str], system: System) -> list[str]:
    """The packages that this system needs and no wheel of these names is for."""
    from packaging.utils import canonicalize_name

    there = set(_fitting(wheels, system))
    return sorted(
        f"{name} {version}"
        for name, version in _pinned(lock, system)
        if (canonicalize_name(name), version) not in there
    )


def _pinned(lock: str, system: System) -> Iterator[tuple[str, Version]]:
    """Names and versions that a lock pins for a system.

    What is pinned otherwise, by a URL, is left to the one who installs it.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion, Version

    for line in lock.replace("\\\n", " ").splitlines():
        words = re.split(r"\s--hash|\s#", f" {line}")[0].strip()
        if not words or words.startswith(("#", "-")):
            continue
        with contextlib.suppress(InvalidRequirement, InvalidVersion):
            found = Requirement(words)
            for pin in found.specifier if len(found.specifier) == 1 else ():
                if pin.operator == "==" and _is_for(found, system):
                    yield found.name, Version(pin.version)


def _is_for(requirement: Requirement, system: System) -> bool:
    """Whether a marker lets it be installed; where that cannot be known, it is not asked for."""
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
    }
    environment |= {
        "python_version": system.python,
        "python_full_version": f"{system.python}.0",
        "extra": "",
    }
    return requirement.marker.evaluate(
        {
            **environment,
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
    )


def _fitting(wheels: Iterable[str], system: System) -> Iterator[tuple[str, Version]]:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    for name in wheels:
        try:
            project, version, _build, tags = parse_wheel_filename(name)
        except InvalidWheelFilename:
            continue
        if any(_fits(tag, system) for tag in tags):
            yield project, version


def _fits(tag: Tag, system: System) -> bool:
    return _fits_platform(tag.platform, system) and _fits_python(tag, system.python)


def _fits_platform(platform: str, system: System) -> bool:
    if platform == "any":
        return True
    of_system = not system.os or platform.startswith(_PLATFORMS.get(system.os, (system.os,)))
    return of_system and (
        not system.arch or platform.endswith(_ARCHS.get(system.arch, (system.arch,)))
    )


def _fits_python(tag: Tag, python: str) -> bool:
    found, known = _INTERPRETER.fullmatch(tag.interpreter), _VERSION.fullmatch(python)
    if not found or not known or not found[2]:
        return bool(found)
    least, minor = int(found[2]), int(known[1])
    return least <= minor if found[1] == "py" or tag.abi == "abi3" else least == minor
