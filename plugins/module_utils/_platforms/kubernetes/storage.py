# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store an app's records, lease, secrets and configs in the cluster.

A record is a Secret of its own type, with its outcome in annotations. The lease is a Lease;
every write of it names the version that was read, and it is never removed.
"""

from __future__ import annotations

import base64
import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from ..._core.content_ids import fit
from ..._core.errors import NotFound, Outdated, PlanError
from ..._core.image_references import Reference
from ..._core.parallel import side_by_side
from ..._deploy.history import Record, read_record
from ..._deploy.lease import Lease
from ..._deploy.naming import LABEL as NEUTRAL
from ..._deploy.ports import Contents, Fence
from ..._deploy.resolution import Resolved
from ..._deploy.service_diff import objects_to_create
from ..._registry.credentials import Credentials
from . import manifests
from .api_kinds import (
    APP,
    CONFIG_MAP,
    CONTENT,
    KIND,
    LABEL,
    LEASE,
    LEASE_KIND,
    MANAGED_BY,
    NAMESPACE,
    RECORD,
    RECORD_TYPE,
    REGISTRY,
    SECRET,
    SERVICE,
    Kind,
)
from .cluster import Cluster
from .compare import annotation, label
from .pods import split_labels

_PAUSE, _ATTEMPTS = 0.3, 8
_CONTENTS: dict[str, Kind] = {"secrets": SECRET, "configs": CONFIG_MAP}


def _annotations(texts: Mapping[str, str]) -> dict[str, str]:
    """Return platform-neutral labels as annotations, which may hold any text."""
    return {key.replace(NEUTRAL, LABEL, 1): value for key, value in texts.items()}


def texts_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Return annotations as platform-neutral labels."""
    found = body["metadata"].get("annotations") or {}
    return {
        key.replace(LABEL, NEUTRAL, 1): value
        for key, value in found.items()
        if key.startswith(LABEL)
    }


def _labels(app: str, kind: str) -> dict[str, str]:
    return {APP: app, KIND: kind, MANAGED_BY: "shipping.code"}


def records(secrets: Iterable[Mapping[str, Any]]) -> tuple[Record, ...]:
    """Return the records among an app's Secrets, the newest first."""
    found = [
        read_record(body["metadata"]["name"], 0, texts_of(body), body["data"]["record"])
        for body in secrets
        if label(body, KIND) == RECORD
    ]
    return tuple(sorted(found, key=lambda record: record.number, reverse=True))


def read_records(cluster: Cluster, app: str) -> tuple[Record, ...]:
    """Return an app's records, the newest first."""
    return records(cluster.items(SECRET, f"{APP}={app},{KIND}={RECORD}"))


def write_record(cluster: Cluster, app: str, record: Record) -> Record:
    """Create a record, or write the outcome of an existing one."""
    annotations = _annotations(record.labels())
    if record.id:
        cluster.merge(SECRET, record.id, {"metadata": {"annotations": annotations}})
        return record
    # The name of a Secret is a DNS subdomain: 253 characters at most.
    name = fit(f"shipping.code.{app}.release.{record.number}", 253)
    cluster.create(
        SECRET,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": RECORD_TYPE,
            "metadata": {"name": name, "labels": _labels(app, RECORD), "annotations": annotations},
            "data": {"record": base64.b64encode(record.data()).decode()},
        },
    )
    return replace(record, id=name)


def lease_name(app: str) -> str:
    """Return the name of an app's Lease."""
    return f"shipping.code.{app}"


def as_lease(body: Mapping[str, Any]) -> Lease:
    """Return a Lease as the core knows it."""
    # A resourceVersion is only compared for equality and sent back, never ordered.
    return Lease.from_labels(
        body["metadata"]["name"], int(body["metadata"]["resourceVersion"]), texts_of(body)
    )


def read_lease(cluster: Cluster, app: str) -> Lease | None:
    """Return the current lease; None without one."""
    found = cluster.find(LEASE_KIND, lease_name(app))
    return as_lease(found) if found else None


def _write_lease(cluster: Cluster, app: str, lease: Lease) -> Lease:
    # For kubectl get leases: what decides is in the annotations. The API wants at least one second,
    # and a MicroTime with six digits.
    spec: dict[str, Any] = {
        "leaseDurationSeconds": max(1, math.ceil(lease.ttl)),
        "renewTime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    if lease.holder:
        spec["holderIdentity"] = lease.holder
    metadata: dict[str, Any] = {
        "name": lease_name(app),
        "labels": _labels(app, LEASE),
        "annotations": _annotations(lease.labels()),
    }
    body = {"apiVersion": LEASE_KIND.version, "kind": "Lease", "metadata": metadata, "spec": spec}
    if not lease.id:
        made = cluster.create(LEASE_KIND, body)
    else:
        metadata["resourceVersion"] = str(lease.version)
        made = cluster.replace(LEASE_KIND, body)
    return as_lease(made)


def make_namespace(cluster: Cluster) -> None:
    """Make the app's namespace, unless it is there."""
    try:
        cluster.create(
            NAMESPACE,
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": cluster.namespace}},
        )
    except Outdated:
        return


def make_objects(
    cluster: Cluster,
    app: str,
    resolved: Resolved,
    contents: Contents,
    *,
    existing: Mapping[str, set[str]],
    fence: Fence,
) -> None:
    """Make the secrets and configs that are missing, side by side."""
    missing: list[tuple[str, str]] = []
    for section in _CONTENTS:
        names = objects_to_create(getattr(resolved, section), existing[section])
        missing += [(section, name) for name in names]

    def make(item: tuple[str, str]) -> None:
        section, name = item
        entry = getattr(resolved, section)[name]
        fence.check()
        try:
            cluster.create(
                _CONTENTS[section],
                _content(app, section, name, entry, getattr(contents, section)[entry["source"]]),
            )
        except Outdated:
            return  # made by a former run: the name follows the content, so it holds the same

    side_by_side(make, missing)


def with_content(
    cluster: Cluster, service: Mapping[str, Any], body: dict[str, Any], contents: Contents
) -> dict[str, Any]:
    """Return a manifest's Secret with its content: what was just given, or what is kept.

    Any other object is returned as it is.
    """
    name = service.get("content")
    if not name:
        return body
    content: Any = contents.secrets.get(annotation(body, SERVICE))
    if content is None:
        content = cluster.get(SECRET, name)["data"]["data"]
    return {**body, "data": manifests.data_of(content)}


def _content(
    app: str, section: str, name: str, entry: Mapping[str, Any], data: bytes
) -> dict[str, Any]:
    labels, annotations = split_labels(entry.get("labels", {}))
    kind = _CONTENTS[section]
    body = {
        "apiVersion": kind.version,
        "kind": kind.name,
        # Another content has another name, so it never changes, and kubelets need not watch it.
        "immutable": True,
        "metadata": {
            "name": name,
            "labels": {**labels, **_labels(app, CONTENT)},
            "annotations": annotations,
        },
    }
    return {**body, **_data(section, data)}


def _data(section: str, data: bytes) -> dict[str, Any]:
    """Return the data of an object; text of a config stays readable."""
    encoded = {"data": base64.b64encode(data).decode()}
    if section == "secrets":
        return {"type": "Opaque", "data": encoded}
    try:
        return {"data": {"data": data.decode()}}
    except UnicodeDecodeError:
        # data of a ConfigMap takes UTF-8 only.
        return {"binaryData": encoded}


def sweep(cluster: Cluster, app: str, needed: Sequence[Resolved], fence: Fence) -> None:
    """Remove the app's secrets and configs that no release in the history refers to.

    All of them without a history.
    """
    roles = (CONTENT,) if needed else (CONTENT, REGISTRY)
    for section, kind in _CONTENTS.items():
        names: set[str] = set()
        for resolved in needed:
            names.update(getattr(resolved, section))
        for found in cluster.metadata(kind, f"{APP}={app},{KIND} in ({','.join(roles)})"):
            if found["metadata"]["name"] not in names:
                fence.check()
                cluster.delete(kind, found["metadata"]["name"])


def registry_login(credentials: Credentials, resolved: Resolved) -> bytes:
    """Return the credentials that nodes need to pull an app's images; empty where they need none.

    They are in the format of a Docker client's configuration.
    """
    registries = {
        Reference.parse(service["reference"]).registry
        for service in resolved.services.values()
        if "pull_secret" in service
    }
    return credentials.dockerconfigjson(sorted(registries)) if registries else b""


def registry_name(app: str) -> str:
    """Return the name of the Secret that lets the nodes into registries.

    Its content may change in place.
    """
    return f"shipping.code.{app}.registry"


def same_registries(cluster: Cluster, app: str, content: bytes) -> bool:
    """Return whether the Secret for registries has these credentials."""
    found = cluster.find(SECRET, registry_name(app))
    return found is not None and _parsed(
        (found.get("data") or {}).get(".dockerconfigjson", "")
    ) == json.loads(content)


def _parsed(data: str) -> Any:
    try:
        return json.loads(base64.b64decode(data))
    except ValueError:
        return None


def write_registries(cluster: Cluster, app: str, content: bytes) -> None:
    """Make the Secret for registries what it must be."""
    cluster.apply(
        SECRET,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": registry_name(app), "labels": _labels(app, REGISTRY)},
            "data": {".dockerconfigjson": base64.b64encode(content).decode()},
        },
    )


def write_lease(cluster: Cluster, app: str, lease: Lease, *, create_namespace: bool) -> Lease:
    """Create the lease (without an id) or write it; raise Outdated if another client was faster.

    With create_namespace, a missing namespace is created.
    """
    for _attempt in range(_ATTEMPTS):
        try:
            return _write_lease(cluster, app, lease)
        except NotFound as error:
            if not create_namespace or "namespaces" not in error.why:
                raise missing_namespace(cluster.namespace) from error
            make_namespace(cluster)
            time.sleep(_PAUSE)
    raise missing_namespace(cluster.namespace)


def missing_namespace(name: str, *, is_declared: bool = False) -> PlanError:
    """Return the error of a namespace that does not exist, though manifests may have it."""
    if is_declared:
        return PlanError(
            f"there is no namespace {name}",
            "the lease and the history of the app are in it, before its manifest is written",
            "Set create_namespace: true",
        )
    return PlanError(
        f"there is no namespace {name}",
        "the cluster does not have it",
        "Create it, correct namespace, or set create_namespace: true",
    )


class Storage:
    """Keep records and leases in a namespace; see ports.RecordStore and ports.LeaseStore."""

    def __init__(self, cluster: Cluster, *, create_namespace: bool) -> None:
        self._cluster = cluster
        self._create_namespace = create_namespace

    def write_record(self, app: str, record: Record) -> Record:
        """Create the record, or write its outcome."""
        return write_record(self._cluster, app, record)

    def read_records(self, app: str) -> tuple[Record, ...]:
        """Return the records of an app."""
        return read_records(self._cluster, app)

    def remove_record(self, record: Record) -> None:
        """Remove a record."""
        self._cluster.delete(SECRET, record.id)

    def read_lease(self, app: str) -> Lease | None:
        """Return the lease as it is now."""
        return read_lease(self._cluster, app)

    def write_lease(self, app: str, lease: Lease) -> Lease:
        """Make the lease or write it; its namespace, too, where the options allow it."""
        return write_lease(self._cluster, app, lease, create_namespace=self._create_namespace)
