# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove an app's services, and put back what a plan took over."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..._core.errors import PlatformError
from ..._core.parallel import side_by_side
from ..._deploy.ports import Fence
from . import adoption, lasting, lookup, render, storage
from .api_kinds import (
    APP,
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    NETWORK_POLICY,
    POD,
    REPLICA_SET,
    SERVICE,
    SERVICE_KIND,
    STANDARD,
    WORKLOADS,
    Kind,
)
from .cluster import Cluster
from .compare import annotation, label
from .observe import Body, own
from .pod_revisions import owners as owners_of

_PAUSE = 0.3
# Claims are not among them: volumes stay.
_REMOVED_KINDS = (DEPLOYMENT, DAEMON_SET, SERVICE_KIND, NETWORK_POLICY)


@dataclass(frozen=True)
class Removal:
    """One removal. ``originals`` has what was taken over, as it was before, by uid.

    ``keeping``: objects with the annotation for it stay.
    """

    cluster: Cluster
    app: str
    fence: Fence
    deadline: float
    originals: Mapping[str, Body]
    keeping: bool = False

    def remove_services(self, names: set[str]) -> list[str]:
        """Remove services of a Compose file and wait until their pods are removed.

        Return those that were put back.
        """
        if not names:
            return []
        selector = f"{APP}={self.app},{SERVICE} in ({','.join(sorted(names))})"
        bodies = list(self._labelled(selector))
        replica_sets = self.cluster.metadata(REPLICA_SET, "")
        removed, put_back = set(), set()
        for kind, body in bodies:
            if self._remove(kind, body):
                removed.add(body["metadata"]["uid"])
            elif kind in WORKLOADS:
                put_back.add(body["metadata"]["name"])
        owners = _with_owned(removed, replica_sets)
        self._wait_for_pods(names - put_back, owners, selector)
        return sorted(put_back)

    def _labelled(self, selector: str) -> Iterator[tuple[Kind, Body]]:
        records = storage.read_records(self.cluster, self.app)
        kinds = [*_REMOVED_KINDS, *({JOB} & set(lookup.additional_kinds(records)))]
        answers = side_by_side(lambda kind: self.cluster.metadata(kind, selector), kinds)
        for kind, bodies in zip(kinds, answers):
            for body in bodies:
                yield kind, body

    def _wait_for_pods(self, names: set[str], owners: set[str], selector: str) -> None:
        while True:
            left = ""
            # A ReplicaSet that is still there may make pods.
            for kind in (REPLICA_SET, POD):
                # All of the namespace: pods of a workload that was taken over may lack our labels.
                bodies = self.cluster.metadata(kind, "")
                if any(self._belongs(body, names, owners) for body in bodies):
                    left = kind.name
            if not left:
                return
            self._wait(
                f"pods of removed services of {self.app} are still there",
                f"a {left} does not end",
                f"kubectl get pods -l {selector}",
            )

    def _belongs(self, body: Body, names: set[str], owners: set[str]) -> bool:
        if owners_of(body) & owners:
            return True
        return label(body, APP) == self.app and label(body, SERVICE) in names

    def remove_manifests(self, titles: set[str]) -> list[str]:
        """Remove objects of manifests, and wait until they and their pods are removed.

        What holds data or others' definitions stays. Return those that were put back.
        """
        if not titles:
            return []
        keys = self._removable(titles)
        replica_sets = self.cluster.metadata(REPLICA_SET, "")
        removed, put_back = set(), []
        for title, (kind, name) in keys.items():
            live = self.cluster.find(kind, name)
            if live is None or not self._is_own(title, live) or self._stays(live):
                continue
            if self._remove(kind, live):
                removed.add(live["metadata"]["uid"])
            else:
                put_back.append(title)
        while True:
            left = self._left(keys.values(), removed) or self._left_pods(removed, replica_sets)
            if not left:
                return put_back
            self._wait(
                f"removed objects of {self.app} are still there",
                f"{left} does not end",
                f"kubectl get {left.lower()}",
            )

    def _is_own(self, title: str, live: Body) -> bool:
        """Return whether an object is the app's, as the service of this title."""
        # Another service's since, where two API groups have a kind of one name.
        is_renamed = annotation(live, SERVICE) not in ("", title)
        return not is_renamed and bool(own(self.app, self.cluster.namespace, [live]))

    def _stays(self, live: Body) -> bool:
        is_original = live["metadata"]["uid"] in self.originals
        return self.keeping and lasting.has_policy(live) and not is_original

    def _removable(self, titles: set[str]) -> dict[str, tuple[Kind, str]]:
        """Return kind and name of each object that is removed with its service, by title."""
        places: dict[str, tuple[Kind, str]] = {}
        # The newest first: its kinds are served.
        for record in storage.read_records(self.cluster, self.app):
            for title in titles & set(record.resolved.services) - set(places):
                service = record.resolved.services[title]
                places[title] = (
                    render.kind_of({}, service),
                    service["manifest"]["metadata"]["name"],
                )
        for title in titles - set(places):
            places.update(_by_title(title))
        return {
            title: place for title, place in places.items() if place[0].name not in lasting.KINDS
        }

    def _left(self, keys: Iterable[tuple[Kind, str]], uids: set[str]) -> str:
        for kind, name in keys:
            live = self.cluster.find(kind, name)
            # An object of this name with another uid was made since, by another client.
            if live is not None and live["metadata"].get("uid") in uids:
                return f"{kind.name}/{name}"
        return ""

    def _left_pods(self, uids: set[str], replica_sets: Sequence[Body]) -> str:
        owners = _with_owned(uids, replica_sets)
        for pod in self.cluster.metadata(POD, ""):
            if owners_of(pod) & owners:
                return f"Pod/{pod['metadata']['name']}"
        return ""

    def _remove(self, kind: Kind, body: Body) -> bool:
        """Remove an object; return False where it was put back instead."""
        self.fence.check()
        original = self.originals.get(body["metadata"]["uid"])
        if original is not None:
            adoption.put_back(self.cluster, kind, original)
            return False
        self.cluster.delete(kind, body["metadata"]["name"], body["metadata"]["uid"])
        return True

    def _wait(self, what: str, why: str, command: str) -> None:
        if time.monotonic() > self.deadline:
            raise PlatformError(what, why, f"Look at {command}, then run again")
        time.sleep(_PAUSE)


def _by_title(title: str) -> dict[str, tuple[Kind, str]]:
    """Return kind and name of an object of which no record is left; see manifests._titles."""
    name, *namespace, object_name = title.split("/")
    kind = next((kind for kind in STANDARD.values() if kind.name == name), None)
    if kind is None:
        return {}
    return {title: (replace(kind, namespace="".join(namespace)), object_name)}


def _with_owned(uids: set[str], bodies: Iterable[Body]) -> set[str]:
    """Return the ids of removed workloads with those of their ReplicaSets.

    ReplicaSets end sooner than their pods, so their ids are read beforehand.
    """
    return uids | {body["metadata"]["uid"] for body in bodies if owners_of(body) & uids}
