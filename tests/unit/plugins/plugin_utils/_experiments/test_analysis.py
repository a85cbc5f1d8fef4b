# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparisons at one look, and the decision by them."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence

import pytest
from ansible_collections.shipping.code.plugins.module_utils._inference.arm_sums import (
    ArmSums,
    sums_of_units,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.analysis import (
    AnalysisPlan,
    analyze,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.arm_estimates import (
    arm_estimates,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.decision import (
    DecisionRules,
    ExperimentDecision,
    decide,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.designs import (
    full_factorial,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment import (
    DECREASE,
    MEAN,
    RATE,
    RATIO,
    Measure,
    Response,
    Sample,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.response_sums import (
    LookData,
    ResponseSums,
)

BUYERS = Response("buyers", RATE, Measure("order"), smallest_effect=0.02)
SPENT = Response("spent", MEAN, Measure("order", of_value=True), smallest_effect=1.0)
ERRORS = Response(
    "errors", RATIO, Measure("errors"), Measure("requests"), goal=DECREASE, margin=0.01
)


def share(units: int, events: int) -> ResponseSums:
    return ResponseSums(ArmSums(units, events, units, events, units, events))


def errors(units: int, number: int) -> ResponseSums:
    """Return the sums of units with 10 requests each, of which some have one error."""
    return ResponseSums(ArmSums(units, number, 10 * units, number, 100 * units, 10 * number))


def look(
    buyers: dict[str, tuple[int, int]], wrong: dict[str, int] | None = None, both: int = 0
) -> LookData:
    units = {arm: number for arm, (number, _events) in buyers.items()}
    sums = {"buyers": {arm: share(*pair) for arm, pair in buyers.items()}}
    if wrong:
        sums["errors"] = {arm: errors(units[arm], number) for arm, number in wrong.items()}
    return LookData(units, sums, units_in_two_arms=both)


def decided(
    data: LookData,
    *,
    guardrails: Sequence[Response] = (),
    default: str = "roll_back",
    is_deadline: bool = False,
    is_aa: bool = False,
) -> ExperimentDecision:
    plan = AnalysisPlan(list(data.units), [BUYERS], 20_000, guardrails)
    rules = DecisionRules([BUYERS], guardrails, default, is_aa)
    return decide(analyze(data, plan), rules, is_deadline=is_deadline)


def test_a_better_cell_is_shipped() -> None:
    decision = decided(look({"control": (10_000, 1000), "new": (10_000, 1300)}))
    assert (decision.outcome, decision.cell, decision.reason) == ("ship", "new", "proven")
    assert decision.text == (
        "Ship new: buyers is 13 % with new and 10 % with the control, a difference of +3"
        " percentage points (from +1.62 to +4.38), which is proven to be better."
        " Method: difference of rates; always-valid interval, valid at each look; no correction;"
        " 95 % for all together."
    )


def test_a_worse_cell_is_rolled_back() -> None:
    decision = decided(look({"control": (10_000, 1300), "new": (10_000, 1000)}))
    assert (decision.outcome, decision.reason) == ("roll_back", "harmful")
    assert "Roll back new: buyers is 10 % with new" in decision.text


def test_the_best_of_several_cells() -> None:
    data = look({"control": (9000, 900), "a": (9000, 1300), "b": (9000, 1500), "c": (9000, 600)})
    decision = decided(data)
    assert (decision.outcome, decision.cell) == ("ship", "b")
    assert "Also proven to be better, with smaller estimates: a." in decision.text
    assert "correction of Holm over 3 comparisons" in decision.text


def test_guardrails_stop_a_better_cell() -> None:
    buyers = {"control": (10_000, 1000), "new": (10_000, 1300)}
    good = decided(look(buyers, {"control": 500, "new": 500}), guardrails=[ERRORS])
    assert good.outcome == "ship" and "within its margin" in good.text
    harm = decided(look(buyers, {"control": 500, "new": 2500}), guardrails=[ERRORS])
    assert (harm.outcome, harm.reason) == ("roll_back", "harmful")
    assert "errors is 0.025 with new and 0.005 with the control" in harm.text
    # Neither harm nor its absence is proven with few units.
    few = {"control": (200, 10), "new": (200, 100)}
    wide = decided(look(few, {"control": 10, "new": 20}), guardrails=[ERRORS])
    assert (wide.outcome, wide.reason) == ("extend", "open")


def test_a_service_without_any_error_ships_once_it_has_enough_requests() -> None:
    def outcome(units: int) -> str:
        buyers = {"control": (units, units // 10), "new": (units, units // 5)}
        data = look(buyers, {"control": 0, "new": 0})
        return decided(data, guardrails=[ERRORS]).outcome

    assert (outcome(20), outcome(3000)) == ("extend", "ship")


def test_undecided_is_extended_and_the_deadline_has_a_default() -> None:
    data = look({"control": (1000, 100), "new": (1000, 101)})
    extended = decided(data)
    assert (extended.outcome, extended.until_units) == ("extend", 20_000)
    assert decided(data, is_deadline=True).outcome == "roll_back"
    inconclusive = decided(data, is_deadline=True, default="inconclusive")
    assert (inconclusive.outcome, inconclusive.is_default) == ("inconclusive", True)
    shipped = decided(data, is_deadline=True, default="new")
    assert (shipped.outcome, shipped.cell, shipped.reason) == ("ship", "new", "deadline")
    worse = look({"control": (9000, 1300), "new": (9000, 900), "b": (9000, 1300)})
    assert decided(worse, is_deadline=True, default="new").outcome == "roll_back"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (look({"control": (0, 0), "new": (0, 0)}), "no_units"),
        (look({"control": (10_000, 1000), "new": (12_000, 2000)}), "sample_ratio_mismatch"),
        (look({"control": (10_000, 1000), "new": (10_000, 2000)}, both=300), "units_in_two_arms"),
        (look({"control": (10_000, 0), "new": (10_000, 0)}), "no_response"),
    ],
)
def test_data_that_cannot_be_trusted_ship_nothing(data: LookData, reason: str) -> None:
    now, late = decided(data), decided(data, is_deadline=True, default="new")
    assert (now.outcome, now.reason) == ("extend", reason)
    assert (late.outcome, late.reason) == ("inconclusive", reason)


def test_few_units_decide_nothing() -> None:
    data = look({"control": (90, 0), "new": (90, 90)})
    assert decided(data).reason == "few_units"
    assert decided(data, is_deadline=True).reason == "deadline"


def test_an_aa_test_passes_or_alarms() -> None:
    equal = look({"control": (30_000, 3000), "same": (30_000, 3010)})
    assert decided(equal, is_aa=True).reason == "aa_passed"
    unequal = look({"control": (30_000, 3000), "same": (30_000, 4000)})
    assert decided(unequal, is_aa=True).outcome == "inconclusive"


def test_a_secondary_response_that_is_worse_stops_a_cell() -> None:
    chance = random.Random(1)
    spent = {
        arm: ResponseSums(sums_of_units([(chance.gauss(mean, 5), 1) for _number in range(9000)]))
        for arm, mean in (("control", 20), ("new", 18))
    }
    data = look({"control": (9000, 900), "new": (9000, 1300)})
    both = LookData(data.units, {**data.sums, "spent": spent})
    plan = AnalysisPlan(["control", "new"], [BUYERS, SPENT], 9000, sample=Sample(min_units=50))
    decision = decide(analyze(both, plan), DecisionRules([BUYERS, SPENT]))
    assert decision.outcome == "roll_back" and "spent is" in decision.text


def test_the_pre_period_explains_a_part_of_the_variance() -> None:
    chance = random.Random(7)
    sums = {}
    for arm, effect in (("control", 0.0), ("new", 0.5)):
        rows = []
        for _unit in range(4000):
            before = chance.gauss(10, 3)
            rows.append((before, before + effect + chance.gauss(0, 1)))
        plain = sums_of_units([(now, 1) for _before, now in rows])
        sums[arm] = ResponseSums(
            plain,
            sum(x for x, _y in rows),
            sum(x * x for x, _y in rows),
            sum(x * y for x, y in rows),
            sum(x for x, _y in rows),
        )
    found = arm_estimates(sums, MEAN)
    assert found["new"].reduction == pytest.approx(0.9, abs=0.01)
    difference = found["new"].estimate - found["control"].estimate
    assert difference == pytest.approx(0.5, abs=0.07)
    error = math.sqrt(found["new"].variance + found["control"].variance)
    assert error == pytest.approx(math.sqrt(2 / 4000), rel=0.03)


def test_effects_of_factors_are_provisional_until_the_planned_end() -> None:
    pytest.importorskip("scipy")
    design = full_factorial({"button": 2, "size": 2, "cache": 2})
    arms = [f"cell{number}" for number in range(8)]
    buyers = {
        arm: (2000, 200 + 60 * (run[0] > 0)) for arm, run in zip(arms, design.runs, strict=True)
    }
    plan = AnalysisPlan(arms, [BUYERS], 4000, design=design)
    analysis = analyze(look(buyers), plan)
    assert analysis.is_provisional
    (table,) = analysis.effects
    effects = {"".join(effect.factors): effect for effect in table.effects}
    assert effects["button"].estimate == pytest.approx(0.03)
    assert effects["button"].low > 0 > effects["size"].low
    assert {row.factors: row.freedom for row in table.variance}[("button",)] == 1
    assert len(table.lenth) == 7


def test_cells_without_units_are_named() -> None:
    pytest.importorskip("scipy")
    design = full_factorial({"a": 2, "b": 2})
    data = look({"c0": (500, 50), "c1": (0, 0), "c2": (500, 50), "c3": (500, 50)})
    plan = AnalysisPlan(list(data.units), [BUYERS], 4000, design=design)
    (table,) = analyze(data, plan).effects
    assert "too few cells" in table.problem


def test_without_scipy_only_the_effects_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    design = full_factorial({"a": 2, "b": 2})
    data = look({"c0": (5000, 500), "c1": (5000, 500), "c2": (5000, 500), "c3": (5000, 900)})
    analysis = analyze(data, AnalysisPlan(list(data.units), [BUYERS], 5000, design=design))
    assert "Run pip install scipy." in analysis.effects[0].problem
    assert decide(analysis, DecisionRules([BUYERS])).cell == "c3"
