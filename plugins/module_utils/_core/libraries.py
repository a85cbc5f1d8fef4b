# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python packages that connections need: missing, broken and too old ones in words."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from .errors import ShippingError
from .version_numbers import version_numbers


@dataclass(frozen=True)
class Library:
    """A Python package, and the versions that a connection works with."""

    package: str
    place: str
    """The host that needs it, as a part of a sentence."""
    least: str = ""
    below: str = ""

    def unusable(self, error: ImportError) -> ShippingError:
        """Return the error of a host where the package, or one that it needs, is not usable."""
        is_missing = isinstance(error, ModuleNotFoundError) and error.name
        # Of urllib3.util, the package is urllib3.
        name = str(error.name).partition(".")[0] if is_missing else self.package
        state = "is missing" if is_missing else "cannot be imported"
        return ShippingError(
            f"the Python package {name} {state} on {self.place}", str(error), self._install()
        )

    def check_version(self) -> None:
        """Raise ShippingError for a version that the connection does not work with.

        A package without metadata, as some distributions and archives have it, is let through.
        """
        try:
            version = metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return
        numbers = version_numbers(version)
        too_old = self.least and numbers < version_numbers(self.least)
        too_new = self.below and numbers >= version_numbers(self.below)
        if too_old or too_new:
            raise ShippingError(
                f"the Python package {self.package} is too {'old' if too_old else 'new'} on"
                f" {self.place}",
                f"it is {version}, and {self._range()} is needed",
                self._install(),
            )

    def _range(self) -> str:
        limits = ((">=", self.least), ("<", self.below))
        return ",".join(f"{sign}{limit}" for sign, limit in limits if limit)

    def _install(self) -> str:
        return f"Install it for that host's Python: pip install '{self.package}{self._range()}'"
