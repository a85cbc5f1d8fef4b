# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leave out the services whose profiles are not active, as ``docker compose up`` does. Pure.

Rules: https://github.com/compose-spec/compose-spec/blob/main/15-profiles.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._core.errors import Problem
from .merge import merge
from .yaml_reader import Override, Reset

VARIABLE = "COMPOSE_PROFILES"
_LISTS = (list, Override, Reset)


def left_out(layers: Sequence[Any], active: str) -> dict[str, list[str]]:
    """Return the services that are left out, with their profiles.

    ``active`` has the names of the active profiles, separated by commas; ``*`` is all of them.
    """
    names = {name.strip() for name in active.split(",")}
    profiles = _profiles(layers)
    return {
        service: wanted
        for service, wanted in profiles.items()
        if wanted and not names & {"*", *wanted}
    }


def _profiles(layers: Sequence[Any]) -> dict[str, list[str]]:
    """Return the profiles of each service over all files."""
    services = (
        merge([{"services": _only_profiles(layer)} for layer in layers]).get("services") or {}
    )
    return {name: _names(service.get("profiles")) for name, service in services.items()}


def _names(profiles: Any) -> list[str]:
    return [str(name) for name in profiles] if isinstance(profiles, list) else []


def _only_profiles(layer: Any) -> dict[str, dict[str, Any]]:
    """Return the services of a file with nothing but their profiles."""
    services = layer.get("services") if isinstance(layer, dict) else None
    return {
        str(name): {"profiles": service["profiles"]}
        for name, service in (services.items() if isinstance(services, dict) else ())
        if isinstance(service, dict) and "profiles" in service
    }


def without(layer: Any, names: Mapping[str, Any]) -> Any:
    """Return a file without the services ``names``, and without the key of the others."""
    services = layer.get("services") if isinstance(layer, dict) else None
    if not isinstance(services, dict):
        return layer
    kept = {
        name: _without_key(service) for name, service in services.items() if str(name) not in names
    }
    return {**layer, "services": kept}


def _without_key(service: Any) -> Any:
    # Another value is wrong, and the model reports it.
    if not isinstance(service, dict) or not isinstance(service.get("profiles"), _LISTS):
        return service
    return {key: value for key, value in service.items() if key != "profiles"}


def missing(content: Mapping[str, Any], names: Mapping[str, list[str]]) -> list[Problem]:
    """Return a problem for each service that cannot start without one that is left out."""
    services = content.get("services")
    result = []
    for name, service in services.items() if isinstance(services, dict) else ():
        result += [
            Problem(
                f"services.{name}.{place}",
                f"{needed} is left out, since its profiles are not active:"
                f" {', '.join(names[needed])}. Add one of them to {VARIABLE} in values, or remove"
                f" profiles from {needed}",
            )
            for place, needed in _needed(service)
            if needed in names
        ]
    return result


def _needed(service: Any) -> list[tuple[str, str]]:
    """Return the places where a service names others that it needs, and their names."""
    if not isinstance(service, dict):
        return []
    written, links = service.get("depends_on"), service.get("links")
    result = []
    if isinstance(written, dict):
        result = [("depends_on", str(name)) for name in written if _is_required(written[name])]
    elif isinstance(written, list):
        result = [("depends_on", str(name)) for name in written]
    for index, link in enumerate(links if isinstance(links, list) else ()):
        result.append((f"links[{index}]", str(link).partition(":")[0]))
    return result


def _is_required(settings: Any) -> bool:
    return not (isinstance(settings, dict) and settings.get("required") is False)


def warnings(names: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return a warning that names the services that are left out."""
    if not names:
        return ()
    texts = [f"{name} ({', '.join(profiles)})" for name, profiles in names.items()]
    return (
        f"ignored, since their profiles are not active: {'; '.join(texts)}. To release them, list"
        f" profiles in {VARIABLE} in values",
    )
