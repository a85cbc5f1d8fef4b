# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read objects of an app, and others' objects of the names that it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..._compose import job_services
from ..._core.errors import NotFound
from ..._core.parallel import side_by_side
from ..._deploy.history import Record
from ..._deploy.resolution import Resolved
from . import adoption, planning, render
from .api_kinds import APP, JOB, KIND, KINDS, OF_SERVICE, POD, REPLICA_SET, Kind
from .cluster import Cluster
from .observe import Body, Key, Snapshot

# How many objects of a kind are looked up by their names: a request takes a server about as long
# as a list of so many.
_BY_NAME = 10


def find_all(cluster: Cluster, kind: Kind, name: str) -> list[Body]:
    """Return the object of a name in a list, which is empty without one."""
    body = cluster.find(kind, name)
    return [body] if body else []


def of_kind(cluster: Cluster, app: str, kind: Kind) -> list[Body]:
    """Return the app's objects of a kind, without those that this collection keeps for itself.

    There are none where the cluster does not know the kind.
    """
    try:
        return cluster.items(kind, f"{APP}={app},!{KIND}")
    except NotFound:
        return []


def own_kinds(resolved: Resolved) -> set[Kind]:
    """Return the kinds of an app's manifests, and Job where its Compose file has jobs."""
    services = resolved.services.values()
    kinds = {render.kind_of({}, service) for service in services if "manifest" in service}
    return kinds | {JOB} if any(map(job_services.is_job, services)) else kinds


def additional_kinds(records: Iterable[Record]) -> list[Kind]:
    """Return the kinds that manifests have, beyond those that every app may have."""
    # The newest last: an object that is served in several versions is read as it was written.
    kinds: dict[Kind, None] = {}
    for record in reversed(list(records)):
        written = sorted(own_kinds(record.resolved), key=lambda kind: kind.name)
        for kind in written:
            kinds.pop(kind, None)
            kinds[kind] = None
    return [kind for kind in kinds if kind not in OF_SERVICE]


def with_unmanaged(cluster: Cluster, snapshot: Snapshot, kinds: Mapping[Key, Kind]) -> Snapshot:
    """Return what was found, with the objects of these keys that do not bear the app's label."""
    missing = [
        key for key in kinds if key not in snapshot.unmanaged and key not in snapshot.objects
    ]
    missing = _without_absent(cluster, kinds, missing)
    answers = side_by_side(
        # Before the name may be the namespace of the object; see compare.key_of.
        lambda key: find_all(cluster, kinds[key], key[1].rpartition("/")[2]),
        missing,
    )
    unmanaged = dict(snapshot.unmanaged)
    for key, bodies in zip(missing, answers):
        if bodies:
            unmanaged[key] = {**bodies[0], "kind": kinds[key].name}
    return replace(snapshot, unmanaged=unmanaged)


def _without_absent(
    cluster: Cluster, kinds: Mapping[Key, Kind], missing: Sequence[Key]
) -> list[Key]:
    """Return the keys whose objects may exist; many of a kind are looked up by one list."""
    numbers = Counter(kinds[key] for key in missing)
    # Only of kinds that each run lists anyway: the right to get an object by its name need not
    # come with the right to list its kind.
    many = [kind for kind in OF_SERVICE if numbers[kind] > _BY_NAME]
    answers = side_by_side(lambda kind: cluster.metadata(kind, ""), many)
    existing = {
        kind: {body["metadata"]["name"] for body in bodies} for kind, bodies in zip(many, answers)
    }
    return [key for key in missing if kinds[key] not in existing or key[1] in existing[kinds[key]]]


def with_external(cluster: Cluster, snapshot: Snapshot, *apps: Resolved) -> Snapshot:
    """Return what was found, with others' objects that the apps use."""
    kinds: dict[Key, Kind] = {}
    for resolved in apps:
        kinds.update({key: KINDS[key[0]] for key in planning.external(resolved)})
    return with_unmanaged(cluster, snapshot, kinds)


def with_unlabelled_pods(cluster: Cluster, snapshot: Snapshot) -> Snapshot:
    """Return what was found, with pods of workloads that were taken over, which lack our labels."""
    if not any(adoption.is_foreign(body) for body in snapshot.workloads.values()):
        return snapshot
    replica_sets, pods = side_by_side(cluster.items, (REPLICA_SET, POD))
    return replace(snapshot, replica_sets=replica_sets, pods=pods)
