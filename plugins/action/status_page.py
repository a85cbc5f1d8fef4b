# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._core.atomic_write import (
    write_atomically,
)
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    ShippingError,
    os_words,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.controller_action import (
    ControllerAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.status_page import (
    page,
    without_time,
)

_OPTIONS: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "title": {"type": "str", "default": "Releases"},
    "environments": {"type": "dict", "required": True},
}
_MODE = 0o644


class ActionModule(ControllerAction):
    """Write the page on the controller; no host is needed."""

    def task_result(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Write the page."""
        _checked, options = self.validate_argument_spec(_OPTIONS)
        read_at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        text = page(options["title"], options["environments"], read_at)
        try:
            before = _content(options["path"])
            if not self._task.check_mode:
                write_atomically(options["path"], text.encode(errors="replace"), _MODE)
        except OSError as error:
            raise ShippingError(
                f"{options['path']} cannot be written",
                os_words(error),
                "Name a path in a folder of the controller that you may write to",
            ) from error
        old, new = without_time(before), without_time(text)
        result = {"changed": old != new, "path": options["path"]}
        if self._task.diff:
            result["diff"] = {"before": old, "after": new, "before_header": options["path"]}
        return result


def _content(path: str) -> str:
    """Return the content of a file; empty if it does not exist."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""
