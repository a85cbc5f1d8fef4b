# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of npm, each pinned by its hash, without npm and without the network."""

from __future__ import annotations

import os
from typing import Any

from ..delivery_errors import DeliveryError
from .installer import Build, Details, EntryKey, Installer, SystemFacts, system_of, verify

_SHEBANG_LENGTH = 1024
_FOR_ALL = 0o755


def _inputs(details: Details, facts: SystemFacts) -> dict[str, Any]:
    return {
        "lock": details["lock_sha256"],
        "node": details.get("node", ""),
        "os": facts.os,
        "arch": facts.arch,
        "libc": facts.libc,
    }


def _system(details: Details, facts: SystemFacts) -> dict[str, str]:
    return {**system_of(details, facts), "libc": facts.libc}


def _command_path(path: str) -> str:
    """Return the path of a command of a package, which npm links in this folder."""
    return path if "/" in path else f"node_modules/.bin/{path}"


def _install(build: Build) -> None:
    # Imported where they are used: most calls install nothing, and loading takes time.
    from .. import npm_lock
    from ..unpack import unpack

    verify(build.sent("lock"), build.details["lock_sha256"], f"the lock of {build.name}")
    with open(build.sent("lock"), encoding="utf-8") as stream:
        text = stream.read()
    system = npm_lock.NpmSystem(build.facts.os, build.facts.arch, build.facts.libc)
    try:
        lock = npm_lock.read(text, system, build.details.get("without_scripts") or ())
    except npm_lock.BadLock as error:
        raise DeliveryError(f"{build.name} cannot be installed", str(error)) from error
    for package in lock.packages:
        tarball = build.sent(f"tarballs/{package.sha512}")
        verify(tarball, package.sha512, str(package))
        folder = os.path.join(build.target, package.path)
        os.makedirs(folder, exist_ok=True)
        # The folder at the top of a tarball is mostly called package, and npm strips any.
        unpack(tarball, folder, str(package), 1)
    _link_bins(build, lock.bins)


def _link_bins(build: Build, bins: dict[str, str]) -> None:
    folder = os.path.join(build.target, "node_modules", ".bin")
    os.makedirs(folder, exist_ok=True)
    for name, path in sorted(bins.items()):
        target = os.path.join(build.target, path)
        # npm ignores a bin that the tarball does not have, too.
        if os.path.isfile(target) and not os.path.islink(target):
            _prepare(target, build.details.get("node", ""))
            os.symlink(os.path.join("..", "..", path), os.path.join(folder, name))


def _prepare(path: str, node: str) -> None:
    """Make a command executable, with the interpreter that the catalog names."""
    os.chmod(path, _FOR_ALL)
    with open(path, "rb") as file:
        content = file.read()
    first, end, rest = content.partition(b"\n")
    if not first.startswith(b"#!") or len(first) > _SHEBANG_LENGTH:
        return
    # A carriage return would become part of the interpreter's name; npm removes it, too.
    line = first.rstrip(b"\r")
    if node and os.path.basename(line.split()[-1]) == b"node":
        line = b"#!" + node.encode()
    if line != first:
        with open(path, "wb") as file:
            file.write(line + end + rest)


INSTALLER = Installer(
    "npm",
    "Packages of npm, exactly those of a lock. The workstation needs neither npm nor the"
    " network. It needs node, as another tool or as a path.",
    {
        "package_lock": EntryKey(
            "path",
            "A package-lock.json of version 2 or 3, with a sha512 as the integrity of each"
            " package. Packages for development are left out, and those for other systems.",
            required=True,
            pins=True,
        ),
        "tarballs": EntryKey(
            "path",
            "A folder with the packages' tarballs, under any name. The controller"
            " downloads those that are missing.",
        ),
        "registry": EntryKey(
            "url",
            "The registry that tarballs are downloaded from; by default the URLs that the lock has"
            " as `resolved`.",
        ),
        "without_scripts": EntryKey(
            "words",
            "Names of packages that work although their install scripts do not run. Other packages"
            " with such scripts are rejected.",
        ),
        "node": EntryKey(
            "absolute",
            "The path of node on the workstation, such as `/usr/bin/node`. By default the"
            " first `node` on the PATH counts, which is that of a tool under `needs`.",
        ),
        "commands": EntryKey(
            "commands", "Commands of the lock's packages; or paths by command.", required=True
        ),
    },
    _inputs,
    _install,
    command_path=_command_path,
    system=_system,
)
