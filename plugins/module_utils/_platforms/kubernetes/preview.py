# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predict what a run would do in a namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..._core.errors import Denied
from ..._deploy.plan import Plan
from ..._deploy.ports import Contents, Observation, PinnedImages, Wishes
from ..._deploy.resolution import Resolved
from ..._deploy.state import ServiceState
from ..._registry.credentials import Credentials
from ..._registry.registries import Registries
from . import adoption, image_digests, lookup, planning, storage
from .api_kinds import NODE
from .cluster import Cluster
from .observe import Body, Snapshot, states
from .options import KubernetesOptions
from .planning import PlannedObject
from .rehearsal import Rehearsal


class Preview:
    """Predict what a run would do; see ports.Preview."""

    def __init__(
        self,
        cluster: Cluster,
        credentials: Credentials,
        registries: Registries,
        options: KubernetesOptions,
    ) -> None:
        self._cluster = cluster
        self._credentials = credentials
        self._registries = registries
        self._options = options
        self._rehearsal = Rehearsal(cluster, options.conflicts)

    def resolve_images(
        self, references: Sequence[str], mode: str, seen: Observation
    ) -> PinnedImages:
        """Return each reference with its digest."""
        return PinnedImages(image_digests.resolve(self._registries, references, mode))

    def plan(
        self,
        app: str,
        resolved: Resolved,
        seen: Observation,
        wishes: Wishes,
        contents: Contents,
    ) -> Plan:
        """Compare with what was observed.

        What differs is tried by the server itself, without being written.
        """
        finished = planning.finished_jobs(app, resolved, seen.records, wishes)
        entries = self._entries(app, resolved, seen.inner, contents, finished)
        snapshot = self._with_everything_named(resolved, seen.inner, entries)
        entries, snapshot = adoption.taken_over(entries, snapshot, wishes)
        snapshot = adoption.under_their_titles(entries, snapshot)
        snapshot, unmanaged = self._unmanaged(app, snapshot, seen)
        request = planning.Comparison(app, resolved, seen.records, snapshot, wishes)
        problems = list(planning.problems(request, entries))
        notes: Sequence[str] = ()
        # A dry run in a namespace that does not exist is a 404.
        if snapshot.namespace is None:
            notes = [self._without_namespace(entries)]
        elif not problems and not (wishes.brief and planning.surely_change(entries)):
            entries, refused, notes = self._rehearsal.all(entries)
            problems += refused
        planned = planning.plan(request, entries, problems)
        secrets = (*planned.create["secrets"], *self._registries_to_write(app, resolved))
        return replace(
            planned,
            create={**planned.create, "secrets": secrets},
            notes=(*planned.notes, *notes),
            unmanaged=unmanaged,
            originals=adoption.originals(entries),
        )

    def drift(self, app: str, resolved: Resolved, seen: Observation) -> Plan:
        """Compare alone, which needs no right to write.

        The changes are in the words of the objects, since the spec is the same.
        """
        finished = planning.finished_jobs(app, resolved, seen.records, Wishes(leaves_jobs=True))
        entries = [
            # No dry run here: it needs the right to patch, as the write does.
            replace(entry, predicted=entry.live) if entry.is_there else entry
            for entry in planning.entries(app, resolved, seen.inner, finished)
        ]
        request = planning.Comparison(app, resolved, (), seen.inner, Wishes())
        return planning.plan(request, entries, [])

    def _entries(
        self,
        app: str,
        resolved: Resolved,
        snapshot: Snapshot,
        contents: Contents,
        finished: planning.Finished,
    ) -> list[PlannedObject]:
        """Return every object that is wanted, Secrets of manifests with their contents."""
        result = []
        for entry in planning.entries(app, resolved, snapshot, finished):
            service = resolved.services.get(entry.service, {})
            body = storage.with_content(self._cluster, service, entry.wanted, contents)
            result.append(replace(entry, wanted=body))
        return result

    def _with_everything_named(
        self, resolved: Resolved, snapshot: Snapshot, entries: Sequence[PlannedObject]
    ) -> Snapshot:
        """Return what was found, with unmanaged objects of wanted names, and the nodes."""
        snapshot = lookup.with_external(self._cluster, snapshot, resolved)
        missing = {entry.key: entry.kind for entry in entries if entry.live is None}
        snapshot = lookup.with_unmanaged(self._cluster, snapshot, missing)
        if snapshot.nodes is None and any(entry.differs for entry in entries):
            return replace(snapshot, nodes=self._nodes())
        return snapshot

    def _nodes(self) -> list[Body] | None:
        try:
            return self._cluster.items(NODE)
        # The documented Role does not cover nodes, which are not in a namespace.
        except Denied:
            return None

    def _unmanaged(
        self, app: str, snapshot: Snapshot, seen: Observation
    ) -> tuple[Snapshot, Mapping[str, ServiceState]]:
        """Return the states of workloads that are about to be taken over.

        What their pods have been through until now is not this run's.
        """
        if not set(snapshot.workloads) - set(seen.states):
            return snapshot, {}
        snapshot = lookup.with_unlabelled_pods(self._cluster, snapshot)
        now = states(app, snapshot, Resolved(), self._options.monitor)
        return snapshot, {name: state for name, state in now.items() if name not in seen.states}

    def _without_namespace(self, entries: Sequence[PlannedObject]) -> str:
        if not self._options.create_namespace:
            is_declared = ("Namespace", self._cluster.namespace) in {entry.key for entry in entries}
            raise storage.missing_namespace(self._cluster.namespace, is_declared=is_declared)
        return (
            f"the namespace {self._cluster.namespace} does not exist yet, so the plan was made"
            " without the cluster's word"
        )

    def _registries_to_write(self, app: str, resolved: Resolved) -> tuple[str, ...]:
        login = storage.registry_login(self._credentials, resolved)
        if not login or storage.same_registries(self._cluster, app, login):
            return ()
        return (storage.registry_name(app),)
