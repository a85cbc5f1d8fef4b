# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of a pod as its status has them: init containers, sidecars, main ones. Pure.

https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]
MAIN, INIT, SIDECAR = "container", "init container", "sidecar"


@dataclass(frozen=True)
class Container:
    """One container: its status, and whether it runs before, beside or as what the pod is for."""

    name: str
    role: str
    image: str
    status: Body

    @property
    def waiting(self) -> Body:
        """Return why it waits; empty where it does not."""
        return self._state("waiting")

    @property
    def running(self) -> Body | None:
        """Return since when it runs, or None."""
        state: Body | None = (self.status.get("state") or {}).get("running")
        return state

    @property
    def last_end(self) -> Body:
        """Return how it ended last; empty where it has not ended yet."""
        last = (self.status.get("lastState") or {}).get("terminated") or {}
        ended = self._state("terminated")
        # An init container that succeeded shows only there how it failed before.
        return last if self.is_done else ended or last

    @property
    def is_done(self) -> bool:
        """Return whether it has done its work, so that nothing more is expected of it."""
        return self.role == INIT and self._state("terminated").get("exitCode") == 0

    @property
    def ends(self) -> int:
        """Return how often it has failed.

        It was started again so often, and once more where it does not run now.
        """
        restarts = int(self.status.get("restartCount") or 0)
        # The init containers of a pod whose sandbox is recreated run again, also without a failure.
        if self.role == INIT and not self.last_end.get("exitCode"):
            return 0
        ended = self._state("terminated") or self.waiting.get("reason") == "CrashLoopBackOff"
        return restarts + int(bool(ended) and not self.is_done)

    @property
    def has_run(self) -> bool:
        """Return whether there may be a log of it."""
        return bool(self.status.get("containerID") or self.status.get("restartCount"))

    def _state(self, key: str) -> Body:
        state: Body = (self.status.get("state") or {}).get(key) or {}
        return state


def of(pod: Body) -> list[Container]:
    """Return the containers that a pod's status shows, in the order in which they start."""
    early, main = _declared(pod, "initContainers"), _declared(pod, "containers")
    # The order of statuses is the kubelet's, and an earlier init container hides the later ones.
    order = list(early)
    statuses = sorted(
        _statuses(pod, "initContainerStatuses"),
        key=lambda entry: order.index(entry["name"]) if entry["name"] in early else len(order),
    )
    return [
        *(_container(entry, _early_role(early, entry["name"]), early) for entry in statuses),
        *(_container(entry, MAIN, main) for entry in _statuses(pod, "containerStatuses")),
    ]


def _declared(pod: Body, key: str) -> dict[str, Body]:
    return {entry["name"]: entry for entry in (pod.get("spec") or {}).get(key) or []}


def _statuses(pod: Body, key: str) -> list[Body]:
    return (pod.get("status") or {}).get(key) or []


def _early_role(declared: Mapping[str, Body], name: str) -> str:
    return SIDECAR if declared.get(name, {}).get("restartPolicy") == "Always" else INIT


def _container(status: Body, role: str, declared: Mapping[str, Body]) -> Container:
    image = str(declared.get(status["name"], {}).get("image") or "its image")
    return Container(str(status["name"]), role, image, status)


def title(container: Container, pod: Body) -> str:
    """Return how a container is called in a message; empty where the pod has no other one."""
    count = len(_declared(pod, "initContainers")) + len(_declared(pod, "containers"))
    return f"{container.role} {container.name}" if count > 1 else ""
