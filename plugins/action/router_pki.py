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
    "state": {"type": "str", "choices": ["present", "next", "former"], "default": "present"},
    "rotate": {"type": "bool", "default": False},
}


_MOVES = {"next": pki_folder.promote_next, "former": pki_folder.restore_former}


class ActionModule(ControllerAction, RouterKeys):
    """Make the keys on the control node; no host is needed."""

    def task_result(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Make the keys, let the next ones replace them, or restore the former ones."""
        _checked, options = self.validate_argument_spec(_OPTIONS)
        folder = self.keys_folder(options["path"])
        check = bool(self._task.check_mode)
        moved = False
        if options["state"] != "present":
            moved = _MOVES[options["state"]](folder, check=check)
        _files, made = pki_folder.ensure_pki(
            folder,
            self.read_file,
            datetime.now(UTC),
            rotate=options["rotate"] and options["state"] == "present",
            check=check,
        )
        return {
            "changed": moved or made,
            "path": str(folder),
            "rotating": pki_folder.is_rotating(folder),
        }
