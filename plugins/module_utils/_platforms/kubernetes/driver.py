# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an app's services into a namespace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..._core.errors import NotFound, PlatformError
from ..._core.parallel import side_by_side
from ..._deploy.history import Record
from ..._deploy.ports import Contents, Fence, Observation
from ..._deploy.resolution import Resolved
from ..._registry.credentials import Credentials
from . import lookup, planning, render, storage
from .api_kinds import (
    APP,
    CONFIG_MAP,
    CONTENT,
    DEPLOYMENT,
    KIND,
    KINDS,
    NETWORK_POLICY,
    OF_SERVICE,
    RELEASE,
    SECRET,
    STANDARD,
    VERSION,
    Kind,
)
from .cluster import Cluster
from .compare import key_of
from .object_writer import ObjectWriter, no_such_service
from .observe import Body, own
from .removal import Removal


class Driver:
    """Write an app's services; see ports.Driver."""

    def __init__(self, cluster: Cluster, credentials: Credentials) -> None:
        self._cluster = cluster
        self._credentials = credentials
        self._writer = ObjectWriter(cluster)

    def make_objects(self, app: str, resolved: Resolved, contents: Contents, fence: Fence) -> None:
        """Make the missing secrets and configs, and give the nodes their registry credentials."""
        login = storage.registry_login(self._credentials, resolved)
        if login and not storage.same_registries(self._cluster, app, login):
            fence.check()
            storage.write_registries(self._cluster, app, login)
        selector = f"{APP}={app},{KIND}={CONTENT}"
        existing = {
            section: {body["metadata"]["name"] for body in self._cluster.metadata(kind, selector)}
            for section, kind in (("secrets", SECRET), ("configs", CONFIG_MAP))
        }
        storage.make_objects(self._cluster, app, resolved, contents, existing=existing, fence=fence)

    def make_networks(self, app: str, resolved: Resolved, fence: Fence) -> None:
        """Make the policies what they must be, side by side."""
        side_by_side(
            lambda body: self._writer.write(NETWORK_POLICY, body, {}, fence),
            render.policies(app, resolved),
        )

    def apply(self, app: str, name: str, record: Record, seen: Observation, fence: Fence) -> int:
        """Make one service what is declared: first what its pods need, then the workload."""
        service = record.resolved.services[name]
        *others, workload = render.of_service(app, name, record.resolved)
        for body in others:
            self._writer.write(KINDS[body["kind"]], body, {}, fence)
        notes = {RELEASE: str(record.number), VERSION: record.version}
        written = self._writer.write(
            render.kind_of(workload, service),
            # No contents at hand: they are not sent to the worker, so the kept ones are read.
            storage.with_content(self._cluster, service, workload, Contents()),
            notes,
            fence,
        )
        if "manifest" not in service:
            needed = {key_of(body) for body in (*others, workload)}
            # By the look of this rollout, in which each service is written by one spec: a list of
            # its own would cost the server a search of the namespace for each service.
            for key in planning.superfluous(name, needed, seen.inner):
                self._delete(KINDS[key[0]], seen.inner.objects[key], fence)
        return int(written["metadata"].get("generation", 0))

    def set_replicas(self, app: str, name: str, replicas: int, fence: Fence) -> int:
        """Set one service's number of pods, and nothing else."""
        # Services of manifests are named by kind and name, such as Deployment/shop.
        of_kind, slash, called = name.partition("/")
        kind, object_name = STANDARD.get(("apps/v1", of_kind)), called
        if not slash:
            kind, object_name = DEPLOYMENT, name
        if kind is None:
            raise PlatformError(
                f"{name} was not scaled",
                f"a {of_kind} has no number of pods",
                "Scale a Deployment or a StatefulSet",
            )
        try:
            written = self._writer.set_replicas(kind, object_name, replicas, fence)
        except NotFound as error:
            raise no_such_service(object_name, app) from error
        return int(written["metadata"]["generation"])

    def remove_services(
        self,
        app: str,
        names: Iterable[str],
        fence: Fence,
        deadline: float,
        *,
        originals: Sequence[Any] = (),
        keeping: bool = False,
    ) -> list[str]:
        """Remove services and wait until their pods are removed; volumes are kept."""
        by_uid = {body["metadata"]["uid"]: body for body in originals}
        removal = Removal(self._cluster, app, fence, deadline, by_uid, keeping=keeping)
        manifests: set[str] = set()
        services: set[str] = set()
        for name in names:
            (manifests if "/" in name else services).add(name)
        return [*removal.remove_manifests(manifests), *removal.remove_services(services)]

    def remove_networks(
        self, app: str, names: Iterable[str], fence: Fence, deadline: float
    ) -> None:
        """Remove the policies, which takes effect at once."""
        removed = set(names) | {
            body["metadata"]["name"] for body in render.policies(app, Resolved())
        }
        for body in self._cluster.metadata(NETWORK_POLICY, f"{APP}={app}"):
            if body["metadata"]["name"] in removed:
                self._delete(NETWORK_POLICY, body, fence)

    def _delete(self, kind: Kind, body: Body, fence: Fence) -> None:
        fence.check()
        self._cluster.delete(kind, body["metadata"]["name"], body["metadata"]["uid"])

    def sweep(self, app: str, needed: Sequence[Resolved], fence: Fence) -> None:
        """Remove the secrets and configs that no release needs any more."""
        storage.sweep(self._cluster, app, needed, fence)

    def stamp(self, app: str, fence: Fence) -> None:
        """Put the token on all objects, so that no former holder of the app can write them."""
        # Each stamp also raises the version of an object, so a write that a former holder has
        # already prepared fails as stale.
        records = storage.read_records(self._cluster, app)
        kinds = [*OF_SERVICE, *lookup.additional_kinds(records)]
        answers = side_by_side(lambda kind: lookup.of_kind(self._cluster, app, kind), kinds)
        objects: list[tuple[Kind, str]] = []
        for kind, bodies in zip(kinds, answers):
            own_bodies = own(app, self._cluster.namespace, bodies).values()
            objects += [(kind, body["metadata"]["name"]) for body in own_bodies]
        side_by_side(lambda item: self._writer.stamp(*item, fence), objects)
