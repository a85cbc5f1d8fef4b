# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    ramp_plan,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS
from ansible_collections.shipping.code.plugins.plugin_utils._controller.in_process import ModuleSpec
from ansible_collections.shipping.code.plugins.plugin_utils._controller.live_action import (
    LiveAction,
)


class ActionModule(LiveAction):
    """Runs the module of the same name and shows its progress."""

    module = ModuleSpec(
        PLATFORMS.argument_spec(argument_specs.PROGRESS),
        ramp_plan.progress,
        PLATFORMS,
    )
