# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router's place on a cluster, which is a namespace of its own; see ports.RouterPlace."""

from __future__ import annotations

import base64
import functools
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from ..._compose.service_routes import routes_of
from ..._core.errors import Denied, NotFound, PlanError, PlatformError
from ..._core.parallel import side_by_side
from ..._core.spare_capacity import SpareCapacity
from ..._deploy.health import LIVE
from ..._deploy.history import FailedPreview, Record, failed_previews
from ..._deploy.ports import ControlPoint, RouterShape, StoredTraffic
from . import node_space, storage
from .api_kinds import APP, CONFIG_MAP, KIND, LABEL, MANAGED_BY, NODE, POD, RECORD, SECRET, SERVICE
from .cluster import Cluster
from .compare import annotation, label
from .port_forward import dial
from .router_objects import (
    CERTIFICATE,
    ROUTER,
    ROUTER_NAMESPACE,
    certificate_copy,
    check_objects,
    slot_service,
)

_TRAFFIC = "traffic"
_REVISION = f"{LABEL}revision"
_STATE, _NUMBER = (f"{LABEL}{name}" for name in ("state", "release"))
# How many tables are kept: the newest one, and those before it, for a look back.
_KEPT = 3
_DOMAIN = "cluster.local"
_PAUSE, _CHECK_SECONDS = 0.3, 120
_LOG_LINES = 50
_ALL_NAMESPACES = replace(SECRET, namespaced=False)
_ALL_PODS = replace(POD, namespaced=False)


class RouterPlace:
    """Read what the router is made of, and where its replicas are."""

    shape = RouterShape(
        "{{.Task.Name}}",
        port_mode="ingress",
        publishes_control=False,
        keeps_state=False,
        is_global=False,
        placement={"namespace": ROUTER_NAMESPACE, "create_namespace": True},
    )

    def __init__(self, cluster: Cluster) -> None:
        self._own = cluster
        self._cluster = cluster.of_namespace(ROUTER_NAMESPACE)
        self.records = self.leases = storage.Storage(self._cluster, create_namespace=False)

    def live_releases(self) -> Mapping[str, Record]:
        """Return the live release of each app of the cluster.

        An account that may read one namespace alone gets the apps of that one.
        """
        bodies = side_by_side(self._read, list(_newest_live(self._records()).values()))
        placed = [(body["metadata"]["namespace"], label(body, APP), body) for body in bodies]
        live = _by_app((space, app, storage.records([body])[0]) for space, app, body in placed)
        return dict(sorted(live.items()))

    def failed_previews(self) -> Mapping[str, FailedPreview]:
        """Return the previews without a live record, from the metadata of all records."""
        records = self._records()
        return failed_previews((label(body, APP), storage.texts_of(body)) for body in records)

    def _records(self) -> list[dict[str, Any]]:
        """Return the metadata of all records that the account may read."""
        selector = f"{KIND}={RECORD}"
        try:
            return self._own.metadata(_ALL_NAMESPACES, selector)
        except Denied:
            return self._own.metadata(SECRET, selector)

    def _read(self, body: Mapping[str, Any]) -> dict[str, Any]:
        metadata = body["metadata"]
        return self._own.of_namespace(metadata["namespace"]).get(SECRET, metadata["name"])

    def control_points(
        self, app: str, service: str, port: int, addresses: Mapping[str, str]
    ) -> tuple[ControlPoint, ...]:
        """Return the running pods, to which the API server leads."""
        pods = self._cluster.items(POD, f"{APP}={app},{SERVICE}={service}")
        found = [_control_point(self._cluster, pod, port) for pod in pods if _is_running(pod)]
        return tuple(sorted(found, key=lambda point: point.replica))

    def slot_name(self, app: str, service: str, slot: int) -> str:
        """Return the name of a headless Service, whose A records are the pods."""
        namespace = self._namespaces.get(app, ROUTER_NAMESPACE)
        return f"{slot_service(service, slot)}.{namespace}.svc.{_DOMAIN}"

    @functools.cached_property
    def _namespaces(self) -> dict[str, str]:
        """Return the namespace of each app."""
        return {app: namespace for namespace, app in _newest_live(self._records())}

    def free_nodes(self, constraints: Sequence[str]) -> int | None:
        """Return None: replicas share no ports of their node."""
        return None

    def spare_capacity(self) -> SpareCapacity | None:
        """Return what the pods of the nodes have not requested; it needs a right of the cluster."""
        try:
            nodes, pods = (self._own.items(kind) for kind in (NODE, _ALL_PODS))
        except Denied:
            return None
        return node_space.of_nodes(nodes, pods)

    def share_secrets(self, owners: Mapping[str, str], *, check: bool) -> bool:
        """Copy secrets into the router's namespace, and remove copies that no release needs."""
        records = self.records.read_records(ROUTER)
        kept = set(chain.from_iterable(record.resolved.secrets for record in records))
        copies = self._cluster.metadata(SECRET, f"{KIND}={CERTIFICATE}")
        present = {body["metadata"]["name"] for body in copies}
        missing, leaving = sorted({*owners} - present), sorted(present - {*owners} - kept)
        if not check:
            if missing:
                storage.make_namespace(self._cluster)
            for name in missing:
                place = self._own.of_namespace(self._namespaces[owners[name]])
                self._cluster.create(SECRET, certificate_copy(place.get(SECRET, name)))
            for name in leaving:
                self._cluster.delete(SECRET, name)
        return bool(missing or leaving)

    def check(self, image: str, command: Sequence[str], files: Mapping[str, bytes]) -> str:
        """Run the command in a pod, which is removed again with its files."""
        name = f"router-check-{secrets.token_hex(4)}"
        secret, pod = check_objects(name, image, command, files)
        storage.make_namespace(self._cluster)
        try:
            self._cluster.create(SECRET, secret)
            self._cluster.create(POD, pod)
            return self._outcome(name)
        finally:
            for kind in (POD, SECRET):
                self._cluster.delete(kind, name)

    def _outcome(self, name: str) -> str:
        """Return why the command fails; empty if it does not."""
        deadline = time.monotonic() + _CHECK_SECONDS
        while time.monotonic() < deadline:
            status = self._cluster.get(POD, name).get("status") or {}
            if status.get("phase") == "Succeeded":
                return ""
            if status.get("phase") == "Failed":
                log = self._cluster.log(name, name, _LOG_LINES, previous=False).strip()
                return log or "the program ended without a word"
            waiting = _waiting(status)
            if waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
                raise PlanError(
                    "the configuration of the router cannot be checked",
                    f"the image cannot be pulled ({waiting.get('message', '')})",
                    "Correct router_image, or give the nodes access to its registry",
                )
            time.sleep(_PAUSE)
        raise PlatformError(
            "the configuration of the router cannot be checked",
            f"the pod {name} did not end in {_CHECK_SECONDS} s",
            f"Look at the pods of the namespace {ROUTER_NAMESPACE}",
        )

    def read_traffic(self) -> StoredTraffic:
        """Return the table of the highest revision."""
        stored = [_stored(body) for body in self._tables()]
        return max(stored, key=lambda entry: entry.revision, default=StoredTraffic())

    def write_traffic(self, traffic: StoredTraffic) -> None:
        """Make a ConfigMap of the revision, and remove those that are too old."""
        labels = {KIND: _TRAFFIC, MANAGED_BY: "shipping.code", _REVISION: str(traffic.revision)}
        self._cluster.create(
            CONFIG_MAP,
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "immutable": True,
                "metadata": {"name": _table_name(traffic.revision), "labels": labels},
                "binaryData": {"tables": base64.b64encode(traffic.content).decode()},
            },
        )
        for body in self._tables():
            if _stored(body).revision <= traffic.revision - _KEPT:
                self._cluster.delete(CONFIG_MAP, body["metadata"]["name"])

    def forget_traffic(self, revision: int) -> None:
        """Remove the ConfigMap of the revision."""
        self._cluster.delete(CONFIG_MAP, _table_name(revision))

    def log_lines(self, app: str, service: str, since: float, most: int) -> list[str]:
        """Return the newest lines of the running pods."""
        pods = self._cluster.items(POD, f"{APP}={app},{SERVICE}={service}")
        names = [pod["metadata"]["name"] for pod in pods if _is_running(pod)]

        def read(name: str) -> list[str]:
            try:
                return self._cluster.log_since(name, service, since, most).splitlines()
            # It ended meanwhile.
            except NotFound:
                return []

        return list(chain.from_iterable(side_by_side(read, names)))

    def _tables(self) -> list[dict[str, Any]]:
        return self._cluster.items(CONFIG_MAP, f"{KIND}={_TRAFFIC}")


def _newest_live(found: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the newest live record by namespace and app."""
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for body in found:
        if annotation(body, _STATE) != LIVE:
            continue
        key = (body["metadata"]["namespace"], label(body, APP))
        other = newest.get(key)
        if other is None or _number(body) > _number(other):
            newest[key] = body
    return newest


def _number(body: Mapping[str, Any]) -> int:
    return int(annotation(body, _NUMBER) or 0)


def _by_app(placed: Iterable[tuple[str, str, Record]]) -> dict[str, Record]:
    """Return the releases by app; raise where two namespaces have routed apps of one name."""
    # Tables and routes are by app. An app without routes may have any name.
    by_app: dict[str, tuple[str, Record]] = {}
    for namespace, app, record in sorted(placed, key=lambda entry: entry[:2]):
        if app not in by_app or not _is_routed(by_app[app][1]):
            by_app[app] = (namespace, record)
        elif _is_routed(record):
            raise PlanError(
                f"the routes of {app} cannot be used",
                f"the namespaces {by_app[app][0]} and {namespace} have an app of this name each",
                "Give one of them another name",
            )
    return {app: record for app, (_namespace, record) in by_app.items()}


def _is_routed(record: Record) -> bool:
    return any(routes_of(service) for service in record.resolved.services.values())


def _is_running(pod: Mapping[str, Any]) -> bool:
    is_leaving = "deletionTimestamp" in pod["metadata"]
    statuses = pod["status"].get("containerStatuses") or []
    return not is_leaving and any("running" in (entry.get("state") or {}) for entry in statuses)


def _control_point(cluster: Cluster, pod: Mapping[str, Any], port: int) -> ControlPoint:
    name, status = pod["metadata"]["name"], pod["status"]
    node = pod["spec"].get("nodeName", "")
    return ControlPoint(name, node, status.get("podIP", ""), port, dial(cluster, name, port))


def _waiting(status: Mapping[str, Any]) -> Mapping[str, Any]:
    for entry in status.get("containerStatuses") or []:
        waiting: Mapping[str, Any] = (entry.get("state") or {}).get("waiting") or {}
        return waiting
    return {}


def _table_name(revision: int) -> str:
    return f"shipping.code.traffic.{revision}"


def _stored(body: Mapping[str, Any]) -> StoredTraffic:
    data = (body.get("binaryData") or {}).get("tables") or ""
    return StoredTraffic(int(label(body, _REVISION) or 0), base64.b64decode(data))
