# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._deploy import argument_specs
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS
from ansible_collections.shipping.code.plugins.plugin_utils._controller.experiment_action import (
    ExperimentAction,
)


class ActionModule(ExperimentAction):
    """Reads the record and the data of an experiment, analyzes them and writes the report."""

    arguments = PLATFORMS.argument_spec(argument_specs.EXPERIMENT_INFO)

    def outcome(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the experiment as it is."""
        read = self.read(options)
        return {"changed": False, **self.described(read), **self.reported(read, options)}
