# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where a run meets AnsibleModule."""

from __future__ import annotations

from typing import Any

from .._core.module_exit import answer
from . import entry
from .prepare import Planner

__all__ = ["answer", "run"]


def run(module: Any, planner: Planner) -> None:
    """Run a module to its end; errors become its failure, with their facts."""
    answer(module, lambda options: entry.run(options, module.check_mode, planner))
