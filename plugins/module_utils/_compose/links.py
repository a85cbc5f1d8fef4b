# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The old key ``links``: a common network, and an order of start. Pure.

Specification: 05-services.md (links) of the Compose Specification.
"""

from __future__ import annotations

from .._core.errors import suggestion
from .._core.parsing import SpecReader
from .normal_form import Compose, Service


def follow_links(app: Compose, reader: SpecReader) -> None:
    """Replace each link by a dependency; report those that need more than that."""
    for name, service in app.services.items():
        for index, link in enumerate(service.pop("links", [])):
            target, _colon, alias = link.partition(":")
            place = reader.at(name).at("links").at(index)
            if target not in app.services:
                place.problem(
                    f"no service {target} is"
                    f" declared{suggestion(target, app.services) or '; declare it under services'}"
                )
            elif _is_found(app.services[target], target, alias or target, service, place):
                # As for docker compose, a link is a dependency as well.
                needed = {"condition": "service_started", "required": True}
                service.setdefault("depends_on", {}).setdefault(target, needed)


def _is_found(target: Service, name: str, alias: str, service: Service, place: SpecReader) -> bool:
    """Return whether a service finds the linked one under its alias; report it where not."""
    networks = target.get("networks", {})
    common = [network for network in service.get("networks", {}) if network in networks]
    if not common:
        return bool(
            place.problem(
                f"needs a network that {name} is on as well; list one under networks of both"
            )
        )
    if alias != name and not any(
        alias in networks[network].get("aliases", []) for network in common
    ):
        return bool(
            place.problem(
                f"calls {name} by another name; write aliases: [{alias}] under"
                f" services.{name}.networks.{common[0]}"
            )
        )
    return True
