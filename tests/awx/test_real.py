# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a real AWX can do: read the directory, fire a schedule, deliver.

AWX_REPOSITORY has an inventory of hosts that AWX reaches with AWX_USER and the key in
AWX_KEY_FILE. AWX_LDAP_PASSWORD is for its directory, AWX_IMAGE the execution environment. With
AWX_INSECURE, AWX's certificate is not verified.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from .deliveries import Deliveries

pytestmark = pytest.mark.skipif(
    "AWX_URL" not in os.environ,
    reason="needs a real AWX: make test-awx AWX_URL=… AWX_TOKEN=… AWX_REPOSITORY=…",
)
_RUNNING = ("new", "pending", "waiting", "running")


def ended(
    deliveries: Deliveries, look: Callable[[], dict[str, Any] | None], patience: float = 600
) -> dict[str, Any]:
    """A job that has ended, once there is one."""
    deadline = time.monotonic() + patience
    while not (job := look()) or job["status"] in _RUNNING:
        assert time.monotonic() < deadline, f"AWX has not ended it after {patience} s: {job}"
        time.sleep(2)
    return job


def launched(deliveries: Deliveries, place: str, content: dict[str, Any]) -> dict[str, Any]:
    job = deliveries.send("POST", place, content)
    return ended(deliveries, lambda: deliveries.get(job["url"]))


def test_the_directory_is_read_the_schedule_fires_and_tools_arrive(deliveries: Deliveries):
    assert deliveries.play(awx_sync_interval=1).rc == 0
    source = deliveries.one("inventory_sources", "directory")
    update = launched(deliveries, source["related"]["update"], {})
    assert update["status"] == "successful", deliveries.get(
        f"{update['related']['stdout']}?format=json"
    )
    inventory = deliveries.one("inventories", f"{deliveries.name} hosts")
    hosts = deliveries.get(f"{inventory['related']['hosts']}?page_size=200")["results"]
    groups = {
        group["name"]
        for group in deliveries.get(f"{inventory['related']['groups']}?page_size=200")["results"]
    }
    projects: set[str] = set()
    for host in hosts:
        for user in json.loads(host["variables"])["shipping_users"]:
            projects.update(user["projects"])
    assert hosts and {f"project_{project}" for project in projects} <= groups

    assert launched(deliveries, source["related"]["update"], {})["status"] == "successful"
    again = deliveries.get(f"{inventory['related']['hosts']}?page_size=200")["results"]
    assert [(host["id"], host["modified"]) for host in again] == [
        (host["id"], host["modified"]) for host in hosts
    ], "a sync without a change writes nothing"

    template = deliveries.one("job_templates", f"{deliveries.name} deliver")
    jobs = f"/api/v2/jobs/?unified_job_template={template['id']}&launch_type=scheduled"
    fired = ended(deliveries, lambda: next(iter(deliveries.get(jobs)["results"]), None))
    assert fired["status"] == "successful", fired["result_traceback"]
    text = deliveries.get(f"{fired['related']['stdout']}?format=json")["content"]
    assert all(host["name"] in text for host in hosts) and " ready" in text

    events = deliveries.one("job_templates", f"{deliveries.name} deliver events")
    one = launched(deliveries, events["related"]["launch"], {"limit": hosts[0]["name"]})
    assert one["status"] == "successful" and one["limit"] == hosts[0]["name"]
