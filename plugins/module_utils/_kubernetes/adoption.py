# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking over what ``kubectl`` or Helm made, without restarting what does not change.

A selector can never change, so it stays. What we declare is ours alone afterwards: the former owners
let go of it in ``managedFields``, or it would survive when it leaves the spec.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._app.platform import Wishes
from .._app.resolved import Resolved
from . import render
from .api import MANAGER, Cluster
from .compare import covers, label
from .kinds import APP, SERVICE, WORKLOADS, Kind
from .observe import Body, Found
from .planning import Entry

_FORMER = ("kubectl", "helm", "Helm", "before-first-apply")
_ADDED = ("bare", "selector", "container", "security", "pull_secret")


def is_foreign(workload: Body) -> bool:
    """Whether a workload finds its pods by others' labels."""
    selector = (workload.get("spec") or {}).get("selector")
    return isinstance(selector, dict) and "template" in workload["spec"] and set(selector.get("matchLabels") or {}) != {APP, SERVICE}


def completed(app: str, name: str, service: dict[str, Any], former: Mapping[str, Any], stranger: Body | None, resolved: Resolved) -> dict[str, Any]:
    """A service with what it keeps of the workload that it takes over, or once took over."""
    kept = {key: former[key] for key in ("selector", "container") if key in former}
    if stranger is not None:
        containers = stranger["spec"]["template"]["spec"]["containers"]
        kept = {"selector": dict(stranger["spec"]["selector"].get("matchLabels") or {}), **({"container": containers[0]["name"]} if len(containers) == 1 else {})}
    result = {**service, **kept}
    if stranger is not None and _is_unchanged(app, name, result, stranger, resolved):
        return {**result, "bare": True}
    if former.get("bare") and _declared(former) == _declared(result):
        return {**result, "bare": True}
    return result


def _declared(service: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in service.items() if key not in _ADDED}


def _is_unchanged(app: str, name: str, service: dict[str, Any], stranger: Body, resolved: Resolved) -> bool:
    """Whether the workload runs what is declared already."""
    bare = replace(resolved, services={**resolved.services, name: {**service, "bare": True}})
    wanted = render.workload(app, name, bare)["spec"]["template"]
    image = wanted["spec"]["containers"][0].pop("image")
    there = stranger["spec"]["template"]["spec"]["containers"][0].get("image", "")
    return covers(stranger["spec"]["template"], wanted) and there in (image, service["reference"], service["image"])


def entry(given: Entry, found: Found, wishes: Wishes) -> Entry:
    """An entry with the stranger that it takes over, where that was asked for and the stranger is nobody's."""
    stranger = found.strangers.get(given.key)
    if not wishes.adopt or given.live is not None or stranger is None or label(stranger, APP):
        return given
    if given.kind in WORKLOADS or SERVICE in given.wanted["metadata"]["annotations"]:
        annotations = {**(stranger["metadata"].get("annotations") or {}), SERVICE: given.service}
        found.objects[given.key] = {**stranger, "metadata": {**stranger["metadata"], "annotations": annotations}}
    return replace(given, live=stranger)


def hand_over(cluster: Cluster, kind: Kind, written: Body) -> None:
    """Let the former owners let go of everything that we declare."""
    managed = written["metadata"].get("managedFields") or []
    ours = next((entry for entry in managed if entry.get("manager") == MANAGER and entry.get("operation") == "Apply"), None)
    if ours is None:
        return
    left = [_without(entry, ours["fieldsV1"]) if str(entry.get("manager", "")).startswith(_FORMER) else entry for entry in managed]
    body = copy.deepcopy(written)
    body["metadata"]["managedFields"] = [entry for entry in left if entry.get("fieldsV1")]
    if left != managed:
        cluster.replace(kind, body)


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
