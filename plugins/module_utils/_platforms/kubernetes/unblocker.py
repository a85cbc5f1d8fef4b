# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove broken pods that a StatefulSet waits for in vain."""

from __future__ import annotations

from ..._core.errors import Outdated
from ..._deploy.ports import Fence
from ..._deploy.state import Task
from .api_kinds import POD
from .cluster import Cluster


class Unblocker:
    """Remove pods; see ports.Unblocker.

    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def remove_blocking(self, app: str, task: Task, fence: Fence) -> bool:
        """Remove the pod, unless it has changed since it was seen as broken."""
        fence.check()
        try:
            return self._cluster.delete(POD, task.name, task.id, task.blocking)
        # It may have become ready, or another client has removed it: the next look shows that.
        except Outdated:
            return False
