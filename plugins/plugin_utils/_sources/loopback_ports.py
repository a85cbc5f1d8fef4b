# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leave out the ports that a platform cannot publish on a loopback address.

Other services still reach the container's port, so it becomes one of ``expose``.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from ...module_utils._compose.short_syntax import is_loopback, written_port
from ...module_utils._core.parsing import Written

Places = MutableMapping[str, Written]


def unpublish(
    services: Iterable[tuple[str, dict[str, Any]]], modes: tuple[str, ...], moved: Places
) -> list[str]:
    """Leave out loopback ports of these modes; return the place of each.

    ``moved`` gets the new place of each port that stays -> its place in the file.
    """
    places: list[str] = []
    for path, service in services:
        ports = service.get("ports")
        if isinstance(ports, list) and isinstance(service.get("expose") or [], list):
            places += _unpublished(f"{path}.ports", service, modes, moved)
    return places


def _unpublished(
    path: str, service: dict[str, Any], modes: tuple[str, ...], moved: Places
) -> list[str]:
    kept: list[Any] = []
    exposed = list(service.get("expose") or [])
    places: list[str] = []
    for index, item in enumerate(service["ports"]):
        port = written_port(item)
        if port.get("mode") in modes and is_loopback(port["host_ip"].strip("[]")):
            exposed.append(f"{port['target']}/{port['protocol']}")
            places.append(f"{path}[{index}]")
        else:
            moved[f"{path}[{len(kept)}]"] = Written(f"{path}[{index}]")
            kept.append(item)
    if places:
        service.update({"ports": kept, "expose": exposed})
    return places


def warnings(places: list[str]) -> tuple[str, ...]:
    """Return a warning that names what is not published."""
    if not places:
        return ()
    return (
        f"{', '.join(places)} not published, because the file publishes on a loopback address"
        " alone; services of the app reach the container's port",
    )
