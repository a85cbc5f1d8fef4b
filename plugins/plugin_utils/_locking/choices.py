# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose versions and wheels of an index for a lock. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from .._catalog.lock_file import LockLine, lock_lines
from .._catalog.wheels import System, fitting, lines_for
from .package_index import IndexFile

# Imported where it is used, since ansible-test looks at this file without it.
if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.version import Version

KNOWN_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""The versions of Python that workstations may have, if the catalog names none."""


def needed_wheels(
    lock: str, files: dict[str, list[IndexFile]], systems: Iterable[System]
) -> list[IndexFile]:
    """Return all wheels that any of the systems can install and whose hash is in the lock.

    All compatible tags count, such as manylinux_2_17, manylinux_2_28 and musllinux: which of them a
    workstation takes depends on its libc. ``files`` are those of the index by normalized name.
    """
    chosen: dict[str, IndexFile] = {}
    for system in systems:
        for line in lines_for(lock, system):
            for file in _of_line(line, files):
                if list(fitting([file.name], system)):
                    chosen[file.name] = file
    return [chosen[name] for name in sorted(chosen)]


def _of_line(line: LockLine, files: dict[str, list[IndexFile]]) -> Iterator[IndexFile]:
    """Yield the wheels of the version that a line pins, by its hashes where they are known."""
    name = normalized_name(line)
    for file in files.get(name, ()):
        is_locked = not file.sha256 or file.sha256 in line.hashes
        if is_locked and _is_of(file, line):
            yield file


def _is_of(file: IndexFile, line: LockLine) -> bool:
    """Return whether a file is a wheel of the version that a line pins."""
    return [(normalized_name(line), line.version)] == list(fitting([file.name], System()))


def normalized_name(line: LockLine) -> str:
    """Return the normalized name of the package of a line."""
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(line.requirement.name)) if line.requirement else ""


def unsatisfied(lock: str, requirements: Iterable[str]) -> list[str]:
    """Return the requirements that no version in the lock satisfies."""
    pinned: dict[str, list[LockLine]] = {}
    for line in lock_lines(lock):
        pinned.setdefault(normalized_name(line), []).append(line)
    return [
        line.text
        for line in _lines_of(requirements)
        if not _is_satisfied(line, pinned.get(normalized_name(line), []))
    ]


def _is_satisfied(wanted: LockLine, pinned: list[LockLine]) -> bool:
    requirement = wanted.requirement
    # uv reads more than packaging does. What it leaves out has a marker that is for no system.
    if requirement is None or (requirement.marker and not pinned):
        return True
    return any(_satisfies(line, requirement) for line in pinned)


def _satisfies(line: LockLine, requirement: Requirement) -> bool:
    if line.version is None or line.requirement is None:
        return True
    return requirement.extras <= line.requirement.extras and requirement.specifier.contains(
        line.version, prereleases=True
    )


def named_requirements(text: str) -> list[str]:
    """Return the requirements in the text of a requirements file."""
    return [line.text for line in lock_lines(text)]


def _lines_of(requirements: Iterable[str]) -> Iterator[LockLine]:
    return chain.from_iterable(map(lock_lines, requirements))


def package_names(requirements: Iterable[str]) -> list[str]:
    """Return the normalized names of the packages of requirements."""
    lines = [line for line in _lines_of(requirements) if line.requirement]
    return list(dict.fromkeys(map(normalized_name, lines)))


def pinned_names(requirements: Iterable[str]) -> list[str]:
    """Return the normalized names of the packages that requirements pin to one version."""
    return [normalized_name(line) for line in _lines_of(requirements) if line.version]


def highest_version(lock: str, name: str) -> str:
    """Return the highest version of a package in a lock; empty if it has none."""
    lines = [line for line in lock_lines(lock) if normalized_name(line) == name]
    return str(max((line.version for line in lines if line.version), default=""))


def supported_pythons(
    requirements: Iterable[str], files: dict[str, list[IndexFile]]
) -> tuple[str, ...]:
    """Return the known versions of Python that all pinned requirements support."""
    pinned = [line for line in _lines_of(requirements) if line.version]
    pythons = tuple(
        python
        for python in KNOWN_PYTHONS
        if all(_supports(line, files.get(normalized_name(line), []), python) for line in pinned)
    )
    return pythons or KNOWN_PYTHONS


def _supports(line: LockLine, files: list[IndexFile], python: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    for file in files:
        if _is_of(file, line):
            try:
                return SpecifierSet(file.requires_python).contains(f"{python}.0")
            except InvalidSpecifier:
                return True
    return True


def newest_version(files: Iterable[IndexFile]) -> str:
    """Return the newest version with wheels that is neither a prerelease nor yanked."""
    usable = (file.name for file in files if not file.yanked and file.name.endswith(".whl"))
    versions = {version for _name, version in fitting(usable, System())}
    return str(max((version for version in versions if not version.is_prerelease), default=""))


def newest_tag(current: str, tags: Iterable[str]) -> str:
    """Return the newest tag that is written as the current one, without prereleases.

    Empty where the current one has no version in it.
    """
    prefix, version = _split(current)
    if version is None:
        return ""
    newest = version, current
    for tag in tags:
        start, parsed = _split(tag)
        if start == prefix and parsed and not parsed.is_prerelease and parsed > newest[0]:
            newest = parsed, tag
    return newest[1]


def _split(tag: str) -> tuple[str, Version | None]:
    """Return the prefix of the version in a tag, and the version, such as of ``v1.2``."""
    from packaging.version import InvalidVersion, Version

    match = re.fullmatch(r"(.*?)([0-9].*)", tag)
    try:
        return (match[1], Version(match[2])) if match else (tag, None)
    except InvalidVersion:
        return tag, None
