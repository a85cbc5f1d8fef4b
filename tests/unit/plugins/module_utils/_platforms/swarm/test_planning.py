# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was found on a Swarm to a plan."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlanError
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import (
    CREATE,
    KEEP,
    RECREATE,
    REMOVE,
    UPDATE,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Wishes
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import (
    compare,
    planning,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.observe import (
    APP,
    STACK,
    Snapshot,
)

from .resolved_apps import names, resolved

NODE = {
    "ID": "n1",
    "Spec": {"Availability": "active", "Role": "manager", "Labels": {"gpu": "yes", "zone": "A"}},
    "Status": {"State": "ready"},
    "Description": {
        "Hostname": "node-a",
        "Platform": {"OS": "linux", "Architecture": "x86_64"},
        "Engine": {"Labels": {"disk": "ssd"}},
    },
}
CONSTRAINTS = [
    ([], True),
    (["node.role == manager"], True),
    (["node.role==worker"], False),
    (["node.role != worker"], True),
    (["node.hostname == NODE-A"], True),
    (["node.labels.gpu == yes", "node.labels.zone == a"], True),
    (["node.labels.gpu == yes", "node.labels.zone == b"], False),
    (["node.labels.none == x"], False),
    (["node.labels.none != x"], True),
    (["engine.labels.disk == ssd"], True),
    (["node.platform.arch == x86_64"], True),
    (["node.ip == 10.0.0.0/8"], True),
]


@pytest.mark.parametrize(("constraints", "fits"), CONSTRAINTS)
def test_eligible_machines(constraints, fits):
    service = {"deploy": {"placement": {"constraints": constraints}}}
    found = Snapshot(
        nodes=[
            NODE,
            {**NODE, "Spec": {**NODE["Spec"], "Availability": "drain"}},
            {**NODE, "Status": {"State": "down"}},
        ]
    )
    assert planning.eligible(service, found) == int(fits)


def found_for(app: Any, **services: dict[str, Any]) -> Snapshot:
    """What a Swarm has where an app runs as it is resolved.

    ``services`` are bodies to put in place of those rendered.
    """
    known = names(app)
    bodies = {
        name: {
            "ID": name,
            "Spec": compare.render(
                f"shop_{name}", want, known, {APP: "shop", STACK: "shop"}, "hash"
            ),
        }
        for name, want in app.services.items()
    }
    networks = [
        {
            "Name": name,
            "Id": identity,
            "Driver": "overlay",
            "Scope": "swarm",
            "Labels": {APP: "shop"},
        }
        for name, identity in known.networks.items()
    ]
    networks = [network for network in networks if network["Name"] != "host"]
    return Snapshot(services={**bodies, **services}, networks=networks, nodes=[NODE])


def actions(app: Any, found: Snapshot, wishes: Wishes | None = None) -> dict[str, str]:
    """What a plan does with each service."""
    return {
        service.name: service.action
        for service in planning.plan("shop", app, [], found, wishes or Wishes()).services
    }


ONE = resolved({"services": {"web": {"image": "a:1"}, "db": {"image": "b:1"}}})
TWO = resolved(
    {"services": {"web": {"image": "a:1", "environment": {"A": "1"}}, "job": {"image": "c:1"}}}
)


def test_actions():
    assert actions(ONE, Snapshot(nodes=[NODE])) == {"web": CREATE, "db": CREATE}
    assert actions(ONE, found_for(ONE)) == {"web": KEEP, "db": KEEP}
    assert actions(TWO, found_for(ONE)) == {"web": UPDATE, "job": CREATE, "db": REMOVE}


def problems(app: Any, found: Snapshot, wishes: Wishes | None = None) -> list[str]:
    """What stands in a plan's way."""
    with pytest.raises(PlanError) as caught:
        planning.plan("shop", app, [], found, wishes or Wishes())
    return [problem["path"] for problem in caught.value.facts["problems"]]


def test_a_mode_changes_only_if_asked():
    everywhere = resolved(
        {
            "services": {
                "web": {"image": "a:1", "deploy": {"mode": "global"}},
                "db": {"image": "b:1"},
            }
        }
    )
    assert problems(everywhere, found_for(ONE)) == ["services.web.deploy.mode"]
    assert actions(everywhere, found_for(ONE), Wishes(recreate=frozenset({"web"}))) == {
        "web": RECREATE,
        "db": KEEP,
    }


def test_foreign_objects_are_in_the_way():
    found = found_for(ONE)
    found.unmanaged["shop_web"] = found.services.pop("web")
    found.unmanaged["shop_web"]["Spec"]["Labels"] = {}
    found.networks[0]["Labels"] = {}
    assert problems(ONE, found) == ["services.web", "networks: shop_default"]
    found.unmanaged["shop_web"]["Spec"]["Labels"] = {STACK: "shop"}
    found.networks[0]["Labels"] = {STACK: "shop"}
    assert problems(ONE, found) == ["services.web"]
    assert actions(ONE, found, Wishes(adopt=True)) == {"web": UPDATE, "db": KEEP}


def with_subnet(subnet):
    return resolved(
        {
            "services": {"web": {"image": "a:1"}, "db": {"image": "b:1"}},
            "networks": {"default": {"ipam": {"config": [{"subnet": subnet}]}}},
        }
    )


def test_addresses_of_networks():
    """They change only with the network, and are nobody else's."""
    found, app = found_for(ONE), with_subnet("10.1.0.0/24")
    found.networks[0]["IPAM"] = {"Config": [{"Subnet": "10.1.0.0/24", "Gateway": "10.1.0.1"}]}
    assert actions(app, found) == {"web": KEEP, "db": KEEP}
    other = with_subnet("10.1.0.0/25")
    assert problems(other, found) == ["networks: shop_default"]
    anew = Wishes(recreate=frozenset({"shop_default"}))
    assert actions(other, found, anew) == {"web": RECREATE, "db": RECREATE}

    taken = Snapshot(nodes=[NODE], networks=[{**found.networks[0], "Name": "others"}])
    assert problems(other, taken) == ["networks: shop_default"]
    assert actions(other, taken, Wishes(going_back=True)) == {"web": CREATE, "db": CREATE}
    assert actions(with_subnet("10.1.1.0/24"), taken) == {"web": CREATE, "db": CREATE}


def test_what_takes_a_port_waits_for_it():
    port = [{"target": 80, "published": 8080, "mode": "host"}]
    old = resolved({"services": {"old": {"image": "a:1", "ports": port}}})
    new = resolved({"services": {"new": {"image": "a:1", "ports": port}}})
    leaving = next(
        service
        for service in planning.plan("shop", new, [], found_for(old), Wishes()).services
        if service.name == "old"
    )
    assert leaving.early and "new takes its port" in leaving.interruption


def test_a_path_of_the_control_node_needs_one_node():
    wishes = Wishes(relative_binds={"services.web.volumes[0]": "./conf (/srv/app/conf)"})
    found = found_for(ONE)
    assert actions(ONE, found, wishes) == {"web": KEEP, "db": KEEP}
    found.nodes.append({**NODE, "ID": "n2"})
    with pytest.raises(PlanError) as caught:
        planning.plan("shop", ONE, [], found, wishes)
    assert caught.value.facts["problems"] == [
        {
            "path": "services.web.volumes[0]",
            "text": (
                "./conf (/srv/app/conf) is a path of the control node, and this Swarm has 2 nodes;"
                " ship the file under configs or secrets, set bind_mounts: as_configs for files"
                " with :ro, write an absolute path that exists on the nodes, or set bind_mounts:"
                " everywhere if all nodes have it at this path"
            ),
        }
    ]
