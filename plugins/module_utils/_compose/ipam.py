# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a network: ``networks.<name>.ipam``.

Specification: https://github.com/compose-spec/compose-spec/blob/main/06-networks.md#ipam
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Union

from .._core.parsing import SpecReader, listing, mapping, pairs, text

Network = Union[IPv4Network, IPv6Network]

_DEFAULT_DRIVER = "default"


def ipam(value: object, reader: SpecReader) -> object:
    """Read the driver, the options and the subnets of a network; None where nothing is set."""
    parsed = _fields(value, reader)
    if not isinstance(parsed, dict):
        return None
    # The default written out is the same network.
    if parsed.get("driver") == _DEFAULT_DRIVER:
        del parsed["driver"]
    return {key: item for key, item in parsed.items() if item not in ({}, [])} or None


def _subnet(value: object, reader: SpecReader) -> object:
    try:
        network = ip_network(str(value), strict=False)
    except ValueError:
        network = None
    if network is None or "/" not in str(value):
        return reader.problem(f"{value!r} is no subnet; write for example 10.11.0.0/24")
    # Docker 20.10 keeps a subnet with bits of a host; newer engines reject it.
    if str(network.network_address) != str(value).partition("/")[0]:
        return reader.problem(f"{value!r} has bits of a host; write {network}")
    return str(network)


def _address(value: object, reader: SpecReader) -> object:
    try:
        return str(ip_address(str(value)))
    except ValueError:
        return reader.problem(f"{value!r} is no address; write for example 10.11.0.1")


def _addresses(value: object, reader: SpecReader) -> object:
    named = pairs(value, reader)
    if not isinstance(named, dict):
        return None
    read = {name: _address(address, reader.at(name)) for name, address in named.items()}
    return {name: address for name, address in read.items() if address} or None


def _pool(value: object, reader: SpecReader) -> object:
    """Read a subnet with what lies inside it."""
    pool = _pool_fields(value, reader)
    if not isinstance(pool, dict) or not pool:
        return None
    if "subnet" not in pool:
        # As docker network create; engines answer with an internal error.
        if not isinstance(value, dict) or value.get("subnet") is None:
            reader.problem(f"{', '.join(pool)} needs a subnet; write the subnet beside it")
        return None
    subnet = ip_network(pool["subnet"])
    _check_inside(pool.get("gateway"), subnet, reader.at("gateway"), ip_address)
    _check_inside(pool.get("ip_range"), subnet, reader.at("ip_range"), ip_network)
    for name, address in pool.get("aux_addresses", {}).items():
        _check_inside(address, subnet, reader.at("aux_addresses").at(name), ip_address)
    return pool


def _check_inside(
    written: Any, subnet: Network, reader: SpecReader, convert: Callable[[str], Any]
) -> None:
    if written is None:
        return
    # An address has no length of a prefix; as a network it has the full one.
    inner = ip_network(convert(written))
    inside = inner.version == subnet.version and inner.subnet_of(subnet)  # type: ignore[arg-type]
    if not inside:
        reader.problem(f"{written} is not in the subnet {subnet}; write one that is")


_pool_fields = mapping(
    {"subnet": _subnet, "gateway": _address, "ip_range": _subnet, "aux_addresses": _addresses}
)
_fields = mapping({"driver": text, "options": pairs, "config": listing(_pool)})
