# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of overlay networks: written, compared, and kept apart. Pure.

API: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Network
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from ..._core.errors import Problem
from ..._deploy.resolution import Resolved

Body = Mapping[str, Any]
Difference = tuple[str, Any, Any]

_DEFAULT_DRIVER = "default"
_CHOSEN = "one that the engine chooses"
# Key of a pool -> its place in the engine's IPAMConfig. Managers drop AuxiliaryAddresses silently
# (tried on 20.10.24: tasks get them), so that key is rejected.
_PLACES = {"subnet": "Subnet", "gateway": "Gateway", "ip_range": "IPRange"}


def body(ipam: Body) -> dict[str, Any]:
    """Return the engine's ``IPAM`` for what a network declares."""
    return {
        "Driver": ipam.get("driver", _DEFAULT_DRIVER),
        "Options": ipam.get("options", {}),
        "Config": [
            {place: pool[key] for key, place in _PLACES.items() if key in pool}
            for pool in ipam.get("config", [])
        ],
    }


def _pools(network: Body) -> list[dict[str, str]]:
    """Return the subnets that the engine has given a network, in the form of the spec."""
    return [
        {key: pool[place] for key, place in _PLACES.items() if pool.get(place)}
        for pool in (network.get("IPAM") or {}).get("Config") or []
    ]


def differences(network: Body, ipam: Body, former: Body) -> list[Difference]:
    """Return the declared addresses that an existing network may lack: key, present and wanted.

    ``former`` is what the former release declared: all other addresses are the engine's choice.
    """
    existing = network.get("IPAM") or {}
    options = existing.get("Options") or {}
    former_options, wanted_options = former.get("options", {}), ipam.get("options", {})
    result: list[Difference] = [
        (f"ipam.options.{key}", options.get(key), wanted_options.get(key))
        for key in sorted({**former_options, **wanted_options})
    ]
    if "driver" in ipam or "driver" in former:
        driver = existing.get("Driver") or _DEFAULT_DRIVER
        result.append(("ipam.driver", driver, ipam.get("driver", _DEFAULT_DRIVER)))
    return [*result, *_changed_pools(_pools(network), ipam, former)]


def _changed_pools(
    existing: Sequence[Mapping[str, str]], ipam: Body, former: Body
) -> Iterator[Difference]:
    wanted = _by_subnet(ipam.get("config", []))
    before = _by_subnet(former.get("config", []))
    if wanted:
        present = [
            _owned(pool, wanted.get(pool.get("subnet", ""), {}), before.get(pool.get("subnet", "")))
            for pool in existing
        ]
        yield "ipam.config", _shown(present), _shown(wanted.values())
    # Where no subnet is declared any more: the network keeps the former one until it is recreated.
    elif before and set(before) <= set(_by_subnet(existing)):
        yield "ipam.config", _shown(before.values()), _CHOSEN


def _by_subnet(pools: Iterable[Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    return {pool["subnet"]: pool for pool in pools if "subnet" in pool}


def _owned(
    pool: Mapping[str, str], wanted: Mapping[str, str], former: Mapping[str, str] | None
) -> dict[str, str]:
    """Return what is declared of a subnet, now or, where it is still so, by the former release."""
    left = {key for key, value in (former or {}).items() if pool.get(key) == value}
    return {key: value for key, value in pool.items() if key in {"subnet", *wanted, *left}}


def _shown(pools: Iterable[Mapping[str, str]]) -> str:
    texts = [", ".join(pool[key] for key in _PLACES if key in pool) for pool in pools]
    return " and ".join(sorted(texts)) or _CHOSEN


def overlaps(
    resolved: Resolved, networks: Iterable[Body], created: Iterable[str], removed: set[str]
) -> Iterator[Problem]:
    """Return the networks that are to be made of subnets that others have.

    ``removed`` networks are removed before.
    """
    # The engine creates such a network, gives it no addresses and reports nothing: its tasks stay
    # new for ever (tried on 20.10.24; "Pool overlaps" is in the manager's own log only).
    taken: list[tuple[str, str]] = []
    for network in networks:
        if network.get("Scope") == "swarm" and network["Name"] not in removed:
            taken += [(network["Name"], subnet) for subnet in _by_subnet(_pools(network))]
    for name in created:
        for pool in resolved.networks[name].get("ipam", {}).get("config", []):
            owner = _owner(pool["subnet"], taken)
            if owner:
                yield Problem(
                    f"networks: {name}",
                    f"the subnet {pool['subnet']} overlaps {owner}, so its services would wait for"
                    " addresses. Write another subnet under ipam",
                )
            taken.append((name, pool["subnet"]))


def _owner(subnet: str, taken: Iterable[tuple[str, str]]) -> str:
    mine = ip_network(subnet)
    for name, other in taken:
        theirs = ip_network(other, strict=False)
        if theirs.version == mine.version and theirs.overlaps(mine):
            return f"{other} of the network {name}"
    return ""
