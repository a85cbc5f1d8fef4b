# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Space of a platform's nodes for more replicas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeSpace:
    """Unreserved billionths of a CPU and bytes of a node, and its free replicas if limited."""

    cpus: int
    memory: int
    replicas: int | None = None


@dataclass(frozen=True)
class SpareCapacity:
    """The space of each node; ``limits_reserve``: a limit without a reservation is one."""

    nodes: tuple[NodeSpace, ...]
    limits_reserve: bool = False
