# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of npm: a lock with hashes pins them; those for the workstation's system are sent."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ....module_utils._core.errors import ShippingError
from ....module_utils._toolbox import npm_lock
from ....module_utils._toolbox.installers.installer import Details, digest_of, sha256_of
from ....module_utils._toolbox.npm_lock import BadLock, NpmSystem, Package
from ..tool_sources import ToolSources
from ..wheels import System
from .tool_type import CannotPin, Tool, ToolType

_SUFFIXES = (".tgz", ".tar.gz")


def _pin(sources: ToolSources, _tool: Tool, details: Details) -> Details:
    """Pin the lock by its checksum, and reject one that cannot be delivered."""
    # Only Linux can have tools today: packages for other systems alone are not looked at.
    system = NpmSystem(details.get("os") or "linux", details.get("arch") or "")
    lock = _read(sources, details, system)
    tarballs = details.get("tarballs")
    if tarballs:
        os.listdir(sources.beside(tarballs))
    elif not details.get("registry"):
        unknown = [str(package) for package in lock.packages if not package.resolved]
        if unknown:
            raise CannotPin(
                f"{details['package_lock']} does not say where {unknown[0]} and {len(unknown) - 1}"
                " others can be downloaded. Write registry, or tarballs"
            )
    return {**details, "lock_sha256": sha256_of(sources.beside(details["package_lock"]))}


def _read(sources: ToolSources, details: Details, system: NpmSystem) -> npm_lock.Lock:
    try:
        return npm_lock.read(
            sources.read(details["package_lock"]), system, details.get("without_scripts") or ()
        )
    except BadLock as error:
        raise CannotPin(f"{details['package_lock']}: {error}") from error


def _content(
    sources: ToolSources, tool: Tool, details: Details, system: System
) -> Iterator[tuple[str, str]]:
    try:
        lock = _read(sources, details, NpmSystem(system.os, system.arch, system.libc))
    except CannotPin as error:
        raise ShippingError(f"{tool['name']} cannot be delivered", str(error)) from error
    yield "lock", sources.beside(details["package_lock"])
    present = _tarballs(sources, details)
    # A package may be in several places of the tree.
    for package in {package.sha512: package for package in lock.packages}.values():
        path = present.get(package.sha512) or _downloaded(sources, tool, details, package)
        yield f"tarballs/{package.sha512}", path


def _tarballs(sources: ToolSources, details: Details) -> dict[str, str]:
    """Return the paths of the tarballs beside the catalog, by their checksums."""
    if not details.get("tarballs"):
        return {}
    folder = sources.beside(details["tarballs"])
    paths = [
        os.path.join(folder, name)
        for name in sorted(os.listdir(folder))
        if name.endswith(_SUFFIXES)
    ]
    return {digest_of(path, "sha512").hex(): path for path in paths}


def _downloaded(sources: ToolSources, tool: Tool, details: Details, package: Package) -> str:
    url = _url(details, package)
    if not url:
        raise ShippingError(
            f"{tool['name']} cannot be delivered",
            f"{details['tarballs']} has no tarball with the integrity of {package}, and"
            f" {details['package_lock']} does not say where it can be downloaded",
            "Add the tarball, or write registry",
        )
    return sources.download(url, package.sha512, str(package))


def _url(details: Details, package: Package) -> str:
    registry = str(details.get("registry") or "").rstrip("/")
    if not registry:
        return package.resolved
    # The registry's own form. npm reads it from the package's document, as its dist.tarball.
    file = f"{package.name.rpartition('/')[2]}-{package.version}.tgz"
    return f"{registry}/{package.name}/-/{file}"


TOOL_TYPE = ToolType(_content, _pin)
