# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect evidence of a failed task.

Its container's end, its health check, its last lines.
"""

from __future__ import annotations

from typing import Any

from ..._core.cause import Cause
from ..._core.errors import PlatformError
from ..._deploy.state import Evidence, Task
from .engine import Engine
from .image_digests import EngineCredentials, ask_registry
from .spec_fields import get

_LINES = 20
_HEALTH_LENGTH = 300
# The engine's default where neither the spec nor the image sets retries.
_DEFAULT_RETRIES = 3
# 128 + 9 (SIGKILL).
_KILLED = 137


class Diagnoser:
    """Collect evidence of a failed task; see ports.Diagnoser."""

    def __init__(self, engine: Engine, credentials: EngineCredentials) -> None:
        self._engine = engine
        self._credentials = credentials

    def evidence(self, task: Task, cause: Cause, reference: str) -> Evidence:
        """Return everything that the connected engine, the registry and the log can say."""
        engine = self._engine
        if cause.kind in ("image_unavailable", "image_denied"):
            return Evidence(image=_image(engine, task, reference, self._credentials))
        if not task.id or not task.node:
            return Evidence()
        body = engine.get(f"/tasks/{task.id}")
        container = get(body, "Status.ContainerStatus.ContainerID")
        if not container:
            return Evidence()
        # Logs come through any manager; health output and OOMKilled exist only in the inspect of
        # the engine that ran the container.
        logs, note = _logs(engine, task.id)
        is_here = get(engine.get("/info"), "Swarm.NodeID") == body.get("NodeID")
        if not is_here:
            note = f"for more, run docker inspect {container[:12]} on {task.node}"
            return Evidence(logs=logs, note=note)
        return _inspected(engine, container, logs, note)


def _inspected(engine: Engine, container: str, logs: tuple[str, ...], note: str) -> Evidence:
    try:
        inspected = engine.get(f"/containers/{container}/json")
    except PlatformError as error:
        return Evidence(logs=logs, note=note or f"its container was removed ({error.why})")
    state = inspected.get("State", {})
    checks = get(state, "Health.Log") or []
    own = _own_checks(checks, is_running=bool(state.get("Running")))
    return Evidence(
        exit_code=state.get("ExitCode"),
        killed_for_memory=bool(state.get("OOMKilled")),
        unhealthy=_was_unhealthy(inspected, killed=len(checks) - len(own)),
        health=_last_failed(own),
        logs=logs,
        note=note,
    )


def _own_checks(checks: list[dict[str, Any]], *, is_running: bool) -> list[dict[str, Any]]:
    """Return the health checks without the one that was killed with its container."""
    # When the first process of a container ends, the kernel kills the others (pid_namespaces(7)),
    # and the engine counts a check among them as failed: seen on Docker 20.10. A check that is
    # killed repeatedly has a time limit of its own.
    killed = [check.get("ExitCode") == _KILLED for check in checks]
    is_last = killed[-1:] == [True] and not any(killed[:-1])
    return checks[:-1] if is_last and not is_running else checks


def _was_unhealthy(inspected: dict[str, Any], *, killed: int) -> bool:
    """Return whether its health check failed as often as it may.

    The engine calls every stopped container unhealthy. ``killed`` checks did not fail.
    """
    retries = get(inspected, "Config.Healthcheck.Retries") or _DEFAULT_RETRIES
    streak = get(inspected, "State.Health.FailingStreak") or 0
    return bool(streak - killed >= retries)


def _last_failed(checks: list[dict[str, Any]]) -> str:
    """Return what the last failed check printed; its exit code where none printed anything."""
    failed = [check for check in checks if check.get("ExitCode")]
    outputs = [" ".join(str(check.get("Output", "")).split()) for check in failed]
    said = next(filter(None, reversed(outputs)), "")
    return (
        said[:_HEALTH_LENGTH]
        if said or not failed
        else f"nothing, exit code {failed[-1]['ExitCode']}"
    )


def _image(engine: Engine, task: Task, reference: str, credentials: EngineCredentials) -> Cause:
    """Query the registry again, since the engine hides why a pull failed."""
    # A task reports only "No such image", whatever the registry answered.
    asked = ask_registry(engine, reference, credentials)
    if isinstance(asked, Cause):
        return asked
    return Cause(
        "image_unavailable",
        f"{task.node or 'the node'} could not pull {reference}, which the registry has; the"
        " engine's log there shows why",
        final=True,
    )


def _logs(engine: Engine, task: str) -> tuple[tuple[str, ...], str]:
    """Return the last lines of a task, and why there are none where they cannot be read."""
    try:
        # Some log drivers cannot be read back; that must not hide the cause.
        content = engine.raw(f"/tasks/{task}/logs", stdout=1, stderr=1, tail=_LINES)
    except PlatformError as error:
        return (), f"its log cannot be read ({error.why})"
    text = b"".join(frames(content)).decode("utf-8", "replace")
    return tuple(line.rstrip() for line in text.splitlines() if line.strip()), ""


def frames(content: bytes) -> list[bytes]:
    """Split a multiplexed stream: 8 bytes of header, the last four the length, then a payload."""
    result, start = [], 0
    # API, ContainerAttach, "Stream format".
    while start + 8 <= len(content):
        end = start + 8 + int.from_bytes(content[start + 4 : start + 8], "big")
        result.append(content[start + 8 : end])
        start = end
    return result
