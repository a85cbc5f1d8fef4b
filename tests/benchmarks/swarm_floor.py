# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that a first release on a Swarm can take: ``swarm_floor.py HOST FILE``.

It makes the network and the services of the file by plain API calls side by side, and ends when
each has run for its monitor window. It compares nothing and keeps no history.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from docker import APIClient

API, THREADS = "1.41", 8
LOOK_EVERY = 0.2


def main(host: str, path: str) -> None:
    """Make the services and wait for them."""
    given = json.loads(Path(path).read_text())
    client = APIClient(base_url=host, version=API)
    if not client.networks(names=[given["network"]]):
        client.create_network(given["network"], driver="overlay")
    digest = client.inspect_distribution(given["image"])["Descriptor"]["digest"]
    bodies = [_body(given, name, digest) for name in given["services"]]

    def make(body: dict[str, Any]) -> None:
        # A session each: one is not for several threads.
        own = APIClient(base_url=host, version=API)
        own.post(f"{own.base_url}/v{API}/services/create", json=body).raise_for_status()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(make, bodies))
    while not _are_monitored(client, given):
        time.sleep(LOOK_EVERY)


def _body(given: dict[str, Any], name: str, digest: str) -> dict[str, Any]:
    service = given["services"][name]
    return {
        "Name": f"{given['network']}_{name}",
        "Labels": {"floor": given["network"]},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": f"{given['image']}@{digest}",
                "Args": service["command"],
                "Env": [f"{key}={value}" for key, value in service["environment"].items()],
                "Init": True,
                "StopGracePeriod": 1_000_000_000,
                "Labels": {"floor": given["network"]},
            },
            "Networks": [{"Target": given["network"]}],
        },
        "Mode": {"Replicated": {"Replicas": 1}},
    }


def _are_monitored(client: APIClient, given: dict[str, Any]) -> bool:
    """Return whether each service has a task that has run for its monitor window."""
    tasks = client.tasks(filters={"label": [f"floor={given['network']}"]})
    running = [task for task in tasks if task["Status"]["State"] == "running"]
    if len({task["ServiceID"] for task in running}) < len(given["services"]):
        return False
    # The engine is on this host, so that their clocks are one.
    since = max(_seconds(task["Status"]["Timestamp"]) for task in running)
    return time.time() - since >= float(given["monitor"])


def _seconds(timestamp: str) -> float:
    # Of nine digits of a second Python reads six.
    return datetime.fromisoformat(f"{timestamp[:26].rstrip('Z')}+00:00").timestamp()


if __name__ == "__main__":
    main(*sys.argv[1:])
