# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a network, in normal form and with their problems."""

from __future__ import annotations

import pytest

from .reading import problems, read_spec, spec

NORMAL = [
    ({"driver": "default"}, None),
    ({"driver": "default", "options": {}, "config": [{}]}, None),
    ({"config": [{"subnet": "10.1.0.0/24"}]}, {"config": [{"subnet": "10.1.0.0/24"}]}),
    (
        {
            "driver": "infoblox",
            "options": ["a=1"],
            "config": [
                {"subnet": "10.1.0.0/16", "gateway": "10.1.0.9", "ip_range": "10.1.4.0/24"},
                {"subnet": "10.2.0.0/24"},
            ],
        },
        {
            "driver": "infoblox",
            "options": {"a": "1"},
            "config": [
                {"subnet": "10.1.0.0/16", "gateway": "10.1.0.9", "ip_range": "10.1.4.0/24"},
                {"subnet": "10.2.0.0/24"},
            ],
        },
    ),
]


@pytest.mark.parametrize(("given", "normal"), NORMAL)
def test_addresses(given, normal):
    network = read_spec({**spec(), "networks": {"it": {"ipam": given}}}).networks["it"]
    assert network.get("ipam") == normal


SUBNET = "10.1.0.0/24"
REJECTED = [
    ({"subnet": "10.1.0.7/24"}, "subnet", "'10.1.0.7/24' has bits of a host; write 10.1.0.0/24"),
    ({"subnet": "10.1.0.0"}, "subnet", "'10.1.0.0' is no subnet; write for example 10.11.0.0/24"),
    ({"subnet": "shop"}, "subnet", "'shop' is no subnet; write for example 10.11.0.0/24"),
    ({"gateway": "10.1.0.1"}, "", "gateway needs a subnet; write the subnet beside it"),
    (
        {"subnet": SUBNET, "gateway": "10.1.0.1/24"},
        "gateway",
        "'10.1.0.1/24' is no address; write for example 10.11.0.1",
    ),
    (
        {"subnet": SUBNET, "gateway": "10.9.0.1"},
        "gateway",
        f"10.9.0.1 is not in the subnet {SUBNET}; write one that is",
    ),
    (
        {"subnet": SUBNET, "gateway": "fd00::1"},
        "gateway",
        f"fd00::1 is not in the subnet {SUBNET}; write one that is",
    ),
    (
        {"subnet": SUBNET, "ip_range": "10.1.0.0/16"},
        "ip_range",
        f"10.1.0.0/16 is not in the subnet {SUBNET}; write one that is",
    ),
    (
        {"subnet": SUBNET, "aux_addresses": {"router": "10.9.0.5"}},
        "aux_addresses.router",
        f"10.9.0.5 is not in the subnet {SUBNET}; write one that is",
    ),
    ({"subnet": SUBNET, "netmask": "x"}, "netmask", "unknown key"),
    # What Swarm does not have.
    (
        {"subnet": SUBNET, "aux_addresses": {"router": "10.1.0.5"}},
        "aux_addresses",
        "Swarm reserves no addresses, and tasks would get these; leave it out and narrow the"
        " addresses of tasks by ip_range",
    ),
    (
        {"subnet": "fd00:1::/64"},
        "subnet",
        "an overlay network has IPv4 addresses only; leave the subnet out",
    ),
]


@pytest.mark.parametrize(("pool", "key", "problem"), REJECTED)
def test_addresses_that_cannot_be(pool, key, problem):
    content = {**spec(), "networks": {"it": {"ipam": {"config": [pool]}}}}
    if problem.startswith("10.9.0.5"):
        assert problems(read_spec, content)[0].startswith(f"networks.it.ipam.config[0].{key}")
        return
    place = "networks.it.ipam.config[0]" + (f".{key}" if key else "")
    assert problems(read_spec, content) == [f"{place}: {problem}"]
