# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.shipping.code.plugins.plugin_utils._controller.controller_action import (
    ControllerAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.commit_status import (
    STATES,
    TYPES,
    CommitStatus,
    Forge,
    request,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.status_client import send

_OPTIONS: dict[str, dict[str, Any]] = {
    "type": {"type": "str", "choices": list(TYPES), "required": True},
    "url": {"type": "str", "default": ""},
    "project": {"type": "str", "required": True},
    "token": {"type": "str", "required": True, "no_log": True},
    "ca_path": {"type": "path"},
    "commit": {"type": "str", "required": True},
    "branch": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": list(STATES), "required": True},
    "name": {"type": "str", "default": "shipping.code"},
    "description": {"type": "str", "default": ""},
    "target_url": {"type": "str", "default": ""},
}


class ActionModule(ControllerAction):
    """Set a status from the controller; no host is needed."""

    def task_result(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Send the status."""
        _checked, options = self.validate_argument_spec(_OPTIONS)
        return _run(options, check=bool(self._task.check_mode))


def _run(options: dict[str, Any], *, check: bool) -> dict[str, Any]:
    forge = Forge(options["type"], options["project"], options["token"], options["url"])
    names = ("commit", "state", "name", "description", "target_url", "branch")
    status = CommitStatus(**{name: options[name] for name in names})
    # Before anything is sent, and also in check mode.
    request(forge, status)
    cause = "" if check else send(forge, status, options["ca_path"] or "")
    if not cause:
        return {"changed": True, "posted": not check}
    warning = (
        f"the status {status.state} of commit {status.commit[:12]} is not set: {cause}."
        f" Check url, project and token, and that the forge runs"
    )
    return {"changed": False, "posted": False, "warnings": [warning]}
