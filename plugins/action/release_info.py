# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.shipping.code.plugins.module_utils._core.slow_calls import waiting_for
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    app_info,
    argument_specs,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS
from ansible_collections.shipping.code.plugins.plugin_utils._controller.in_process import read_here
from ansible_collections.shipping.code.plugins.plugin_utils._controller.progress_lines import (
    print_line,
    slow_calls_shown,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.status_table import status


class ActionModule(ActionBase):
    """Run the module of the same name and, with show, print a table of the result."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        host = str(variables.get("inventory_hostname", "localhost"))
        with slow_calls_shown(host), waiting_for(f"the module on {host}"):
            result.update(self._read(variables))
        if boolean(self._task.args.get("show"), strict=False) and not result.get("failed"):
            for line in status(result):
                print_line(f"{host} | {line}")
        return result

    def _read(self, variables: dict[str, Any]) -> dict[str, Any]:
        # A process of its own takes about a second, most of which are its imports.
        found = read_here(
            self,
            variables,
            PLATFORMS.argument_spec(argument_specs.INFO),
            self._task.args,
            lambda options: app_info.read_app(options, PLATFORMS),
        )
        if found is None:
            found = self._execute_module(task_vars=variables)
        return found
