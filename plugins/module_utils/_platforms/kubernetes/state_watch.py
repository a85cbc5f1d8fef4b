# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow an app's services by watches of the API."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from ..._core.answer_shape import reading_answers_of
from ..._core.parallel import side_by_side
from ..._deploy.resolution import Resolved
from ..._deploy.state import States
from . import lookup, manifests, planning, storage
from .api_kinds import APP, EVENT, KIND, POD, REPLICA_SET, WORKLOADS, Kind
from .cluster import Cluster
from .finished_jobs import with_finished
from .observe import Body, Snapshot, own, states
from .rejected_pods import FAILED_CREATE
from .watch_cache import WatchCache

# A change seldom comes alone: a pod's events follow each other within milliseconds.
_SHORTEST_WAIT = 0.05


class StateWatch:
    """Follow an app's services; see ports.StateWatch.

    The watches are begun by the first read.
    """

    def __init__(self, cluster: Cluster, app: str, resolved: Resolved, monitor: float) -> None:
        self._cluster = cluster
        self._app = app
        self._resolved = resolved
        self._monitor = monitor
        self._changed = threading.Event()
        self._begun = cluster.now()
        self._caches = self._new_caches()
        self._finished: dict[str, set[str]] | None = None

    @reading_answers_of("the cluster")
    def states(self, revisions: Mapping[str, int]) -> States:
        """Return the states from the watches."""
        # Before reading, so that an event that arrives meanwhile ends the next wait at once.
        self._changed.clear()
        side_by_side(WatchCache.start, self._caches)
        for cache in self._caches:
            if cache.trouble:
                raise cache.trouble
        sets, pods, of_pods, rejections, *others = (cache.items for cache in self._caches)
        bodies: list[Body] = []
        for listed in others:
            bodies.extend(listed)
        snapshot = Snapshot(
            own(self._app, self._cluster.namespace, bodies),
            sets,
            pods,
            [*of_pods, *rejections],
            clock=self._cluster.now(),
            applied=revisions,
            begun=self._begun,
        )
        found = states(self._app, snapshot, self._resolved, self._monitor)
        return with_finished(found, self._resolved, self._finished_jobs())

    def _finished_jobs(self) -> dict[str, set[str]]:
        """Return the Jobs that have run in releases that were live; they are read once."""
        if self._finished is None:
            has_jobs = any(kind.name == manifests.JOB for kind in lookup.own_kinds(self._resolved))
            records = storage.read_records(self._cluster, self._app) if has_jobs else ()
            self._finished = manifests.finished_jobs(planning.live_services(records))
        return self._finished

    def wait(self, seconds: float) -> None:
        """Wait for the next event."""
        time.sleep(_SHORTEST_WAIT)
        self._changed.wait(seconds)

    def _new_caches(self) -> list[WatchCache]:
        selector = f"{APP}={self._app}"
        # Pods of workloads that were taken over, and of manifests, may lack our labels.
        may_lack_labels = any(
            "selector" in service or "manifest" in service
            for service in self._resolved.services.values()
        )
        of_pods = "" if may_lack_labels else selector
        additional = lookup.own_kinds(self._resolved) - set(WORKLOADS)
        kinds = [*WORKLOADS, *sorted(additional, key=lambda kind: kind.name)]
        return [
            self._cache(REPLICA_SET, of_pods),
            self._cache(POD, of_pods),
            # Events do not bear their objects' labels: all warnings of the namespace's pods are
            # watched.
            self._cache(EVENT, fields="type=Warning,involvedObject.kind=Pod"),
            # Of whatever creates pods: a selector of fields knows no "or".
            self._cache(EVENT, fields=f"type=Warning,reason={FAILED_CREATE}"),
            *(self._cache(kind, f"{selector},!{KIND}") for kind in kinds),
        ]

    def _cache(self, kind: Kind, selector: str = "", fields: str = "") -> WatchCache:
        return WatchCache(self._cluster, kind, self._changed, selector, fields)
