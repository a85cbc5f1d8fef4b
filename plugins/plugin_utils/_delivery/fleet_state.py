# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store the state of deliveries on the controller, below ``state_path``.

``delivered/HOST.json``  the last host assignment that a host reported ready
``waiting/HOST.json``    since when a host is unreachable
``tools/HOST.json``      the tools of a host's users after its last result
``baseline.json``           the users' projects at the last delivery to the whole fleet
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...module_utils._core.errors import ShippingError
from .._membership import membership_state

# A host name or an address, without a slash; 253 is the longest name in the DNS (RFC 1035 2.3.4).
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}")
_SUFFIX = ".json"
_WAITING, _BASELINE = ("since",), ("revision", "hosts")
_TOOLS = ("platform", "tools", "dropped")
"""The keys of each file without which it cannot be used."""


def read_delivered(state_path: str) -> dict[str, dict[str, Any]]:
    """Return the last host assignment of each host."""
    return membership_state.read_delivered(state_path)


def read_delivered_to(state_path: str, hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the last host assignments of these hosts only."""
    return membership_state.read_delivered_to(state_path, hosts)


def write_delivered(state_path: str, delivered: Mapping[str, Any]) -> None:
    """Store what was delivered to a host, which is not waiting any more."""
    membership_state.write_delivered(state_path, delivered)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(state_path, "waiting", delivered["host"]))


def read_waiting(state_path: str) -> dict[str, dict[str, Any]]:
    """Return the unreachable hosts: ``host``, ``since``."""
    return _read_all(os.path.join(state_path, "waiting"), _WAITING)


def write_waiting(state_path: str, host: str, since: str) -> None:
    """Store since when a host is unreachable."""
    _write(_path(state_path, "waiting", host), {"host": host, "since": since})


def read_baseline(state_path: str) -> dict[str, Any] | None:
    """Return the users' projects after the last delivery to all hosts.

    ``revision`` and ``hosts``, the users of each.
    """
    path = os.path.join(state_path, "baseline.json")
    return _read(path, _BASELINE) if os.path.exists(path) else None


def write_baseline(state_path: str, revision: str, hosts: Mapping[str, Any]) -> None:
    """Replace the projects with which later deliveries are compared."""
    _write(os.path.join(state_path, "baseline.json"), {"revision": revision, "hosts": hosts})


def read_tools(state_path: str) -> dict[str, dict[str, Any]]:
    """Return the tools of each host's users."""
    return _read_all(os.path.join(state_path, "tools"), _TOOLS)


def read_tools_of(state_path: str, hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the tools of these hosts' users, as far as they are known."""
    paths = {host: _path(state_path, "tools", host) for host in hosts}
    return {host: _read(path, _TOOLS) for host, path in paths.items() if os.path.exists(path)}


def write_tools(state_path: str, host: str, tools: Mapping[str, Any]) -> None:
    """Store the tools of a host's users."""
    _write(_path(state_path, "tools", host), {"host": host, **tools})


def _path(state_path: str, folder: str, host: str) -> str:
    if not _NAME.fullmatch(host):
        raise ShippingError(
            f"the state of {host!r} cannot be stored",
            "its name cannot be a file's name",
            "Give the host another name in the inventory",
        )
    return os.path.join(state_path, folder, f"{host}{_SUFFIX}")


def _read_all(folder: str, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return {
        name.removesuffix(_SUFFIX): _read(os.path.join(folder, name), keys)
        for name in names
        if name.endswith(_SUFFIX)
    }


def _read(path: str, keys: Iterable[str]) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError) as error:
        raise ShippingError(
            f"{path} cannot be read",
            str(error),
            "Restore it, or delete it to start without it",
        ) from error
    if not isinstance(data, dict):
        raise ShippingError(
            f"{path} cannot be read",
            "it is not a mapping",
            "Restore it, or delete it to start without it",
        )
    missing = [key for key in keys if key not in data]
    if missing:
        raise ShippingError(
            f"{path} cannot be read",
            f"it has no {', '.join(missing)}",
            "Restore it, or delete it to start without it",
        )
    return data


def _write(path: str, data: Mapping[str, Any]) -> None:
    membership_state.write(Path(path).parent, os.path.basename(path), data)
