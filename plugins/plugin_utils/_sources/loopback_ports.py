# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leave out the ports that a platform cannot publish on a loopback address.

Other services still reach the container's port, so it becomes one of ``expose``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...module_utils._compose.short_syntax import is_loopback, written_port
from ...module_utils._core.parsing import SpecReader, Written


def unpublish(
    services: Iterable[tuple[str, dict[str, Any]]],
    modes: tuple[str, ...],
    reader: Callable[[str], SpecReader],
) -> list[str]:
    """Leave out loopback ports of these modes; return the place of each."""
    places: list[str] = []
    for path, service in services:
        ports = service.get("ports")
        if isinstance(ports, list) and isinstance(service.get("expose") or [], list):
            places += _unpublished(service, modes, reader(f"{path}.ports"))
    return places


def _unpublished(service: dict[str, Any], modes: tuple[str, ...], reader: SpecReader) -> list[str]:
    kept: list[Any] = []
    places: list[Written] = []
    exposed = list(service.get("expose") or [])
    left_out: list[str] = []
    for index, item in enumerate(service["ports"]):
        port, place = written_port(item), reader.at(index).path
        if port["mode"] in modes and is_loopback(port["host_ip"]):
            exposed.append(f"{port['target']}/{port['protocol']}")
            left_out.append(place)
        else:
            kept.append(item)
            places.append(Written(place))
    if left_out:
        reader.ordered(places)
        service.update({"ports": kept, "expose": exposed})
    return left_out


def warnings(places: list[str]) -> tuple[str, ...]:
    """Return a warning that names what is not published."""
    if not places:
        return ()
    return (
        f"{', '.join(places)} not published, because the file publishes on a loopback address"
        " alone; services of the app reach the container's port",
    )
