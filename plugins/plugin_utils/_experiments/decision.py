# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide by the analysis of one look: ship a cell, roll back, extend, or inconclusive. Pure.

A cell is shipped if the primary response is proven to be better and no guardrail is worse by its
margin. A cell is out if a response or a guardrail is proven to be worse. If all cells are out, the
experiment is rolled back. What is not decided is extended until the deadline, at which the declared
default is taken. Data that cannot be trusted never ship anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...module_utils._inference.verdicts import NO_DATA
from .analysis import BETTER, MISMATCH_ALPHA, WORSE, Analysis, ArmComparison
from .experiment import INCONCLUSIVE, INCREASE, RATE, ROLL_BACK, Response

SHIP, EXTEND = "ship", "extend"
PROVEN, HARMFUL, DEADLINE = "proven", "harmful", "deadline"
NO_UNITS, FEW_UNITS, OPEN = "no_units", "few_units", "open"
MISMATCH, TWO_ARMS, UNSENT = "sample_ratio_mismatch", "units_in_two_arms", "no_response"
AA_PASSED = "aa_passed"
# Sticky assignment has none; more than this are a mistake in the application or its cache.
_LARGEST_SHARE_IN_TWO_ARMS = 0.01


@dataclass(frozen=True)
class ExperimentDecision:
    """The decision of one look.

    ``outcome`` is ``ship``, ``roll_back``, ``extend`` or ``inconclusive``, ``cell`` the cell that
    is shipped, ``reason`` a word for programs. ``sentences`` are for the reader. ``until_units`` is
    the number of units of an arm until which it is extended. ``is_default`` if nothing was proven
    and the declared default was taken.
    """

    outcome: str
    reason: str
    sentences: tuple[str, ...]
    cell: str = ""
    until_units: int | None = None
    is_default: bool = False

    @property
    def is_final(self) -> bool:
        """Return whether the experiment ends."""
        return self.outcome != EXTEND

    @property
    def text(self) -> str:
        """Return the decision in plain words."""
        return " ".join(self.sentences)


@dataclass(frozen=True)
class DecisionRules:
    """The declared responses, the primary one first, the default and the A/A mode.

    ``default`` is ``roll_back``, ``inconclusive`` or the name of a cell.
    """

    responses: Sequence[Response]
    guardrails: Sequence[Response] = ()
    default: str = ROLL_BACK
    is_aa: bool = False


def decide(
    analysis: Analysis, rules: DecisionRules, *, is_deadline: bool = False
) -> ExperimentDecision:
    """Return the decision of one look; at the deadline it is final."""
    untrusted = _untrusted(analysis)
    if untrusted:
        return untrusted if is_deadline else replace(untrusted, outcome=EXTEND)
    if rules.is_aa:
        return _of_aa(analysis, rules, is_deadline=is_deadline)
    decision = _by_arms(analysis, rules) if _is_begun(analysis) else None
    if decision:
        return decision
    if is_deadline:
        return _at_deadline(analysis, rules)
    return _extended(analysis)


def _by_arms(analysis: Analysis, rules: DecisionRules) -> ExperimentDecision | None:
    """Return the decision that is proven, if one is."""
    primary = rules.responses[0]
    arms = list(analysis.units)[1:]
    harmful = {arm: worst for arm in arms if (worst := _harm(analysis, arm))}
    if arms and len(harmful) == len(arms):
        sentences = [_harm_sentence(arm, worst, rules) for arm, worst in harmful.items()]
        return ExperimentDecision(
            ROLL_BACK, HARMFUL, (*sentences, _method(analysis, [*harmful.values()]))
        )
    winners = [
        each
        for each in analysis.comparisons
        if each.response == primary.name and _is_shippable(analysis, each)
    ]
    return _shipped(analysis, rules, winners) if winners else None


def _shipped(
    analysis: Analysis, rules: DecisionRules, winners: Sequence[ArmComparison]
) -> ExperimentDecision:
    """Return that the best of the cells that are proven to be better is shipped."""
    sign = 1 if rules.responses[0].goal == INCREASE else -1
    best = max(winners, key=lambda each: sign * each.new.estimate)
    sentences = [f"Ship {best.arm}: {_numbers(best, rules)}, which is proven to be better."]
    _all, guardrails = analysis.of_arm(best.arm)
    sentences += [f"{_numbers(each, rules)}: within its margin." for each in guardrails]
    if len(winners) > 1:
        others = ", ".join(each.arm for each in winners if each is not best)
        sentences.append(f"Also proven to be better, with smaller estimates: {others}.")
    sentences.append(_method(analysis, [best]))
    return ExperimentDecision(SHIP, PROVEN, tuple(sentences), best.arm)


def _is_shippable(analysis: Analysis, primary: ArmComparison) -> bool:
    responses, guardrails = analysis.of_arm(primary.arm)
    return (
        primary.answer == BETTER
        and all(each.answer != WORSE for each in responses)
        and all(each.answer == BETTER for each in guardrails)
    )


def _harm(analysis: Analysis, arm: str) -> ArmComparison | None:
    responses, guardrails = analysis.of_arm(arm)
    return next((each for each in (*guardrails, *responses) if each.answer == WORSE), None)


def _untrusted(analysis: Analysis) -> ExperimentDecision | None:
    """Return why the data cannot be trusted, if they cannot."""
    if not analysis.units or not any(analysis.units.values()):
        sentence = "No unit is in the experiment yet. No data are never a pass."
        return ExperimentDecision(INCONCLUSIVE, NO_UNITS, (sentence,))
    if analysis.is_mismatch:
        counts = ", ".join(f"{arm} {number}" for arm, number in analysis.units.items())
        return ExperimentDecision(
            INCONCLUSIVE,
            MISMATCH,
            (
                f"The units are not assigned by the weights: {counts}, p ="
                f" {analysis.mismatch_p_value:.2g} (limit {MISMATCH_ALPHA:g}, valid at each look).",
                "Find what loses or adds units of one arm; do not use the results.",
            ),
        )
    share = analysis.units_in_two_arms / (sum(analysis.units.values()) + analysis.units_in_two_arms)
    if share > _LARGEST_SHARE_IN_TWO_ARMS:
        return ExperimentDecision(
            INCONCLUSIVE,
            TWO_ARMS,
            (
                f"{analysis.units_in_two_arms} units ({100 * share:.1f} %) are in two arms.",
                "Check that cookies or headers stay the same; do not use the results.",
            ),
        )
    if analysis.unsent and _is_begun(analysis):
        names = ", ".join(analysis.unsent)
        return ExperimentDecision(
            INCONCLUSIVE,
            UNSENT,
            (
                f"No unit has sent the response {names}.",
                "Check the name of its event, and that the application sends it.",
            ),
        )
    return None


def _is_begun(analysis: Analysis) -> bool:
    return analysis.smallest_arm >= analysis.min_units


def _of_aa(analysis: Analysis, rules: DecisionRules, *, is_deadline: bool) -> ExperimentDecision:
    """Return the decision of an A/A test, whose arms are equal: a difference is an alarm."""
    alarms = [each for each in analysis.comparisons if each.answer in (BETTER, WORSE)]
    if alarms and _is_begun(analysis):
        sentence = f"The arms are equal, yet {_numbers(alarms[0], rules)}: do not trust this setup."
        method = _method(analysis, alarms[:1])
        return ExperimentDecision(INCONCLUSIVE, HARMFUL, (sentence, method))
    if is_deadline or not analysis.is_provisional:
        sentence = "The A/A test passed: no difference between equal arms was found."
        return ExperimentDecision(ROLL_BACK, AA_PASSED, (sentence,))
    return _extended(analysis)


def _extended(analysis: Analysis) -> ExperimentDecision:
    if not _is_begun(analysis):
        return ExperimentDecision(
            EXTEND,
            FEW_UNITS,
            (
                f"Extend: the smallest arm has {analysis.smallest_arm} units, and nothing is"
                f" decided below {analysis.min_units}.",
            ),
            until_units=max(analysis.planned, analysis.min_units),
        )
    until = max(analysis.planned, math.ceil(analysis.smallest_arm * 1.25))
    return ExperimentDecision(
        EXTEND,
        OPEN,
        (
            f"Extend until each arm has {until} units: nothing is proven yet with"
            f" {analysis.smallest_arm} units in the smallest arm.",
            "The probability of a false alarm does not grow by that.",
        ),
        until_units=until,
    )


def _at_deadline(analysis: Analysis, rules: DecisionRules) -> ExperimentDecision:
    known = [each for each in analysis.comparisons if each.answer != NO_DATA]
    facts = [f"{_numbers(each, rules)}." for each in known[:2]]
    sentences = ["The deadline is reached and nothing is proven.", *facts]
    if rules.default in (ROLL_BACK, INCONCLUSIVE):
        action = {ROLL_BACK: "roll back", INCONCLUSIVE: "leave it inconclusive"}[rules.default]
        sentences.append(f"The declared default is taken: {action}.")
        return ExperimentDecision(rules.default, DEADLINE, tuple(sentences), is_default=True)
    if _harm(analysis, rules.default):
        sentences.append(f"The default {rules.default} is proven to be worse, so roll back.")
        return ExperimentDecision(ROLL_BACK, HARMFUL, tuple(sentences))
    sentences.append(f"The declared default is taken: ship {rules.default}.")
    return ExperimentDecision(SHIP, DEADLINE, tuple(sentences), rules.default, is_default=True)


def _harm_sentence(arm: str, worst: ArmComparison, rules: DecisionRules) -> str:
    return f"Roll back {arm}: {_numbers(worst, rules)}, which is proven to be worse."


def _numbers(each: ArmComparison, rules: DecisionRules) -> str:
    """Return a comparison with its numbers."""
    declared = next(r for r in (*rules.responses, *rules.guardrails) if r.name == each.response)
    difference = each.difference
    if not math.isfinite(difference.standard_error):
        return f"{each.response} is unknown with {each.arm}"
    is_rate = declared.type == RATE
    unit = " percentage points" if is_rate else ""
    scale = 100 if is_rate else 1
    low, high = (f"{scale * value:+.3g}" for value in (difference.low, difference.high))
    return (
        f"{each.response} is {_value(each.new.estimate, is_rate=is_rate)} with {each.arm} and"
        f" {_value(each.control.estimate, is_rate=is_rate)} with the control, a difference of"
        f" {scale * difference.estimate:+.3g}{unit} (from {low} to {high})"
    )


def _value(number: float, *, is_rate: bool) -> str:
    return f"{100 * number:.4g} %" if is_rate else f"{number:.4g}"


def _method(analysis: Analysis, used: Sequence[ArmComparison]) -> str:
    number = len(analysis.comparisons)
    methods = "; ".join(dict.fromkeys(each.method for each in used))
    correction = f"correction of Holm over {number} comparisons" if number > 1 else "no correction"
    confidence = 100 * (1 - analysis.alpha)
    return (
        f"Method: {methods}, valid at each look; {correction}; {confidence:.3g} % for all together."
    )
