# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.shipping.code.plugins.module_utils._core.slow_calls import waiting_for
from ansible_collections.shipping.code.plugins.plugin_utils._controller.progress_lines import (
    slow_calls_shown,
)


class ActionModule(NormalAction):
    """Runs the module as any other, and shows when AWX takes long to answer."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action."""
        host = str((task_vars or {}).get("inventory_hostname", "localhost"))
        with slow_calls_shown(host), waiting_for("AWX"):
            result: dict[str, Any] = super().run(tmp, task_vars)
        return result
