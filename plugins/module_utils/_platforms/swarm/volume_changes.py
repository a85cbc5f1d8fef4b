# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the volumes whose declared settings cannot take effect. Pure.

A node makes a volume with the first task that mounts it, and keeps it as it is: it silently ignores
another driver, other options and other labels of a later spec (tried on Docker 20.10 and 26.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._core.errors import Problem
from ..._deploy.resolution import Resolved
from .observe import STACK, Snapshot
from .service_names import service_name
from .spec_fields import FIELDS, get

_VOLUMES = next(field for field in FIELDS if field.key == "volumes")
_DEFAULTS: Mapping[str, Any] = {"driver": "local", "driver_opts": {}}
# swarmkit expands placeholders in the source and the options of a mount for each task.
_PLACEHOLDER = "{{"


@dataclass(frozen=True)
class VolumeUse:
    """A declared volume, what was declared of it before, and the nodes of the services with it.

    ``is_here``: a node whose engine the run is connected to may run one of them. ``elsewhere`` has
    the names of the other nodes that may.
    """

    name: str
    settings: Mapping[str, Any]
    before: Mapping[str, Any] | None
    is_here: bool
    elsewhere: tuple[str, ...]


def declares_volumes(resolved: Resolved) -> bool:
    """Return whether a service mounts a volume of the app's own by its name."""
    return any(any(True for _mount in _own_mounts(body)) for body in resolved.services.values())


def problems(uses: Sequence[VolumeUse], snapshot: Snapshot) -> Iterator[Problem]:
    """Return the volumes that the connected engine has with other settings."""
    existing = {volume["Name"]: volume for volume in snapshot.volumes}
    for use in uses:
        volume = existing.get(use.name)
        changes = _differences(use, volume) if volume and use.is_here else []
        if changes:
            yield Problem(
                f"volumes: {use.name}",
                f"a volume cannot change in place ({', '.join(changes)}), and node"
                f" {snapshot.node_name} has it already. Give it another name, or, since volumes are"
                " never removed here, remove it by hand once nothing uses it: docker volume rm"
                f" {use.name}",
            )


def notes(uses: Sequence[VolumeUse], node: str) -> Iterator[str]:
    """Return the changed volumes that nodes may have whose engines are not connected to."""
    for use in uses:
        changed = _changed_keys(use)
        if changed and use.elsewhere:
            yield (
                f"volume {use.name}: its {' and '.join(changed)} changed, and a node that has the"
                f" volume keeps the former ones. This run sees the volumes of node {node or '?'}"
                f" only, and not those of {', '.join(use.elsewhere)}; where the volume exists, give"
                " it another name, or remove it by hand once nothing uses it"
            )


def volume_uses(
    app: str, resolved: Resolved, snapshot: Snapshot, nodes: Mapping[str, Sequence[str]]
) -> list[VolumeUse]:
    """Return the app's own volumes; ``nodes`` has the nodes' ids that may run each service."""
    hosts = {node["ID"]: get(node, "Description.Hostname") or node["ID"] for node in snapshot.nodes}
    found: dict[str, VolumeUse] = {}
    for service, declared in resolved.services.items():
        mounts = list(_own_mounts(declared))
        former = _former_mounts(app, service, snapshot) if mounts else {}
        elsewhere = {hosts[node] for node in nodes[service] if node != snapshot.node_id}
        for mount in mounts:
            use = VolumeUse(
                mount["source"],
                _settings(mount),
                former.get(mount["source"]),
                snapshot.node_id in nodes[service],
                tuple(sorted(elsewhere)),
            )
            found[use.name] = _joined(found.get(use.name), use)
    return list(found.values())


def _joined(known: VolumeUse | None, use: VolumeUse) -> VolumeUse:
    """Return one use of a volume that several services mount."""
    if known is None:
        return use
    return replace(
        use,
        before=use.before if known.before is None else known.before,
        is_here=use.is_here or known.is_here,
        elsewhere=tuple(sorted({*use.elsewhere, *known.elsewhere})),
    )


def _own_mounts(service: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return the mounts of named volumes that are not external, and whose names are known."""
    for mount in service.get("volumes", []):
        # Only volumes of the app's own carry labels.
        is_own = mount["type"] == "volume" and "labels" in mount
        if is_own and _PLACEHOLDER not in str(mount):
            yield mount


def _former_mounts(app: str, service: str, snapshot: Snapshot) -> dict[str, Mapping[str, Any]]:
    """Return the settings of the volumes that a service mounts so far."""
    body = snapshot.services.get(service) or snapshot.unmanaged.get(service_name(app, service))
    mounts = _VOLUMES.read(body["Spec"], snapshot.names) if body else {}
    return {
        mount["source"]: _settings(mount)
        for mount in mounts.values()
        if mount["type"] == "volume" and "source" in mount
    }


def _settings(mount: Mapping[str, Any]) -> dict[str, Any]:
    labels = {key: value for key, value in mount.get("labels", {}).items() if key != STACK}
    return {
        "driver": mount.get("driver"),
        "driver_opts": mount.get("driver_opts"),
        "labels": labels,
    }


def _changed_keys(use: VolumeUse) -> list[str]:
    if use.before is None:
        return []
    before, settings = use.before, use.settings
    return [
        key for key in settings if _value(key, settings.get(key)) != _value(key, before.get(key))
    ]


def _value(key: str, value: Any) -> Any:
    """Return a setting as it is compared; nothing declared is the default."""
    if key == "driver":
        # The engine adds the tag to the name of a plugin.
        return str(value or _DEFAULTS[key]).removesuffix(":latest")
    return value or {}


def _differences(use: VolumeUse, volume: Mapping[str, Any]) -> list[str]:
    """Return what is declared, or was and no longer is, and differs from the volume as it is."""
    have = {"driver": volume.get("Driver"), "driver_opts": volume.get("Options")}
    before = use.before or {}
    result = [
        f"{key} from {_value(key, have[key])} to {_value(key, use.settings[key])}"
        for key in have
        if (use.settings[key] or before.get(key))
        and _value(key, have[key]) != _value(key, use.settings[key])
    ]
    labels, existing = use.settings["labels"], volume.get("Labels") or {}
    owned = {**before.get("labels", {}), **labels}
    changed = [key for key in owned if existing.get(key) != labels.get(key)]
    return [
        *result,
        *(f"labels.{key} from {existing.get(key)} to {labels.get(key)}" for key in changed),
    ]
