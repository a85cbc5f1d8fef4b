# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that each node has: host, bridge and none."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.naming import Naming
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import (
    Resolutions,
    resolve,
)

from .reading import KUBERNETES, SWARM, problems, read_spec, spec


def outside(*names):
    return {name: {"external": True, "name": name} for name in names}


def on(networks, **keys):
    return {**spec(networks=networks, **keys), "networks": {**outside("host", "bridge", "none")}}


def attached(content, support=SWARM):
    app = resolve(Naming("shop"), read_spec(content, support=support), Resolutions({}, {}))
    return app.services["web"]["networks"], app.networks


ATTACHED = [
    (spec(network_mode="host"), {"host": {}}),
    (on(["host"]), {"host": {}}),
    ({**on(["theirs"]), "networks": {"theirs": {"external": {"name": "host"}}}}, {"host": {}}),
    (spec(network_mode="bridge"), {"bridge": {}}),
    (on({"bridge": None}), {"bridge": {}}),
]


@pytest.mark.parametrize(("content", "networks"), ATTACHED)
def test_both_forms_mean_the_same(content, networks):
    assert attached(content) == (networks, {})


def test_a_bridge_beside_other_networks():
    content = on(["bridge", "own"])
    content["networks"]["own"] = {}
    assert attached(content) == (
        {"bridge": {}, "shop_own": {"aliases": ["web"]}},
        {"shop_own": {}},
    )


def test_the_network_of_the_node_on_kubernetes():
    assert attached(on(["host"]), KUBERNETES) == ({"host": {}}, {})


NO_BRIDGE = "Kubernetes knows only the network host of a node, not 'bridge'; use another network"
NO_NONE = "Swarm knows only the networks host and bridge of a node, not 'none'; use another network"
REJECTED = [
    (SWARM, spec(network_mode="none"), f"services.web.network_mode: {NO_NONE}"),
    (SWARM, on(["none"]), f"services.web.networks.none: {NO_NONE}"),
    (KUBERNETES, spec(network_mode="bridge"), f"services.web.network_mode: {NO_BRIDGE}"),
    (KUBERNETES, on(["bridge"]), f"services.web.networks.bridge: {NO_BRIDGE}"),
    (
        SWARM,
        on(["host", "bridge"]),
        "services.web.networks.host: the network host excludes other networks; write it alone, or"
        " leave it out",
    ),
    (
        SWARM,
        on({"host": {"aliases": ["shop"]}}),
        "services.web.networks.host: the network host has no names; leave the aliases out",
    ),
    (
        SWARM,
        on(["host"], ports=["80:80"]),
        "services.web.ports: on the network host a service has the ports of its node, and the"
        " routing mesh cannot reach it; leave ports out, or publish with mode: host",
    ),
    (
        SWARM,
        {**spec(), "networks": {"front": {"name": "host"}}},
        "networks.front.name: each node has a network host; write external: true to join it",
    ),
]


@pytest.mark.parametrize(("support", "content", "problem"), REJECTED)
def test_what_no_platform_has(support, content, problem):
    assert problems(read_spec, content, support=support) == [problem]


def test_ports_of_the_node_itself():
    port = {"target": 80, "published": 80, "mode": "host"}
    assert attached(on(["host"], ports=[port])) == ({"host": {}}, {})
    assert attached(on(["bridge"], ports=["80:80"])) == ({"bridge": {}}, {})
