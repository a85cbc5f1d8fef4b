# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute the status of any object, by the rules of kstatus. Pure.

https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CURRENT, IN_PROGRESS, FAILED = "current", "in progress", "failed"
Status = tuple[str, str]
Body = Mapping[str, Any]


def status(body: Body, *, is_standard: bool = True) -> Status:
    """Return one of current, in progress, failed, and why.

    ``is_standard``: it is of a kind that every cluster has, and not of one of that name that some
    definition has made.
    """
    metadata = body["metadata"]
    if "deletionTimestamp" in metadata:
        return IN_PROGRESS, "is being removed"
    generation = _status(body).get("observedGeneration")
    if isinstance(generation, int) and generation < metadata.get("generation", 0):
        return IN_PROGRESS, "its controller has not seen the change yet"
    rule = _RULES.get(body.get("kind", "")) if is_standard else None
    return (rule or _by_conditions)(body)


def _status(body: Body) -> Mapping[str, Any]:
    """Return the status of an object; empty where its controller writes anything but a mapping."""
    # A definition may leave the schema of status open (x-kubernetes-preserve-unknown-fields).
    found = body.get("status")
    return found if isinstance(found, Mapping) else {}


def _condition(body: Body, kind: str) -> Mapping[str, Any]:
    conditions = _status(body).get("conditions")
    entries = conditions if isinstance(conditions, list) else []
    mappings = (entry for entry in entries if isinstance(entry, Mapping))
    return next((entry for entry in mappings if entry.get("type") == kind), {})


def _said(condition: Body, default: str) -> str:
    return str(condition.get("message") or condition.get("reason") or default)


def _by_conditions(body: Body) -> Status:
    """Return the status by Ready, Reconciling and Stalled, on which controllers agree.

    An object without conditions is current.
    """
    stalled, reconciling, ready = (
        _condition(body, kind) for kind in ("Stalled", "Reconciling", "Ready")
    )
    if stalled.get("status") == "True":
        return FAILED, _said(stalled, "is stalled")
    if reconciling.get("status") == "True":
        return IN_PROGRESS, _said(reconciling, "is being reconciled")
    if ready and ready.get("status") != "True":
        return IN_PROGRESS, _said(ready, "is not ready")
    return CURRENT, ""


def _definition(body: Body) -> Status:
    names, established = _condition(body, "NamesAccepted"), _condition(body, "Established")
    if names.get("status") == "False":
        return FAILED, _said(names, "its names are in use")
    return (
        (CURRENT, "")
        if established.get("status") == "True"
        else (IN_PROGRESS, _said(established, "is not established"))
    )


def _job(body: Body) -> Status:
    # A suspended Job is as declared, and runs when a user resumes it.
    if (body.get("spec") or {}).get("suspend") is True:
        return CURRENT, ""
    failed, complete = _condition(body, "Failed"), _condition(body, "Complete")
    if failed.get("status") == "True":
        return FAILED, _said(failed, "failed")
    return (CURRENT, "") if complete.get("status") == "True" else (IN_PROGRESS, "has not completed")


def _claim(body: Body) -> Status:
    phase = _status(body).get("phase")
    if phase == "Lost":
        return FAILED, "its volume is lost"
    # One that waits for its first pod is as ready as it can be.
    return (CURRENT, "") if phase in ("Bound", "Pending") else (IN_PROGRESS, "is not bound")


def _service(body: Body) -> Status:
    return CURRENT, ""  # an address from outside is the cluster's business, and may never come


def _pod(body: Body) -> Status:
    phase = _status(body).get("phase")
    if phase == "Failed":
        return FAILED, _said(_status(body), "failed")
    ready = _condition(body, "Ready").get("status") == "True"
    return (CURRENT, "") if phase == "Succeeded" or ready else (IN_PROGRESS, "is not ready")


def _disruption_budget(body: Body) -> Status:
    return CURRENT, ""


_RULES: dict[str, Callable[[Body], Status]] = {
    "CustomResourceDefinition": _definition,
    "Job": _job,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "PodDisruptionBudget": _disruption_budget,
    "Service": _service,
}
