# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the host's distribution, and the packages that a catalog has for it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple


class Wish(NamedTuple):
    """A package, and the version that it must have; any if empty."""

    name: str
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> Wish:
        """Return what ``str()`` was made from."""
        name, _equal, version = text.partition("=")
        return cls(name, version)

    def __str__(self) -> str:
        """Return it as apt writes it."""
        return "=".join(filter(None, self))

    def is_met_by(self, versions: Collection[str]) -> bool:
        """Return whether one of the forms of an installed version is the one that is needed."""
        pattern = self.version or "*"
        return any(fnmatchcase(version, pattern) for version in versions)


def names(os_release: str) -> tuple[str, ...]:
    """Return the names of a distribution by its os-release(5), the closest first."""
    values = {}
    for line in os_release.splitlines():
        key, _equal, value = line.partition("=")
        values[key.strip()] = value.strip().strip("\"'")
    # The default of ID is linux, as os-release(5) has it.
    name, version = values.get("ID", "linux"), values.get("VERSION_ID", "")
    closest = [f"{name}-{version}"] if version else []
    return (*closest, name, *values.get("ID_LIKE", "").split())


def packages_for(
    packages: Mapping[str, Iterable[Mapping[str, Any]]], distributions: Iterable[str]
) -> tuple[str, ...]:
    """Return ``NAME`` or ``NAME=VERSION`` for the closest distribution that the catalog names."""
    closest = next((name for name in distributions if name in packages), None)
    if closest is None:
        return ()
    return tuple(
        str(Wish(package["name"], package.get("version") or "")) for package in packages[closest]
    )
