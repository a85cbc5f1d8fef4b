# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that a service reserves: a number of each kind, by the name that its nodes offer.

Specification: https://github.com/compose-spec/compose-spec/blob/main/deploy.md#devices
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._core.parsing import SpecReader, integer, listing, mapping, text, words
from .normal_form import Service

_GPU, _ALL = "gpu", "all"
# NVIDIA's runtime gives a container these two, unless the image or the environment has others:
# https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
_ALWAYS_THERE = {"compute", "utility"}


def _count(value: object, reader: SpecReader) -> object:
    return _ALL if value == _ALL else integer(1)(value, reader)


_device_keys = mapping(
    {"driver": text, "count": _count, "device_ids": words, "capabilities": words},
    {"options": "not supported yet; leave it out"},
)


def _device(value: object, reader: SpecReader) -> object:
    device = _device_keys(value, reader)
    # In Compose all devices are meant where no number is written.
    if isinstance(device, dict) and isinstance(value, dict) and value.get("count") is None:
        device["count"] = _ALL
    return device


devices = listing(_device)


def gpus(value: object, reader: SpecReader) -> object:
    """Read ``gpus``: the word ``all``, or devices whose capability need not be written."""
    if value == _ALL:
        return reader.refuse_value("all_devices")
    listed = devices(value, reader)
    if not isinstance(listed, list):
        return None
    return [{"capabilities": [_GPU], **device} for device in listed]


_generic_keys = mapping(
    {"discrete_resource_spec": mapping({"kind": text, "value": integer(1)})},
    {"named_resource_spec": "nodes offer such resources, services reserve a number of them"},
)


def _generic_resource(value: object, reader: SpecReader) -> object:
    """Read a resource as its kind and number."""
    reported = len(reader.problems)
    parsed = _generic_keys(value, reader)
    spec = parsed.get("discrete_resource_spec") if isinstance(parsed, dict) else None
    if isinstance(spec, dict) and {"kind", "value"} <= set(spec):
        return spec["kind"], spec["value"]
    # A key that was rejected is not missing, too.
    if len(reader.problems) == reported:
        reader.problem("needs discrete_resource_spec with kind and value")
    return None


_generic_resources = listing(_generic_resource)


def generic_resources(value: object, reader: SpecReader) -> object:
    """Read resources as the number of each kind."""
    listed = _generic_resources(value, reader)
    if not isinstance(listed, list):
        return None
    result: dict[str, int] = {}
    for kind, number in listed:
        result[kind] = result.get(kind, 0) + number
    return result


def fold(service: Service, kinds: Mapping[str, str], reader: SpecReader) -> None:
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


def _kinds(
    device: Mapping[str, Any], kinds: Mapping[str, str], reader: SpecReader
) -> Iterable[str]:
    """Return the kind of a device that can be counted; report one that cannot."""
    if "count" not in device:  # rejected already
        return []
    if device.get("device_ids"):
        reader.at("device_ids").refuse_value("device_ids")
        return []
    if device["count"] == _ALL:
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
