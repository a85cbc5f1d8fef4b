# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the options that describe a directory from a plugin that documents them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._core.errors import SpecError, unknown_names
from . import bind_password, settings


def read_settings(
    plugin: Any, loader: Any, folder: str, origin: str, state_path: str = ""
) -> settings.Settings:
    """Return the settings in the options of a plugin; relative paths begin at a folder.

    ``state_path`` is the folder that remembers rejections.
    """
    options = {name: plugin.get_option(name) for name in settings.OPTIONS}
    options["state_path"] = state_path
    options["bind_password"] = bind_password.password(options)
    if options["host_map"]:
        options["host_map"] = (
            loader.load_from_file(beside(folder, options["host_map"]), cache="none") or {}
        )
    return settings.read(options, origin)


def beside(folder: str, path: str) -> str:
    """Return a path that begins at a folder, unless it is absolute."""
    return os.path.join(folder, os.path.expanduser(path))


def refuse_unknown(options: Mapping[str, Any], known: Iterable[str], origin: str) -> None:
    """Raise for options that do not exist, which are typing mistakes."""
    if problems := unknown_names(options, known):
        raise SpecError(problems, origin)
