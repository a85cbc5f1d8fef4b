# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adopt objects that ``kubectl`` or Helm created, without restarting unchanged workloads.

A selector can never change, so it is kept. Afterwards this collection owns what it declares: the
former owners lose it in ``managedFields``, or it would survive when it is removed from the spec.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..._core.errors import Outdated, PlatformError
from ..._deploy.ports import Wishes
from ..._deploy.resolution import Resolved
from . import render
from .api_kinds import APP, NAMESPACE, SERVICE, SERVICE_KIND, WORKLOADS, Kind
from .cluster import MANAGER, Cluster
from .compare import covers, label, projected
from .manifests import is_manifest
from .observe import Body, Snapshot
from .planning import PlannedObject
from .pods import pinned

# The owner of restored fields: the server's own name for fields from before the first
# apply.
BEFORE = "before-first-apply"
# Tools by which users deploy; kubernetes.core's modules are known by their client.
FORMER = ("kubectl", "helm", "Helm", "OpenAPI-Generator", "ansible", BEFORE)
_ADDED = ("bare", "selector", "container", "security", "pull_secret")
_ATTEMPTS, _PAUSE = 8, 0.2


def is_foreign(workload: Body) -> bool:
    """Return whether a workload selects its pods by labels that are not ours."""
    # A custom resource may have anything in its spec.
    spec = workload.get("spec")
    selector = spec.get("selector") if isinstance(spec, dict) and "template" in spec else None
    labels = selector.get("matchLabels") if isinstance(selector, dict) else None
    return isinstance(selector, dict) and (
        not isinstance(labels, dict) or set(labels) != {APP, SERVICE}
    )


@dataclass(frozen=True)
class Target:
    """A service of an app, as it is to be."""

    app: str
    name: str
    service: dict[str, Any]
    resolved: Resolved

    @property
    def container(self) -> str:
        """Return the name of its container."""
        return str(self.service.get("container", self.name))


def completed(
    target: Target,
    former: Mapping[str, Any],
    unmanaged_body: Body | None,
    pods: Iterable[Body] = (),
) -> dict[str, Any]:
    """Return a service with what it keeps of the workload that it takes over, or once took over.

    ``bare`` is what we declare of its template as it is written there, where the workload and its
    pods are that already.
    """
    kept = {key: former[key] for key in ("selector", "container") if key in former}
    if unmanaged_body is None:
        result = {**target.service, **kept}
        bare = former.get("bare") if _declared(former) == _declared(result) else None
    else:
        result = {**target.service, **_kept_of(unmanaged_body)}
        bare = _template_there(replace(target, service=result), unmanaged_body, pods)
    return {**result, "bare": bare} if bare else result


def _kept_of(unmanaged_body: Body) -> dict[str, Any]:
    containers = unmanaged_body["spec"]["template"]["spec"]["containers"]
    kept: dict[str, Any] = {
        "selector": dict(unmanaged_body["spec"]["selector"].get("matchLabels") or {})
    }
    if len(containers) == 1:
        # Containers are merged by name: under ours a second one would be added to theirs.
        kept["container"] = containers[0]["name"]
    return kept


def _declared(service: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in service.items() if key not in _ADDED}


def _template_there(target: Target, unmanaged_body: Body, pods: Iterable[Body]) -> Body | None:
    """Return what we declare of the workload's template as it is written there.

    None where the workload or its pods are something else.
    """
    template, service = unmanaged_body["spec"]["template"], target.service
    containers = template["spec"]["containers"]
    image = next((_image(each) for each in containers if each["name"] == target.container), "")
    if image not in (service["reference"], service["image"], pinned(service["image"])):
        return None
    wanted = _bare_template(target, image)
    digest = service["image"].partition("@")[2]
    is_same = covers(template, wanted) and all(
        _runs(pod, target.container, digest)
        for pod in pods
        if service["selector"].items() <= (pod["metadata"].get("labels") or {}).items()
    )
    return projected(template, wanted) if is_same else None


def _bare_template(target: Target, image: str) -> Body:
    """Return the template that we would write, with the image as the workload writes it."""
    services = {**target.resolved.services, target.name: {**target.service, "bare": True}}
    workload = render.workload(target.app, target.name, replace(target.resolved, services=services))
    template: Body = workload["spec"]["template"]
    for container in template["spec"]["containers"]:
        if container["name"] == target.container:
            container["image"] = image
    return template


def _image(container: Body) -> str:
    return str(container.get("image", ""))


def _runs(pod: Body, container: str, digest: str) -> bool:
    """Return whether a container of a pod has an image of this digest.

    Its tag may have been given to another one since.
    """
    images = [
        status.get("imageID", "")
        for status in pod.get("status", {}).get("containerStatuses") or []
        if status["name"] == container
    ]
    # What is before the digest differs between container runtimes.
    return all(image.endswith(digest) for image in images if image)


def taken_over(
    entries: Iterable[PlannedObject], snapshot: Snapshot, wishes: Wishes
) -> tuple[list[PlannedObject], Snapshot]:
    """Return the entries with the unmanaged objects that they take over.

    That is where the user wants it and the object belongs to no other app. The found object has
    those objects among the app's own then.
    """
    result = []
    objects = dict(snapshot.objects)
    for entry in entries:
        unmanaged_body = snapshot.unmanaged.get(entry.key)
        if unmanaged_body is None or not _is_taken_over(entry, unmanaged_body, snapshot, wishes):
            result.append(entry)
            continue
        result.append(replace(entry, live=unmanaged_body))
        if entry.kind in WORKLOADS or is_manifest(entry.wanted):
            objects[entry.key] = _called(unmanaged_body, entry.service)
    return result, replace(snapshot, objects=objects)


def under_their_titles(entries: Iterable[PlannedObject], snapshot: Snapshot) -> Snapshot:
    """Return what was found, with each object of manifests as the service that it is now.

    Its title changes where an object of another API group gets its kind and name.
    """
    objects = dict(snapshot.objects)
    for entry in entries:
        if entry.live is not None and is_manifest(entry.wanted) and entry.key in objects:
            objects[entry.key] = _called(objects[entry.key], entry.service)
    return replace(snapshot, objects=objects)


def originals(entries: Iterable[PlannedObject]) -> tuple[Body, ...]:
    """Return the objects that entries take over, as they are now."""
    return tuple(
        entry.live for entry in entries if entry.live is not None and not label(entry.live, APP)
    )


def _is_taken_over(
    entry: PlannedObject, unmanaged_body: Body, snapshot: Snapshot, wishes: Wishes
) -> bool:
    # The app's own namespace may be in its manifests, and is there before anything else is.
    is_home = (
        entry.kind == NAMESPACE
        and snapshot.namespace is not None
        and (entry.wanted["metadata"]["name"] == snapshot.namespace["metadata"]["name"])
    )
    return (
        (wishes.adopt or is_home)
        and entry.live is None
        and not label(unmanaged_body, APP)
        and _finds(entry, unmanaged_body, snapshot)
    )


def _called(unmanaged_body: Body, service: str) -> Body:
    """Return an object with the annotation by which it is found as what runs a service."""
    annotations = {**(unmanaged_body["metadata"].get("annotations") or {}), SERVICE: service}
    return {
        **unmanaged_body,
        "metadata": {**unmanaged_body["metadata"], "annotations": annotations},
    }


def _finds(entry: PlannedObject, unmanaged_body: Body, snapshot: Snapshot) -> bool:
    """Return whether a Service that is taken over will find the pods.

    What it selects by beyond ours cannot be taken out of it.
    """
    if entry.kind != SERVICE_KIND or is_manifest(entry.wanted):
        return True
    workload = _workload(entry.service, snapshot)
    labels = (workload["spec"]["template"]["metadata"].get("labels") or {}) if workload else {}
    return bool(
        (unmanaged_body["spec"].get("selector") or {}).items()
        <= {**labels, **entry.wanted["spec"]["selector"]}.items()
    )


def _workload(name: str, snapshot: Snapshot) -> Body | None:
    for objects in (snapshot.unmanaged, snapshot.objects):
        for kind in WORKLOADS:
            if (kind.name, name) in objects:
                return objects[kind.name, name]
    return None


def hand_over(cluster: Cluster, kind: Kind, written: Body) -> None:
    """Remove the former owners from everything that this collection declares.

    Controllers write at the same time.
    """
    for _attempt in range(_ATTEMPTS):
        metadata = written["metadata"]
        managed = metadata.get("managedFields") or []
        left = _handed_over(managed)
        if left == managed:
            return
        try:
            cluster.merge(
                kind,
                metadata["name"],
                {
                    "metadata": {
                        "resourceVersion": metadata["resourceVersion"],
                        # A merge patch replaces a list as a whole (RFC 7396, section 1).
                        "managedFields": left,
                    }
                },
            )
            return
        except Outdated:
            time.sleep(_PAUSE)
            written = cluster.get(kind, metadata["name"])


def put_back(cluster: Cluster, kind: Kind, original: Body) -> None:
    """Make an object what it was before it was taken over."""
    metadata = original["metadata"]
    for _attempt in range(_ATTEMPTS):
        live = cluster.find(kind, metadata["name"])
        if live is None:
            return
        try:
            # A patch would leave what was added; a replacement removes it.
            cluster.replace(
                kind,
                {
                    **original,
                    "metadata": {
                        **metadata,
                        "resourceVersion": live["metadata"]["resourceVersion"],
                    },
                },
                BEFORE,
            )
            return
        except Outdated:
            time.sleep(_PAUSE)
    raise PlatformError(
        f"{kind.name} {metadata['name']} could not be put back as it was",
        f"another client changed it {_ATTEMPTS} times meanwhile",
        "Find that client, then run the task again",
    )


def _handed_over(managed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the managers hold without what the former ones hand over to us."""
    ours = next(
        (
            entry
            for entry in managed
            if entry.get("manager") == MANAGER and entry.get("operation") == "Apply"
        ),
        None,
    )
    if ours is None:
        return managed
    left = [
        (
            _without(entry, ours["fieldsV1"])
            if str(entry.get("manager", "")).startswith(FORMER)
            else entry
        )
        for entry in managed
    ]
    return [entry for entry in left if entry.get("fieldsV1")]


def _without(entry: dict[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    return {**entry, "fieldsV1": _subtracted(entry.get("fieldsV1") or {}, ours)}


def _subtracted(fields: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return a set of fields (FieldsV1) without those in another one."""
    result = {}
    for key, value in fields.items():
        if key not in ours:
            result[key] = value
        elif value:
            rest = _subtracted(value, ours[key])
            # "." is the object itself (FieldsV1); without fields below it nothing is owned.
            if rest and set(rest) != {"."}:
                result[key] = rest
    return result
