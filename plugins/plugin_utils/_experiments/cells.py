# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells of an experiment: each run of its design as a variant of the service. Pure.

``stable`` is no cell: it serves the holdout, units that the ramp has not reached, and requests
without a unit. The cell with the first level of each factor is the control, a variant of its own.
A cell without an overlay is a variant by request headers, which the replicas of the service serve.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from ...module_utils._core.errors import PlanError, suggestion
from ...module_utils._routing.buckets import (
    BUCKETS,
    HEADER_VARIANTS,
    MOST_SLOTS,
    STABLE,
    VARIANT_NAME,
)
from .designs import (
    Design,
    Run,
    check_estimable,
    fraction,
    fraction_of_resolution,
    full_factorial,
    plackett_burman,
)
from .experiment import (
    FRACTION,
    INCONCLUSIVE,
    PLACKETT_BURMAN,
    ROLL_BACK,
    DesignChoice,
    Experiment,
    Factor,
    Level,
)

CONTROL = "control"
HEADER = "X-Experiment"
"""The header with the name of the cell, which all cells have."""
_CENTER = "center"
_PERCENT = BUCKETS // 100


@dataclass(frozen=True)
class Cell:
    """A run of the design: the variant ``name`` with the level of each factor.

    ``block`` is the number of the block in which it runs. ``promotion`` is what the service gets
    when the cell is promoted, and ``unpromotable`` has the factors whose level cannot be.
    """

    name: str
    run: Run
    levels: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    overlay: Mapping[str, Any] = field(default_factory=dict)
    block: int = 0
    promotion: Mapping[str, Any] = field(default_factory=dict)
    unpromotable: tuple[str, ...] = ()

    @property
    def is_control(self) -> bool:
        """Return whether other cells are compared with it."""
        return self.name == CONTROL

    def variant(self) -> dict[str, Any]:
        """Return the cell as an entry of ``x-shipping.variants``."""
        return {"name": self.name, "request_headers": dict(self.headers), **self.overlay}


@dataclass(frozen=True)
class ExperimentStage:
    """A part of the experiment: its block, the percentage in all cells, and its end if any."""

    number: int
    block: int
    share: float
    until: datetime | None = None


@dataclass(frozen=True)
class ExperimentLayout:
    """An experiment with its design and its cells; the control is the first cell."""

    experiment: Experiment
    design: Design
    cells: tuple[Cell, ...]

    @property
    def arms(self) -> tuple[str, ...]:
        """Return the names of the cells, which are the arms of the analysis."""
        return tuple(cell.name for cell in self.cells)

    def cell(self, name: str) -> Cell:
        """Return the cell of a name; raise PlanError without it."""
        if name not in self.arms:
            raise PlanError(
                f"{self.experiment.name} has no cell {name}",
                f"its cells are {', '.join(self.arms)}{suggestion(name, self.arms)}",
                "Correct the name",
            )
        return self.cells[self.arms.index(name)]

    def override(self) -> dict[str, Any]:
        """Return the Compose file that adds the cells to the service as variants."""
        variants = [cell.variant() for cell in self.cells]
        return self._compose({"x-shipping": {"variants": variants}})

    def promotion(self, name: str) -> dict[str, Any]:
        """Return the Compose file that gives the service what a cell has."""
        cell = self.cell(name)
        if cell.unpromotable:
            raise PlanError(
                f"the cell {name} cannot be promoted",
                f"the level of {', '.join(cell.unpromotable)} is a request header, and has no"
                " promote with the settings of the service",
                "Write promote in the level, or make it the default of the application",
            )
        return self._compose(dict(cell.promotion))

    def _compose(self, service: dict[str, Any]) -> dict[str, Any]:
        return {"services": {self.experiment.service: service}}

    def weights(self, stage: ExperimentStage) -> dict[str, float]:
        """Return the percentage of each cell, the same for all of the stage's block."""
        running = [cell.name for cell in self.cells if cell.block == stage.block]
        each = int(stage.share * _PERCENT) // len(running) / _PERCENT
        return {cell.name: each if cell.name in running else 0.0 for cell in self.cells}

    def stages(self, started: datetime) -> list[ExperimentStage]:
        """Return the steps of the ramp, the full share, and one stage for each further block."""
        experiment = self.experiment
        most = 100.0 - experiment.holdout
        steps = [(0, min(step.share, most), step.seconds) for step in experiment.ramp]
        blocks = sorted({cell.block for cell in self.cells})
        steps += [(block, most, experiment.design.block_time) for block in blocks]
        ends = accumulate(seconds for _block, _share, seconds in steps)
        return [
            ExperimentStage(number, block, share, started + timedelta(seconds=end))
            for number, ((block, share, _seconds), end) in enumerate(zip(steps, ends, strict=True))
        ]

    def stage(self, started: datetime, now: datetime) -> ExperimentStage:
        """Return the stage at a time; the last one has no end of its own."""
        stages = self.stages(started)
        running = (stage for stage in stages[:-1] if stage.until and now < stage.until)
        return next(running, ExperimentStage(stages[-1].number, stages[-1].block, stages[-1].share))


def layout_of(experiment: Experiment) -> ExperimentLayout:
    """Return the cells of an experiment; raise an error where it cannot be laid out."""
    design = _design(experiment)
    check_estimable(design, experiment.design.estimate)
    _check_count(experiment, design)
    blocks = design.blocks or (0,) * len(design.runs)
    found = [
        _cell(experiment, design, run, block)
        for run, block in zip(design.runs, blocks, strict=True)
    ]
    cells = _with_control(experiment, _distinct(found))
    layout = ExperimentLayout(experiment, design, tuple(cells))
    _check_slots(layout)
    if experiment.default not in (ROLL_BACK, INCONCLUSIVE):
        layout.cell(experiment.default)
    return layout


def _design(experiment: Experiment) -> Design:
    choice = experiment.design
    names = [factor.name for factor in experiment.factors]
    design = _base_design(choice, experiment.factors, names)
    if choice.fold_over:
        design = design.folded_over()
    if choice.blocks:
        design = design.in_blocks(choice.blocks)
    return design.with_center_points(1) if choice.center_points else design


def _base_design(choice: DesignChoice, factors: tuple[Factor, ...], names: list[str]) -> Design:
    if choice.type == PLACKETT_BURMAN:
        return plackett_burman(names)
    if choice.type == FRACTION and choice.generators:
        return _with_first_levels(fraction(names, choice.generators))
    if choice.type == FRACTION and choice.resolution:
        return _with_first_levels(fraction_of_resolution(names, choice.resolution))
    return full_factorial({factor.name: len(factor.levels) for factor in factors})


def _with_first_levels(design: Design) -> Design:
    """Return the fraction of the same aliases that has the run of all first levels, the control.

    A factor whose generator is of an even number of others is high where these are low.
    """
    signs = [-level for level in design.runs[0]]
    if min(signs) > 0:
        return design
    runs = tuple(
        tuple(level * sign for level, sign in zip(run, signs, strict=True)) for run in design.runs
    )
    return replace(design, runs=runs, name=f"{design.name}, signs so that the control is a run")


def _levels(experiment: Experiment, design: Design, run: Run) -> list[tuple[Factor, Level]]:
    levels = []
    for factor, value, column in zip(experiment.factors, run, design.columns(), strict=True):
        levels.append((factor, _level(factor, value, is_signed=min(column) < 0)))
    return levels


def _level(factor: Factor, value: int, *, is_signed: bool) -> Level:
    if is_signed and value == 0 and factor.center:
        return factor.center
    return factor.levels[(value + 1) // 2 if is_signed else value]


def _cell(experiment: Experiment, design: Design, run: Run, block: int) -> Cell:
    """Return the cell of a run, with a name of its levels."""
    levels = _levels(experiment, design, run)
    names = {factor.name: level.name for factor, level in levels}
    if experiment.is_aa:
        return Cell(_name(experiment, names), run, names, {}, {}, block)
    return Cell(
        _name(experiment, names),
        run,
        names,
        {factor.header: level.value for factor, level in levels if factor.header},
        _merged(level.overlay for _factor, level in levels),
        block,
        _merged(level.promote or level.overlay for _factor, level in levels),
        tuple(factor.name for factor, level in levels if _is_unpromotable(factor, level)),
    )


def _is_unpromotable(factor: Factor, level: Level) -> bool:
    return bool(factor.header) and level != factor.levels[0] and not level.promote


def _name(experiment: Experiment, levels: Mapping[str, str]) -> str:
    """Return ``control``, or the names of the levels as that of a variant."""
    first = {factor.name: factor.levels[0].name for factor in experiment.factors}
    if levels == first:
        return CONTROL
    name = re.sub(r"[^a-z0-9]+", "-", "-".join(levels.values()).lower()).strip("-")
    return name if VARIANT_NAME.fullmatch(name) else ""


def _distinct(cells: list[Cell]) -> list[Cell]:
    """Return the cells, each run once, with names of their own."""
    by_levels = {tuple(cell.levels.values()): cell for cell in reversed(cells)}
    unique = [cell for cell in cells if by_levels[tuple(cell.levels.values())] is cell]
    names = [cell.name for cell in unique]
    return [
        _renamed(cell, cell.name if _is_usable(cell.name, names) else f"cell-{number}")
        for number, cell in enumerate(unique, 1)
    ]


def _is_usable(name: str, names: list[str]) -> bool:
    # slotN is a name of the router's own, cell-N one of this function's.
    is_taken = name == STABLE or re.fullmatch(r"slot\d+|cell-\d+", name)
    return bool(name) and names.count(name) == 1 and not is_taken


def _renamed(cell: Cell, name: str) -> Cell:
    return replace(cell, name=name, headers={**cell.headers, HEADER: name})


def _with_control(experiment: Experiment, cells: list[Cell]) -> list[Cell]:
    """Return the cells in an order by the seed, the control first; each block needs one."""
    control = [cell for cell in cells if cell.is_control]
    others = [cell for cell in cells if not cell.is_control]
    if not control:
        raise PlanError(
            f"{experiment.name} cannot be compared with what the service has now",
            "no run of the design has the first level of each factor",
            "Use fold_over, other generators or a full factorial",
        )
    # By the seed, so that the order of buckets does not follow that of the levels.
    random.Random(experiment.seed).shuffle(others)  # noqa: S311
    return [*control, *others]


def _merged(overlays: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for overlay in overlays:
        _merge(result, overlay)
    return result


def _merge(base: dict[str, Any], overlay: Mapping[str, Any]) -> None:
    for key, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        elif isinstance(value, Mapping):
            base[key] = {}
            _merge(base[key], value)
        else:
            base[key] = value


def _check_count(experiment: Experiment, design: Design) -> None:
    if len(design.runs) > HEADER_VARIANTS:
        raise PlanError(
            f"{experiment.name} has too many cells",
            f"a {design.name} has {len(design.runs)}, and a service may have {HEADER_VARIANTS}",
            "Use a fraction, or fewer factors",
        )


def _check_slots(layout: ExperimentLayout) -> None:
    overlays = [cell for cell in layout.cells if cell.overlay]
    if len(overlays) > MOST_SLOTS:
        raise PlanError(
            f"{layout.experiment.name} has too many cells with settings of their own",
            f"it has {len(overlays)}, and a router has {MOST_SLOTS} slots for a service at most",
            "Hand levels to the application in request headers, or use a fraction",
        )


def check_alone(layout: ExperimentLayout, others: Mapping[str, Mapping[str, str]]) -> None:
    """Raise PlanError where another experiment runs on the service.

    ``others`` has the service of each running experiment of the app. Each unit has one variant of a
    service. Experiments of different services assign it independently.
    """
    service = layout.experiment.service
    busy = sorted(
        name
        for name, other in others.items()
        if other["service"] == service and name != layout.experiment.name
    )
    if busy:
        raise PlanError(
            f"{layout.experiment.name} cannot run",
            f"{busy[0]} runs on {service} already, and a unit has one variant of a service",
            f"Stop {busy[0]} first, or put the factors of both into one experiment",
        )
