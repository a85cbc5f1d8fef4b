# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.shipping.code.plugins.plugin_utils._controller.progress_lines import (
    print_line,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.router_action import (
    RouterAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.traffic_table import traffic


class ActionModule(RouterAction):
    """Run the module of the same name with the keys of the control node; show it as a table."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action."""
        result = super().run(tmp, task_vars)
        if boolean(self._task.args.get("show"), strict=False) and not result.get("failed"):
            host = str((task_vars or {}).get("inventory_hostname", "localhost"))
            for line in traffic(result):
                print_line(f"{host} | {line}".rstrip())
        return result
