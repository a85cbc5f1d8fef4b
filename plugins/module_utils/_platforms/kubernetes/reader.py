# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an app in a namespace."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..._core.answer_shape import reading_answers_of
from ..._core.cause import Cause
from ..._core.errors import Denied, NotFound
from ..._core.parallel import side_by_side
from ..._core.tested_versions import newer_than_tested
from ..._deploy.health import LIVE
from ..._deploy.history import Record, newest
from ..._deploy.naming import Naming
from ..._deploy.ports import Observation
from ..._deploy.resolution import Resolved
from ..._registry.registries import Registries
from . import lookup, manifests, planning, render, storage
from .api_kinds import (
    APP,
    CONFIG_MAP,
    CONTENT,
    KIND,
    LEASE_KIND,
    NAMESPACE,
    OF_SERVICE,
    POD,
    RECORD,
    REGISTRY,
    REPLICA_SET,
    SECRET,
    Kind,
)
from .cluster import Cluster
from .finished_jobs import with_finished
from .observe import Body, Snapshot, own, states
from .state_watch import StateWatch


def salt(cluster: Cluster, app: str) -> bytes:
    """Return a salt made of the namespace's own id, so that it is the same for every run."""
    # A plan may be made before the namespace exists.
    namespace = cluster.find(NAMESPACE, cluster.namespace)
    return hashlib.sha256(
        f"{namespace['metadata']['uid'] if namespace else ''} {app}".encode()
    ).digest()


class Reader:
    """Read an app in a namespace; see ports.Reader."""

    def __init__(self, cluster: Cluster, registries: Registries, monitor: float) -> None:
        self._cluster = cluster
        self._registries = registries
        self._monitor = monitor

    def naming(self, app: str) -> Naming:
        """Return names in the letters of the DNS."""
        return render.naming(app)

    def salt(self, app: str) -> bytes:
        """Return a salt made of the namespace's own id."""
        return salt(self._cluster, app)

    @reading_answers_of("the cluster")
    def observe(self, app: str) -> Observation:
        """Read everything of an app, in a dozen calls side by side for any number of services."""
        selector = f"{APP}={app}"
        items, metadata = self._cluster.items, self._cluster.metadata
        contents = f"{selector},{KIND} in ({CONTENT},{REGISTRY})"
        kinds = (*OF_SERVICE, REPLICA_SET, POD)
        calls: list[Callable[[], Any]] = [partial(items, kind, selector) for kind in kinds]
        calls += [
            partial(items, SECRET, f"{selector},{KIND}={RECORD}"),
            # Names are enough, so no secret content is read.
            partial(metadata, SECRET, contents),
            partial(metadata, CONFIG_MAP, contents),
            # By name, because the documented Role may get leases and the namespace and not list
            # them.
            partial(lookup.find_all, self._cluster, LEASE_KIND, storage.lease_name(app)),
            partial(lookup.find_all, self._cluster, NAMESPACE, self._cluster.namespace),
            self._version,
        ]
        *lists, sets, pods, records, secrets, configs, lease, namespace, version = side_by_side(
            lambda call: call(), calls
        )
        history = storage.records(records)
        # Only the records know which kinds manifests have, so this is a second round.
        lists += self._of_kinds(app, lookup.additional_kinds(history))
        snapshot = Snapshot(
            own(app, self._cluster.namespace, _joined([*lists, records, secrets, configs])),
            sets,
            pods,
            namespace=namespace[0] if namespace else None,
            clock=self._cluster.clock,
        )
        snapshot = lookup.with_unlabelled_pods(self._cluster, snapshot)
        resolved = history[0].resolved if history else Resolved()
        found = states(app, snapshot, resolved, self._monitor)
        finished = manifests.finished_jobs(planning.live_services(history))
        # The newest release may have failed: then the live one has other Jobs.
        live = newest(history, LIVE)
        for release in (resolved, live.resolved if live else Resolved()):
            found = with_finished(found, release, finished)
        return Observation(
            history,
            storage.as_lease(lease[0]) if lease else None,
            found,
            inner=snapshot,
            kept=snapshot.kept,
            warnings=newer_than_tested("cluster", "Kubernetes", version),
        )

    def _version(self) -> str:
        try:
            return str(self._cluster.raw("/version").get("gitVersion", ""))
        # Every user may read it by default (system:public-info-viewer).
        except (Denied, NotFound):
            return ""

    def _of_kinds(self, app: str, kinds: Sequence[Kind]) -> list[list[Body]]:
        return side_by_side(lambda kind: lookup.of_kind(self._cluster, app, kind), kinds)

    def belongings(self, app: str, seen: Observation) -> dict[str, list[str]]:
        """Return what bears the app's label, without volumes."""
        snapshot: Snapshot = seen.inner
        return snapshot.belongings()

    def missing(
        self, records: Sequence[Record], seen: Observation, *, thorough: bool = False
    ) -> list[list[str]]:
        """Return the secrets, configs and images that do not exist any more."""
        apps = [record.resolved for record in records]
        snapshot = lookup.with_external(self._cluster, seen.inner, *apps)
        return [
            [
                *_missing_objects(resolved, snapshot),
                *(self._missing_images(resolved) if thorough else ()),
            ]
            for resolved in apps
        ]

    def _missing_images(self, resolved: Resolved) -> list[str]:
        images: dict[str, str] = {}
        for service in resolved.services.values():
            images.update(_images(service))
        answers = side_by_side(self._registries.digest, images)
        return [
            f"image {images[image]}"
            for image, answer in zip(images, answers)
            if isinstance(answer, Cause) and answer.kind == "image_missing"
        ]

    def watch(self, app: str, resolved: Resolved) -> StateWatch:
        """Return a watch of everything that the app's services consist of."""
        return StateWatch(self._cluster, app, resolved, self._monitor)


def _joined(lists: Sequence[Sequence[Body]]) -> list[Body]:
    result: list[Body] = []
    for bodies in lists:
        result.extend(bodies)
    return result


def _missing_objects(resolved: Resolved, snapshot: Snapshot) -> list[str]:
    gone = []
    for section, kind in (("secrets", SECRET), ("configs", CONFIG_MAP)):
        there = snapshot.names(kind.name) | {
            name for of, name in snapshot.unmanaged if of == kind.name
        }
        gone += [
            f"{section[:-1]} {name}" for name in getattr(resolved, section) if name not in there
        ]
    return gone


def _images(service: Mapping[str, Any]) -> dict[str, str]:
    """Return every image of a service with how the spec writes it."""
    if "manifest" in service:
        return {image: image for image in manifests.images_of(service["manifest"])}
    return {service["image"]: service["reference"]}
