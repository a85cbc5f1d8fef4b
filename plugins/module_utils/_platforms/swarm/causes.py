# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swarm's words for why a task does not run, and what they mean.

The texts come from the scheduler's filters (moby/swarmkit manager/scheduler/filter.go) and from the
executor of the engine; tried on Docker 20.10 and 26.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..._core.cause import Cause
from ..._deploy.start_failures import START_FAILURES

_AT_ONCE = 1.0

# What stands in a task's Err -> kind, text, patience; what needs patience, a task that goes may
# make possible.
_WAITING: tuple[tuple[str, str, str, float], ...] = (
    (
        "scheduling constraints not satisfied",
        "no_machine",
        "no machine matches its placement",
        _AT_ONCE,
    ),
    (
        "max replicas per node limit exceed",
        "no_machine",
        "every machine has max_replicas_per_node of its tasks",
        3.0,
    ),
    (
        "unsupported platform",
        "wrong_architecture",
        "no machine has the architecture it needs",
        _AT_ONCE,
    ),
    ("insufficient resources", "no_resources", "no machine has the CPU or memory it reserves", 3.0),
    (
        "host-mode port already in use",
        "port_taken",
        "its host port is taken on every machine that may run it",
        3.0,
    ),
    (
        "missing plugin",
        "missing_plugin",
        "no machine has the volume, network or log plugin it needs",
        _AT_ONCE,
    ),
    ("no suitable node", "no_machine", "no machine can run it", 3.0),
)
_FAILED: tuple[tuple[str, str, str, bool], ...] = (
    ("no such image", "image_unavailable", "its image cannot be had", True),
    ("pull access denied", "image_denied", "the registry refuses its image", True),
    ("bind source path does not exist", "mount_failed", "a bind-mounted path does not exist", True),
    ("invalid mount config", "mount_failed", "a mount cannot be made", True),
    ("failed to mount local volume", "mount_failed", "a volume cannot be mounted", False),
    *START_FAILURES,
    (
        "port is already allocated",
        "port_taken",
        "its host port is taken by something else on the machine",
        False,
    ),
    (
        "address already in use",
        "port_taken",
        "its host port is taken by something else on the machine",
        False,
    ),
    ("unhealthy container", "unhealthy", "its health check fails", False),
    # Last: the texts of more exact causes follow these words.
    ("starting container failed", "start_failed", "cannot be started", False),
)
_EXIT = re.compile(r"non-zero exit \((\d+)\)")


def waiting(error: str) -> Cause | None:
    """Return why a task is assigned to no node; None while the scheduler reports nothing."""
    for words, kind, text, patience in _WAITING:
        if words in error:
            return Cause(
                kind, f"{text} ({_inner(error)})", patience=patience, room=patience > _AT_ONCE
            )
    return None


def failed(status: Mapping[str, Any]) -> Cause:
    """Return why a task ended."""
    error = str(status.get("Err") or "")
    for words, kind, text, final in _FAILED:
        if words in error.lower():
            return Cause(kind, f"{text} ({error})" if kind != "unhealthy" else text, final=final)
    code = exit_code(status)
    if code == 0 and not error:
        return Cause("ended", "ended by itself with exit code 0")
    if error and not _EXIT.search(error):
        return Cause("start_failed", f"cannot be started ({error})")
    # Out of memory is only exit code 137 here: OOMKilled is in the inspect of the node's engine.
    return Cause("crash", f"ended with exit code {code}" if code is not None else "ended")


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
