# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the installer of each type by its name.

To add a type, write a file in ``installers`` and name it here, in the import and in the tuple. The
folder cannot be searched instead: AnsiballZ sends only those files with a module that it finds
imported by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from .installers.installer import Installer

if TYPE_CHECKING:
    from .installers import (  # noqa: F401
        archive,
        binary,
        env,
        file,
        git,
        npm,
        package,
        python,
        script,
    )

_NAMES = ("script", "git", "python", "npm", "package", "archive", "binary", "env", "file")


@cache
def _installer(name: str) -> Installer:
    found: Installer = import_module(f".installers.{name}", __package__).INSTALLER
    return found


class _Installers(Mapping[str, Installer]):
    """The installers of all types; a file is loaded when its type is first used.

    A host has tools of few types, and to compile a file takes it more than a millisecond.
    """

    def __getitem__(self, name: str) -> Installer:
        if name not in _NAMES:
            raise KeyError(name)
        return _installer(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


INSTALLERS: Mapping[str, Installer] = _Installers()
"""In the order in which messages, the JSON schema and the guide list them."""
