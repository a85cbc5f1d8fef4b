# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.shipping.code.plugins.plugin_utils._controller.controller_action import (
    ControllerAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.router_action import (
    RouterKeys,
)
from ansible_collections.shipping.code.plugins.plugin_utils._routing import pki_folder

_OPTIONS: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "former"], "default": "present"},
    "rotate": {"type": "bool", "default": False},
}


class ActionModule(ControllerAction, RouterKeys):
    """Make the keys on the control node; no host is needed."""

    def task_result(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Make the keys, or restore the former ones."""
        _checked, options = self.validate_argument_spec(_OPTIONS)
        folder = self.keys_folder(options["path"])
        check = bool(self._task.check_mode)
        if options["state"] == "former":
            changed = pki_folder.restore_former(folder, check=check)
        else:
            _files, changed = pki_folder.ensure_pki(
                folder,
                self.read_file,
                datetime.now(UTC),
                rotate=options["rotate"],
                check=check,
            )
        return {"changed": changed, "path": str(folder)}
