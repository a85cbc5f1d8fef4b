# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app laid out as a Compose file, as it is and as it is to be, for a diff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._compose.variants import EXTENSION as _EXTENSION
from ..._deploy.health import LIVE
from ..._deploy.history import Record, newest
from ..._deploy.resolution import Resolved
from .compare import same_image
from .observe import APP, Snapshot
from .spec_fields import FIELDS, IMAGE, Names, put


def before(
    app: str, resolved: Resolved, snapshot: Snapshot, records: Sequence[Record]
) -> dict[str, Any]:
    """Return what exists of everything that is declared."""
    live = newest(records, LIVE)
    recorded = live.resolved.services if live else {}
    services = {}
    for name, body in snapshot.services.items():
        services[name] = _shown(body["Spec"], resolved.services.get(name), snapshot.names)
        # The engine has no place for it, so the live release alone has it.
        if _EXTENSION in recorded.get(name, {}):
            services[name][_EXTENSION] = recorded[name][_EXTENSION]
    own = [
        network["Name"]
        for network in snapshot.networks
        if (network.get("Labels") or {}).get(APP) == app
    ]
    return {"services": services, "networks": sorted(own)}


def _shown(
    spec: Mapping[str, Any], service: Mapping[str, Any] | None, names: Names
) -> dict[str, Any]:
    """Return what is there of a service; of one that is not declared everything that is set."""
    shown: dict[str, Any] = {}
    for field in FIELDS:
        wanted = field.wanted(service or {})
        value = field.read(spec, names)
        if field is IMAGE and same_image(value, wanted):
            value = wanted
        is_set = service is None and value not in (None, {}, field.default)
        if wanted is not None or is_set:
            put(shown, field.key, value)
    return shown


def after(resolved: Resolved) -> dict[str, Any]:
    """Return what is declared."""
    hidden = ("reference", "depends_on", "expose")
    services = {
        name: {key: _by_target(value) for key, value in service.items() if key not in hidden}
        for name, service in resolved.services.items()
    }
    return {
        "services": services,
        "networks": sorted(
            name for name, entry in resolved.networks.items() if not entry.get("external")
        ),
    }


def _by_target(value: Any) -> Any:
    """Return lists of mounts, grants and ports as the platform's view shows them."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(item, dict) and "target" in item for item in value)
    ):
        return {_identity(item): item for item in value}
    return value


def _identity(item: Mapping[str, Any]) -> str:
    return (
        "/".join(str(item.get(key, "")) for key in ("published", "target", "protocol", "mode"))
        if "protocol" in item
        else str(item["target"])
    )
