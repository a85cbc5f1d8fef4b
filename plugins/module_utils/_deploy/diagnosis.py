# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a platform shows to a failure in words: cause, likely cause, remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.cause import Cause
from .._core.failure import Failure
from .state import Evidence, Task

REMEDIES = {
    "image_missing": "Build and push it, or correct the reference",
    "image_denied": "Log in to the registry, or give registry_auths",
    "registry_unreachable": "Check the registry's address and that the machines reach it",
    "image_unavailable": "Check that the registry has it and that the machines may pull it",
    "start_failed": "Correct the command, the user or the working directory",
    "not_started": "Correct what the message names; the engine's log on the node may have more",
    "network_failed": (
        "Look at the network on that node: restart its engine, which removes what it left of"
        " networks, or correct what the message names"
    ),
    "disk_full": "Free disk space on the node, for example by docker system prune",
    "volume_differs": (
        "Give the volume another name, or remove the existing one by hand once nothing uses it"
    ),
    "logging_failed": "Correct logging, or start what receives the log",
    "limit_refused": "Correct deploy.resources.limits, or choose nodes that have as much",
    "setting_refused": (
        "Correct the setting that the message names, such as sysctls, ulimits, cap_add or hostname"
    ),
    "engine_slow": "Look at the node's load and at the log of its engine",
    "node_unavailable": "Start the engine of the node, or set it active: docker node update",
    "sandbox_failed": "Look at the machine's container runtime and network plugin",
    "mount_failed": (
        "Make the directory on every machine that may run the service, or check the volume's driver"
        " and options"
    ),
    "crash": "Read its last lines, correct the application or its settings, then release again",
    "ended": "A service must keep running; let the program stay in the foreground",
    "unhealthy": "Correct the application or its health check, then release again",
    "never_healthy": (
        "Give it more time by start_period or rollout_timeout, or correct the health check"
    ),
    "no_machine": "Label a machine so, or correct deploy.placement",
    "no_resources": "Lower deploy.resources.reservations, or add a machine",
    "wrong_architecture": "Build the image for the machines' architecture, or correct platform",
    "missing_plugin": "Install the plugin on the machines, or choose another driver",
    "port_taken": "Free the port, or publish another one",
    "killed_for_memory": "Raise the memory limit, or let the application use less",
    "missing_object": "Make it, or correct its name in the spec",
    "no_volume": "Check the storage class and the claim, or make a volume",
    "quota": "Raise the namespace's quota, or let the services reserve less",
    "pods_refused": "Correct what the message names, or the policy of the cluster",
    "evicted": "Reserve what the service needs, or look at the machine",
    "object_failed": "Correct what its controller says, then release again",
    "engine_paused": "Look at docker service ps, then release again",
    "engine_rolled_back": "Look at docker service ps, then release again",
    "timeout": "Raise rollout_timeout if it only needs longer",
}
# 128 + 9 (SIGKILL): of a container out of memory a Swarm's manager shows nothing else.
_KILLED = 137
# The message is read in the output of a play; the result has all lines that were fetched.
_LINES_SHOWN = 3
_NO_EVIDENCE = Evidence()


def explain(
    service: str, cause: Cause, task: Task | None, evidence: Evidence, declared: Mapping[str, Any]
) -> Failure:
    """Return the failure of a service, as exactly as the evidence allows."""
    cause = evidence.image or _sharper(cause, task, evidence, declared)
    text = f"{cause.text}; {evidence.note}" if evidence.note else cause.text
    remedy = REMEDIES.get(cause.kind, "")
    return service_failure(service, cause.kind, text, remedy, task=task, evidence=evidence)


def service_failure(
    service: str,
    kind: str,
    text: str,
    remedy: str = "",
    *,
    task: Task | None = None,
    evidence: Evidence = _NO_EVIDENCE,
) -> Failure:
    """Return a failure whose facts are an entry of the result's ``failures``.

    It is a failure of the service, of one of its tasks, or, without both, of the whole run.
    """
    facts = {
        "service": service,
        "kind": kind,
        "text": text,
        "remedy": remedy,
        "task": task.name if task else "",
        "machine": task.machine if task else "",
        "exit_code": _exit_code(task, evidence),
        "health": evidence.health,
        "logs": list(evidence.logs),
    }
    return Failure(
        object=_subject(task) if task and task.name else service,
        cause=text,
        hint=remedy,
        details=_details(evidence),
        facts=facts,
    )


def _subject(task: Task) -> str:
    return f"task {task.name} on {task.machine}" if task.machine else f"task {task.name}"


def _details(evidence: Evidence) -> tuple[str, ...]:
    """Return what the health check and the log of a task add to the cause."""
    health = f"Its health check said: {evidence.health}" if evidence.health else ""
    lines = " | ".join(evidence.logs[-_LINES_SHOWN:])
    return tuple(filter(None, (health, f"Its last lines: {lines}" if evidence.logs else "")))


def _exit_code(task: Task | None, evidence: Evidence) -> int | None:
    if evidence.exit_code is not None:
        return evidence.exit_code
    return task.exit_code if task else None


def _sharper(
    cause: Cause, task: Task | None, evidence: Evidence, declared: Mapping[str, Any]
) -> Cause:
    """Return a more exact cause where the evidence allows.

    Memory is seen by the task's own engine only; elsewhere it is said as likely.
    """
    limit = declared.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory")
    of = f" of {limit}" if limit else ""
    if evidence.killed_for_memory:
        return _killed_for_memory(cause, of)
    if evidence.unhealthy and cause.kind in ("crash", "ended"):
        # A container that is stopped for its health may end in any way, also well.
        return Cause("unhealthy", f"its health check fails; it {cause.text}")
    if cause.kind == "crash" and _exit_code(task, evidence) == _KILLED and limit and evidence.note:
        return Cause("killed_for_memory", f"{cause.text}, likely killed for its memory limit{of}")
    if cause.kind == "no_machine":
        return Cause(cause.kind, f"{cause.text}{_placement(declared)}")
    return cause


def _killed_for_memory(cause: Cause, of: str) -> Cause:
    # Without a limit of the spec, a cause of that kind has its own words, such as the container.
    if cause.kind == "killed_for_memory" and not of:
        return cause
    return Cause("killed_for_memory", f"was killed for using more than its memory limit{of}")


def _placement(declared: Mapping[str, Any]) -> str:
    constraints = declared.get("deploy", {}).get("placement", {}).get("constraints", [])
    return f" ({', '.join(constraints)})" if constraints else ""
