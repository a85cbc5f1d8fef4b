# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells of an experiment: each run of its design as a variant of the service. Pure.

``stable`` is no cell: it serves the holdout, units that the ramp has not reached, and requests
without a unit. The cell with the first level of each factor is the control, a variant of its own.
A cell without an overlay is a variant by request headers, which the replicas of the service serve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .designs import Design, Run
from .experiment import Experiment

CONTROL = "control"
HEADER = "X-Experiment"
"""The header with the name of the cell, which all cells have."""


@dataclass(frozen=True)
class Cell:
    """A run of the design: the variant ``name`` with the level of each factor.

    ``block`` is the number of the block in which it runs.
    """

    name: str
    run: Run
    levels: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    overlay: Mapping[str, Any] = field(default_factory=dict)
    block: int = 0

    @property
    def is_control(self) -> bool:
        """Return whether other cells are compared with it."""
        return self.name == CONTROL


@dataclass(frozen=True)
class Layout:
    """An experiment with its design and its cells; the control is the first cell."""

    experiment: Experiment
    design: Design
    cells: tuple[Cell, ...]

    @property
    def arms(self) -> tuple[str, ...]:
        """Return the names of the cells, which are the arms of the analysis."""
        return tuple(cell.name for cell in self.cells)
