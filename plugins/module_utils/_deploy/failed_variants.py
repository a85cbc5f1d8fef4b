# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of which only variants failed: the release without them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
    former = before.services if before else {}
    services: dict[str, dict[str, Any]] = {}
    for name, service in resolved.services.items():
        if name not in failed:
            services[name] = _with_variants(name, service, former, failed)
        elif variant_of(former.get(name, {})):
            services[name] = former[name]
    return replace(resolved, services=services)


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
