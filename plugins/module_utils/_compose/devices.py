# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that a service reserves: a number of each kind, by the name that its nodes offer.

Specification: https://github.com/compose-spec/compose-spec/blob/main/deploy.md#devices
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._core.parsing import Reader, integer, kind_of, listing, mapping, text, words
from .normal_form import Service

_GPU, _ALL = "gpu", "all"
# NVIDIA's runtime gives a container these two, unless the image or the environment has others:
# https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
_ALWAYS_THERE = {"compute", "utility"}


def _count(value: object, reader: Reader) -> object:
    return _ALL if value == _ALL else integer(1)(value, reader)


_device = mapping(
    {"driver": text, "count": _count, "device_ids": words, "capabilities": words},
    {"options": "not supported yet; leave it out"},
)
devices = listing(_device)


def gpus(value: object, reader: Reader) -> object:
    """Read ``gpus``: the word ``all``, or devices whose capability need not be written."""
    if value == _ALL:
        return reader.refuse_value("all_devices")
    listed = devices(value, reader)
    if not isinstance(listed, list):
        return None
    return [{"capabilities": [_GPU], **device} for device in listed]


_generic_resource = mapping(
    {"discrete_resource_spec": mapping({"kind": text, "value": integer(1)})},
    {"named_resource_spec": "nodes offer such resources, services reserve a number of them"},
)


def generic_resources(value: object, reader: Reader) -> object:
    """Read resources as the number of each kind."""
    if not isinstance(value, list):
        return reader.problem(f"must be a list, not {kind_of(value)}")
    result: dict[str, int] = {}
    for index, item in enumerate(value):
        parsed = _generic_resource(item, reader.at(index))
        spec = parsed.get("discrete_resource_spec") if isinstance(parsed, dict) else None
        if isinstance(spec, dict) and {"kind", "value"} <= set(spec):
            result[spec["kind"]] = result.get(spec["kind"], 0) + spec["value"]
        elif isinstance(parsed, dict):
            reader.at(index).problem("needs discrete_resource_spec with kind and value")
    return result


def fold(service: Service, kinds: Mapping[str, str], reader: Reader) -> None:
    """Move all devices of a service to its generic resources.

    ``kinds`` has the kind of a capability, and of ``driver/capability``.
    """
    resources = service["deploy"].setdefault("resources", {})
    reservations = resources.setdefault("reservations", {})
    counted: dict[str, int] = {}
    for place, listed in (
        (reader.at("gpus"), service.pop("gpus", [])),
        (
            reader.at("deploy.resources.reservations.devices"),
            reservations.pop("devices", []),
        ),
    ):
        for index, device in enumerate(listed):
            for kind in _kinds(device, kinds, place.at(index)):
                counted[kind] = counted.get(kind, 0) + device["count"]
    generic = reservations.setdefault("generic_resources", {})
    for kind, count in counted.items():
        # A file may have both: one for docker compose, the other for docker stack deploy.
        if generic.setdefault(kind, count) != count:
            reader.at("deploy.resources.reservations.generic_resources").problem(
                f"reserves {generic[kind]} of {kind}, but devices reserve {count}; write one of"
                " them"
            )


def _kinds(device: Mapping[str, Any], kinds: Mapping[str, str], reader: Reader) -> Iterable[str]:
    """Return the kind of a device that can be counted; report one that cannot."""
    if device.get("device_ids"):
        reader.at("device_ids").refuse_value("device_ids")
        return []
    # In Compose all devices are meant where no number is written.
    if device.get("count", _ALL) == _ALL:
        reader.refuse_value("all_devices")
        return []
    names = _named(device)
    known = [kinds[name] for name in names if name in kinds]
    unknown = sorted(names - set(kinds))
    if unknown or not known:
        reader.refuse_value("devices", ", ".join(unknown) or "no capability")
        return []
    return known


def _named(device: Mapping[str, Any]) -> set[str]:
    """Return the capabilities of a device, each with its driver where one is written."""
    capabilities = set(device.get("capabilities", []))
    if _GPU in capabilities:
        capabilities -= _ALWAYS_THERE
    driver = device.get("driver", "")
    return {f"{driver}/{name}" if driver else name for name in capabilities}
