# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow an app's services by reading them again and again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..._core.answer_shape import reading_answers_of
from ..._core.parallel import side_by_side
from ..._deploy.resolution import Resolved
from ..._deploy.state import States
from .engine import Engine
from .observe import APP, STACK, Snapshot, split_services, states

# Only the names of nodes are shown, so they may be a little old.
_NODES_EVERY = 5


class StateWatch:
    """Follow an app's services; see ports.StateWatch."""

    def __init__(self, engine: Engine, app: str, resolved: Resolved, monitor: float) -> None:
        self._engine = engine
        self._app = app
        self._resolved = resolved
        self._monitor = monitor
        self._nodes: list[dict[str, Any]] = []
        self._nodes_read = float("-inf")

    @reading_answers_of("the engine")
    def states(self, revisions: Mapping[str, int]) -> States:
        """Read services and tasks only; the nodes every few seconds."""
        # Two calls for the whole app, however many services it has.
        services, tasks = side_by_side(
            lambda call: self._engine.get(call[0], filters={"label": [call[1]]}),
            [("/services", f"{APP}={self._app}"), ("/tasks", f"{STACK}={self._app}")],
        )
        if time.monotonic() - self._nodes_read > _NODES_EVERY:
            self._nodes, self._nodes_read = self._engine.get("/nodes"), time.monotonic()
        own, _unmanaged = split_services(self._app, services)
        snapshot = Snapshot(services=own, tasks=tasks, nodes=self._nodes, clock=self._engine.clock)
        return states(self._app, snapshot, self._resolved, self._monitor)

    def wait(self, seconds: float) -> None:
        """Wait for the whole time, since the engine has no events of tasks."""
        time.sleep(seconds)
