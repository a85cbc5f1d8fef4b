# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Analyze the responses of an experiment at one look. Pure.

Comparisons of arms with the control are valid at each look: they are always-valid intervals, with
the method of Holm over responses and arms. What is not (effects of factors, interactions, the
analysis of variance, Lenth's method) is marked as provisional until the planned end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...module_utils._core.errors import ShippingError
from ...module_utils._inference.always_valid import Difference, of_estimate
from ...module_utils._inference.sample_ratio import mismatch_p_value
from ...module_utils._inference.verdicts import (
    NO_DATA,
    PROMOTE,
    ROLL_BACK,
    UNDECIDED,
    holm,
    non_inferior,
)
from .arm_estimates import ArmEstimate, arm_estimates
from .designs import Design
from .experiment import INCREASE, RATE, RATIO, Response, Sample
from .factor_effects import FactorEffect, RunResponses, lenth_effects
from .response_sums import LookData
from .robust_effects import robust_effects
from .variance_table import VarianceRow, variance_table

BETTER, WORSE = PROMOTE, ROLL_BACK
MISMATCH_ALPHA = 0.001
_FEWEST_EFFECTS = 7
ERRORS, REQUESTS = "errors", "requests"


@dataclass(frozen=True)
class ArmComparison:
    """A response of one arm beside that of the control.

    ``difference`` is the arm less the control; its interval and ``p_value`` are those of all
    comparisons together. ``answer`` is ``promote`` if the arm is proven to be better (a guardrail:
    not worse by its margin), ``roll_back`` if it is proven to be worse, ``undecided`` or
    ``no_data``.
    """

    response: str
    arm: str
    control: ArmEstimate
    new: ArmEstimate
    difference: Difference
    p_value: float
    answer: str
    method: str


@dataclass(frozen=True)
class EffectTable:
    """Effects of factors on one response, as of one look of a fixed sample.

    ``cells`` has the mean of each run of the design.
    """

    response: str
    cells: tuple[RunResponses, ...] = ()
    effects: tuple[FactorEffect, ...] = ()
    lenth: tuple[FactorEffect, ...] = ()
    variance: tuple[VarianceRow, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Analysis:
    """All that one look has found.

    ``mismatch_p_value`` is that of the sample ratio. ``unsent`` are responses that no unit sent.
    ``is_provisional`` if the planned end is not reached, so that ``effects`` may not be used.
    """

    units: Mapping[str, int]
    planned: int
    mismatch_p_value: float
    comparisons: tuple[ArmComparison, ...]
    guardrails: tuple[ArmComparison, ...]
    effects: tuple[EffectTable, ...] = ()
    unsent: tuple[str, ...] = ()
    units_in_two_arms: int = 0
    is_provisional: bool = True
    alpha: float = 0.05
    min_units: int = 100

    @property
    def is_mismatch(self) -> bool:
        """Return whether units were not assigned by the weights."""
        return self.mismatch_p_value <= MISMATCH_ALPHA

    @property
    def smallest_arm(self) -> int:
        """Return the units of the arm with the fewest."""
        return min(self.units.values(), default=0)

    def of_arm(self, arm: str) -> tuple[list[ArmComparison], list[ArmComparison]]:
        """Return the comparisons and the guardrails of an arm."""
        return (
            [each for each in self.comparisons if each.arm == arm],
            [each for each in self.guardrails if each.arm == arm],
        )


@dataclass(frozen=True)
class AnalysisPlan:
    """The declared arms and responses. The first arm is the control.

    ``planned`` is the number of units of an arm at the planned end. ``weights`` are the shares of
    the arms. ``design`` has a run for each arm, and is None of arms without factors.
    """

    arms: Sequence[str]
    responses: Sequence[Response]
    planned: int
    guardrails: Sequence[Response] = ()
    sample: Sample = field(default_factory=Sample)
    weights: Mapping[str, float] = field(default_factory=dict)
    design: Design | None = None
    is_ended: bool = False


def analyze(data: LookData, plan: AnalysisPlan) -> Analysis:
    """Return the analysis of the data of one look."""
    weights = plan.weights or dict.fromkeys(plan.arms, 1.0)
    is_provisional = not (plan.is_ended or min(data.units.values(), default=0) >= plan.planned)
    every = (*plan.responses, *plan.guardrails)
    return Analysis(
        units=dict(data.units),
        planned=plan.planned,
        mismatch_p_value=mismatch_p_value(data.units, weights),
        comparisons=tuple(_superiority(data, plan)),
        guardrails=tuple(_guardrails(data, plan)),
        effects=tuple(_effects(data, plan, response) for response in _of_design(plan)),
        unsent=tuple(response.name for response in every if _is_unsent(data, response)),
        units_in_two_arms=data.units_in_two_arms,
        is_provisional=is_provisional,
        alpha=plan.sample.alpha,
        min_units=plan.sample.min_units,
    )


def estimates_of(data: LookData, plan: AnalysisPlan, response: Response) -> dict[str, ArmEstimate]:
    """Return the estimates of a response by arm."""
    sums = {arm: data.sums_of(response.name, arm) for arm in plan.arms}
    # No request has more than one error: without any, the variance is that of a share, not 0.
    is_share = str(response.numerator) == ERRORS and str(response.denominator) == REQUESTS
    return arm_estimates(sums, RATE if is_share else response.type)


def compare(
    response: Response, control: ArmEstimate, new: ArmEstimate, *, alpha: float, planned: int
) -> Difference:
    """Return the always-valid difference of two arms, the new one less the control."""
    error = math.sqrt(control.variance + new.variance)
    aim = response.smallest_effect or response.margin
    if not aim and math.isfinite(error):
        # The interval is the narrowest at the planned end; it depends on the number of units only.
        aim = 3 * error * math.sqrt(min(control.units, new.units) / max(planned, 1))
    return of_estimate(new.estimate - control.estimate, error, alpha=alpha, aim=aim or 1.0)


def _superiority(data: LookData, plan: AnalysisPlan) -> list[ArmComparison]:
    """Return the comparisons of responses, with the method of Holm over all of them."""
    number = len(plan.responses) * max(len(plan.arms) - 1, 1)
    single = _compared(data, plan, plan.responses, plan.sample.alpha / number)
    keys = {(each.response, each.arm): each.difference.p_value for each, _response in single}
    adjusted = _adjusted(keys)
    rejected = holm({_key(*key): value for key, value in keys.items()}, plan.sample.alpha)
    result = []
    for each, response in single:
        key = (each.response, each.arm)
        answer = each.answer
        if answer != NO_DATA:
            is_up = (each.difference.estimate > 0) == (response.goal == INCREASE)
            answer = BETTER if is_up else WORSE
            answer = answer if rejected[_key(*key)] else UNDECIDED
        result.append(_with(each, adjusted[key], answer))
    return result


def _guardrails(data: LookData, plan: AnalysisPlan) -> list[ArmComparison]:
    """Return the guardrails. All of an arm must hold, so only arms share alpha for that."""
    arms = max(len(plan.arms) - 1, 1)
    single = _compared(data, plan, plan.guardrails, plan.sample.alpha / arms)
    keys = {(each.response, each.arm): each.difference.p_value for each, _response in single}
    adjusted = _adjusted(keys)
    result = []
    for each, response in single:
        answer = each.answer
        if answer != NO_DATA:
            harm = _as_harm(each.difference, response)
            answer = non_inferior(harm, response.margin or 0.0)
            is_proven = adjusted[each.response, each.arm] <= plan.sample.alpha
            if answer == ROLL_BACK and not is_proven:
                answer = UNDECIDED
        result.append(_with(each, adjusted[each.response, each.arm], answer))
    return result


def _compared(
    data: LookData, plan: AnalysisPlan, responses: Sequence[Response], alpha: float
) -> list[tuple[ArmComparison, Response]]:
    result = []
    for response in responses:
        estimates = estimates_of(data, plan, response)
        control = estimates[plan.arms[0]]
        for arm in plan.arms[1:]:
            new = estimates[arm]
            difference = compare(response, control, new, alpha=alpha, planned=plan.planned)
            is_known = _is_begun(control, new, plan.sample) and not _is_unsent(data, response)
            answer = UNDECIDED if is_known and difference.is_known else NO_DATA
            method = _method(response, control)
            comparison = ArmComparison(
                response.name, arm, control, new, difference, difference.p_value, answer, method
            )
            result.append((comparison, response))
    return result


def _is_begun(control: ArmEstimate, new: ArmEstimate, sample: Sample) -> bool:
    return min(control.units, new.units) >= max(sample.min_units, 2)


def _is_unsent(data: LookData, response: Response) -> bool:
    """Return whether no unit in any arm has the response, so that it may be misspelled."""
    every = data.sums.get(response.name, {}).values()
    # Of a rate of errors 0 is an answer; of a ratio without a denominator nothing is known.
    if response.numerator.is_of_router:
        return not any(each.arm.denominators for each in every)
    return not any(each.arm.nn or (response.type == RATIO and each.arm.dd) for each in every)


def _method(response: Response, control: ArmEstimate) -> str:
    what = {RATE: "difference of rates", RATIO: "difference of ratios, delta method"}
    name = what.get(response.type, "difference of means")
    if response.cap is not None:
        name += f", units capped at {response.cap:g}"
    if control.reduction:
        name += f", CUPED ({100 * control.reduction:.0f} % less variance)"
    return f"{name}; always-valid interval"


def _as_harm(difference: Difference, response: Response) -> Difference:
    """Return the difference so that more is worse."""
    if response.goal != INCREASE:
        return difference
    return Difference(
        -difference.estimate,
        -difference.high,
        -difference.low,
        difference.standard_error,
        difference.p_value,
    )


def _adjusted(p_values: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Return the p-values by the method of Holm, each to be compared with the joint alpha."""
    ordered = sorted(p_values, key=lambda key: (p_values[key], key))
    result, largest = {}, 0.0
    for rank, key in enumerate(ordered):
        largest = max(largest, min(1.0, p_values[key] * (len(ordered) - rank)))
        result[key] = largest
    return result


def _key(response: str, arm: str) -> str:
    return f"{response}\0{arm}"


def _with(each: ArmComparison, p_value: float, answer: str) -> ArmComparison:
    return replace(each, p_value=p_value, answer=answer)


def _of_design(plan: AnalysisPlan) -> Sequence[Response]:
    has_factors = plan.design is not None and len(plan.design.factors) > 1
    return plan.responses if has_factors else ()


def _effects(data: LookData, plan: AnalysisPlan, response: Response) -> EffectTable:
    """Return the effects of a response; what cannot be estimated yet is named."""
    design = plan.design
    if design is None:
        return EffectTable(response.name)
    cells = [each.as_cell() for each in estimates_of(data, plan, response).values()]
    table = EffectTable(response.name, tuple(cells))
    try:
        table = replace(table, variance=tuple(variance_table(design, cells)))
        if design.is_two_level:
            table = replace(table, lenth=_lenth(design, plan, cells))
            effects = robust_effects(design, cells, alpha=plan.sample.alpha)
            table = replace(table, effects=tuple(effects))
    except ShippingError as error:
        table = replace(table, problem=str(error))
    return table


def _lenth(
    design: Design, plan: AnalysisPlan, cells: Sequence[RunResponses]
) -> tuple[FactorEffect, ...]:
    """Return the effects by Lenth's method, which needs several of which most are 0."""
    if len(design.runs) <= _FEWEST_EFFECTS or any(0 in run for run in design.runs):
        return ()
    means = [cell.mean for cell in cells]
    largest = None if len(design.runs) == 2 ** len(design.factors) else 1
    if largest and not design.aliases():
        largest = 2
    return tuple(lenth_effects(design, means, alpha=plan.sample.alpha, largest=largest))
