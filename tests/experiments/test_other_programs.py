# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same data by statsmodels, scipy and tea-tasting, and by published tables.

Each difference has its reason beside it. Wu and Hamada: Experiments (2nd edition, 2009), section
9.1: cast fatigue, a Plackett-Burman design of 12 runs. Montgomery (8th edition, 2013), table 6.4.
Guide of tea-tasting, "Variance reduction with CUPED/CUPAC": users of the seed 42.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy
import pandas
import pytest
import statsmodels.api
import statsmodels.formula.api
import tea_tasting
from ansible_collections.shipping.code.plugins.module_utils._inference.arm_sums import (
    ArmSums,
    sums_of_units,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.arm_estimates import (
    arm_estimates,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.design_properties import (
    properties_of,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.designs import (
    Design,
    fraction,
    full_factorial,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment import (
    MEAN,
    RATE,
    RATIO,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.factor_effects import (
    RunResponses,
    lenth_effects,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.power import (
    PowerQuestion,
    power_of_t_test,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.response_sums import (
    ResponseSums,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.robust_effects import (
    robust_effects,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.variance_table import (
    variance_table,
)
from scipy import stats
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import power_proportions_2indep

CAST_FATIGUE = {
    "++-+++---+-": 6.058,
    "+-+++---+-+": 4.733,
    "-+++---+-++": 4.625,
    "+++---+-++-": 5.899,
    "++---+-++-+": 7.000,
    "+---+-++-++": 5.752,
    "---+-++-+++": 5.682,
    "--+-++-+++-": 6.607,
    "-+-++-+++--": 5.818,
    "+-++-+++---": 5.917,
    "-++-+++---+": 5.863,
    "-----------": 4.809,
}
ETCHING = (
    (550, 604),
    (669, 650),
    (633, 601),
    (642, 635),
    (1037, 1052),
    (749, 868),
    (1075, 1063),
    (729, 860),
)


def cells_of(groups: list[list[float]]) -> list[RunResponses]:
    return [
        RunResponses(
            len(group), statistics.mean(group), statistics.variance(group) if group[1:] else 0.0
        )
        for group in groups
    ]


def _values(chance: random.Random, mean: float, deviation: float, number: int) -> list[float]:
    return [chance.gauss(mean, deviation) for _value in range(number)]


def _frame(design: Design, groups: Sequence[Sequence[float]]) -> Any:
    """Return a row for each value, with the levels of its run."""
    parts = []
    for run, group in zip(design.runs, groups, strict=True):
        levels = dict(zip(design.factors, run, strict=True))
        parts += [{**levels, "y": value} for value in group]
    return pandas.DataFrame(parts)


@pytest.mark.parametrize(
    ("design", "largest"),
    [
        (full_factorial({"a": 2, "b": 2, "c": 2}), 2),
        (full_factorial({"a": 2, "b": 2, "c": 2}), 3),
        (fraction(tuple("abcde"), ["ABCD"]), 2),
        (full_factorial({"a": 2, "b": 2}), 1),
    ],
)
def test_robust_effects_are_those_of_statsmodels(design: Design, largest: int) -> None:
    chance = random.Random(largest)
    groups = [
        _values(chance, 10 + run[0] + run[0] * run[1], 1 + (run[1] > 0), size)
        for size, run in enumerate(design.runs, 3)
    ]
    ours = robust_effects(design, cells_of(groups), largest=largest)
    sizes = [len(group) for group in groups]
    columns = [numpy.repeat(design.column(effect.factors), sizes) for effect in ours]
    matrix = numpy.array([numpy.ones(sum(sizes)), *columns]).T
    theirs = statsmodels.api.OLS([*chain(*groups)], matrix).fit(cov_type="HC3", use_t=True)
    for index, effect in enumerate(ours, 1):
        assert effect.estimate == pytest.approx(2 * theirs.params[index], rel=1e-12, abs=1e-12)
        assert effect.standard_error == pytest.approx(2 * theirs.bse[index], rel=1e-12)
        assert effect.p_value == pytest.approx(theirs.pvalues[index], rel=1e-9)
        low, high = 2 * theirs.conf_int()[index]
        assert (effect.low, effect.high) == pytest.approx((low, high), rel=1e-11)


def test_the_analysis_of_variance_of_the_book_and_of_statsmodels() -> None:
    design = full_factorial({"A": 2, "B": 2, "C": 2})
    rows = variance_table(design, cells_of([list(map(float, pair)) for pair in ETCHING]), 3)
    found = {"".join(row.factors): row for row in rows}
    # Montgomery, table 6.4: sums of squares and F.
    assert found["A"].sum_of_squares == pytest.approx(41310.56, abs=0.01)
    assert found["C"].sum_of_squares == pytest.approx(374850.06, abs=0.01)
    assert found["AC"].statistic == pytest.approx(41.91, abs=0.01)
    assert found["A"].statistic == pytest.approx(18.34, abs=0.01)
    frame = _frame(design, ETCHING)
    theirs = statsmodels.api.stats.anova_lm(
        statsmodels.formula.api.ols("y ~ A * B * C", frame).fit(), typ=3
    )
    for name, row in found.items():
        assert row.p_value == pytest.approx(theirs.loc[":".join(name), "PR(>F)"], rel=1e-9)


def test_factors_of_three_levels_are_those_of_statsmodels() -> None:
    chance = random.Random(3)
    design = full_factorial({"a": 3, "b": 2})
    groups = [_values(chance, run[0], 1, 6) for run in design.runs]
    frame = _frame(design, groups)
    model = statsmodels.formula.api.ols("y ~ C(a, Sum) * C(b, Sum)", frame).fit()
    theirs = statsmodels.api.stats.anova_lm(model, typ=3)["F"].tolist()[1:4]
    rows = variance_table(design, cells_of(groups))
    assert [row.statistic for row in rows] == pytest.approx(theirs, rel=1e-9)
    assert [row.freedom for row in rows] == [2, 1, 2]


def test_a_plackett_burman_design_of_a_book() -> None:
    runs = [tuple(1 if sign == "+" else -1 for sign in row[:7]) for row in CAST_FATIGUE]
    design = Design(tuple("ABCDEFG"), tuple(runs), "Plackett-Burman, 12 runs")
    effects = {
        e.factors[0]: e for e in lenth_effects(design, list(CAST_FATIGUE.values()), largest=1)
    }
    # The book has half of an effect as the coefficient: y = 5.73 + 0.458 F.
    assert statistics.mean(CAST_FATIGUE.values()) == pytest.approx(5.73, abs=0.005)
    assert effects["F"].estimate / 2 == pytest.approx(0.458, abs=0.0005)
    # Its hidden interaction FG is a third of it in each main effect except those of F and G.
    partial = [a for a in properties_of(design).aliases if a.other == ("F", "G")]
    assert {a.effect[0] for a in partial if len(a.effect) == 1} == set("ABCDE")
    f, g = design.column(("F",)), design.column(("F", "G"))
    matrix = numpy.array([numpy.ones(12), f, g]).T
    fit = statsmodels.api.OLS(list(CAST_FATIGUE.values()), matrix).fit()
    assert fit.params[1:] == pytest.approx([0.458, -0.459], abs=0.0005)
    assert fit.rsquared == pytest.approx(0.89, abs=0.005)


def test_the_power_is_that_of_statsmodels() -> None:
    for effect, units in ((0.5, 126), (0.1, 3200), (0.02, 50_000)):
        ours = PowerQuestion.of_means(1.0, effect).at_one_look().power(units)
        assert ours == pytest.approx(NormalIndPower().power(effect, units / 2, 0.05), rel=1e-12)
    assert power_of_t_test(0.5, 1, (20, 30)) == pytest.approx(
        TTestIndPower().power(0.5, 20, 0.05, ratio=1.5), rel=1e-9
    )
    share = PowerQuestion.of_shares(0.05, 0.01).at_one_look()
    theirs = power_proportions_2indep(0.01, 0.05, 8155)
    # Its null hypothesis has the pooled variance; ours is Wald's, as the analysis is.
    assert share.power(16310) == pytest.approx(theirs.power, abs=0.001)
    assert share.power(16310) != theirs.power


def users() -> Any:
    return tea_tasting.make_users_data(rng=42, covariates=True).to_pandas()


def sums(frame: Any, top: str, bottom: str = "", pre: str = "") -> dict[str, ResponseSums]:
    result = {}
    for arm, name in ((0, "control"), (1, "new")):
        rows = frame[frame.variant == arm]
        y = rows[top].to_numpy(dtype=float)
        d = rows[bottom].to_numpy(dtype=float) if bottom else numpy.ones(len(y))
        x = rows[pre].to_numpy(dtype=float) if pre else numpy.zeros(len(y))
        plain = ArmSums(len(y), y.sum(), d.sum(), (y * y).sum(), (d * d).sum(), (y * d).sum())
        result[name] = ResponseSums(plain, x.sum(), (x * x).sum(), (x * y).sum(), (x * d).sum())
    return result


def test_an_ab_test_with_cuped_of_a_guide() -> None:
    found = arm_estimates(sums(users(), "orders", pre="orders_covariate"), MEAN)
    control, new = found["control"], found["new"]
    # The guide prints 0.523, 0.581, 11% and a p-value of 0.00733.
    assert (round(control.estimate, 3), round(new.estimate, 3)) == (0.523, 0.581)
    assert round(100 * (new.estimate / control.estimate - 1)) == 11
    z = (new.estimate - control.estimate) / math.sqrt(control.variance + new.variance)
    assert round(2 * stats.norm.sf(z), 4) == 0.0073
    revenue = arm_estimates(sums(users(), "revenue", pre="revenue_covariate"), MEAN)
    printed = (round(revenue["control"].estimate, 2), round(revenue["new"].estimate, 2))
    assert printed == (5.12, 5.85)


def test_cuped_is_that_of_tea_tasting() -> None:
    frame = users()
    theirs = tea_tasting.Experiment(
        orders=tea_tasting.Mean("orders", "orders_covariate", use_t=False)
    ).analyze(frame)["orders"]
    found = arm_estimates(sums(frame, "orders", pre="orders_covariate"), MEAN)
    difference = found["new"].estimate - found["control"].estimate
    error = math.sqrt(found["new"].variance + found["control"].variance)
    # Its slope is that of all units, ours is within arms: they differ by the effect itself.
    assert difference == pytest.approx(theirs.effect_size, rel=2e-3)
    assert difference / error == pytest.approx(theirs.statistic, rel=2e-3)
    assert difference != theirs.effect_size


def test_means_rates_and_ratios_without_a_pre_period_are_equal() -> None:
    frame = users()
    result = tea_tasting.Experiment(
        revenue=tea_tasting.Mean("revenue", use_t=False),
        ratio=tea_tasting.RatioOfMeans("orders", "sessions", use_t=False),
    ).analyze(frame)
    for name, found in (
        ("revenue", arm_estimates(sums(frame, "revenue"), MEAN)),
        ("ratio", arm_estimates(sums(frame, "orders", "sessions"), RATIO)),
    ):
        difference = found["new"].estimate - found["control"].estimate
        error = math.sqrt(found["new"].variance + found["control"].variance)
        assert difference == pytest.approx(result[name].effect_size, rel=1e-11)
        assert difference / error == pytest.approx(result[name].statistic, rel=1e-9)


def test_a_mean_is_welch_of_scipy() -> None:
    frame = users()
    found = arm_estimates(sums(frame, "revenue"), MEAN)
    arms = [frame[frame.variant == arm].revenue for arm in (1, 0)]
    theirs = stats.ttest_ind(*arms, equal_var=False)
    error = math.sqrt(found["new"].variance + found["control"].variance)
    difference = found["new"].estimate - found["control"].estimate
    assert difference / error == pytest.approx(theirs.statistic, rel=1e-11)


def test_100_against_130_of_1000() -> None:
    pairs = {"control": 100, "new": 130}
    found = arm_estimates(
        {
            arm: ResponseSums(ArmSums(1000, number, 1000, number, 1000, number))
            for arm, number in pairs.items()
        },
        RATE,
    )
    error = math.sqrt(found["new"].variance + found["control"].variance)
    p_value = 2 * stats.norm.sf(0.03 / error)
    # Wald's is .03529. Ours has the larger variance of a share with one more event.
    assert p_value == pytest.approx(0.03582, abs=5e-6)
    _z, pooled = statsmodels.stats.proportion.proportions_ztest([130, 100], [1000, 1000])
    assert pooled == pytest.approx(0.03549, abs=5e-6)
    assert p_value != pytest.approx(pooled, abs=1e-6)


def test_a_pre_period_without_a_relation_changes_little() -> None:
    chance = random.Random(5)
    rows = [(chance.gauss(0, 1), chance.gauss(0, 1)) for _number in range(2000)]
    plain = sums_of_units([(y, 1) for _x, y in rows])
    adjusted = ResponseSums(
        plain, *(sum(x**k * y**j for x, y in rows) for k, j in ((1, 0), (2, 0), (1, 1), (1, 0)))
    )
    assert arm_estimates({"control": adjusted}, MEAN)["control"].reduction < 0.005
