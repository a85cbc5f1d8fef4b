# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what a platform shows into a failure: cause, probable cause and hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._core.cause import Cause
from .._core.failure import Failure
from .failure_kinds import hint as hint_for
from .state import Evidence, Task

# 128 + 9 (SIGKILL): of a container out of memory a Swarm's manager shows nothing else.
_KILLED = 137
# A user reads the message in the output of a play; the result has all lines that were read.
_LINES_SHOWN = 3
_NO_EVIDENCE = Evidence()


def explain(
    service: str, cause: Cause, task: Task | None, evidence: Evidence, declared: Mapping[str, Any]
) -> Failure:
    """Return the failure of a service, as exactly as the evidence allows."""
    cause = _of_image(evidence.image) or _sharper(cause, task, evidence, declared)
    text = f"{cause.text}; {evidence.note}" if evidence.note else cause.text
    return service_failure(service, cause.kind, text, task=task, evidence=evidence)


def _of_image(cause: Cause | None) -> Cause | None:
    """Return why a replica has no image, from the registry's answer."""
    return replace(cause, text=f"cannot start, because {cause.text}") if cause else None


def service_failure(
    service: str,
    kind: str,
    text: str,
    hint: str = "",
    *,
    task: Task | None = None,
    evidence: Evidence = _NO_EVIDENCE,
) -> Failure:
    """Return a failure whose facts are an entry of the result's ``failures``.

    It is a failure of the service, of one of its replicas, or, without both, of the whole run.
    ``text`` continues a sentence about the service or the replica.
    """
    hint = hint or hint_for(kind)
    facts = {
        "service": service,
        "kind": kind,
        "cause": text,
        "hint": hint,
        "replica": task.name if task else "",
        "node": task.node if task else "",
        "exit_code": _exit_code(task, evidence),
        "health_check": evidence.health,
        "logs": list(evidence.logs),
    }
    return Failure(
        object=service,
        cause=" ".join(filter(None, (_replica(task), text))),
        hint=hint,
        details=_details(evidence),
        facts=facts,
    )


def _replica(task: Task | None) -> str:
    if task is None or not task.name:
        return ""
    return f"replica {task.name} on node {task.node}" if task.node else f"replica {task.name}"


def _details(evidence: Evidence) -> tuple[str, ...]:
    """Return the output of the health check and the end of the log, to show below the cause."""
    health = [f"  health check: {evidence.health}"] if evidence.health else []
    return (*health, *(f"  | {line}" for line in evidence.logs[-_LINES_SHOWN:]))


def _exit_code(task: Task | None, evidence: Evidence) -> int | None:
    if evidence.exit_code is not None:
        return evidence.exit_code
    return task.exit_code if task else None


def _sharper(
    cause: Cause, task: Task | None, evidence: Evidence, declared: Mapping[str, Any]
) -> Cause:
    """Return a more exact cause where the evidence allows.

    Only the engine of the replica's node knows of memory; another engine leaves it probable.
    """
    limit = declared.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory")
    of = f" of {limit}" if limit else ""
    if evidence.killed_for_memory:
        return _killed_for_memory(cause, of)
    if evidence.unhealthy and cause.kind in ("crash", "ended"):
        # A container that is stopped for its health may end in any way, also well.
        return Cause("unhealthy", f"failed its health check and {cause.text}")
    if cause.kind == "crash" and _exit_code(task, evidence) == _KILLED and limit and evidence.note:
        text = f"{cause.text}, probably because it exceeded its memory limit{of}"
        return Cause("killed_for_memory", text)
    if cause.kind == "no_node":
        return Cause(cause.kind, f"{cause.text}{_placement(declared)}")
    return cause


def _killed_for_memory(cause: Cause, of: str) -> Cause:
    # Without a limit in the spec, the cause may name more, such as the container.
    if cause.kind == "killed_for_memory" and not of:
        return cause
    return Cause("killed_for_memory", f"was killed, because it exceeded its memory limit{of}")


def _placement(declared: Mapping[str, Any]) -> str:
    constraints = declared.get("deploy", {}).get("placement", {}).get("constraints", [])
    return f" ({', '.join(constraints)})" if constraints else ""
