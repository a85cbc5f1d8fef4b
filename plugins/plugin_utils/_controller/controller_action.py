# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run an action on the controller alone, without a module and without a connection."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ...module_utils._core.errors import ShippingError
from .progress_lines import slow_calls_shown


class ControllerAction(ActionBase):
    """An action that needs no host; subclasses return its result."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def task_result(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Return the result of the task; a ShippingError fails the task."""
        raise NotImplementedError

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        with slow_calls_shown(str(variables.get("inventory_hostname", "localhost"))):
            try:
                result.update(self.task_result(variables))
            except ShippingError as error:
                result.update(error.as_result())
        return result
