# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of which only variants failed: the release without them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from .._compose.variants import EXTENSION, service_of, variant_of, variant_services
from .._core.failure import Failure
from .resolution import Resolved


def failed_variants(failures: Iterable[Failure], resolved: Resolved) -> list[str]:
    """Return the services of the variants that failed; none where anything else failed, too."""
    names = {str(failure.facts.get("service", "")) for failure in failures}
    known = dict(variant_services(resolved.services))
    return sorted(names) if names and names <= set(known) else []


def without(resolved: Resolved, before: Resolved | None, failed: Collection[str]) -> Resolved:
    """Return a release with its failed variants as they were before, or without them."""
    before = before or Resolved()
    restored = {
        name: service
        for name, service in before.services.items()
        if name in failed and variant_of(service)
    }
    services = {
        name: restored.get(name) or _with_variants(name, service, before.services, failed)
        for name, service in resolved.services.items()
        if name in restored or name not in failed
    }
    # The release refers to what its services use, so that it stays as long as the history does.
    objects: dict[str, Any] = {
        section: {**_used(section, restored.values(), before), **getattr(resolved, section)}
        for section in ("networks", "secrets", "configs")
    }
    return replace(resolved, services=services, **objects)


def _used(
    section: str, services: Iterable[Mapping[str, Any]], before: Resolved
) -> dict[str, dict[str, Any]]:
    """Return the objects of a release that some of its services use."""
    names: set[str] = set()
    for service in services:
        entries = service.get(section, ())
        names.update(entries if section == "networks" else (entry["object"] for entry in entries))
    return {name: entry for name, entry in getattr(before, section).items() if name in names}


def _with_variants(
    name: str, service: dict[str, Any], former: Collection[str], failed: Collection[str]
) -> dict[str, Any]:
    """Return a service that lists only the variants that remain."""
    extension = service.get(EXTENSION, {})
    if "variants" not in extension:
        return service
    listed = [
        variant
        for variant in extension["variants"]
        if service_of(name, variant["name"]) not in failed
        or service_of(name, variant["name"]) in former
    ]
    rest = {key: value for key, value in extension.items() if key != "variants"}
    return {**service, EXTENSION: {**rest, "variants": listed} if listed else rest}
