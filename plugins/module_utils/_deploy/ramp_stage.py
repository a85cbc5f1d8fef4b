# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The spec of an app while a new version of a service runs beside the former one. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._compose import service_routes, variants
from .._core.errors import PlanError
from .._routing.buckets import VARIANT_SLOTS
from .naming import Naming
from .resolution import Resolved

CANARY, BASELINE = "canary", "baseline"
# They do not change what a replica runs.
_HARMLESS = ("reference", "depends_on", "x-shipping", "deploy")


@dataclass(frozen=True)
class RampStage:
    """The service of a ramp, and the variants beside it with their slots."""

    service: str
    slots: Mapping[str, int]
    replicas: int

    def as_data(self) -> dict[str, Any]:
        """Return JSON data."""
        return {"service": self.service, "slots": dict(self.slots), "replicas": self.replicas}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> RampStage:
        """Read what :meth:`as_data` returned."""
        return cls(data["service"], dict(data["slots"]), data["replicas"])

    @property
    def names(self) -> list[str]:
        """Return the names of the variants' services."""
        return [variants.service_of(self.service, variant) for variant in self.slots]


def changed_services(target: Resolved, before: Resolved) -> list[str]:
    """Return the routed services whose replicas a release replaces."""
    return [
        name
        for name, service in target.services.items()
        if service_routes.routes_of(service)
        and name in before.services
        and _of_replicas(service) != _of_replicas(before.services[name])
    ]


def _of_replicas(service: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in service.items() if key not in _HARMLESS}
    resources = service.get("deploy", {}).get("resources")
    return {**kept, "resources": resources}


def stage_of(
    target: Resolved, before: Resolved, service: str, share: float, *, baseline: bool
) -> RampStage:
    """Return the stage of a ramp with replicas for its largest share, in percent."""
    names = (CANARY, BASELINE) if baseline else (CANARY,)
    taken: set[int] = set()
    for spec in (target, before):
        slots = variants.slots_of(spec.services[service])
        taken.update(slots.values())
        for name in names:
            if name in slots:
                raise PlanError(
                    f"{service} cannot have a canary",
                    f"it has a variant {name} already",
                    "Give that variant another name",
                )
    free = [slot for slot in range(VARIANT_SLOTS, 0, -1) if slot not in taken]
    if len(free) < len(names):
        raise PlanError(
            f"{service} cannot have a canary",
            f"its variants take {len(taken)} of {VARIANT_SLOTS} slots of the router",
            "Remove a variant first",
        )
    declared = target.services[service].get("deploy", {}).get("replicas", 1)
    replicas = max(1, math.ceil(declared * share / 100))
    return RampStage(service, dict(zip(names, free)), replicas)


def beside(
    base: Resolved, stage: RampStage, target: Resolved, before: Resolved, naming: Naming
) -> Resolved:
    """Return a spec with the variants of a stage beside its services.

    The canary is a copy of the service in ``target``, the baseline of that in ``before``.
    """
    sources = {CANARY: target, BASELINE: before}
    services = dict(base.services)
    services[stage.service] = _listing(services[stage.service], stage)
    for variant, slot in stage.slots.items():
        name = variants.service_of(stage.service, variant)
        copied = _variant(sources[variant].services[stage.service], stage)
        # Names on networks are the platform's own by now, so that the variant's are added here.
        routed, other = {"aliases": [naming.slot(stage.service, slot)]}, {"aliases": [name]}
        for network, settings in copied.get("networks", {}).items():
            if _is_router(network, target, before):
                copied["networks"][network] = dict(routed)
            # A network of the node has no aliases.
            elif "aliases" in sources[variant].services[stage.service]["networks"][network]:
                copied["networks"][network] = {**settings, **other}
        services[name] = copied
    return replace(
        base,
        services=services,
        networks={**target.networks, **before.networks, **base.networks},
        secrets={**target.secrets, **before.secrets, **base.secrets},
        configs={**target.configs, **before.configs, **base.configs},
        volumes=sorted({*target.volumes, *before.volumes}),
    )


def _is_router(network: str, target: Resolved, before: Resolved) -> bool:
    # A resolved spec has networks by their names on the platform.
    entry = target.networks.get(network) or before.networks.get(network, {})
    return network == service_routes.ROUTER_NETWORK and bool(entry.get("external"))


def _listing(service: Mapping[str, Any], stage: RampStage) -> dict[str, Any]:
    extension = service.get(variants.EXTENSION, {})
    added = [{"name": name, "weight": 0, "slot": slot} for name, slot in stage.slots.items()]
    listed = [*extension.get("variants", []), *added]
    return {**service, variants.EXTENSION: {**extension, "variants": listed}}


def _variant(service: Mapping[str, Any], stage: RampStage) -> dict[str, Any]:
    is_global = service.get("deploy", {}).get("mode") == "global"
    overlay = {} if is_global else {"deploy": {"replicas": stage.replicas}}
    copied = variants.beside(stage.service, dict(service), overlay)
    # What it depends on may be changed by the promotion only.
    copied.pop("depends_on", None)
    return copied
