# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that each node has by itself: a service joins them by name, and no client creates them.

``network_mode: host`` and an external network of the name ``host`` mean the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .._core.parsing import SpecReader
from .normal_form import Compose, Section, Service

HOST = "host"
NODE_NETWORKS = (HOST, "bridge", "none")


def is_of_node(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of ``networks`` is one that each node has."""
    return bool(entry.get("external")) and entry.get("name") in NODE_NETWORKS


def joined(service: Service, networks: Section) -> dict[str, str]:
    """Return the networks of nodes that a service joins: the place below it, and the name."""
    result = {
        f"networks.{key}": networks[key]["name"]
        for key in service.get("networks", {})
        if is_of_node(networks.get(key, {}))
    }
    if "network_mode" in service:
        result["network_mode"] = service["network_mode"]
    return result


def check(app: Compose, supported: Collection[str], reader: SpecReader) -> None:
    """Report services on networks of nodes that the platform does not have, or not so."""
    for name, service in app.services.items():
        for path, network in joined(service, app.networks).items():
            place = reader.at("services").at(name).at(path)
            settings = service.get("networks", {})
            if network not in supported:
                place.refuse_value("network_mode", repr(network))
            elif network == HOST and len(settings) > 1:
                # The engine creates the service and rejects each task (20.10.24).
                place.problem(
                    "the network host excludes other networks; write it alone, or leave it out"
                )
            elif path != "network_mode" and settings[path.partition(".")[2]]:
                place.problem(f"the network {network} has no names; leave the aliases out")
