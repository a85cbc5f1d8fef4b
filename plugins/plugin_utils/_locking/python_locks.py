# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the lock of Python packages, and fetch the wheels that it pins."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

from ...module_utils._core.errors import NotFound, ShippingError, innermost
from ...module_utils._toolbox.installers.installer import Details
from .._catalog.lock_file import all_hashes, without_hash
from .._catalog.wheels import System, declared, lacking, lines_for
from . import choices
from .lock_origin import LockOrigin, has_origin, pythons_in
from .package_index import IndexFile, PackageIndex
from .project_texts import ToolEntry
from .tool_plan import LockSettings, ToolPlan, real_path, with_version

_KEYS = ("lock", "platforms", "requirements")


@dataclass(frozen=True)
class _Lock:
    """A lock of a tool, and the variants that have it."""

    path: str
    name: str
    """Its path in the catalog."""
    variants: tuple[Details, ...]
    text: str
    """Its text on the disk; empty if it does not exist."""

    def pythons(self) -> tuple[str, ...]:
        """Return the versions of Python that the catalog names, oldest first."""
        return _in_order(chain.from_iterable(map(_pythons_of, self.variants)))

    def requirements(self, settings: LockSettings, tool: dict[str, Any]) -> tuple[str, ...]:
        """Return the origin of the lock; empty if the catalog does not name it."""
        named = (requirements_of(details, tool, settings) for details in self.variants)
        return tuple(dict.fromkeys(chain.from_iterable(named)))

    def requirements_file(self, settings: LockSettings) -> str:
        """Return the path of a file with the requirements, if the catalog names one."""
        text = self.variants[0].get("requirements")
        return settings.sources.beside(text) if isinstance(text, str) else ""

    def pinned(self) -> tuple[str, ...]:
        """Return the pins of the lock, as requirements."""
        return tuple(choices.named_requirements(self.text))


def requirements_of(details: Details, tool: Mapping[str, Any], settings: LockSettings) -> list[str]:
    """Return the requirements that the catalog has for a variant, also those of a file."""
    named = details.get("requirements") or []
    if isinstance(named, str):
        named = choices.named_requirements(settings.sources.read(named))
    return [with_version(text, tool) for text in named]


def plan_lock(entry: ToolEntry, settings: LockSettings) -> ToolPlan:
    """Plan the locks of a Python tool, and their wheels."""
    plan = ToolPlan(entry)
    for lock in _locks(entry, settings):
        try:
            text = _plan_text(plan, lock, settings)
            if text:
                _plan_wheels(plan, lock, text, settings)
        except ShippingError as error:
            plan.fault(str(error), *_KEYS)
        except OSError as error:
            plan.fault(f"{error.filename} cannot be read: {innermost(error)}.", *_KEYS)
    return plan


def locks_and_wheels(entry: ToolEntry, settings: LockSettings) -> Iterator[tuple[str, str]]:
    """Yield the paths of the locks of a Python tool, each with that of its folder of wheels."""
    for details in entry.tool["variants"]:
        if entry.tool["type"] == "python" and details.get("wheels"):
            yield (
                real_path(settings.sources, details["lock"]),
                real_path(settings.sources, details["wheels"]),
            )


def _locks(entry: ToolEntry, settings: LockSettings) -> Iterator[_Lock]:
    variants: dict[str, list[Details]] = {}
    for details in entry.tool["variants"]:
        variants.setdefault(details["lock"], []).append(details)
    for name, of_lock in variants.items():
        path = real_path(settings.sources, name)
        text = settings.sources.read(name) if os.path.exists(path) else ""
        yield _Lock(path, name, tuple(of_lock), text)


def _plan_text(plan: ToolPlan, lock: _Lock, settings: LockSettings) -> str:
    """Return the text that the lock must have; empty if it is not known."""
    requirements = lock.requirements(settings, plan.entry.tool)
    findings = list(_findings(lock, requirements))
    for finding in findings:
        plan.find(f"is not locked: {finding}", *_KEYS)
    if not findings:
        return _upgraded(plan, lock, requirements, settings)
    if not requirements and not lock.text:
        plan.fault("it has no lock. Write requirements, such as [ruff==0.6.9].", "lock")
    elif not settings.findings_only:
        plan.locks[lock.path] = _resolved(lock, requirements, settings)
    return plan.locks.get(lock.path, "")


def _upgraded(
    plan: ToolPlan, lock: _Lock, requirements: tuple[str, ...], settings: LockSettings
) -> str:
    if not (settings.upgrade and requirements):
        return lock.text
    text = _resolved(lock, requirements, settings)
    if text != lock.text:
        plan.find(f"has newer versions than {lock.name}", *_KEYS)
        plan.locks[lock.path] = text
    return text


def _findings(lock: _Lock, requirements: tuple[str, ...]) -> Iterator[str]:
    """Yield why a lock is not that of its tool."""
    if not lock.text:
        yield f"{lock.name} is not there"
        return
    for line in without_hash(lock.text):
        yield f"{lock.name}:{line.number} has no hash of {line.text}"
    if not requirements:
        return
    if has_origin(lock.text):
        pythons = lock.pythons() or pythons_in(lock.text)
        if not lock.text.startswith(LockOrigin(requirements, pythons).header()):
            yield f"{lock.name} was made from other requirements or for other versions of Python"
        return
    for text in choices.unsatisfied(lock.text, requirements):
        yield f"{lock.name} does not have {text}"


def _resolved(lock: _Lock, requirements: tuple[str, ...], settings: LockSettings) -> str:
    index = settings.index_for(lock.variants[0])
    # A lock without hashes gets those of the versions that it has.
    wanted = requirements or lock.pinned()
    pythons = lock.pythons() or choices.supported_pythons(
        wanted, {name: index.files(name) for name in choices.pinned_names(wanted)}
    )
    return settings.resolver.resolve(
        LockOrigin(wanted, pythons),
        index,
        lock.text,
        requirements_file=lock.requirements_file(settings),
        upgrade=settings.upgrade,
    )


def _plan_wheels(plan: ToolPlan, lock: _Lock, text: str, settings: LockSettings) -> None:
    folders: dict[str, list[System]] = {}
    for details in lock.variants:
        if details.get("wheels"):
            systems = folders.setdefault(details["wheels"], [])
            systems += _systems(details, text, settings)
    for folder, systems in folders.items():
        _plan_folder(plan, lock, text, _WheelFolder(folder, tuple(systems)), settings)


@dataclass(frozen=True)
class _WheelFolder:
    name: str
    systems: tuple[System, ...]


def _plan_folder(
    plan: ToolPlan, lock: _Lock, text: str, folder: _WheelFolder, settings: LockSettings
) -> None:
    path = real_path(settings.sources, folder.name)
    present = _locked_wheels(path, text, settings)
    missing = _lacking(text, present, folder.systems)
    is_new = lock.path in plan.locks
    if not missing and not is_new:
        return
    for packages, systems in () if is_new else missing.items():
        plan.find(f"has no wheel of {packages} in {folder.name} for {systems}", "wheels", *_KEYS)
    if settings.findings_only:
        return
    index = settings.index_for(lock.variants[0])
    files = dict(_files(index, text, folder.systems))
    needed = choices.needed_wheels(text, files, folder.systems)
    unavailable = _lacking(text, [*present, *(file.name for file in needed)], folder.systems)
    for packages, systems in unavailable.items():
        plan.fault(
            f"the index {index.url} has no wheel of {packages} for {systems}. Name the systems that"
            " the tool is for under platforms, and its versions of Python under python_versions.",
            *_KEYS,
        )
    for file in needed:
        if file.name not in present:
            plan.wheels[os.path.join(path, file.name)] = (file, index, all_hashes(text))


def _locked_wheels(folder: str, lock: str, settings: LockSettings) -> list[str]:
    """Return the wheels in a folder whose hashes a lock has."""
    hashes = all_hashes(lock)
    return [
        name
        for name in wheels_in(folder)
        if settings.checksum(os.path.join(folder, name)) in hashes
    ]


def wheels_in(folder: str) -> list[str]:
    """Return the names of all wheels in a folder, which need not exist."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".whl"))
    except FileNotFoundError:
        return []


def _files(
    index: PackageIndex, lock: str, systems: Iterable[System]
) -> Iterator[tuple[str, list[IndexFile]]]:
    """Yield the files of the index of all packages that the systems need."""
    lines = chain.from_iterable(lines_for(lock, system) for system in systems)
    for name in dict.fromkeys(map(choices.normalized_name, lines)):
        try:
            yield name, index.files(name)
        # A package of the team's own may be in the folder alone.
        except NotFound:
            yield name, []


def _systems(details: Details, lock: str, settings: LockSettings) -> list[System]:
    """Return the systems that a variant is for."""
    pythons = _in_order(_pythons_of(details)) or pythons_in(lock) or ("",)
    os_name, arch = details.get("os"), details.get("arch")
    systems = {(os_name or system.os, arch or system.arch): None for system in settings.systems}
    return [System(*system, python) for system, python in product(systems, pythons)]


def _pythons_of(details: Details) -> list[str]:
    named = declared(None, None, details.get("python")).python
    return [named] if named else list(details.get("python_versions") or ())


def _in_order(pythons: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(pythons), key=lambda python: int(python.partition(".")[2])))


def _lacking(lock: str, wheels: Iterable[str], systems: Iterable[System]) -> dict[str, str]:
    """Return the systems by the packages that they lack."""
    present = list(wheels)
    found: dict[str, list[str]] = {}
    for system in systems:
        packages = ", ".join(lacking(lock, present, system))
        if packages:
            found.setdefault(packages, []).append(str(system))
    return {packages: "; ".join(names) for packages, names in found.items()}
