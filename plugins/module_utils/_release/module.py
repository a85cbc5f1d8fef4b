# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where a run meets AnsibleModule."""

from __future__ import annotations

from typing import Any

from .._app.errors import ShippingError
from . import entry
from .begin import Planner


def run(module: Any, planner: Planner) -> None:
    """Run a module to its end; errors become its failure, with their facts."""
    try:
        result = entry.run(module.params, module.check_mode, planner)
    except ShippingError as error:
        module.fail_json(msg=str(error), **error.facts)
    for note in result.pop("notes", ()) if not module.params.get("_job") else ():
        module.warn(note)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
