# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swarm's messages about a task that does not run, and what they mean.

The texts come from the scheduler's filters (moby/swarmkit manager/scheduler/filter.go), from the
engine's executor and from libnetwork; tried on Docker 20.10 and 26.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._core.cause import Cause
from ..._deploy.start_failures import START_FAILURES

_AT_ONCE = 1.0
# A task that is replaced may hold what the new one needs, and the scheduler notices its end later.
_ROOM = 5.0
# An engine that restarts is back by then, and a manager has noticed it.
_RESTART = 15.0


class _Waiting(NamedTuple):
    """A message in the Err of a task that waits, and for how long the task may wait."""

    words: str
    kind: str
    text: str
    patience: float


# A scheduler names every filter by which it left nodes out. A node is left out by the first filter
# that does not pass it, so the most specific one comes first here: a node whose port is in use
# matches the placement.
_WAITING = (
    _Waiting(
        "host-mode port already in use",
        "port_taken",
        "its host port is in use on every node that may run it",
        _ROOM,
    ),
    _Waiting(
        "max replicas per node limit exceed",
        "no_node",
        "every node has max_replicas_per_node of its replicas",
        _ROOM,
    ),
    _Waiting(
        "insufficient resources",
        "no_resources",
        "no node has the CPU, memory or devices that it reserves",
        _ROOM,
    ),
    _Waiting(
        "unsupported platform",
        "wrong_architecture",
        "no node has the architecture that it needs",
        _AT_ONCE,
    ),
    _Waiting(
        "scheduling constraints not satisfied",
        "no_node",
        "no node matches its placement",
        _AT_ONCE,
    ),
    _Waiting(
        "missing plugin",
        "missing_plugin",
        "no node has the volume, network or log plugin that it needs",
        _AT_ONCE,
    ),
    _Waiting(
        "not available for new tasks",
        "node_unavailable",
        "every node that may run it is down or drained",
        _RESTART,
    ),
)
# All messages of a scheduler begin so.
_ANY = "no suitable node"
_OTHER = _Waiting(_ANY, "no_node", "no node is suitable", _ROOM)

# A part of the Err of a task that ended, in lower case -> kind, text, whether trying again
# cannot help. The first row that fits counts, so that exact causes come before those whose words
# they contain.
_FAILED: tuple[tuple[str, str, str, bool], ...] = (
    ("no such image", "image_unavailable", "its image is unavailable", True),
    ("pull access denied", "image_denied", "the registry denies access to its image", True),
    ("no space left on device", "disk_full", "its node has no disk space left", False),
    ("assigned node no longer meets", "no_node", "its node does not match its placement", False),
    # Host ports: the engine's proxy, its port allocator, and Docker 28.
    *(
        (words, "port_taken", "its host port is in use on the node", False)
        for words in (
            "port is already allocated",
            "bind: address already in use",
            "failed to bind host port",
        )
    ),
    # libnetwork, drivers/overlay/joinleave.go: "error creating vxlan interface: file exists" is
    # what an engine leaves that was killed hard. Its own IP address management reports "Address
    # already in use", too.
    *(
        (words, "network_failed", "its node cannot join it to its networks", False)
        for words in (
            "sandbox join failed",
            "error creating vxlan interface",
            "on gw network failed",
            "attaching to network failed",
            "failed to allocate gateway",
            "address already in use",
            "no available addresses on this pool",
            "no available ipv4 addresses",
            "non-overlapping ipv4 address pool",
            "driver failed programming external connectivity",
            "failed to set up container networking",
            "no such network",
        )
    ),
    ("bind source path does not exist", "mount_failed", "a bind-mounted path does not exist", True),
    ("invalid mount", "mount_failed", "a mount fails", True),
    ("volume name must be unique", "volume_differs", "a volume exists with another driver", True),
    ("looking up volume plugin", "missing_plugin", "its node lacks the volume plugin", False),
    ("invalid option:", "mount_failed", "a volume has an option that its driver lacks", True),
    ("missing required option", "mount_failed", "a volume lacks an option of its driver", True),
    *(
        (words, "mount_failed", "a volume cannot be mounted", False)
        for words in ("failed to mount local volume", "error while mounting volume")
    ),
    ("error mounting", "mount_failed", "a mount fails", False),
    ("looking up logging plugin", "missing_plugin", "its node lacks the log driver", False),
    (
        "failed to initialize logging driver",
        "logging_failed",
        "its log driver does not reach its target",
        False,
    ),
    ("unknown log opt", "logging_failed", "its log driver has no such option", True),
    *(
        (words, "limit_rejected", "its node does not support its resource limits", True)
        for words in ("range of cpus is from", "minimum memory limit allowed")
    ),
    *(
        (words, "setting_rejected", "its node rejects one of its settings", final)
        for words, final in (
            ("invalid capadd", True),
            ("invalid capdrop", True),
            ("invalid signal", True),
            ("wrong rlimit value", True),
            ("error setting rlimit", False),
            ("/proc/sys/", False),
            ("not in a separate kernel namespace", True),
            ("sethostname", True),
        )
    ),
    ("the working directory", "start_failed", "its working directory is unusable", True),
    ("cannot mkdir", "start_failed", "its working directory is unusable", True),
    ("unable to find group", "start_failed", "its group does not exist in the image", True),
    *START_FAILURES,
    ("deadline exceeded", "engine_slow", "its engine did not start it before its timeout", False),
)
_EXIT = re.compile(r"non-zero exit \((\d+)\)")


def waiting(error: str) -> Cause | None:
    """Return why a task is assigned to no node; None while the scheduler reports nothing."""
    rows = [row for row in _WAITING if row.words in error]
    if not rows:
        return _cause(_OTHER, error, _OTHER.patience) if _ANY in error else None
    # Nodes that were left out for another reason may fit as soon as that is over.
    return _cause(rows[0], error, max(row.patience for row in rows))


def _cause(row: _Waiting, error: str, patience: float) -> Cause:
    text = f"cannot be scheduled, because {row.text} ({_inner(error)})"
    return Cause(row.kind, text, patience=patience, room=patience > _AT_ONCE)


def failed(status: Mapping[str, Any]) -> Cause:
    """Return why a task ended."""
    error = str(status.get("Err") or "")
    if "unhealthy container" in error.lower():
        return Cause("unhealthy", "failed its health check")
    for words, kind, text, final in _FAILED:
        if words in error.lower():
            return Cause(kind, f"cannot start, because {text} ({error})", final=final)
    code = exit_code(status)
    if code == 0 and not error:
        return Cause("ended", "exited with code 0")
    if error and not _EXIT.search(error):
        return Cause("not_started", f"cannot start ({error})")
    # Out of memory is only exit code 137 here: OOMKilled is in the inspect of the node's engine.
    return Cause("crash", f"exited with code {code}" if code is not None else "exited")


def exit_code(status: Mapping[str, Any]) -> int | None:
    """Return the exit code of a task's container; None where none ran."""
    match = _EXIT.search(str(status.get("Err") or ""))
    if match:
        return int(match[1])
    container = status.get("ContainerStatus") or {}
    # ExitCode is 0 also where no container was ever made.
    return container.get("ExitCode") if container.get("ContainerID") else None


def _inner(error: str) -> str:
    match = re.search(r"\((.*)\)", error)
    return match[1] if match else error
