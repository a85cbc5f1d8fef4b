# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches whom: services of one network each other, and nobody else.

On Kubernetes with a network plugin that enforces policies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .harness import Player, until
from .specs import Spec, tool

pytestmark = pytest.mark.long

PORT, OUTSIDE = 8098, 8097


@pytest.fixture(scope="module", autouse=True)
def enforced(platform: Any) -> Iterator[None]:
    """Policies are what they say."""
    with platform.enforcing():
        yield


def web(platform: Any, *networks: str, **keys: Any) -> dict[str, Any]:
    """A service that answers on port 8000, which the platform itself asks, too."""
    check = {
        "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8000/"],
        "interval": "500ms",
        "retries": 10,
    }
    asked = {"probe": {"http": {"port": 8000, "path": "/"}}}
    keys |= {
        "networks": list(networks),
        "expose": [8000],
        "healthcheck": check,
        "x-shipping": asked,
        "deploy": {"endpoint_mode": "dnsrr"},
    }
    return tool(platform, "python3", "-m", "http.server", "8000", **keys)


def company(platform: Any) -> Spec:
    """A published front, a store, and a service between them.

    Only that service may reach the store, which reaches nobody outside.
    """
    return {
        "services": {
            "front": web(
                platform, "outer", ports=[{"target": 8000, "published": PORT, "mode": "host"}]
            ),
            "between": web(platform, "outer", "inner"),
            "store": web(platform, "inner"),
        },
        "networks": {"outer": {}, "inner": {"internal": True}},
    }


def ship(player: Player, platform: Any, app: str, spec: Spec, **options: Any) -> dict[str, Any]:
    """Release an app that must become live."""
    outcome = player.run(
        "release", {"app": app, "version": "1", "spec": spec, **platform.options, **options}
    )
    assert outcome.ok, outcome.output
    return outcome.result


def reaches(platform: Any, place: str, service: str, address: str, port: int = 8000) -> bool:
    """Whether a service has an answer from there."""
    connect = (
        f"import socket\ntry:\n socket.create_connection(('{address}', {port}), 2)\n"
        " print('yes')\nexcept OSError as error:\n print(error)"
    )
    return bool(platform.exec(place, service, "python3", "-c", connect).strip() == "yes")


def test_who_reaches_whom(platform: Any, player: Player, app: str) -> None:
    ship(player, platform, app, company(platform))
    platform.occupy(OUTSIDE)
    outside = platform.address

    wanted = {
        ("front", "between"): True,
        ("between", "front"): True,
        ("between", "store"): True,
        ("store", "between"): True,
        ("front", "store"): False,
        ("store", "front"): False,
    }
    until(lambda: {pair: reaches(platform, app, *pair) for pair in wanted} == wanted, 60)
    assert reaches(platform, app, "front", outside, OUTSIDE)
    assert reaches(platform, app, "between", outside, OUTSIDE)
    assert not reaches(platform, app, "store", outside, OUTSIDE)
    assert not platform.client(PORT).ask().startswith("lost")

    # Once the front is on the network, too, it reaches the store.
    spec = company(platform)
    spec["services"]["front"]["networks"].append("inner")
    ship(player, platform, app, spec)
    until(lambda: reaches(platform, app, "front", "store"))
    assert ship(player, platform, app, spec)["changed"] is False


def test_another_app(platform: Any, player: Player, app: str) -> None:
    """It comes in by a network that it calls external and by published ports, by nothing else."""
    ship(player, platform, app, company(platform))
    visited = {"outer": {"external": True, "name": platform.object_name(app, "outer")}}
    places = {}
    for name, networks in (("visitor", visited), ("stranger", {"own": {}})):
        other = f"{app}-{name}"
        ship(
            player,
            platform,
            other,
            {"services": {name: web(platform, *networks)}, "networks": networks},
            **platform.placement_options(app),
        )
        places[name] = app if platform.placement_options(app) else other
    address = platform.exec(
        app,
        "between",
        "python3",
        "-c",
        "import socket\nprint(socket.gethostbyname(socket.gethostname()))",
    ).strip()

    until(lambda: reaches(platform, places["visitor"], "visitor", "between"))
    assert not reaches(platform, places["visitor"], "visitor", "store")
    assert not reaches(platform, places["stranger"], "stranger", "between")
    assert not reaches(platform, places["stranger"], "stranger", address)
    assert reaches(platform, places["stranger"], "stranger", platform.address, PORT)
