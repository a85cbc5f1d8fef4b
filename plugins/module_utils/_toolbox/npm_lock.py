# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a package-lock.json: which packages a system gets, where, and with which checksum. Pure.

https://docs.npmjs.com/cli/configuring-npm/package-lock-json, seen with npm 6 to 11.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from .checked_names import is_inside

# One folder for each level: node_modules/NAME or node_modules/@SCOPE/NAME.
_PATH = re.compile(r"node_modules/((?:@[\w.~-]+/)?[\w.~-]+)(?:/(?=node_modules/)|$)")
_SHA512 = re.compile(r"sha512-([A-Za-z0-9+/]{86}==)")
_VERSIONS = (2, 3)
_AGAIN = "Run npm install --package-lock-only with npm 7 or newer"
_OS = {"linux": "linux", "macos": "darwin", "windows": "win32"}
_CPU = {
    "x86_64": "x64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "i686": "ia32",
}


class BadLock(ValueError):
    """A lock cannot be delivered; the text has the cause, and what mends it."""


class NpmSystem(NamedTuple):
    """The system that packages have to fit. Any value fits an empty field."""

    os: str = ""
    arch: str = ""
    libc: str = ""
    """``glibc`` or ``musl``."""

    def __str__(self) -> str:
        """Return it for messages."""
        return " ".join(filter(None, self)) or "any system"


class Package(NamedTuple):
    """One package of a lock, in one place of the tree."""

    path: str
    """Where it is, such as ``node_modules/a/node_modules/b``."""
    name: str
    """Its name in the registry, which an alias hides."""
    version: str
    sha512: str
    """The checksum of its tarball, in hexadecimal digits."""
    resolved: str
    bins: Mapping[str, str]
    """The paths of its commands, by name."""
    has_install_script: bool

    def __str__(self) -> str:
        """Return it as npm writes it."""
        return f"{self.name}@{self.version}"


class Lock(NamedTuple):
    """Packages of a lock for one system."""

    packages: tuple[Package, ...]
    direct: frozenset[str]
    """The paths of the packages that the lock's own package.json names."""

    @property
    def bins(self) -> dict[str, str]:
        """Return the paths of the commands at the top, by name, as npm links them.

        Where two packages have one, the package that package.json names wins.
        """
        found: dict[str, str] = {}
        for package in sorted(self.packages, key=lambda package: package.path not in self.direct):
            if package.path.count("node_modules/") == 1:
                for name, path in package.bins.items():
                    found.setdefault(name, f"{package.path}/{path}")
        return found


def read(text: str, system: NpmSystem, without_scripts: Collection[str] = ()) -> Lock:
    """Return what a system gets; raise BadLock for a lock that cannot be delivered as it is.

    ``without_scripts`` names packages that work although their install scripts do not run.
    """
    entries = _entries(text)
    root = entries.get("", {})
    if root.get("workspaces"):
        raise BadLock(
            "it has workspaces, which are folders without a tarball. Lock what is published"
        )
    packages = tuple(_packages(entries, system))
    scripted = [
        str(package)
        for package in packages
        if package.has_install_script and package.name not in without_scripts
    ]
    if scripted:
        raise BadLock(
            f"{', '.join(sorted(set(scripted)))} have install scripts, which are not run. Write"
            " their names under without_scripts if they work without"
        )
    direct = frozenset(f"node_modules/{name}" for name in root.get("dependencies", {}))
    return Lock(packages, direct)


def _entries(text: str) -> Mapping[str, Any]:
    try:
        lock = json.loads(text)
    except ValueError as error:
        raise BadLock(f"it is no JSON: {error}. {_AGAIN}") from error
    version = lock.get("lockfileVersion") if isinstance(lock, dict) else None
    if version not in _VERSIONS or not isinstance(lock.get("packages"), dict):
        raise BadLock(f"its lockfileVersion is {version}, and 2 and 3 are supported. {_AGAIN}")
    for path, entry in lock["packages"].items():
        if not isinstance(entry, dict):
            raise BadLock(f"{path} is no mapping. {_AGAIN}")
    entries: Mapping[str, Any] = lock["packages"]
    return entries


def _packages(entries: Mapping[str, Any], system: NpmSystem) -> Iterator[Package]:
    # Outer ones first: their tarballs may have folders of node_modules of their own.
    for path, entry in sorted(entries.items()):
        # What a package bundles comes in its own tarball.
        if path and not _is_left_out(entry, entries, path):
            package = _package(path, entry)
            misfit = _misfit(entry, system)
            if not misfit:
                yield package
            elif not (entry.get("optional") or entry.get("devOptional")):
                raise BadLock(f"{package} is not for {system}: its {misfit}. Name other platforms")


def _is_left_out(entry: Mapping[str, Any], entries: Mapping[str, Any], path: str) -> bool:
    if entry.get("dev") or entry.get("extraneous"):
        return True
    return bool(entry.get("inBundle")) and _has_bundler(entries, path)


def _has_bundler(entries: Mapping[str, Any], path: str) -> bool:
    """Return whether the tarball of another package contains this one."""
    above = path.rpartition("/node_modules/")[0]
    while above:
        if above in entries and not entries[above].get("inBundle"):
            return True
        above = above.rpartition("/node_modules/")[0]
    return False


def _package(path: str, entry: Mapping[str, Any]) -> Package:
    # First, since what is from elsewhere than a registry has no integrity.
    resolved = _resolved(path, entry)
    names = _names(path)
    if not names:
        raise BadLock(
            f"{path} is not a path of a package below node_modules. Lock what is published"
        )
    return Package(
        path,
        str(entry.get("name") or names[-1]),
        str(entry.get("version", "")),
        _sha512(path, entry),
        resolved,
        _bins(path, entry),
        bool(entry.get("hasInstallScript")),
    )


def _names(path: str) -> list[str]:
    """Return the names of the packages on the way; nothing for a path of another form."""
    matches = list(_PATH.finditer(path))
    is_whole = "".join(match[0] for match in matches) == path and is_inside(path)
    return [match[1] for match in matches] if is_whole else []


def _resolved(path: str, entry: Mapping[str, Any]) -> str:
    resolved = str(entry.get("resolved") or "")
    if entry.get("link"):
        raise BadLock(f"{path} is a link to the folder {resolved}. Lock what is published")
    if resolved and not resolved.startswith(("https://", "http://")):
        raise BadLock(f"{path} is from {resolved}. Only tarballs from http and https are supported")
    return resolved


def _bins(path: str, entry: Mapping[str, Any]) -> dict[str, str]:
    bins = entry.get("bin") or {}
    if not isinstance(bins, dict) or not all(map(_is_bin, bins.items())):
        raise BadLock(f"{path} has a bin that leads outside the package. Remove the package")
    return {name: target.removeprefix("./") for name, target in bins.items()}


def _is_bin(pair: tuple[str, Any]) -> bool:
    name, target = pair
    return (
        "/" not in name
        and is_inside(name)
        and isinstance(target, str)
        and is_inside(target.removeprefix("./"))
    )


def _sha512(path: str, entry: Mapping[str, Any]) -> str:
    integrity = entry.get("integrity")
    # Several hashes may be side by side (Subresource Integrity); any sha512 of them will do.
    match = _SHA512.search(integrity) if isinstance(integrity, str) else None
    if match is None:
        have = f"only {str(integrity).partition('-')[0]}" if integrity else "none"
        raise BadLock(
            f"{path} has no sha512 as its integrity, {have}: nothing is delivered whose content is"
            f" not pinned. {_AGAIN}"
        )
    try:
        return base64.b64decode(match[1], validate=True).hex()
    except binascii.Error as error:
        raise BadLock(f"{path} has a damaged integrity. {_AGAIN}") from error


def _misfit(entry: Mapping[str, Any], system: NpmSystem) -> str:
    """Return the key of a package by which it is not for a system; nothing if it is."""
    values = {"os": _OS.get(system.os), "cpu": _CPU.get(system.arch), "libc": system.libc}
    return next(
        (
            f"{key} is {' '.join(_listed(entry[key]))}"
            for key, value in values.items()
            if value and entry.get(key) and not _fits(value, _listed(entry[key]))
        ),
        "",
    )


def _listed(value: Any) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else [str(value)]


def _fits(value: str, words: list[str]) -> bool:
    """Return whether a list allows a value, as checkList() of npm-install-checks decides."""
    if words == ["any"]:
        return True
    excluded = {word[1:] for word in words if word.startswith("!")}
    if value in excluded:
        return False
    return value in words or len(excluded) == len(words)
