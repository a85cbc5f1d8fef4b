# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.shipping.code.plugins.plugin_utils._controller.catalog_action import (
    CatalogAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.controller_action import (
    ControllerAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.progress_lines import (
    is_quiet,
    print_line,
)
from ansible_collections.shipping.code.plugins.plugin_utils._locking.lock_run import RunMode, run
from ansible_collections.shipping.code.plugins.plugin_utils._locking.outdated import versions_table
from ansible_collections.shipping.code.plugins.plugin_utils._locking.package_index import PYPI

_OPTIONS: dict[str, dict[str, Any]] = {
    "catalog": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["locked", "outdated"], "default": "locked"},
    "projects": {"type": "list", "elements": "str", "default": []},
    "tools": {"type": "list", "elements": "str", "default": []},
    "platforms": {
        "type": "list",
        "elements": "str",
        "default": ["linux/x86_64", "linux/aarch64"],
    },
    "upgrade": {"type": "bool", "default": False},
    "index_url": {"type": "str", "default": PYPI},
    "index_username": {"type": "str"},
    "index_password": {"type": "str", "no_log": True},
    "uv_path": {"type": "path"},
}


class ActionModule(ControllerAction, CatalogAction):
    """Lock a catalog of the controller; no host is needed."""

    def task_result(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Lock the catalog, or find what is outdated."""
        _checked, options = self.validate_argument_spec(
            _OPTIONS, required_together=[("index_username", "index_password")]
        )
        options["catalog"] = self.catalog_path(options["catalog"])
        mode = RunMode(check=self._task.check_mode, diff=self._task.diff)
        result = run(options, mode)
        _show(result)
        if not self._task.diff:
            result.pop("diff", None)
        return result


def _show(result: dict[str, Any]) -> None:
    if not is_quiet("auto"):
        for line in versions_table(result.get("versions", ())):
            print_line(line)
