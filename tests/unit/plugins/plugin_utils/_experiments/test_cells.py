# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of an experiment: variants, weights, ramp and blocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.cells import (
    CONTROL,
    HEADER,
    ExperimentLayout,
    check_alone,
    layout_of,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment import (
    FRACTION,
    DesignChoice,
    Experiment,
    Factor,
    Level,
    Measure,
    RampStep,
    Response,
)

START = datetime(2026, 12, 1, tzinfo=UTC)
BUTTON = Factor(
    "button",
    (Level("buy", "Buy"), Level("now", "Buy now", promote={"environment": {"BUTTON": "now"}})),
    "X-Button",
)
SIZE = Factor("size", (Level("10", "10"), Level("50", "50")), "X-Size")
CACHE = Factor("cache", (Level("off"), Level("on", overlay={"environment": {"CACHE": "on"}})))
ORDER = Response("conversion", "rate", Measure("order"), baseline=0.1, smallest_effect=0.02)


def experiment(*factors: Factor, **values: object) -> Experiment:
    base = Experiment("checkout", "shop", "web", factors, (ORDER,), 86400.0)
    return replace(base, **values)  # type: ignore[arg-type]


def letters(number: int) -> list[Factor]:
    return [
        Factor(name, (Level("lo", "0"), Level("hi", "1")), f"X-{name}")
        for name in "ABCDEFG"[:number]
    ]


def test_each_combination_is_a_cell_and_the_first_one_is_the_control() -> None:
    layout = layout_of(experiment(BUTTON, SIZE, CACHE))
    assert layout.arms[0] == CONTROL
    assert sorted(layout.arms[1:]) == [
        *("buy-10-on", "buy-50-off", "buy-50-on"),
        *("now-10-off", "now-10-on", "now-50-off", "now-50-on"),
    ]
    cell = layout.cell("now-50-on")
    assert cell.variant() == {
        "name": "now-50-on",
        "request_headers": {"X-Button": "Buy now", "X-Size": "50", HEADER: "now-50-on"},
        "environment": {"CACHE": "on"},
    }
    # Cells without an overlay need no replicas of their own.
    assert layout.cell(CONTROL).overlay == {}


def test_the_same_seed_has_the_same_order() -> None:
    one = experiment(BUTTON, SIZE, CACHE)
    assert layout_of(one).arms == layout_of(one).arms
    assert layout_of(one).arms != layout_of(replace(one, seed=2)).arms


def test_an_override_adds_variants_and_a_promotion_changes_the_service() -> None:
    layout = layout_of(experiment(BUTTON, CACHE))
    variants = layout.override()["services"]["web"]["x-shipping"]["variants"]
    assert [variant["name"] for variant in variants] == list(layout.arms)
    assert layout.promotion("now-on") == {
        "services": {"web": {"environment": {"BUTTON": "now", "CACHE": "on"}}}
    }
    assert layout.promotion(CONTROL) == {"services": {"web": {}}}
    # The levels themselves stay as they are.
    assert BUTTON.levels[1].promote == {"environment": {"BUTTON": "now"}}


def test_a_header_level_without_promote_cannot_be_promoted() -> None:
    layout = layout_of(experiment(BUTTON, SIZE))
    with pytest.raises(ShippingError, match="level of size is a request header"):
        layout.promotion("buy-50")


def test_an_aa_test_gives_all_cells_the_same() -> None:
    layout = layout_of(experiment(BUTTON, CACHE, is_aa=True))
    assert {tuple(cell.overlay) for cell in layout.cells} == {()}
    assert [list(cell.headers) for cell in layout.cells] == [[HEADER]] * 4


@pytest.mark.parametrize(("cells", "each"), [(2, 45.0), (3, 30.0), (7, 12.85)])
def test_weights_are_equal_and_leave_the_holdout(cells: int, each: float) -> None:
    levels = tuple(Level(f"l{number}", str(number)) for number in range(cells))
    layout = layout_of(experiment(Factor("a", levels, "X-A"), holdout=10.0))
    weights = layout.weights(layout.stage(START, START))
    assert {*weights.values()} == {each}
    assert sum(weights.values()) <= 90


def test_a_ramp_only_grows() -> None:
    ramp = (RampStep(5, 3600), RampStep(25, 7200))
    layout = layout_of(experiment(BUTTON, ramp=ramp, holdout=20.0))

    def share(seconds: int) -> float:
        stage = layout.stage(START, START + timedelta(seconds=seconds))
        return sum(layout.weights(stage).values())

    assert [share(at) for at in (0, 3599, 3600, 10799, 10800, 10**7)] == [5, 5, 25, 25, 80, 80]


def test_blocks_run_one_after_the_other() -> None:
    choice = DesignChoice(blocks=(("button", "size"),), block_time=3600.0)
    layout = layout_of(experiment(BUTTON, SIZE, design=choice))

    def running(seconds: int) -> set[str]:
        stage = layout.stage(START, START + timedelta(seconds=seconds))
        return {name for name, weight in layout.weights(stage).items() if weight}

    first, second = running(0), running(3600)
    assert not first & second
    assert first | second == {*layout.arms}


@pytest.mark.parametrize(("factors", "resolution", "cells"), [(4, 4, 8), (3, 3, 4), (5, 3, 8)])
def test_a_fraction_has_the_control(factors: int, resolution: int, cells: int) -> None:
    choice = DesignChoice(FRACTION, resolution=resolution)
    layout = layout_of(experiment(*letters(factors), design=choice))
    assert len(layout.cells) == cells
    assert {*layout.cell(CONTROL).run} == {-1}
    assert layout.design.resolution() == resolution
    assert layout.design.is_orthogonal()


def test_center_points_are_a_cell() -> None:
    size = replace(SIZE, center=Level("center", "30"))
    other = replace(BUTTON, center=Level("center", "Order"))
    layout = layout_of(experiment(other, size, design=DesignChoice(center_points=True)))
    assert layout.cell("center-center").headers["X-Size"] == "30"


def test_long_and_equal_names_are_numbered() -> None:
    factors = [
        Factor(name, (Level("a", "0"), Level("x" * 20, "1")), f"X-{name}")
        for name in ("one", "two")
    ]
    layout = layout_of(experiment(*factors))
    assert sorted(layout.arms) == ["a-" + "x" * 20, "cell-4", CONTROL, "x" * 20 + "-a"]


def overlays(number: int) -> Factor:
    levels = [
        Level(f"l{item}", overlay={"environment": {"A": str(item)}}) for item in range(number)
    ]
    return Factor("cache", (Level("off"), *levels))


@pytest.mark.parametrize(
    ("factors", "values", "problem"),
    [
        ((*letters(7),), {}, "a full factorial has 128, and a service may have 64"),
        ((overlays(17),), {}, "it has 17, and a router has 16 slots for a service at most"),
        ((BUTTON,), {"default": "nox"}, "has no cell nox.*did you mean now"),
        (
            tuple(letters(5)),
            {"design": DesignChoice(FRACTION, resolution=3, estimate=(("A", "B"), ("D",)))},
            "cannot separate",
        ),
    ],
)
def test_problems(factors: tuple[Factor, ...], values: dict[str, object], problem: str) -> None:
    with pytest.raises(ShippingError, match=problem):
        layout_of(experiment(*factors, **values))


def test_one_experiment_runs_on_a_service() -> None:
    layout: ExperimentLayout = layout_of(experiment(BUTTON))
    check_alone(layout, {"checkout": {"service": "web"}, "search": {"service": "search"}})
    with pytest.raises(ShippingError, match="Stop other first"):
        check_alone(layout, {"other": {"service": "web"}})
