# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report names, volumes and networks of an app that Kubernetes does not support."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..._compose.normal_form import Compose, Service
from ..._core import units
from ..._core.parsing import SpecReader
from ..._deploy.naming import Naming
from .service_names import LABEL_NAME, published_name

ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")


def check_service_names(app: Compose, reader: SpecReader) -> None:
    """Check that each name in the namespace belongs to one service."""
    owners: dict[str, str] = dict(zip(app.services, app.services))
    for name, service in app.services.items():
        outside = published_name(name)
        is_published = any(port["mode"] == "ingress" for port in service.get("ports", []))
        if is_published and owners.setdefault(outside, name) != name:
            reader.at("services").at(outside).problem(
                f"Kubernetes needs that name for what {name} publishes; rename one of them"
            )
    for name, service in app.services.items():
        _check_aliases(name, service, owners, reader.at("services").at(name))


def _check_aliases(name: str, service: Service, owners: dict[str, str], reader: SpecReader) -> None:
    for network, settings in service.get("networks", {}).items():
        place = reader.at("networks").at(network).at("aliases")
        for alias in settings.get("aliases", []):
            if not LABEL_NAME.fullmatch(alias):
                place.problem(
                    f"Kubernetes finds a service by a name of a-z, 0-9 and '-', not by {alias!r}"
                )
            elif owners.setdefault(alias, name) != name:
                place.problem(
                    f"{alias} is {owners[alias]} already, and a name belongs to one service in"
                    " a namespace; use another alias"
                )


def check_volumes(app: Compose, reader: SpecReader) -> None:
    """Check the options of each volume."""
    for name, volume in app.volumes.items():
        _check_volume(volume, reader.at("volumes").at(name))


def _check_volume(volume: dict[str, Any], reader: SpecReader) -> None:
    for key, value in volume.get("driver_opts", {}).items():
        place = reader.at("driver_opts").at(key)
        if key == "access_mode" and value not in ACCESS_MODES:
            place.problem(f"{value!r} is not one of {', '.join(ACCESS_MODES)}")
        elif key == "size":
            try:
                units.octets(value)
            except ValueError as error:
                place.problem(str(error))
        elif key != "access_mode":
            place.problem(
                "Kubernetes supports size and access_mode; create the claim beforehand and declare"
                " the volume external"
            )


def check_collisions(app: Compose, reader: SpecReader) -> None:
    """Check that no two volumes or networks have one name in the letters of the DNS."""
    for section in ("volumes", "networks"):
        _check_collisions(section, getattr(app, section), reader.at(section))


def _check_collisions(section: str, entries: Iterable[str], reader: SpecReader) -> None:
    owners: dict[str, str] = {}
    for name in entries:
        clean = Naming.dns(name)
        if owners.setdefault(clean, name) != name:
            reader.at(name).problem(
                f"has the same name on Kubernetes as {owners[clean]}: {clean}; rename one of the"
                f" {section}"
            )
