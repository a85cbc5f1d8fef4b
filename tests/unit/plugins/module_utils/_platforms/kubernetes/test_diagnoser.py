# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container's log is read, and which image the registry is asked for."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.cause import Cause
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import (
    ENDED,
    PREPARING,
    Task,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import diagnoser

FIRST = "r.example/web:1"
CRASH, MISSING = Cause("crash", "ended"), Cause("image_missing", "the registry has no image")


def status(name, state=None, **more):
    return {
        "name": name,
        "restartCount": 0,
        "ready": False,
        "containerID": "" if state and "waiting" in state else "containerd://1",
        "state": state or {"running": {}},
        **more,
    }


DONE = {"terminated": {"exitCode": 0}}
CRASHED = {"terminated": {"exitCode": 3}}
INITIALIZING = {"waiting": {"reason": "PodInitializing"}}
NO_IMAGE = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}


def pod(early, main):
    return {
        "metadata": {"name": "web-1", "uid": "uid"},
        "spec": {
            "initContainers": [{"name": "prep", "image": "r.example/prep:1"}],
            "containers": [{"name": "web", "image": FIRST}],
        },
        "status": {"initContainerStatuses": [early], "containerStatuses": [main]},
    }


class Parts:
    """A cluster with one pod and no events, and a registry that has no image."""

    def __init__(self, body):
        self.body, self.read, self.asked = body, [], []

    def find(self, _kind, _name):
        """Return the pod."""
        return self.body

    def items(self, _kind, **_fields):
        """Return no events."""
        return []

    def log(self, _pod, container, _lines, *, previous):
        """Keep which log was read."""
        self.read.append((container, previous))
        return "no database\n"

    def digest(self, reference):
        """Keep which image was asked for."""
        self.asked.append(reference)
        return Cause("image_missing", f"the registry has no {reference}", final=True)


def evidence(body, cause, identity="uid", *, failed=False):
    parts = Parts(body)
    task = Task(
        identity,
        "web-1",
        "web-1",
        "node",
        ENDED if failed else PREPARING,
        current=True,
        sent=True,
        wanted=not failed,
        failed=failed,
    )
    return diagnoser.Diagnoser(parts, parts).evidence(task, cause, "web:1"), parts


# The init container, the main one, the attempt that failed, the log that is read first.
LOGS = [
    (status("prep", CRASHED), status("web", INITIALIZING), "uid/prep/1", ("prep", False)),
    (status("prep", restartCount=2), status("web", INITIALIZING), "uid/prep/2", ("prep", True)),
    (status("prep"), status("web", INITIALIZING), "uid", ("prep", False)),
    (status("prep", DONE), status("web"), "uid", ("web", False)),
]


@pytest.mark.parametrize(("early", "main", "identity", "read"), LOGS)
def test_which_log_is_read(early, main, identity, read):
    found, parts = evidence(pod(early, main), CRASH, identity, failed="/" in identity)
    assert found.logs == ("no database",) and parts.read[0] == read


def test_which_image_the_registry_is_asked_for():
    found, parts = evidence(pod(status("prep", NO_IMAGE), status("web", INITIALIZING)), MISSING)
    assert parts.asked == ["r.example/prep:1"]
    assert found.image.text == "the registry has no r.example/prep:1 (init container prep)"
    alone = pod(status("prep", DONE), status("web", NO_IMAGE))
    del alone["spec"]["initContainers"], alone["status"]["initContainerStatuses"]
    found, parts = evidence(alone, MISSING)
    assert parts.asked == ["web:1"] and found.image.text == "the registry has no web:1"
