# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe the layout of an experiment: its table of cells, properties and aliases. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...module_utils._core.text_table import text_table
from .cells import CONTROL, ExperimentLayout
from .design_properties import properties_of
from .designs import effect_name
from .experiment import INCREASE, RATE
from .power import PowerPlan, PowerQuestion, expected_days, power_plan

_DAY = 86400.0


def cells_data(layout: ExperimentLayout, weights: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the cells with their levels, as a module returns them."""
    return [
        {
            "name": cell.name,
            "levels": dict(cell.levels),
            "block": cell.block,
            "weight": weights.get(cell.name, 0.0),
            "headers": dict(cell.headers),
            "has_replicas": bool(cell.overlay),
        }
        for cell in layout.cells
    ]


def design_data(layout: ExperimentLayout) -> dict[str, Any]:
    """Return the properties of the design, computed from its matrix."""
    design, found = layout.design, properties_of(layout.design)
    aliases = [
        f"{effect_name(effect)} = {' = '.join(map(effect_name, others))}"
        for effect, others in design.aliases().items()
    ]
    return {
        "name": design.name,
        "runs": len(design.runs),
        "balanced": design.is_balanced(),
        "orthogonal": design.is_orthogonal(),
        "resolution": found.resolution,
        "aliases": aliases,
    }


def cell_table(layout: ExperimentLayout, weights: Mapping[str, float]) -> list[str]:
    """Return the lines of the table of cells."""
    names = [factor.name for factor in layout.experiment.factors]
    rows = [["cell", *names, "percent"]]
    for cell in layout.cells:
        levels = [cell.levels[name] for name in names]
        rows.append([cell.name, *levels, f"{weights.get(cell.name, 0.0):g}"])
    return text_table(rows)


def plan_of(layout: ExperimentLayout, units_by_day: float | None) -> PowerPlan | None:
    """Return what the primary response needs; None where its file does not have the numbers.

    ``units_by_day`` is the observed number of units of the service, if any.
    """
    experiment = layout.experiment
    question = _question(layout)
    if question is None or experiment.is_aa:
        return None
    share = (100.0 - experiment.holdout) / 100
    planned = None
    if experiment.sample.units:
        planned = experiment.sample.units * len(layout.cells)
    elif units_by_day:
        planned = round(units_by_day * share * experiment.deadline / _DAY)
    plan = power_plan(question, planned, power=experiment.sample.power)
    if not units_by_day:
        return plan
    return replace(plan, days=expected_days(plan.needed, [units_by_day], share))


def _question(layout: ExperimentLayout) -> PowerQuestion | None:
    experiment = layout.experiment
    primary, sample = experiment.primary, experiment.sample
    effect = primary.smallest_effect
    if effect is None:
        return None
    effect = effect if primary.goal == INCREASE else -effect
    if primary.type == RATE and primary.baseline:
        question = PowerQuestion.of_shares(primary.baseline, effect)
    elif primary.type != RATE and primary.deviation:
        question = PowerQuestion.of_means(primary.deviation, effect)
    else:
        return None
    weights = dict.fromkeys(layout.arms, 1.0)
    # By Holm over the responses, each compared in all cells.
    among = question.among(len(experiment.responses)).of_arms(weights, CONTROL)
    return replace(among, alpha=sample.alpha)


def power_data(plan: PowerPlan | None) -> dict[str, Any] | None:
    """Return a plan as a module returns it."""
    if plan is None:
        return None
    return {**vars(plan), "enough": plan.is_enough}
