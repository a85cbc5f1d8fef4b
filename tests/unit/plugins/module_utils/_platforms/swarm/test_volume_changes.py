# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes and networks that stay as they are, whatever a later spec declares of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlanError
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Wishes
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import (
    planning,
    volume_changes,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.observe import (
    APP,
    STACK,
    Snapshot,
)

from .resolved_apps import resolved
from .test_planning import NODE, found_for

OTHER = {**NODE, "ID": "n2", "Description": {**NODE["Description"], "Hostname": "node-b"}}
SMALL = {"driver_opts": {"type": "tmpfs", "o": "size=1m"}}
LARGE = {"driver_opts": {"type": "tmpfs", "o": "size=7m"}}


def app_with(volume: Any, name: str = "data", **keys: Any) -> Any:
    """An app whose only service mounts a volume."""
    service = {"image": "a:1", "volumes": [f"{name}:/data"], **keys}
    return resolved({"services": {"web": service}, "volumes": {name: volume}})


def volume_of(entry: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What an engine says of a volume that it made of a spec."""
    return {
        "Name": "shop_data",
        "Driver": entry.get("driver", "local"),
        "Options": entry.get("driver_opts"),
        "Labels": {STACK: "shop", **entry.get("labels", {})},
        **more,
    }


def on(app: Any, *volumes: dict[str, Any], nodes: Any = (NODE,)) -> Snapshot:
    """A Swarm where the app runs, with the volumes of the node that is connected to."""
    return replace(found_for(app), volumes=list(volumes), nodes=list(nodes), node_id="n1")


def problems(app: Any, found: Snapshot, **wishes: Any) -> list[str]:
    with pytest.raises(PlanError) as caught:
        planning.plan("shop", app, [], found, Wishes(**wishes))
    return [f"{problem['path']}: {problem['text']}" for problem in caught.value.facts["problems"]]


def notes(app: Any, found: Snapshot, **wishes: Any) -> list[str]:
    return list(planning.plan("shop", app, [], found, Wishes(**wishes)).notes)


CHANGES = [
    (SMALL, LARGE, "driver_opts from {'type': 'tmpfs', 'o': 'size=1m'}"),
    (SMALL, {}, "driver_opts from {'type': 'tmpfs', 'o': 'size=1m'} to {}"),
    ({}, SMALL, "driver_opts from {} to"),
    ({}, {"driver": "sshfs"}, "driver from local to sshfs"),
    ({"driver": "sshfs"}, {}, "driver from sshfs to local"),
    ({"labels": {"a": "1"}}, {"labels": {"a": "2"}}, "labels.a from 1 to 2"),
    ({"labels": {"a": "1"}}, {}, "labels.a from 1 to None"),
]


@pytest.mark.parametrize(("before", "after", "says"), CHANGES)
def test_a_volume_that_is_here_cannot_change(before, after, says):
    found = on(app_with(before), volume_of(before))
    (problem,) = problems(app_with(after), found)
    assert problem.startswith("volumes: shop_data: a volume cannot change in place")
    assert says in problem and "node node-a" in problem
    assert "docker volume rm shop_data" in problem
    assert notes(app_with(before), found) == []


def test_a_first_release_finds_a_volume_of_other_options():
    found = Snapshot(nodes=[NODE], node_id="n1", volumes=[volume_of(SMALL)])
    assert "size=1m" in problems(app_with(LARGE), found)[0]


UNCHANGED = [
    # What is not declared is not owned: a volume may have been made by hand.
    ({}, volume_of(SMALL)),
    ({}, volume_of({}, Labels={"by": "hand"})),
    ({"driver": "vieux/sshfs"}, volume_of({"driver": "vieux/sshfs:latest"})),
    (SMALL, volume_of(LARGE, Name="shop_data_of_another")),
    ({"external": True, "name": "shop_data"}, volume_of(SMALL)),
    ({"driver_opts": {"o": "{{.Node.Hostname}}"}}, volume_of(SMALL)),
]


@pytest.mark.parametrize(("declared", "volume"), UNCHANGED)
def test_volumes_that_are_taken_as_they_are(declared, volume):
    app = app_with(declared)
    assert notes(app, on(app, volume)) == []


def test_volumes_of_nodes_that_are_not_connected_to_are_noted_once():
    two = {"image": "a:1", "volumes": ["data:/data"]}
    before = resolved({"services": {"a": two, "b": two}, "volumes": {"data": SMALL}})
    after = resolved({"services": {"a": two, "b": two}, "volumes": {"data": LARGE}})
    (note,) = notes(after, on(before, nodes=[NODE, OTHER]))
    assert "volume shop_data: its driver_opts changed" in note and "node-b" in note
    assert notes(before, on(before, nodes=[NODE, OTHER])) == []


def test_a_volume_of_this_node_does_not_matter_where_the_service_cannot_run():
    elsewhere = {"deploy": {"placement": {"constraints": ["node.hostname == node-b"]}}}
    found = on(app_with(SMALL, **elsewhere), volume_of(SMALL), nodes=[NODE, OTHER])
    (note,) = notes(app_with(LARGE, **elsewhere), found)
    assert "node-b" in note


def test_going_back_is_not_stopped_by_a_volume():
    found = on(app_with(LARGE), volume_of(LARGE))
    (note,) = notes(app_with(SMALL), found, going_back=True)
    assert "a volume cannot change in place" in note


def test_volumes_are_read_only_where_any_are_declared():
    assert volume_changes.declares_volumes(app_with(SMALL))
    assert not volume_changes.declares_volumes(app_with({"external": True}))
    assert not volume_changes.declares_volumes(resolved({"services": {"web": {"image": "a:1"}}}))


def network_app(entry: dict[str, Any]) -> Any:
    return resolved(
        {"services": {"web": {"image": "a:1", "networks": ["n"]}}, "networks": {"n": entry}}
    )


def test_labels_of_a_network_cannot_change():
    found = found_for(network_app({"labels": {"a": "1"}}))
    found.networks[0]["Labels"] = {APP: "shop", "a": "1", "others": "x"}
    assert notes(network_app({"labels": {"a": "1"}}), found) == []
    (problem,) = problems(network_app({"labels": {"a": "2"}}), found)
    assert "labels.a from 1 to 2" in problem and "recreate: [shop_n]" in problem
    assert notes(network_app({"labels": {"a": "2"}}), found, recreate=frozenset({"shop_n"})) == []
