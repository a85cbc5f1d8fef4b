# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The defaults of a service that the normal form has filled in."""

from __future__ import annotations

# The defaults of `docker service create`, filled in so that a default is the same spec whether
# it is written or not.
UPDATE_DEFAULTS: dict[str, object] = {
    "parallelism": 1,
    "delay": "0s",
    "failure_action": "pause",
    "monitor": "5s",
    "max_failure_ratio": 0.0,
    "order": "stop-first",
}
RESTART_DEFAULTS: dict[str, object] = {
    "condition": "any",
    "delay": "5s",
    "max_attempts": 0,
    "window": "0s",
}
