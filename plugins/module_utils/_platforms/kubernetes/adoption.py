# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking over what ``kubectl`` or Helm made, without restarting what does not change.

A selector can never change, so it stays. What we declare is ours alone afterwards: the former
owners let go of it in ``managedFields``, or it would survive when it leaves the spec.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..._core.errors import Outdated
from ..._deploy.ports import Wishes
from ..._deploy.resolution import Resolved
from . import render
from .api_kinds import APP, SERVICE, SERVICE_KIND, WORKLOADS, Kind
from .cluster import MANAGER, Cluster
from .compare import covers, label, projected
from .observe import Body, Found
from .planning import Entry
from .pods import pinned

# Who holds what was put back as it was.
BEFORE = "before-first-apply"
# Tools by which people deploy; kubernetes.core's modules are known by their client.
FORMER = ("kubectl", "helm", "Helm", "OpenAPI-Generator", "ansible", BEFORE)
_ADDED = ("bare", "selector", "container", "security", "pull_secret")
_ATTEMPTS, _PAUSE = 8, 0.2


def is_foreign(workload: Body) -> bool:
    """Whether a workload finds its pods by others' labels."""
    selector = (workload.get("spec") or {}).get("selector")
    return (
        isinstance(selector, dict)
        and "template" in workload["spec"]
        and set(selector.get("matchLabels") or {}) != {APP, SERVICE}
    )


def completed(
    app: str,
    name: str,
    service: dict[str, Any],
    former: Mapping[str, Any],
    stranger: Body | None,
    resolved: Resolved,
    pods: Iterable[Body] = (),
) -> dict[str, Any]:
    """A service with what it keeps of the workload that it takes over, or once took over.

    ``bare`` is what we declare of its template as it is written there, where the workload and its
    pods are that already.
    """
    kept = {key: former[key] for key in ("selector", "container") if key in former}
    if stranger is not None:
        containers = stranger["spec"]["template"]["spec"]["containers"]
        kept = {"selector": dict(stranger["spec"]["selector"].get("matchLabels") or {})}
        if len(containers) == 1:
            kept["container"] = containers[0]["name"]
    result = {**service, **kept}
    if stranger is not None:
        bare = _template_there(app, name, result, stranger, resolved, pods)
    else:
        bare = former.get("bare") if _declared(former) == _declared(result) else None
    return {**result, "bare": bare} if bare else result


def _declared(service: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in service.items() if key not in _ADDED}


def _template_there(
    app: str,
    name: str,
    service: dict[str, Any],
    stranger: Body,
    resolved: Resolved,
    pods: Iterable[Body],
) -> Body | None:
    """What we declare of the workload's template as it is written there.

    Where the workload and its pods are that already; else None.
    """
    template, called = stranger["spec"]["template"], service.get("container", name)
    there = next(
        (
            str(container.get("image", ""))
            for container in template["spec"]["containers"]
            if container["name"] == called
        ),
        "",
    )
    if there not in (service["reference"], service["image"], pinned(service["image"])):
        return None
    wanted = render.workload(
        app,
        name,
        replace(resolved, services={**resolved.services, name: {**service, "bare": True}}),
    )["spec"]["template"]
    next(container for container in wanted["spec"]["containers"] if container["name"] == called)[
        "image"
    ] = there
    digest = service["image"].partition("@")[2]
    mine = [
        pod
        for pod in pods
        if service["selector"].items() <= (pod["metadata"].get("labels") or {}).items()
    ]
    return (
        projected(template, wanted)
        if covers(template, wanted) and all(_runs(pod, called, digest) for pod in mine)
        else None
    )


def _runs(pod: Body, container: str, digest: str) -> bool:
    """Whether a container of a pod has an image of this digest.

    Its tag may have been given to another one since.
    """
    images = [
        status.get("imageID", "")
        for status in pod.get("status", {}).get("containerStatuses") or []
        if status["name"] == container
    ]
    return all(image.endswith(digest) for image in images if image)


def entry(given: Entry, found: Found, wishes: Wishes) -> Entry:
    """An entry with the stranger that it takes over.

    Where that was asked for and the stranger is nobody's.
    """
    stranger = found.strangers.get(given.key)
    if (
        not wishes.adopt
        or given.live is not None
        or stranger is None
        or label(stranger, APP)
        or not _finds(given, stranger, found)
    ):
        return given
    if given.kind in WORKLOADS or SERVICE in given.wanted["metadata"]["annotations"]:
        annotations = {**(stranger["metadata"].get("annotations") or {}), SERVICE: given.service}
        found.objects[given.key] = {
            **stranger,
            "metadata": {**stranger["metadata"], "annotations": annotations},
        }
    return replace(given, live=stranger)


def _finds(given: Entry, stranger: Body, found: Found) -> bool:
    """Whether a Service that is taken over will find the pods.

    What it asks for beyond ours cannot be taken out of it.
    """
    if given.kind != SERVICE_KIND or SERVICE in given.wanted["metadata"]["annotations"]:
        return True
    workload = next(
        (
            of[kind.name, given.service]
            for of in (found.strangers, found.objects)
            for kind in WORKLOADS
            if (kind.name, given.service) in of
        ),
        None,
    )
    labels = (workload["spec"]["template"]["metadata"].get("labels") or {}) if workload else {}
    return bool(
        (stranger["spec"].get("selector") or {}).items()
        <= {**labels, **given.wanted["spec"]["selector"]}.items()
    )


def hand_over(cluster: Cluster, kind: Kind, written: Body) -> None:
    """Let the former owners let go of everything that we declare.

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


def _handed_over(managed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the managers hold when the former ones have let go of what is ours."""
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
    """A set of fields without those in another one (https://kubernetes.io/docs/reference/generated/kubernetes-api: FieldsV1)."""
    result = {}
    for key, value in fields.items():
        if key not in ours:
            result[key] = value
        elif value:
            rest = _subtracted(value, ours[key])
            if rest and set(rest) != {"."}:
                result[key] = rest
    return result
