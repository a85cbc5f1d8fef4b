# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variants of a service: overlays that run side by side with it as services of their own. Pure."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._core.parsing import Parser, Reader, listing, mapping, text
from .._routing.buckets import STABLE, VARIANT_NAME, VARIANT_SLOTS
from .normal_form import Section, Service

# The keys that an overlay may set.
OVERLAY_KEYS = ("image", "command", "entrypoint", "environment", "configs", "secrets")
EXTENSION = "x-shipping"
# In x-shipping of a variant: the service that it is a variant of.
VARIANT_OF = "variant_of"
# In percent; the router assigns 10,000 buckets, so that a hundredth of a percent is one of them.
_WEIGHT = re.compile(r"\d{1,3}(\.\d{1,2})?")


def service_of(service: str, variant: str) -> str:
    """Return the name of the service that runs a variant."""
    return service if variant == STABLE else f"{service}-{variant}"


def weight(value: object, reader: Reader) -> object:
    """Read a share in percent, with up to two decimal places."""
    written = str(value)
    if isinstance(value, bool) or not _WEIGHT.fullmatch(written) or float(written) > 100:
        return reader.problem(
            f"must be a share from 0 to 100 percent with up to two decimal places, not {value!r}"
        )
    number = float(written)
    return int(number) if number == int(number) else number


def parser(parsers: Mapping[str, Parser], deploy: Mapping[str, Parser]) -> Parser:
    """Return the parser of ``x-shipping.variants``, with the parsers of a service's own keys."""
    overlays = {key: parsers[key] for key in OVERLAY_KEYS}
    read_keys = mapping(
        {
            "name": _name,
            "weight": weight,
            "deploy": mapping({key: deploy[key] for key in ("replicas", "resources")}),
            **overlays,
        }
    )

    def read_one(value: object, reader: Reader) -> object:
        if isinstance(value, dict) and value.get("name") is None:
            reader.problem("needs a name")
        return read_keys(value, reader)

    read_all = listing(read_one)

    def parse(value: object, reader: Reader) -> object:
        variants = read_all(value, reader)
        if not isinstance(variants, list):
            return None
        _check_names(variants, reader)
        _check_weights(variants, reader)
        if len(variants) > VARIANT_SLOTS:
            reader.problem(
                f"has {len(variants)} variants, and the router has {VARIANT_SLOTS} slots for a"
                " service. Remove one of them"
            )
        return variants or None

    return parse


def _name(value: object, reader: Reader) -> object:
    name = text(value, reader)
    if name == STABLE:
        return reader.problem(f"{STABLE} is the service itself; write another name")
    if re.fullmatch(r"slot\d+", str(name)):
        return reader.problem("slotN is a name of the router's own; write another name")
    if not isinstance(name, str) or not VARIANT_NAME.fullmatch(name):
        return reader.problem(
            f"{value!r} is not the name of a variant; write at most 32 small letters, digits and"
            " '-'"
        )
    return name


def _check_names(variants: list[Any], reader: Reader) -> None:
    """Report a name that another variant has already, and leave it out as any rejected value."""
    names: set[str] = set()
    for index, variant in enumerate(variants):
        name = variant.get("name", "")
        if name in names:
            reader.at(index).at("name").problem(f"{name} is listed twice; write it once")
            del variant["name"]
        elif name:
            names.add(name)


def _check_weights(variants: list[Any], reader: Reader) -> None:
    total = sum(variant.get("weight", 0) for variant in variants)
    if round(total, 2) > 100:
        reader.problem(
            f"the weights sum to {total:g} percent. Write weights of at most 100 percent"
            f" together; {STABLE} has the rest"
        )


def expand(services: Section, reader: Reader) -> None:
    """Add a service for each variant; ``reader`` is the place of the services."""
    for name, service in list(services.items()):
        extension = service.get(EXTENSION, {})
        for index, variant in enumerate(extension.get("variants", [])):
            if "name" not in variant:  # rejected already
                continue
            place = reader.at(name).at(EXTENSION).at("variants").at(index)
            full = service_of(name, variant["name"])
            if full in services:
                place.problem(f"the app has a service {full} already; write another name")
                continue
            if service.get("deploy", {}).get("mode") == "global" and "replicas" in variant.get(
                "deploy", {}
            ):
                place.at("deploy").at("replicas").problem(
                    f"{name} is global and runs once on each node; leave replicas out"
                )
            place.moved_to(reader.at(full).path)
            services[full] = _expanded(name, service, variant)
        if "variants" in extension:
            extension["variants"] = [_described(variant) for variant in extension["variants"]]


def with_slots(service: Service, before: Mapping[str, int]) -> Service:
    """Return a service whose variants have slots: those of ``before``, new ones the lowest free.

    A variant keeps its slot, since the router finds its replicas by a name with it.
    """
    extension = service.get(EXTENSION, {})
    if "variants" not in extension:
        return service
    kept = {name: before[name] for name in variants_of(service) if name in before}
    free = iter(slot for slot in range(1, VARIANT_SLOTS + 1) if slot not in kept.values())
    listed = [
        {**variant, "slot": kept.get(variant["name"]) or next(free)}
        for variant in extension["variants"]
    ]
    return {**service, EXTENSION: {**extension, "variants": listed}}


def slots_of(service: Mapping[str, Any]) -> dict[str, int]:
    """Return the slot of each variant of a service of a release, without stable."""
    listed = service.get(EXTENSION, {}).get("variants", [])
    return {variant["name"]: variant["slot"] for variant in listed}


def variant_of(service: Mapping[str, Any]) -> str:
    """Return the service that one is a variant of; empty for any other."""
    return str(service.get(EXTENSION, {}).get(VARIANT_OF, ""))


def slot_of(name: str, services: Mapping[str, Mapping[str, Any]]) -> tuple[str, int]:
    """Return the service that one of a release is a variant of, and its slot; 0 for stable."""
    base = variant_of(services[name])
    if not base:
        return name, 0
    return base, slots_of(services[base])[name[len(base) + 1 :]]


def _described(variant: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": variant.get("name", ""), "weight": variant.get("weight", 0)}


def _expanded(name: str, service: Service, variant: Mapping[str, Any]) -> Service:
    """Return the service of a variant: a copy of the stable one with the overlay."""
    result = copy.deepcopy(service)
    extension = {
        key: value
        for key, value in result.pop(EXTENSION, {}).items()
        if key not in ("routes", "variants")
    }
    result[EXTENSION] = {**extension, VARIANT_OF: name}
    # Clients reach a variant through the router alone: its ports and other names are the stable
    # one's, and under a name of both each would get requests of the other.
    result.pop("ports", None)
    for settings in result.get("networks", {}).values():
        settings.pop("aliases", None)
    for key in ("image", "command", "entrypoint"):
        if key in variant:
            result[key] = variant[key]
    if "environment" in variant:
        result["environment"] = {**result.get("environment", {}), **variant["environment"]}
    for key in ("configs", "secrets"):
        if key in variant:
            result[key] = _by_target(result.get(key, []), variant[key])
    _merge(result.setdefault("deploy", {}), variant.get("deploy", {}))
    return result


def _by_target(grants: list[Any], overlaid: list[Any]) -> list[Any]:
    return list({grant["target"]: grant for grant in [*grants, *overlaid]}.values())


def _merge(base: dict[str, Any], overlay: Mapping[str, Any]) -> None:
    for key, value in overlay.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = copy.deepcopy(value)


def variants_of(service: Mapping[str, Any]) -> dict[str, float]:
    """Return the declared weight of each variant of a service in normal form, without stable."""
    listed = service.get(EXTENSION, {}).get("variants", [])
    return {variant["name"]: variant["weight"] for variant in listed}


def variant_services(services: Section) -> Iterator[tuple[str, str]]:
    """Yield each service that is a variant, with the service that it is one of."""
    for name, service in services.items():
        base = variant_of(service)
        if base:
            yield name, base
