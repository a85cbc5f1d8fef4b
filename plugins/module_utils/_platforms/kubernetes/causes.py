# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of scheduler, kubelet and controllers about a pod that does not run.

Tried on Kubernetes 1.36 with containerd 2.2. Reasons: k8s.io/kubernetes/pkg/kubelet/images/types.go
and pkg/kubelet/events/event.go; the scheduler's from its plugins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..._core.cause import Cause
from ..._deploy.start_failures import START_FAILURES

_AT_ONCE, _SOON = 1.0, 3.0
# A volume that is created when it is claimed: the scheduler retries, and storage is slow.
_BOUND, _MADE = 10.0, 30.0
IMAGE_REASONS = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ErrImageInspect",
)
_NOT_STARTED = ("CreateContainerError", "RunContainerError", "CreateContainerConfigError")

# kubernetes/pkg/scheduler/framework/plugins/volumebinding/binder.go
_VOLUME = (
    "binding volumes",
    "persistentvolumeclaim",
    "PersistentVolume",
    "persistent volumes",
    "free storage",
    "pvc(s)",
)
# A part of the scheduler's message -> kind, text, patience; what needs patience, a pod that
# ends may make possible. A message has the reasons of all nodes, so several rows may fit: the first
# one counts.
_NO_VOLUME = "its volume cannot be provisioned"
_UNSCHEDULABLE: tuple[tuple[str, str, str, float], ...] = (
    (
        "didn't have free ports",
        "port_taken",
        "its host port is in use on every node that may run it",
        _SOON,
    ),
    (
        "Insufficient",
        "no_resources",
        "no node has the CPU, memory or devices that it reserves",
        _SOON,
    ),
    ("unbound immediate PersistentVolumeClaims", "no_volume", _NO_VOLUME, _MADE),
    *((words, "no_volume", _NO_VOLUME, _BOUND) for words in _VOLUME),
    (
        "pod anti-affinity",
        "no_node",
        "every node that may run it has one of its replicas",
        _SOON,
    ),
    ("node affinity/selector", "no_node", "no node matches its placement", _AT_ONCE),
    ("untolerated taint", "no_node", "every node has a taint that it does not tolerate", _SOON),
    ("were unschedulable", "no_node", "every node is cordoned", _SOON),
)
_IMAGE: tuple[tuple[tuple[str, ...], str, str, bool], ...] = (
    (
        (
            "unauthorized",
            "denied",
            "authorization failed",
            "authentication required",
            "no basic auth",
            "forbidden",
        ),
        "image_denied",
        "the registry denies access to",
        True,
    ),
    (
        # Before "not found", which is the end of this message of containerd, too.
        ("no match for platform",),
        "wrong_architecture",
        "the registry has no build for the node's architecture of",
        True,
    ),
    (
        ("not found", "manifest unknown", "name unknown"),
        "image_missing",
        "the registry has no",
        True,
    ),
    (
        ("InvalidImageName", "couldn't parse image"),
        "image_missing",
        "the registry cannot have an image named",
        True,
    ),
)
_MOUNT: tuple[tuple[str, str, str], ...] = (
    ("secret", "missing_object", "a Secret that it needs is missing"),
    ("configmap", "missing_object", "a ConfigMap that it needs is missing"),
)
MOUNT_REASONS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
SANDBOX_REASONS = ("FailedCreatePodSandBox",)
_HEALTH_LENGTH = 300
_PROBE = re.compile(
    r"(?:Liveness|Readiness|Startup) probe (?:failed|errored)[^:]*: ?(?P<output>.*)", re.DOTALL
)
PULL_SECRET_REASONS = ("FailedToRetrieveImagePullSecret",)
_MOUNT_PATIENCE = 4.0
_SANDBOX_PATIENCE, _PULL_PATIENCE = 8.0, 6.0
# What a kubelet or an API server that has much to do hears of too late, and tries again: a Secret
# or ConfigMap; that the pod may read them or its claim.
_BUSY = (
    "failed to sync",
    "no relationship found between node",
    "node requested token bound to a pod scheduled on a different node",
)
_BUSY_PATIENCE = 30.0
# How controllers begin the message of a FailedCreate event (pkg/controller of Kubernetes 1.36),
# and client-go that of several that are alike.
_REJECTED = re.compile(
    r"^(?:\(combined from similar events\): )?(?:create (?:Pod|Claim) .*? failed error: |"
    r"Error creating: )"
)
# What comes a moment later in a new namespace, or answers again when its pod has started.
_ADMITTED_LATER = (
    "failed calling webhook",
    "error looking up service account",
    "status unknown for quota",
)
_ADMITTED = 10.0
# The kubelet's messages while the runtime is away, as in an upgrade (google.golang.org/grpc).
_AWAY = (
    "error reading from server",
    "Error while dialing",
    "transport is closing",
    "connection is closing",
)


def unschedulable(message: str, *, other_architecture: bool) -> Cause | None:
    """Return why the scheduler finds no node.

    ``other_architecture`` where the service requires one and nothing else.
    """
    for words, kind, text, patience in _UNSCHEDULABLE:
        if words in message:
            if kind == "no_node" and other_architecture and patience == _AT_ONCE:
                kind, text = "wrong_architecture", "no node has the architecture that it needs"
            return Cause(
                kind,
                f"cannot be scheduled, because {text} ({_short(message)})",
                patience=patience,
                room=patience > _AT_ONCE,
            )
    if not message:
        return None
    text = f"cannot be scheduled, because no node is suitable ({_short(message)})"
    return Cause("no_node", text, patience=_SOON, room=True)


def _short(message: str) -> str:
    """Return the scheduler's sentence without its part on preemption."""
    return message.partition(" preemption:")[0].rstrip(". ")


def image(reason: str, message: str, name: str) -> Cause:
    """Return why an image is not available."""
    # The name of the image may have one of the words, such as denied.
    text = f"{reason} {message}".replace(name, "")
    for words, kind, sentence, final in _IMAGE:
        if any(word in text for word in words):
            text = f"cannot start, because {sentence} {name} ({_last(message)})"
            return Cause(kind, text, final=final)
    return Cause(
        "registry_unreachable",
        f"cannot start, because the node cannot pull {name} ({_last(message)})",
        patience=_patience(message, _PULL_PATIENCE),
    )


def denied(cause: Cause, *, unread: bool) -> Cause:
    """Return why an image is denied to a pod with credentials.

    ``unread`` where its kubelet could not read them, and tries again.
    """
    return replace(cause, final=False, patience=_BUSY_PATIENCE if unread else _SOON)


def _last(message: str) -> str:
    """Return the end of a chain of errors, which has the cause."""
    return message.rpartition("desc = ")[2].strip() or message


def not_started(reason: str, message: str) -> Cause | None:
    """Return why a container is not even started; None for any other reason."""
    if reason not in _NOT_STARTED:
        return None
    lowered = message.lower()
    for words, kind, text in _MOUNT:
        if words in lowered and "not found" in lowered:
            return Cause(kind, f"cannot start, because {text} ({message})", patience=_SOON)
    # Before START_FAILURES: a runtime that is away has no socket, which it reports as a file that
    # does not exist.
    return (
        Cause("start_failed", f"cannot start ({message})", patience=_BUSY_PATIENCE)
        if _passes(message)
        else started(message)
    )


def _passes(message: str) -> bool:
    return any(words in message for words in (*_BUSY, *_AWAY))


def _patience(message: str, otherwise: float) -> float:
    """Return for how long it may last; longer where it passes by itself."""
    return _BUSY_PATIENCE if _passes(message) else otherwise


def started(message: str) -> Cause:
    """Return why the runtime could not start a container."""
    for words, kind, text, final in START_FAILURES:
        if words in message:
            shown = f"cannot start, because {text} ({message})"
            return Cause(kind, shown, final=final, patience=_SOON)
    return Cause("start_failed", f"cannot start ({message})", patience=_SOON)


def terminated(state: Mapping[str, Any]) -> Cause:
    """Return why a container ended."""
    reason, code = state.get("reason", ""), state.get("exitCode")
    if reason == "OOMKilled":
        return Cause("killed_for_memory", "was killed, because it exceeded its memory limit")
    # StartError is containerd's word, ContainerCannotRun that of cri-dockerd.
    if reason in ("StartError", "ContainerCannotRun"):
        return started(str(state.get("message", "")))
    if code == 0:
        return Cause("ended", "exited with code 0")
    return Cause("crash", f"exited with code {code}")


def mount(message: str) -> Cause:
    """Return why a volume cannot be mounted."""
    lowered = message.lower()
    text = message.rpartition('" : ')[2] or message
    for words, kind, sentence in _MOUNT:
        if words in lowered and "not found" in lowered:
            shown = f"cannot start, because {sentence} ({text})"
            return Cause(kind, shown, patience=_MOUNT_PATIENCE)
    return Cause(
        "mount_failed",
        f"cannot start, because a volume cannot be mounted ({text})",
        patience=_patience(message, _MOUNT_PATIENCE),
    )


def sandbox(message: str) -> Cause:
    """Return why a pod has no network or sandbox."""
    return Cause(
        "sandbox_failed",
        f"cannot start, because its sandbox cannot be created ({_last(message)})",
        patience=_patience(message, _SANDBOX_PATIENCE),
    )


def rejected(message: str) -> Cause:
    """Return why the API server rejects the pods of a workload."""
    text = _REJECTED.sub("", message)
    # Pods that end make room in a quota; other rejections do not pass by themselves.
    if "exceeded quota" in text:
        used_up = f"cannot be created, because the namespace's quota is used up ({text})"
        return Cause("quota", used_up, patience=_SOON, room=True)
    patience = _ADMITTED if any(words in text for words in _ADMITTED_LATER) else _SOON
    shown = f"cannot be created, because the cluster rejects its pods ({text})"
    return Cause("pods_rejected", shown, patience=patience)


def gone(pod: Mapping[str, Any]) -> Cause:
    """Return why a pod as a whole has ended."""
    status = pod.get("status", {})
    reason = status.get("reason", "")
    if reason == "Evicted":
        return Cause("evicted", f"was evicted from its node ({status.get('message', '')})")
    message = f": {status['message']}" if status.get("message") else ""
    return Cause("crash", f"exited ({reason or status.get('phase')}{message})")


def probed(messages: Iterable[str]) -> str:
    """Return what the last failed probe printed; empty where none failed.

    ``messages`` are those of a pod's ``Unhealthy`` events, the oldest first. A probe that is killed
    with its container, or runs after its end, does not show the cause.
    """
    found = [match["output"] for match in map(_PROBE.match, messages) if match]
    said = [
        " ".join(output.split())[:_HEALTH_LENGTH] for output in found if "rpc error" not in output
    ]
    return next(filter(None, reversed(said)), "nothing" if said else "")
