# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variants of a service, by overlays that run side by side with it or by request headers. Pure."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._core.parsing import Parser, SpecReader, listing, mapping, text
from .._routing.buckets import HEADER_VARIANTS, MOST_SLOTS, STABLE, VARIANT_NAME
from .._routing.request_headers import (
    MOST_OCTETS,
    Headers,
    encoded,
    names_of,
    of_mapping,
    read_headers,
)
from .normal_form import Section, Service

# The keys that an overlay may set.
OVERLAY_KEYS = ("image", "command", "entrypoint", "environment", "configs", "secrets")
EXTENSION = "x-shipping"
# In x-shipping of a variant: the service that it is a variant of.
VARIANT_OF = "variant_of"
# In x-shipping.variants: the headers that the router sets. Without an overlay, the replicas of the
# service itself serve the variant.
HEADERS = "request_headers"
# In percent; the router assigns 10,000 buckets, so that a hundredth of a percent is one of them.
_WEIGHT = re.compile(r"\d{1,3}(\.\d{1,2})?")


def service_of(service: str, variant: str) -> str:
    """Return the name of the service that runs a variant."""
    return service if variant == STABLE else f"{service}-{variant}"


def weight(value: object, reader: SpecReader) -> object:
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
            HEADERS: read_headers,
            "deploy": mapping({key: deploy[key] for key in ("replicas", "resources")}),
            **overlays,
        }
    )

    def read_one(value: object, reader: SpecReader) -> object:
        if isinstance(value, dict) and value.get("name") is None:
            reader.problem("needs a name")
        return read_keys(value, reader)

    read_all = listing(read_one)

    def parse(value: object, reader: SpecReader) -> object:
        variants = read_all(value, reader)
        if not isinstance(variants, list):
            return None
        _check_names(variants, reader)
        _check_weights(variants, reader)
        _check_count(variants, reader)
        _check_headers(variants, reader)
        return variants or None

    return parse


def _name(value: object, reader: SpecReader) -> object:
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


def _check_names(variants: list[Any], reader: SpecReader) -> None:
    """Report a name that another variant has already, and leave it out as any rejected value."""
    names: set[str] = set()
    for index, variant in enumerate(variants):
        name = variant.get("name", "")
        if name in names:
            reader.at(index).at("name").problem(f"{name} is listed twice; write it once")
            del variant["name"]
        elif name:
            names.add(name)


def _check_weights(variants: list[Any], reader: SpecReader) -> None:
    total = sum(variant.get("weight", 0) for variant in variants)
    if round(total, 2) > 100:
        reader.problem(
            f"the weights sum to {total:g} percent. Write weights of at most 100 percent"
            f" together; {STABLE} has the rest"
        )


def _check_count(variants: list[Any], reader: SpecReader) -> None:
    by_headers = sum(is_by_headers(variant) for variant in variants)
    overlays = len(variants) - by_headers
    if overlays > MOST_SLOTS:
        reader.problem(
            f"has {overlays} variants, and a router has at most {MOST_SLOTS} slots for a"
            f" service. Remove one of them, or write variants of {HEADERS} alone, which take no"
            " slot"
        )
    if by_headers > HEADER_VARIANTS:
        reader.problem(
            f"has {by_headers} variants of {HEADERS} alone; write at most {HEADER_VARIANTS}"
        )


def _check_headers(variants: list[Any], reader: SpecReader) -> None:
    headers = [of_mapping(variant.get(HEADERS, {})) for variant in variants]
    names = names_of(headers)
    for index, of_variant in enumerate(headers):
        if len(encoded(of_variant, names)) > MOST_OCTETS:
            reader.at(index).at(HEADERS).problem(
                f"and the names of those of other variants have more than {MOST_OCTETS} bytes."
                " Shorten them"
            )


def is_by_headers(variant: Mapping[str, Any]) -> bool:
    """Return whether a declared variant has headers and no overlay, so that it has no service."""
    return HEADERS in variant and not {"deploy", *OVERLAY_KEYS} & {*variant}


def expand(services: Section, reader: SpecReader) -> None:
    """Add a service for each variant with an overlay; ``reader`` is the place of the services."""
    for name, service in list(services.items()):
        extension = service.get(EXTENSION, {})
        for index, variant in enumerate(extension.get("variants", [])):
            if "name" not in variant:  # rejected already
                continue
            if is_by_headers(variant):
                variant["slot"] = 0
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
            services[full] = beside(name, service, variant)
        if "variants" in extension:
            extension["variants"] = [_described(variant) for variant in extension["variants"]]


def with_slots(service: Service, before: Mapping[str, int]) -> Service:
    """Return a service whose variants have slots: those of ``before``, new ones the lowest free.

    A variant keeps its slot, since the router finds its replicas by a name with it. Those by
    headers alone have slot 0.
    """
    extension = service.get(EXTENSION, {})
    if "variants" not in extension:
        return service
    kept = {name: before[name] for name in variants_of(service) if name in before}
    free = iter(slot for slot in range(1, MOST_SLOTS + 1) if slot not in kept.values())
    listed = [
        variant if "slot" in variant else _in_slot(variant, kept, free)
        for variant in extension["variants"]
    ]
    return {**service, EXTENSION: {**extension, "variants": listed}}


def _in_slot(
    variant: Mapping[str, Any], kept: Mapping[str, int], free: Iterator[int]
) -> dict[str, Any]:
    return {**variant, "slot": kept.get(variant["name"]) or next(free)}


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
    return {
        "name": variant.get("name", ""),
        "weight": variant.get("weight", 0),
        **{key: variant[key] for key in (HEADERS, "slot") if key in variant},
    }


def beside(name: str, service: Service, variant: Mapping[str, Any]) -> Service:
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


def headers_of(service: Mapping[str, Any]) -> dict[str, Headers]:
    """Return the request headers of each variant of a service that has any."""
    listed = service.get(EXTENSION, {}).get("variants", [])
    return {
        variant["name"]: of_mapping(variant[HEADERS]) for variant in listed if HEADERS in variant
    }


def variant_services(services: Section) -> Iterator[tuple[str, str]]:
    """Yield each service that is a variant, with the service that it is one of."""
    for name, service in services.items():
        base = variant_of(service)
        if base:
            yield name, base
