# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inspect a host: its tools, their users, and what differs from what was delivered."""

from __future__ import annotations

import os
from typing import Any

from . import holds, workstation
from .atomic_files import read_json
from .delivery_report import users
from .generation_model import Generation
from .generations import Generations
from .tool_store import damaged_tools


def inspect(root: str) -> dict[str, Any]:
    """Return the installed state of a workstation, without a lock and without changes."""
    workstation.check(root)
    generations = Generations(root)
    # No lock: generations and the link to the current one are put in place by renames alone.
    current = generations.current()
    state = read_json(os.path.join(root, "state.json")) or {}
    kept = [
        generation
        for generation in map(generations.read, generations.numbers())
        if generation and generation.number <= current.number
    ]
    return {
        "changed": False,
        "host": state.get("host", ""),
        "revision": state.get("revision", ""),
        "generation": current.number,
        "generations": [
            {
                "number": generation.number,
                "created": generation.created,
                "rolled_back_to": generation.rolled_back_to,
                "tools": len(list(generation.tools)),
            }
            for generation in kept
        ],
        "users": users(current.views),
        "holds": holds.as_data(holds.read(root)),
        "drift": _drift(root, generations, current),
    }


def _drift(root: str, generations: Generations, current: Generation) -> list[str]:
    if not current.number:
        return []
    views = f"the views of generation {current.number}"
    return damaged_tools(root, current) + ([] if generations.is_sound(current) else [views])
