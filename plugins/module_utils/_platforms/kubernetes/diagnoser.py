# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect evidence of a failed pod: its container's end, its probes, its last lines."""

from __future__ import annotations

import re
from typing import Any

from ..._core.cause import Cause
from ..._core.errors import Denied, PlatformError
from ..._deploy.state import Evidence, Task
from ..._registry.registries import Registries
from . import pod_containers, pod_health
from .api_kinds import EVENT, POD
from .causes import IMAGE_REASONS, probed
from .cluster import Cluster
from .pod_health import moment

_LINES = 20
# In place of a log that is removed the kubelet sends this text, with status 200.
_NOTHING_KEPT = "unable to retrieve container logs"
_IMAGE_KINDS = ("image_missing", "image_denied", "registry_unreachable")
_KILLED = re.compile(r"failed (?:liveness|startup) probe")


class Diagnoser:
    """Collect evidence of a failed pod; see ports.Diagnoser."""

    def __init__(self, cluster: Cluster, registries: Registries) -> None:
        self._cluster = cluster
        self._registries = registries

    def evidence(self, task: Task, cause: Cause, reference: str) -> Evidence:
        """Return everything that the cluster and the registry can say."""
        if cause.kind in _IMAGE_KINDS:
            return Evidence(image=self._cause_of_image(task, reference))
        if cause.kind == "no_volume" and task.name:
            return Evidence(note=_of_claims(self._cluster, task.name))
        if not task.name or not task.node:
            return Evidence()
        pod = self._cluster.find(POD, task.name)
        if pod is None:
            return Evidence(note="its pod was removed")
        return _of_pod(self._cluster, pod, task, cause)

    def _cause_of_image(self, task: Task, reference: str) -> Cause | None:
        """Return the registry's answer about a missing image; None if it has the image."""
        pod = (self._cluster.find(POD, task.name) if task.name else None) or {}
        lacking = _without_image(pod)
        # The reference is the service's first image, as the spec writes it.
        image = lacking.image if lacking and pod_containers.title(lacking, pod) else reference
        answer = self._registries.digest(image)
        if not isinstance(answer, Cause):
            return None
        return pod_health.named(answer, lacking, pod) if lacking else answer


def _without_image(pod: dict[str, Any]) -> pod_containers.Container | None:
    waiting = (
        entry for entry in pod_containers.of(pod) if entry.waiting.get("reason") in IMAGE_REASONS
    )
    return next(waiting, None)


def _of_pod(cluster: Cluster, pod: dict[str, Any], task: Task, cause: Cause) -> Evidence:
    events, note = _events(cluster, pod["metadata"]["uid"])
    container = _container(pod, task)
    logs, log_note = _logs(cluster, pod, task, container) if container else ((), "")
    probes = [event.get("message", "") for event in events if event.get("reason") == "Unhealthy"]
    return Evidence(
        exit_code=task.exit_code,
        killed_for_memory=cause.kind == "killed_for_memory",
        unhealthy=any(_is_killed_by_probe(event) for event in events),
        health=probed(probes),
        logs=logs,
        note="; ".join(filter(None, [note, log_note])),
    )


def _is_killed_by_probe(event: dict[str, Any]) -> bool:
    is_killing = event.get("reason") == "Killing"
    return is_killing and bool(_KILLED.search(event.get("message", "")))


def _events(cluster: Cluster, uid: str) -> tuple[list[dict[str, Any]], str]:
    try:
        found = cluster.items(EVENT, fields=f"involvedObject.uid={uid}")
    except Denied as error:
        return [], f"its events cannot be read ({error.what})"
    return sorted(found, key=moment), ""


def _of_claims(cluster: Cluster, name: str) -> str:
    """Return the last warning on each volume that a pod waits for."""
    pod = cluster.find(POD, name) or {"spec": {}}
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"].get("volumes") or []
        if "persistentVolumeClaim" in volume
    }
    try:
        events = cluster.items(
            EVENT, fields="involvedObject.kind=PersistentVolumeClaim,type=Warning"
        )
    # Events only add to a cause that is known without them.
    except Denied:
        return ""
    last = {
        event["involvedObject"]["name"]: event.get("message", "")
        for event in sorted(events, key=moment)
    }
    return "; ".join(f"{claim}: {last[claim]}" for claim in sorted(claims & set(last)))


def _container(pod: dict[str, Any], task: Task) -> str:
    """Return the container of a failed attempt, else the one that is not ready."""
    # Ids of attempts are uid/container/number; see pod_health.py.
    named = task.id.split("/")[1:2]
    if named and named[0]:
        return named[0]
    # The first one: those after an init container wait for it.
    unready = [
        entry.name
        for entry in pod_containers.of(pod)
        if entry.has_run and not (entry.is_done or entry.status.get("ready"))
    ]
    return unready[0] if unready else ""


def _runs(pod: dict[str, Any], container: str) -> bool:
    return any(
        entry.running is not None for entry in pod_containers.of(pod) if entry.name == container
    )


def _logs(
    cluster: Cluster, pod: dict[str, Any], task: Task, container: str
) -> tuple[tuple[str, ...], str]:
    """Return the last lines of the attempt that failed.

    The container before, where another one runs already.
    """
    note = ""
    for previous in (True, False) if task.failed and _runs(pod, container) else (False, True):
        try:
            text = cluster.log(task.name, container, _LINES, previous=previous)
        except PlatformError as error:
            note = f"its log cannot be read ({error.why})"
            continue
        lines = tuple(
            line.rstrip()
            for line in text.splitlines()
            if line.strip() and not line.startswith(_NOTHING_KEPT)
        )
        if lines:
            return lines, ""
    return (), note
