# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.shipping.code.plugins.plugin_utils._controller.router_action import (
    RouterAction,
)


class ActionModule(RouterAction):
    """Runs the module of the same name with the keys of the control node."""
