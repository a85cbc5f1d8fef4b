# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of overlay networks, as Docker 20.10.24 shows them."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import (
    network_addresses,
)

from .resolved_apps import resolved

POOL = {"subnet": "10.77.0.0/16", "gateway": "10.77.0.9", "ip_range": "10.77.4.0/24"}
IPAM = {"options": {"a": "b"}, "config": [POOL]}
# As a manager answers: with an option of its own.
ENGINES = {
    "Driver": "default",
    "Options": {"a": "b", "com.docker.network.ipam.serial": "true"},
    "Config": [{"Subnet": "10.77.0.0/16", "IPRange": "10.77.4.0/24", "Gateway": "10.77.0.9"}],
}
CHOSEN = {"Driver": "default", "Options": None, "Config": [{"Subnet": "10.0.1.0/24"}]}
SHOWN = "10.77.0.0/16, 10.77.0.9, 10.77.4.0/24"


def test_a_network_is_written_with_its_addresses():
    assert network_addresses.body(IPAM) == {
        "Driver": "default",
        "Options": {"a": "b"},
        "Config": [{"Subnet": "10.77.0.0/16", "Gateway": "10.77.0.9", "IPRange": "10.77.4.0/24"}],
    }


DIFFERENCES = [
    # What the network has, what is declared, what the former release declared -> what differs.
    (ENGINES, IPAM, {}, []),
    (ENGINES, IPAM, IPAM, []),
    (ENGINES, {"config": [{"subnet": "10.77.0.0/16"}]}, {}, []),
    (ENGINES, {}, {}, []),
    (CHOSEN, {}, IPAM, [("ipam.options.a", None, None)]),
    (
        ENGINES,
        {},
        IPAM,
        [
            ("ipam.options.a", "b", None),
            ("ipam.config", SHOWN, "one that the engine chooses"),
        ],
    ),
    (
        ENGINES,
        {"config": [{"subnet": "10.77.0.0/16"}]},
        {"config": [POOL]},
        [("ipam.config", SHOWN, "10.77.0.0/16")],
    ),
    (
        CHOSEN,
        {"driver": "infoblox", "config": [POOL]},
        {},
        [("ipam.driver", "default", "infoblox"), ("ipam.config", "10.0.1.0/24", SHOWN)],
    ),
    ({}, {"config": [POOL]}, {}, [("ipam.config", "one that the engine chooses", SHOWN)]),
]


@pytest.mark.parametrize(("existing", "wanted", "former", "changed"), DIFFERENCES)
def test_what_differs(existing, wanted, former, changed):
    listed = network_addresses.differences({"IPAM": existing}, wanted, former)
    differing = [entry for entry in listed if entry[1] != entry[2]]
    assert differing == [entry for entry in changed if entry[1] != entry[2]]


def test_the_order_of_subnets_is_the_engines():
    pools = [{"subnet": "10.2.0.0/24"}, {"subnet": "10.1.0.0/24"}]
    existing = {"Config": [{"Subnet": "10.1.0.0/24"}, {"Subnet": "10.2.0.0/24"}]}
    [(_key, have, want)] = network_addresses.differences({"IPAM": existing}, {"config": pools}, {})
    assert have == want == "10.1.0.0/24 and 10.2.0.0/24"


def overlaps(*subnets: str, removed: frozenset[str] = frozenset()) -> list[str]:
    """The problems of an app with a network for each of these subnets."""
    networks = {
        f"n{index}": {"ipam": {"config": [{"subnet": subnet}]}}
        for index, subnet in enumerate(subnets)
    }
    app = resolved(
        {
            "services": {"web": {"image": "nginx", "networks": list(networks)}},
            "networks": networks,
        }
    )
    existing = [
        {"Name": "ingress", "Scope": "swarm", "IPAM": {"Config": [{"Subnet": "10.0.0.0/24"}]}},
        {"Name": "bridge", "Scope": "local", "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]}},
        {"Name": "stuck", "Scope": "swarm", "IPAM": {"Config": None}},
    ]
    listed = network_addresses.overlaps(app, existing, app.networks, set(removed))
    return [str(problem) for problem in listed]


def test_subnets_that_others_have():
    assert overlaps("10.1.0.0/24", "172.17.0.0/24") == []
    assert overlaps("10.0.0.0/16") == [
        "networks: shop_n0: the subnet 10.0.0.0/16 overlaps 10.0.0.0/24 of the network ingress, so"
        " its services would wait for addresses. Write another subnet under ipam"
    ]
    assert overlaps("10.0.0.0/16", removed=frozenset({"ingress"})) == []
    assert len(overlaps("10.1.0.0/24", "10.1.0.128/25")) == 1
