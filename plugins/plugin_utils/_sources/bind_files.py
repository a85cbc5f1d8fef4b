# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ship files that are mounted read-only by a relative path as configs.

A config has a content, so that a change of the file is a change of the service.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.parsing import SpecReader, Written, boolean
from .bind_paths import absolute_path, relative_source

_NO_NAME = re.compile(r"[^a-zA-Z0-9_.-]+")
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_VAULT = b"$ANSIBLE_VAULT;"
# Of a repository's file only the right to execute it is the same everywhere.
_FOR_ALL, _PROGRAM = 0o444, 0o555


@dataclass(frozen=True)
class Shipping:
    """The needs of files that become configs.

    ``configs`` gets the contents. ``reader`` returns a place in the spec.
    """

    folder: str
    read: Callable[[str], bytes]
    configs: MutableMapping[str, bytes]
    reader: Callable[[str], SpecReader]


def ship(content: dict[str, Any], shipping: Shipping) -> None:
    """Replace the mounts of all services that are such files."""
    declared = content.get("configs") or {}
    services = content.get("services")
    if not isinstance(declared, dict) or not isinstance(services, dict):
        return
    for name, service in services.items():
        if isinstance(service, dict):
            _ship_mounts(service, shipping, shipping.reader(f"services.{name}.volumes"))
    added = {name: {"environment": name} for name in shipping.configs if name not in declared}
    if added:
        content["configs"] = {**declared, **added}


def _ship_mounts(service: dict[str, Any], shipping: Shipping, reader: SpecReader) -> None:
    volumes, grants = service.get("volumes"), service.get("configs") or []
    if not isinstance(volumes, list) or not isinstance(grants, list):
        return
    kept: list[Any] = []
    places: list[Written] = []
    shipped: list[dict[str, Any]] = []
    for index, item in enumerate(volumes):
        place = reader.at(index)
        file = _file(item, shipping.folder)
        if file:
            shipped += _grant(file, item, shipping, place)
        else:
            kept.append(item)
            places.append(Written(place.path))
    if len(kept) < len(volumes):
        reader.ordered(places)
        service.update({"volumes": kept, "configs": [*grants, *shipped]})


def _file(item: Any, folder: str) -> str:
    """Return the path of a file that a mount shows read-only; empty for any other mount."""
    source = relative_source(item)
    if not source or not _is_read_only(item):
        return ""
    path = absolute_path(source, folder)
    return path if os.path.isfile(path) else ""


def _is_read_only(item: Any) -> bool:
    if isinstance(item, dict):
        return boolean(item.get("read_only"), SpecReader()) is True
    return "ro" in str(item).rpartition(":")[2].split(",")


def _grant(path: str, item: Any, shipping: Shipping, reader: SpecReader) -> list[dict[str, Any]]:
    """Return the config of a file as a service mounts it."""
    target = item.get("target") if isinstance(item, dict) else str(item).split(":")[1]
    try:
        content = shipping.read(path)
        secret = _is_vaulted(path) or _PRIVATE_KEY.search(content)
        mode = _PROGRAM if os.stat(path).st_mode & 0o100 else _FOR_ALL
    except OSError as error:
        reader.problem(f"cannot read {path}: {error.strerror or error}")
        return []
    if secret:
        reader.problem(
            f"{relative_source(item)} has secret content, and everyone who can inspect the app can"
            " read a config; ship it under secrets"
        )
        return []
    name = _name(path, shipping.folder)
    shipping.configs[name] = content
    return [{"source": name, "target": target, "mode": mode}]


def _is_vaulted(path: str) -> bool:
    with open(path, "rb") as stream:
        return stream.read(len(_VAULT)) == _VAULT


def _name(path: str, folder: str) -> str:
    """Return a name for the config that is the same wherever the repository is."""
    relative = os.path.relpath(path, folder)
    digest = hashlib.sha256(relative.encode()).hexdigest()[:8]
    return f"{_NO_NAME.sub('-', os.path.basename(path))}-{digest}"
