# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve the relative paths of bind mounts, as ``docker stack deploy`` does.

They start at the folder of the first Compose file, on the host that reads it, and ``~`` is the home
of the user who runs the play (docker/cli, cli/compose/loader, absPath).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any


def resolve(services: Iterable[tuple[str, dict[str, Any]]], folder: str) -> dict[str, str]:
    """Make the paths absolute; return what each was, by its place."""
    resolved: dict[str, str] = {}
    for path, service in services:
        volumes = service.get("volumes")
        if isinstance(volumes, list):
            service["volumes"] = [
                _resolved(item, f"{path}.volumes[{index}]", folder, resolved)
                for index, item in enumerate(volumes)
            ]
    return resolved


def _resolved(item: Any, path: str, folder: str, resolved: dict[str, str]) -> Any:
    source = relative_source(item)
    if not source:
        return item
    absolute = absolute_path(source, folder)
    resolved[path] = f"{source} ({absolute})"
    if isinstance(item, dict):
        return {**item, "source": absolute}
    return absolute + item[len(source) :]


def absolute_path(source: str, folder: str) -> str:
    """Return the path of a source on the control node."""
    return os.path.normpath(os.path.join(folder, os.path.expanduser(source)))


def relative_source(item: Any) -> str:
    """Return the relative path that a mount has as its source; empty for any other mount."""
    if isinstance(item, dict):
        source = item.get("source")
        is_relative = item.get("type") == "bind" and not str(source).startswith("/")
        return source if is_relative and isinstance(source, str) else ""
    source, colon, _rest = str(item).partition(":")
    # 05-services.md, volumes: a source that looks like a path is a bind mount, else a name.
    return source if colon and source.startswith((".", "~")) else ""
